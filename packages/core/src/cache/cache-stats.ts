/** Counters since the manager was created. */
export interface CacheCounts {
  /** Reads answered from memory, including "does not exist". */
  readonly hits: number
  /** Reads that waited for the store or the shared cache, or met a back-off. */
  readonly misses: number
  /** `hits / (hits + misses)`, 0 before the first read. */
  readonly hitRatio: number
  readonly staleAnswers: number
  /** Background refreshes of values about to expire. */
  readonly refreshes: number
  /** Reads that waited for another reader's call. */
  readonly flightsJoined: number
  readonly entries: number
  /** Values that made room for others. */
  readonly evictions: number
}

/** Counters of each provider's cache since the manager was made. */
export interface CacheStats extends CacheCounts {
  readonly providers: Readonly<Record<string, CacheCounts>>
}

export class Tally {
  hits = 0
  misses = 0
  staleAnswers = 0
  refreshes = 0
  flightsJoined = 0
  evictions = 0

  counts(entries: number): CacheCounts {
    const { hits, misses, staleAnswers, refreshes, flightsJoined, evictions } = this
    return { hits, misses, hitRatio: ratio(hits, misses), staleAnswers, refreshes, flightsJoined, entries, evictions }
  }
}

export function cacheStats(stores: readonly { readonly name: string; readonly counts: CacheCounts }[]): CacheStats {
  const sum = (key: keyof CacheCounts): number => stores.reduce((total, { counts }) => total + counts[key], 0)
  const hits = sum('hits')
  const misses = sum('misses')
  return {
    hits,
    misses,
    hitRatio: ratio(hits, misses),
    staleAnswers: sum('staleAnswers'),
    refreshes: sum('refreshes'),
    flightsJoined: sum('flightsJoined'),
    entries: sum('entries'),
    evictions: sum('evictions'),
    providers: Object.fromEntries(stores.map(({ name, counts }) => [name, counts])),
  }
}

function ratio(hits: number, misses: number): number {
  return hits === 0 ? 0 : hits / (hits + misses)
}
