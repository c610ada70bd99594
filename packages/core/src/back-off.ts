import type { SecretsError } from './secrets-error.ts'

const firstMs = 500
const longestMs = 60_000

/** After a failure: why, and before when the store is not asked again for this secret. */
export interface BackOff {
  readonly error: SecretsError
  readonly failures: number
  readonly retryAt: number
}

/** Full jitter (a random part of 0.5 s, doubled up to 60 s), and never before the time that the store named. */
export function backOff(error: SecretsError, before: BackOff | undefined, now: number): BackOff {
  const failures = (before?.failures ?? 0) + 1
  const longest = Math.min(longestMs, firstMs * 2 ** Math.min(failures - 1, 10))
  return { error, failures, retryAt: Math.max(now + Math.random() * longest, error.retryAt ?? 0) }
}
