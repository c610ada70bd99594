import { testSecretProvider } from '@finchat/secrets-testkit'
import { describe, test } from 'vitest'
import { type NumberedStore, numberedManifest, numberedProvider } from './numbered-provider.ts'

const never = 'it is a map in this process'

/** A store in memory that tells its watchers of each write. */
class Store implements NumberedStore {
  readonly #secrets = new Map<string, { readonly value: string; readonly version: number }>()
  readonly #watchers = new Set<(path: string) => void>()

  readonly find = (path: string): { readonly value: string; readonly version: number } | undefined => this.#secrets.get(path)

  readonly watch = (changed: (path: string) => void): (() => void) => {
    this.#watchers.add(changed)
    return () => void this.#watchers.delete(changed)
  }

  readonly write = (path: string, value: string): void => {
    this.#secrets.set(path, { value, version: (this.find(path)?.version ?? 0) + 1 })
    for (const changed of this.#watchers) changed(path)
  }
}

describe('the provider with numbers, `probe` and `changes`', () => {
  testSecretProvider({
    test,
    manifest: numberedManifest,
    createHarness: async () => {
      const store = new Store()
      return {
        provider: numberedProvider(store),
        seed: async (path, value) => store.write(path, String(value)),
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
})
