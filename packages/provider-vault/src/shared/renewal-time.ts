/** What is remembered of a token's or a lease's life. Times are epoch milliseconds. */
export interface Life {
  /** The duration of the first grant; infinite if unknown or without end. */
  readonly grantedMs: number
  /** Slightly before the server ends it. */
  readonly endsAt: number
  /** When to renew or replace it. */
  readonly renewAt: number
}

/** A token is renewed after 0.6 to 0.74 of its life, spread for a fleet. */
export function tokenLife(grantedMs: number, askedAt: number): Life {
  return lifeOf(grantedMs, askedAt, 0.6 + Math.random() / 7)
}

/** A lease is renewed after 0.75 to 0.85, so that its token's replacement replaces the lease too. */
export function leaseLife(grantedMs: number, askedAt: number): Life {
  return lifeOf(grantedMs, askedAt, 0.75 + Math.random() / 10)
}

/** The grant may be as old as the request. */
function lifeOf(grantedMs: number, askedAt: number, renewedAfter: number): Life {
  if (grantedMs === Number.POSITIVE_INFINITY) return { grantedMs, endsAt: grantedMs, renewAt: grantedMs }
  const endsAt = askedAt + grantedMs - Math.min(1000, grantedMs / 20)
  return { grantedMs, endsAt, renewAt: askedAt + grantedMs * renewedAfter }
}

/** Near its maximum life it is renewed for less and less, and should be replaced. */
export function nearsItsEnd(renewedMs: number, { grantedMs }: Pick<Life, 'grantedMs'>): boolean {
  return renewedMs < grantedMs / 2
}
