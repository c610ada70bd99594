import { isOutage, isUnasked } from '../errors/error-classes.ts'
import { SecretsError } from '../errors/secrets-error.ts'

const firstMs = 500
const longestRestMs = 60_000
/** After an outage: whoever holds no value waits no longer than that for a store that is back. */
const longestInOutageMs = 4_000
/** A store that asks to be left alone for a day has told its own clock's time, or nonsense. */
const longestNamedMs = 900_000

/** After a failure: why, and before when the store is not asked again for this secret. */
export interface BackOff {
  /** The failure, with `retryAt` where the store could not be asked. */
  readonly error: SecretsError
  readonly failures: number
  /** When the first of these failures in a row was noted. */
  readonly since: number
  /** When the latest one was noted. */
  readonly at: number
  readonly retryAt: number
  /** The same for a reader whose stale value stands in: no earlier than `retryAt`. */
  readonly restUntil: number
}

export interface BackOffOptions {
  /** Until when a stale value stands in; absent where none does. */
  readonly staleUntil?: number | undefined
  /** One process asks for all who share a cache: their return need not be spread any further. */
  readonly isShared?: boolean | undefined
  /** The longest wait: 4 s by default after an outage, else 60 s. */
  readonly longestMs?: number | undefined
}

/**
 * Full jitter: a random part of 0.5 s, doubled up to 4 s with each outage and up to 60 s with each other failure. A store that named a time is
 * not asked before it, for up to 15 minutes, and a fleet does not ask all at once then. Nothing doubles after that, since it was left alone.
 * Where a value stands in until `staleUntil`, no reader waits for the store: it is asked less often, up to once in 60 s. So those processes come
 * back over a time that grows with the outage: half as long up to 60 s, and half of what is left of the value at most.
 */
export function backOff(
  error: SecretsError,
  before: BackOff | undefined,
  now: number,
  { staleUntil, isShared = false, longestMs = isOutage(error.code) ? longestInOutageMs : longestRestMs }: BackOffOptions = {},
): BackOff {
  // A header that could not be parsed: with NaN, no time would ever be before when it may be asked again.
  const named = Number.isNaN(error.retryAt) ? undefined : error.retryAt
  const failures = (before?.failures ?? 0) + (named === undefined || before === undefined ? 1 : 0)
  const doubled = firstMs * 2 ** Math.min(failures - 1, 10)
  const since = before?.since ?? now
  const soonest = Math.max(now, Math.min(named ?? 0, now + longestNamedMs))
  const random = Math.random()
  const retryAt = soonest + random * Math.min(longestMs, doubled)
  const spread = staleUntil === undefined || isShared ? 0 : Math.min((soonest - since) / 2, (staleUntil - soonest) / 2)
  const restUntil = staleUntil === undefined ? retryAt : soonest + random * Math.min(longestRestMs, Math.max(doubled, spread))
  return { error: withRetryAt(error, retryAt), failures, since, at: now, retryAt, restUntil }
}

/** The same error for readers who are not let through before then; what a store said of the secret itself stays as it is. */
function withRetryAt(error: SecretsError, retryAt: number): SecretsError {
  return isUnasked(error.code) ? new SecretsError(error.code, error.problem, { ...error, retryAt }) : error
}
