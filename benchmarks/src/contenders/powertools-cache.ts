// @aws-lambda-powertools/parameters, over a client of the SDK that sends nothing.
import { SecretsProvider } from '@aws-lambda-powertools/parameters/secrets'
import { SecretsManagerClient, type GetSecretValueCommand } from '@aws-sdk/client-secrets-manager'
import type { Contender } from '../harness/scenario.ts'
import { cachedReads, coldReads, copiesInHeap, secretName, ttlMs, type ReadCached } from './cache-work.ts'

function providerOver(get: (name: string) => Promise<string>): SecretsProvider {
  const send = async ({ input }: GetSecretValueCommand): Promise<object> => ({ SecretString: await get(String(input.SecretId)) })
  return new SecretsProvider({ awsSdkV3Client: Object.assign(new SecretsManagerClient({ region: 'eu-west-1' }), { send }) })
}

/** As its documentation shows it; what it holds is good for 5 s then. */
const cache: ReadCached = (store) => {
  const provider = providerOver(async () => store())
  return () => provider.get(secretName)
}

/** With `maxAge` it does not read the environment. */
export const cachedFor: Contender = cachedReads((store) => {
  const provider = providerOver(async () => store())
  return () => provider.get(secretName, { maxAge: ttlMs / 1_000 })
})

export const cached: Contender = cachedReads(cache)
export const heap: Contender = copiesInHeap(cache)
export const cold: Contender = coldReads((store) => {
  const provider = providerOver(store.get)
  return (name) => provider.get(name)
})
