/** One moment by both clocks of this process. */
export interface Moment {
  /** Epoch milliseconds. It may be set. */
  readonly wall: number
  /** `performance.now()`. It may stand still while the machine sleeps. */
  readonly monotonic: number
}

export function presentMoment(): Moment {
  return { wall: Date.now(), monotonic: performance.now() }
}

export function earlier({ wall, monotonic }: Moment, ms: number): Moment {
  return { wall: wall - ms, monotonic: monotonic - ms }
}

/**
 * When something happened before now, by another clock's time. If that clock is ahead of this one,
 * it happened now at the latest.
 */
export function pastMoment(time: number): Moment {
  const now = presentMoment()
  return earlier(now, Math.max(0, now.wall - time))
}

export function olderOf(one: Moment, other: Moment): Moment {
  return { wall: Math.min(one.wall, other.wall), monotonic: Math.min(one.monotonic, other.monotonic) }
}

/** The larger age of both clocks: no clock that is set back or stands still makes it younger. */
export function ageOf({ wall, monotonic }: Moment): number {
  return Math.max(Date.now() - wall, performance.now() - monotonic)
}
