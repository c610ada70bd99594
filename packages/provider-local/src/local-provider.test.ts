import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ProviderHarness, testSecretProvider } from '@finchat/secrets-testkit'
import { describe, test, vi } from 'vitest'
import { localProvider } from './local-provider.ts'
import { localManifest } from './shared/limits.ts'
import { denyStore, garbleStore, lockStore } from './testing/breakage.ts'
import { context, createStore, key } from './testing/temporary-store.ts'

vi.setConfig({ testTimeout: 30_000 }) // some tests wait for a lock repeatedly

/**
 * Long enough for the suite to see that a locked store delays a call, short enough to see it fail.
 */
const lockTimeoutMs = 700

async function fileHarness(): Promise<ProviderHarness> {
  const folder = mkdtempSync(join(tmpdir(), 'secrets-local-'))
  const path = join(folder, 'secrets.db')
  await createStore(path)
  return {
    provider: localProvider({ path, key, lockTimeoutMs }),
    seed: async (at, value) => {
      const other = localProvider({ path, key }) // as another process would
      await other.put(at, { value }, context)
      await other.close()
    },
    readableWhen: ['unreachable'], // a file that is open is read though others cannot write it
    breakStore: {
      denied: () => denyStore(path),
      unreachable: () => lockStore(path),
      hung: () => lockStore(path),
      garbage: () => garbleStore(path),
    },
    close: async () => rmSync(folder, { recursive: true }),
  }
}

async function memoryHarness(): Promise<ProviderHarness> {
  const provider = localProvider({ path: ':memory:' })
  const seed = async (at: string, value: string | Uint8Array): Promise<void> => void (await provider.put(at, { value }, context))
  return { provider, seed, breakStore: {}, close: async () => {} }
}

const noServer = 'a file asks for no credential and has no quota'
const noFile = 'it is memory of this process'

describe('the local provider keeps the contract with a file', () => {
  testSecretProvider({
    test,
    manifest: localManifest,
    createHarness: fileHarness,
    cannotHappen: { unauthenticated: noServer, throttled: noServer },
  })
})

describe('the local provider keeps the contract in memory', () => {
  const cannotHappen = {
    denied: noFile,
    unauthenticated: noServer,
    unreachable: noFile,
    hung: noFile,
    throttled: noServer,
    garbage: noFile,
  }
  testSecretProvider({ test, manifest: localManifest, createHarness: memoryHarness, cannotHappen })
})
