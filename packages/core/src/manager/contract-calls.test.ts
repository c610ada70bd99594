import { describe, expect, it } from 'vitest'
import type { SecretProvider } from '../contract/provider.ts'
import type { SharedCache } from '../contract/shared-cache.ts'
import { createSecretsManager } from './create-manager.ts'
import { failureOf, refusal } from '../testing/refusal.ts'

const provider: SecretProvider = { specificationVersion: 'v1', name: 'store', get: async () => undefined }
const shared: SharedCache = {
  specificationVersion: 'v1',
  read: async () => ({ leaseToken: {} }),
  fill: async () => {},
  invalidate: async () => {},
}

describe('a member of a provider or shared cache that is not a function', () => {
  const calls = [
    'locate',
    'keepsFields',
    'getVersion',
    'getMany',
    'describe',
    'list',
    'put',
    'tag',
    'delete',
    'restore',
    'checkHealth',
    'close',
  ]

  it.each(calls)('is CONFIGURATION when the manager is created: %s() of a provider', (call) => {
    for (const member of [null, 'hunter2', {}]) {
      const error = failureOf(() => createSecretsManager({ providers: [{ ...provider, [call]: member }] }))
      expect(error.code).toBe('CONFIGURATION')
      expect(error.message).toMatch(
        new RegExp(`^the provider 'store' has (null|text|an object) for ${call}\\(\\) \\(pass a function, or leave it out\\)$`),
      )
    }
  })

  it('may be left out, or undefined', async () => {
    const members = Object.fromEntries(calls.map((call) => [call, undefined]))
    const secrets = createSecretsManager({ providers: [{ ...provider, ...members }] })
    expect((await refusal(secrets.getSecret('token'))).code).toBe('NOT_FOUND')
  })

  it.each(['read', 'fill', 'invalidate'])('is required of a shared cache: %s()', (call) => {
    for (const member of [undefined, 'hunter2']) {
      const error = failureOf(() =>
        createSecretsManager({ providers: [{ ...provider, sharedAs: 's' }], cache: { shared: { ...shared, [call]: member } } }),
      )
      expect([error.code, error.message]).toEqual([
        'CONFIGURATION',
        `cache.shared has ${member === undefined ? 'undefined' : 'text'} for ${call}() (pass a function)`,
      ])
    }
  })
})
