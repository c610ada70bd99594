import { createStorage } from 'unstorage'
import type { Contender } from '../harness/scenario.ts'
import { cachedReads, secretName } from './cache-work.ts'

/** In memory; it has no expiry. */
export const cached: Contender = cachedReads(async (store) => {
  const storage = createStorage<string>()
  await storage.setItem(secretName, store())
  return () => storage.getItem(secretName)
})
