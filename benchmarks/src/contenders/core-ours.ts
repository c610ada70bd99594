import { createSecretsManager, type AuditTrail, type SecretProvider, type SecretsManager } from '@finchat/secrets-core'
import { cachedReads, secretName, type ReadCached } from './cache-work.ts'
import type { Contender } from '../harness/scenario.ts'

/** A store in this process that holds one secret, or none. */
function provider(name: string, store: (() => string) | undefined): SecretProvider {
  return { specificationVersion: 'v1', name, get: async () => store && { value: store(), version: 1 } }
}

/** Four providers; only the given one, counted from 1, holds the secret. */
function chain(store: () => string, holder: number, audit?: AuditTrail): SecretsManager {
  const providers = [1, 2, 3, 4].map((place) => provider(`store-${place}`, place === holder ? store : undefined))
  return createSecretsManager({ providers, audit })
}

const acknowledges: AuditTrail = { specificationVersion: 'v1', record: async () => {} }

export const readSecret: ReadCached = (store) => {
  const secrets = chain(store, 1)
  return () => secrets.getSecret(secretName)
}

export const first: Contender = cachedReads(readSecret)

export const fourth: Contender = cachedReads((store) => {
  const secrets = chain(store, 4)
  return () => secrets.getSecret(secretName)
})

export const audited: Contender = cachedReads((store) => {
  const secrets = chain(store, 1, acknowledges)
  return () => secrets.getSecret(secretName)
})

export const asValue: Contender = cachedReads((store) => {
  const secrets = chain(store, 1)
  return () => secrets.getSecretValue(secretName)
})
