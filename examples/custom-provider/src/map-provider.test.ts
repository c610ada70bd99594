import { testSecretProvider } from '@finchat/secrets-testkit'
import { test } from 'vitest'
import { manifest, mapProvider } from './map-provider.ts'

const never = 'it is a map in this process'

testSecretProvider({
  test,
  manifest,
  createHarness: async () => {
    const store = new Map<string, string>()
    return {
      provider: mapProvider(store),
      seed: async (path, value) => void store.set(path, String(value)),
      breakStore: {},
      close: async () => {},
    }
  },
  cannotHappen: {
    denied: never,
    unauthenticated: never,
    unreachable: never,
    hung: never,
    throttled: never,
    garbage: never,
    withdrawn: 'a removed secret is gone',
  },
})
