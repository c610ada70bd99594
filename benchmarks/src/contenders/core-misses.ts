import { createSecretsManager } from '@finchat/secrets-core'
import { coldReads, copiesInHeap, distinctReads, type ReadThrough } from './cache-work.ts'
import { readSecret } from './core-ours.ts'
import type { Contender } from '../harness/scenario.ts'

const through: ReadThrough = (store) => {
  const secrets = createSecretsManager({
    providers: [{ specificationVersion: 'v1', name: 'store', get: async (path) => ({ value: await store.get(path) }) }],
  })
  return (name) => secrets.getSecret(name)
}

export const cold: Contender = coldReads(through)
export const distinct: Contender = distinctReads(through)
export const heap: Contender = copiesInHeap(readSecret)
