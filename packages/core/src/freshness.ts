import type { StoredSecret } from './contract.ts'

/** How long answers live, milliseconds. */
export interface Lifetimes {
  readonly ttlMs: number
  readonly maxStaleMs: number
}

/** The bounds of one held answer, epoch milliseconds. */
export interface Freshness {
  /** A read past this is answered at once and refreshes in the background. */
  readonly refreshAt: number
  /** The store must be asked first. */
  readonly freshUntil: number
  /** While the store cannot be asked: the last moment at which this is an answer. */
  readonly staleUntil: number
}

const firstAbsenceMs = 5_000

/**
 * The TTL counts from when the store was asked, shortened by a random fifth so that a fleet does not refresh in step.
 * Nothing outlives the store's own `expiresAt`, or `until`, the life that a shared level gave. A lease is neither read
 * ahead nor stale: reading it again might issue another one.
 */
export function freshness(secret: Pick<StoredSecret, 'expiresAt' | 'exclusive'>, askedAt: number, { ttlMs, maxStaleMs }: Lifetimes, until: number = Infinity): Freshness {
  const expiresAt = secret.expiresAt ?? Infinity
  const freshUntil = Math.min(askedAt + ttlMs * (0.8 + 0.2 * Math.random()), until, expiresAt)
  if (secret.exclusive) return { refreshAt: Infinity, freshUntil, staleUntil: freshUntil }
  return { refreshAt: askedAt + 0.8 * (freshUntil - askedAt), freshUntil, staleUntil: Math.min(freshUntil + maxStaleMs, expiresAt) }
}

/** How long "does not exist" is believed: 5 s, doubled each time the store confirms it, up to the TTL. */
export interface Absence {
  readonly lastsMs: number
  readonly until: number
}

export function absence(before: Absence | undefined, now: number, { ttlMs }: Lifetimes): Absence {
  const lastsMs = Math.min(before === undefined ? firstAbsenceMs : before.lastsMs * 2, ttlMs)
  return { lastsMs, until: now + lastsMs }
}
