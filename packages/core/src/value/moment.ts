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

/** Of a past time by another clock. If that clock is ahead of this one, it is the present. */
export function pastMoment(time: number): Moment {
  const { wall, monotonic } = presentMoment()
  return { wall: time, monotonic: monotonic - Math.max(0, wall - time) }
}

/** The larger age of both clocks: no clock that is set back or stands still makes it younger. */
export function ageOf({ wall, monotonic }: Moment): number {
  return Math.max(Date.now() - wall, performance.now() - monotonic)
}
