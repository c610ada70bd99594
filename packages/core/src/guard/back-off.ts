import { isOutage, isUnasked } from '../errors/error-classes.ts'
import { type SecretsError, withDetails } from '../errors/secrets-error.ts'

const firstMs = 500
const longestRestMs = 60_000
/** A reader without a value waits no longer for a store that is back. */
const longestInOutageMs = 4_000
/** A longer time is the store's own clock, or an error. */
const longestNamedMs = 900_000
/** The store may be back if nothing was asked for so long after the cool-down. */
const tellingMs = 10_000

export interface BackOff {
  /** With `retryAt` if the store could not be asked. */
  readonly error: SecretsError
  readonly failures: number
  /** The first failure in a row. */
  readonly since: number
  readonly at: number
  readonly retryAt: number
  /** `retryAt` for a reader that has a stale value. */
  readonly restUntil: number
}

export interface BackOffOptions {
  /** When the held stale value expires; absent if none is held. */
  readonly staleUntil?: number | undefined
  /** One process asks for all others, so their return needs no further spread. */
  readonly isShared?: boolean | undefined
  /** The longest wait: 4 s by default after an outage, else 60 s. */
  readonly longestMs?: number | undefined
}

/**
 * Full jitter: a random part of 0.5 s, doubled up to 4 s for outages and 60 s for other failures. A
 * time that the store names is kept for up to 15 minutes, plus jitter, without doubling. A reader
 * with a stale value retries later, since it does not wait: after half the outage's length. That is
 * at most 60 s and half of the value's remaining life.
 */
export function backOff(
  error: SecretsError,
  before: BackOff | undefined,
  now: number,
  { staleUntil, isShared = false, longestMs = isOutage(error.code) ? longestInOutageMs : longestRestMs }: BackOffOptions = {},
): BackOff {
  // `retryAt` is NaN if a header could not be parsed.
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

/** Whether the next attempt will probably fail too. A clock that was set back ends it. */
export function isTelling({ error, at, restUntil }: BackOff, now: number): boolean {
  return isOutage(error.code) && now >= at && now < restUntil + tellingMs
}

function withRetryAt(error: SecretsError, retryAt: number): SecretsError {
  return isUnasked(error.code) ? withDetails(error, { retryAt }) : error
}
