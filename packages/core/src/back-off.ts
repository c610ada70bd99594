import type { SecretsError } from './secrets-error.ts'

const firstMs = 500
const longestMs = 60_000
/** A store that asks to be left alone for a day has told its own clock's time, or nonsense. */
const longestNamedMs = 900_000

/** After a failure: why, and before when the store is not asked again for this secret. */
export interface BackOff {
  readonly error: SecretsError
  readonly failures: number
  readonly retryAt: number
}

/**
 * Full jitter: a random part of 0.5 s, doubled up to 60 s with each failure. A store that named a time is not asked before
 * it, for up to 15 minutes; then nothing doubles, since it was left alone.
 */
export function backOff(error: SecretsError, before: BackOff | undefined, now: number): BackOff {
  const failures = (before?.failures ?? 0) + (error.retryAt === undefined || before === undefined ? 1 : 0)
  const longest = Math.min(longestMs, firstMs * 2 ** Math.min(failures - 1, 10))
  const named = Math.min(error.retryAt ?? 0, now + longestNamedMs)
  return { error, failures, retryAt: Math.max(now + Math.random() * longest, named) }
}
