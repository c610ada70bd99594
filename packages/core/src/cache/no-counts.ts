import type { CacheStats } from './cache-stats.ts'

const noCounts = { hits: 0, misses: 0, hitRatio: 0, staleAnswers: 0, refreshes: 0, flightsJoined: 0, entries: 0, evictions: 0 }

/** The counters of these providers before anything was read. */
export function noStats(providers: readonly { readonly name: string }[]): CacheStats {
  return { ...noCounts, providers: Object.fromEntries(providers.map(({ name }) => [name, noCounts])) }
}
