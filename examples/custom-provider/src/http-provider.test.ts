import { createSecretsManager } from '@finchat/secrets-core'
import { type Repair, testSecretProvider } from '@finchat/secrets-testkit'
import { describe, expect, test } from 'vitest'
import { httpManifest, httpProvider } from './http-provider.ts'
import { type Mood, startStubStore } from './stub-store.ts'

describe('httpProvider', () => {
  testSecretProvider({
    test,
    manifest: httpManifest,
    createHarness: async () => {
      const store = await startStubStore()
      const mooded = (mood: Mood) => async (): Promise<Repair> => {
        store.mood = mood
        return async () => void (store.mood = 'well')
      }
      return {
        provider: httpProvider({ url: store.url, token: () => 'token' }),
        seed: async (path, value) => void store.secrets.set(path, value),
        withdraw: async (path) => void store.withdrawn.add(path),
        breakStore: {
          denied: mooded('denied'),
          unauthenticated: mooded('unauthenticated'),
          unreachable: mooded('unreachable'),
          failing: mooded('failing'),
          throttled: mooded('throttled'),
          hung: mooded('hung'),
          garbage: mooded('garbage'),
        },
        requests: () => store.requests,
        close: store.stop,
      }
    },
  })

  test('is one provider of a chain like any other', async () => {
    const store = await startStubStore()
    store.secrets.set('prod/token', 'hunter2')
    const secrets = createSecretsManager({ providers: [httpProvider({ url: store.url, token: () => 'token', prefix: 'prod/' })] })
    expect(await secrets.getSecret('token')).toBe('hunter2')
    await secrets.close()
    await store.stop()
  })

  test('says that no token is configured, and sends nothing', async () => {
    const store = await startStubStore()
    const provider = httpProvider({ url: store.url, token: () => undefined })
    await expect(provider.get('token', { signal: new AbortController().signal })).rejects.toMatchObject({ code: 'CREDENTIALS_MISSING' })
    expect(store.requests).toBe(0)
    await store.stop()
  })
})
