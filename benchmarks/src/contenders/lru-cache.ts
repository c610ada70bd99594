import { LRUCache } from 'lru-cache'
import type { Contender } from '../harness/scenario.ts'
import { cachedReads, coldReads, copiesInHeap, distinctReads, secretName, ttlMs, type ReadCached, type ReadThrough } from './cache-work.ts'

const through: ReadThrough = (store) => {
  const cache = new LRUCache<string, string>({ max: 1_000, ttl: ttlMs, fetchMethod: (name) => store.get(name) })
  return (name) => cache.fetch(name)
}

const cache: ReadCached = (store) => {
  const read = through({ get: async () => store() })
  return () => read(secretName)
}

export const cached: Contender = cachedReads(cache)
export const heap: Contender = copiesInHeap(cache)
export const cold: Contender = coldReads(through)
export const distinct: Contender = distinctReads(through)
