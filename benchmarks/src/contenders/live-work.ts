// A secret that is held, and read or used again and again.
import { createSecretsManager, type SecretsManager, type SecretValue } from '@finchat/secrets-core'
import { liveSecret, useSecret } from '@finchat/secrets-core/live'
import { repeated } from '../harness/measure.ts'
import type { Contender } from '../harness/scenario.ts'
import { cachedReads, secretName } from './cache-work.ts'

function manager(store: () => string): SecretsManager {
  const get = async (): Promise<{ value: string; version: number }> => ({ value: store(), version: 1 })
  return createSecretsManager({ providers: [{ specificationVersion: 'v1', name: 'store', get }] })
}

async function followed(secrets: SecretsManager): Promise<ReturnType<typeof liveSecret>> {
  const handle = liveSecret(secrets, secretName)
  await handle.ready
  return handle
}

const reads = 1_000

/** Many reads of a property for one measured step, since one takes less than the step itself. */
function propertyReads(make: () => Promise<{ readonly current: SecretValue }>): Contender {
  return async ({ scale }) => {
    const held = await make()
    let last: SecretValue | undefined
    const read = async (): Promise<void> => {
      for (let each = 0; each < reads; each += 1) last = held.current
    }
    return {
      round: async () => {
        const sample = await repeated(150 * scale, 'ns', read)
        if (last !== held.current) throw new Error('another value was read')
        return Object.fromEntries(Object.entries(sample).map(([metric, value]) => [metric, value / reads]))
      },
    }
  }
}

export const current: Contender = propertyReads(() => followed(manager(() => 'the value of the secret')))

export const property: Contender = propertyReads(async () => {
  const value = await manager(() => 'the value of the secret').getSecretValue(secretName)
  return { current: value }
})

const login = async (value: SecretValue): Promise<SecretValue> => value
const options = { isAuthError: (): boolean => false }

export const used: Contender = cachedReads(async (store) => {
  const secrets = manager(store)
  await followed(secrets)
  return () => useSecret(secrets, secretName, login, options)
})

export const readFirst: Contender = cachedReads((store) => {
  const secrets = manager(store)
  return async () => login(await secrets.getSecretValue(secretName))
})
