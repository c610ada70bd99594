import type { SecretsError } from './secrets-error.ts'

const firstMs = 500
const longestMs = 60_000
/** A store that asks to be left alone for a day has told its own clock's time, or nonsense. */
const longestNamedMs = 900_000

/** After a failure: why, and before when the store is not asked again for this secret. */
export interface BackOff {
  readonly error: SecretsError
  readonly failures: number
  /** When the first of these failures in a row was noted. */
  readonly since: number
  readonly retryAt: number
  /** The same for who has a value that stands in: no earlier than `retryAt`. */
  readonly restUntil: number
}

/**
 * Full jitter: a random part of 0.5 s, doubled up to 60 s with each failure. A store that named a time is not asked before it, for up to 15 minutes,
 * nor by all at once then; nothing doubles after that, since it was left alone. Where a value stands in until `staleUntil`, nobody waits for the store:
 * the longer it was away, the longer is the time over which a fleet comes back to it, half as long up to 60 s, and half of what is left of the value at most.
 */
export function backOff(error: SecretsError, before: BackOff | undefined, now: number, staleUntil: number = now): BackOff {
  // A header that could not be parsed: with NaN, no time would ever be before when it may be asked again.
  const named = Number.isNaN(error.retryAt) ? undefined : error.retryAt
  const failures = (before?.failures ?? 0) + (named === undefined || before === undefined ? 1 : 0)
  const longest = Math.min(longestMs, firstMs * 2 ** Math.min(failures - 1, 10))
  const since = before?.since ?? now
  const soonest = Math.max(now, Math.min(named ?? 0, now + longestNamedMs))
  const longestRest = Math.min(longestMs, (soonest - since) / 2, (staleUntil - soonest) / 2)
  const random = Math.random()
  return { error, failures, since, retryAt: soonest + random * longest, restUntil: soonest + random * Math.max(longest, longestRest) }
}
