/** A run of minutes: the TTL is a tenth of the default. Seconds from the start. */
export const short = {
  ttlSeconds: 30,
  /** Processes start one after another within these. */
  startsWithin: 10,
  /** Each process reads each of its secrets once in these. */
  readEvery: 5,
  steadyFrom: 15,
  outageFrom: 75,
  backAt: 120,
  end: 165,
} as const

/** Longer than the defaults, in both: a busy machine must not look like a cache that is down. */
export const cacheTimes = { timeoutMs: 5_000, waitMs: 10_000 } as const

export interface ShortPhase {
  readonly title: string
  readonly from: number
  readonly to: number
}

export const shortPhases: readonly ShortPhase[] = [
  { title: 'start', from: 0, to: short.steadyFrom },
  { title: 'steady state', from: short.steadyFrom, to: short.outageFrom },
  { title: 'the store is down', from: short.outageFrom, to: short.backAt },
  { title: 'it is back', from: short.backAt, to: short.end },
]

/** A fleet of that size through the short timeline. */
export interface ShortFleet {
  readonly processes: number
  readonly secrets: number
  readonly hasSharedCache: boolean
}

/** Calls to the store by second, and reads that failed. */
export interface ShortRun {
  readonly calls: readonly number[]
  readonly failedReads: number
  /** Reads of the shared cache that could not be made in time. */
  readonly unavailable: number
}
