import { Keyv } from 'keyv'
import type { Contender } from '../harness/scenario.ts'
import { cachedReads, coldReads, copiesInHeap, secretName, ttlMs, type ReadCached } from './cache-work.ts'

const cache: ReadCached = async (store) => {
  const keyv = new Keyv()
  await keyv.set(secretName, store(), ttlMs)
  return () => keyv.get(secretName)
}

export const cached: Contender = cachedReads(cache)
export const heap: Contender = copiesInHeap(cache)

/** It has no flights to join. */
export const cold: Contender = coldReads((store) => {
  const keyv = new Keyv<string>()
  return async (name) => {
    const held = await keyv.get(name)
    if (held !== undefined) return held
    const value = await store.get(name)
    await keyv.set(name, value, ttlMs)
    return value
  }
})
