import { Cacheable } from 'cacheable'
import type { Contender } from '../harness/scenario.ts'
import { cachedReads, coldReads, secretName, ttlMs } from './cache-work.ts'

export const cached: Contender = cachedReads(async (store) => {
  const cache = new Cacheable()
  await cache.set(secretName, store(), ttlMs)
  return () => cache.get(secretName)
})

export const cold: Contender = coldReads((store) => {
  const cache = new Cacheable()
  return (name) => cache.getOrSet(name, () => store.get(name), { ttl: ttlMs })
})
