import type { StoredSecret } from '../contract/provider.ts'

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

/** Of the TTL, the least that is left of it by chance; and the part of a life after which a read refreshes. */
const shortestPart = 0.8
const refreshPart = 0.8

const firstAbsenceMs = 5_000
const briefMs = 1_000

/**
 * The TTL counts from when the store was asked, shortened by a random fifth so that a fleet does not refresh in step.
 * Nothing outlives the store's own `expiresAt`. A lease is neither read ahead nor stale: reading it again might issue
 * another one.
 */
export function freshness(
  secret: Pick<StoredSecret, 'expiresAt' | 'exclusive'>,
  askedAt: number,
  { ttlMs, maxStaleMs }: Lifetimes,
): Freshness {
  const expiresAt = secret.expiresAt ?? Infinity
  const freshUntil = Math.min(askedAt + ttlMs * (shortestPart + (1 - shortestPart) * Math.random()), expiresAt)
  if (secret.exclusive) return { refreshAt: Infinity, freshUntil, staleUntil: freshUntil }
  return { refreshAt: askedAt + refreshPart * (freshUntil - askedAt), freshUntil, staleUntil: Math.min(freshUntil + maxStaleMs, expiresAt) }
}

/**
 * The same for memory before a shared cache, which must be looked at again every `recheckMs`, shortened by a random fifth: what others wrote shows there.
 */
export function untilRecheck({ refreshAt, freshUntil }: Freshness, now: number, recheckMs: number): Omit<Freshness, 'staleUntil'> {
  const recheckIn = recheckMs * (shortestPart + (1 - shortestPart) * Math.random())
  return { refreshAt: Math.min(refreshAt, now + refreshPart * recheckIn), freshUntil: Math.min(freshUntil, now + recheckIn) }
}

/** The same for what is older than a write of this process: never stale, and asked for again as soon as that costs the store little. */
export function briefly({ freshUntil }: Pick<Freshness, 'freshUntil'>, now: number): Freshness {
  const end = Math.min(freshUntil, now + briefMs)
  return { refreshAt: end, freshUntil: end, staleUntil: end }
}

/**
 * How long an answer lives in the shared cache: until the first of those who hold it refreshes. So whoever is first finds a
 * gap there and asks the store, for all the others, and what is held expires in each process at a time of its own.
 */
export function sharedLifeMs(ttlMs: number): number {
  return Math.floor(ttlMs * shortestPart * refreshPart)
}

/** How long "does not exist" is believed: 5 s, doubled each time the store confirms it, up to the TTL. */
export interface Absence {
  readonly lastsMs: number
  /** 0 as soon as it is not believed any more: whoever remembers it sees that. */
  until: number
}

export function absence(before: Absence | undefined, now: number, { ttlMs }: Lifetimes): Absence {
  const lastsMs = Math.min(before === undefined ? firstAbsenceMs : before.lastsMs * 2, ttlMs)
  return { lastsMs, until: now + lastsMs }
}

/** The same, of a secret that this process wrote, whose store does not show it yet. */
export function briefAbsence(before: Absence | undefined, now: number, { ttlMs }: Lifetimes): Absence {
  return { lastsMs: before?.lastsMs ?? firstAbsenceMs / 2, until: now + Math.min(briefMs, ttlMs) }
}
