import { testSecretCache } from '@finchat/secrets-testkit'
import { Keyv } from 'keyv'
import { test } from 'vitest'
import { keyvCache } from './keyv-cache.ts'

testSecretCache({
  test,
  createHarness: async () => {
    const store = new Keyv()
    const on = new Map<string, unknown>()
    const key = 'ab'.repeat(32)
    let broken = false
    const adapter = {
      get: async (k: string) => {
        if (broken) throw new Error('down')
        return on.get(k)
      },
      set: async (k: string, v: string) => {
        if (broken) throw new Error('down')
        on.set(k, v)
      },
      delete: async (k: string) => {
        if (broken) throw new Error('down')
        on.delete(k)
      },
    }
    void store
    return {
      cache: keyvCache({ store: adapter, encryptionKey: key }),
      another: keyvCache({ store: adapter, encryptionKey: key }),
      breakLevel: async () => {
        broken = true
        return async () => {
          broken = false
        }
      },
      close: async () => {},
    }
  },
})
