import type { StoredSecret } from '../contract/provider.ts'

export interface Lifetimes {
  readonly ttlMs: number
  readonly maxStaleMs: number
}

/** The bounds of one held answer, in epoch milliseconds. */
export interface Freshness {
  /** Later reads refresh in the background. */
  readonly refreshAt: number
  /** Later reads ask the store first. */
  readonly freshUntil: number
  /** The end of its use as a stale value. */
  readonly staleUntil: number
}

const shortestPart = 0.8
const refreshPart = 0.8

const firstAbsenceMs = 5_000
const briefMs = 1_000

/**
 * A random fifth less keeps a fleet from refreshing in step. A lease is never refreshed early or
 * served stale: another read might issue a new one.
 */
export function freshness(
  secret: Pick<StoredSecret, 'expiresAt' | 'exclusive'>,
  askedAt: number,
  { ttlMs, maxStaleMs }: Lifetimes,
): Freshness {
  const expiresAt = secret.expiresAt ?? Infinity
  const freshUntil = Math.min(askedAt + shortened(ttlMs), expiresAt)
  if (secret.exclusive) return { refreshAt: Infinity, freshUntil, staleUntil: freshUntil }
  return { refreshAt: askedAt + refreshPart * (freshUntil - askedAt), freshUntil, staleUntil: Math.min(freshUntil + maxStaleMs, expiresAt) }
}

/** The in-memory cache probes the shared cache every `recheckMs`, less a random fifth. */
export function untilRecheck({ refreshAt, freshUntil }: Freshness, now: number, recheckMs: number): Omit<Freshness, 'staleUntil'> {
  const recheckIn = shortened(recheckMs)
  return { refreshAt: Math.min(refreshAt, now + refreshPart * recheckIn), freshUntil: Math.min(freshUntil, now + recheckIn) }
}

/** Less a random fifth. */
export function shortened(ms: number): number {
  return ms * (shortestPart + (1 - shortestPart) * Math.random())
}

/** For a value older than a write of this process. */
export function briefly({ freshUntil }: Pick<Freshness, 'freshUntil'>, now: number): Freshness {
  const end = Math.min(freshUntil, now + briefMs)
  return { refreshAt: end, freshUntil: end, staleUntil: end }
}

/** Ends before any in-memory copy refreshes: the first process finds a gap and asks for all. */
export function sharedLifeMs(ttlMs: number): number {
  return Math.floor(ttlMs * shortestPart * refreshPart)
}

/** "Does not exist" holds for 5 s, doubled by each confirmation, up to the TTL. */
export interface Absence {
  readonly lastsMs: number
  /** Set to 0 at its end, so that every reference sees that. */
  until: number
}

export function absence(before: Absence | undefined, now: number, { ttlMs }: Lifetimes): Absence {
  const lastsMs = Math.min(before === undefined ? firstAbsenceMs : before.lastsMs * 2, ttlMs)
  return { lastsMs, until: now + lastsMs }
}

/** For a secret that this process wrote and its store does not show yet. */
export function briefAbsence(before: Absence | undefined, now: number, { ttlMs }: Lifetimes): Absence {
  return { lastsMs: before?.lastsMs ?? firstAbsenceMs / 2, until: now + Math.min(briefMs, ttlMs) }
}

export function endAbsence(absent: Absence): void {
  absent.until = 0
}
