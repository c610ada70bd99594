import { SecretsError, type SecretProvider, type StoredSecret } from '@finchat/secrets-core'
import { assertVersionNumber, bounded } from '@finchat/secrets-core/provider'
import { describe, expect, test } from 'vitest'
import { deletingForGood, withoutRestore } from '../testing/bad-providers.ts'
import { memoryHarness } from '../testing/memory-harness.ts'
import { memoryManifest } from '../fakes/memory-provider.ts'
import type { ProviderHarness, ProviderSuiteOptions } from './provider/harness.ts'
import { testSecretProvider } from './test-secret-provider.ts'

interface Registered {
  readonly name: string
  readonly run: () => Promise<void>
}

function register(options: Partial<ProviderSuiteOptions> = {}): readonly Registered[] {
  const tests: Registered[] = []
  testSecretProvider({ manifest: memoryManifest, createHarness: memoryHarness, ...options, test: (name, run) => tests.push({ name, run }) })
  return tests
}

/** Garbage keeps the client waiting, as a store that hangs does. */
function withWaitingClient(breakStore: ProviderHarness['breakStore']): ProviderHarness['breakStore'] {
  return { ...breakStore, ...(breakStore.hung && { garbage: breakStore.hung }) }
}

describe('testSecretProvider', () => {
  test('gives every test a unique, printable title', () => {
    const names = register().map(({ name }) => name)
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([])
    expect(names.filter((name) => /\p{Cc}|\p{Cs}/u.test(name) || name.length > 140)).toEqual([])
  })

  test('creates one harness for each test, when it runs', async () => {
    const made: unknown[] = []
    const createHarness = async (): ReturnType<typeof memoryHarness> => {
      const harness = await memoryHarness()
      made.push(harness)
      return harness
    }
    const tests = register({ createHarness })
    expect(made).toEqual([])
    await tests[0]?.run()
    await tests[1]?.run()
    expect(made.length).toBe(2)
  })

  test('closes provider and harness also after a failure', async () => {
    const closed: string[] = []
    const createHarness = async (): ReturnType<typeof memoryHarness> => {
      const harness = await memoryHarness()
      const provider = { ...harness.provider, name: '', close: async () => void closed.push('provider') }
      return { ...harness, provider, close: async () => void closed.push('harness') }
    }
    await expect(register({ createHarness })[0]?.run()).rejects.toThrow('a provider has a name')
    expect(closed).toEqual(['provider', 'harness'])
  })

  test('skips only what the manifest does not declare and what cannot happen', () => {
    const all = register().map(({ name }) => name)
    const cannotHappen = { throttled: 'no quota', hung: 'no wait' }
    const some = register({ manifest: { ...memoryManifest, supports: ['getVersion', 'put'] }, cannotHappen }).map(({ name }) => name)
    const skipped = all.filter((name) => !some.includes(name))
    expect(new Set(skipped.map((name) => name.split(':')[0]))).toEqual(
      new Set([
        'failing',
        'writing',
        'listing',
        'describing',
        'tagging',
        'batch',
        'deleting',
        'restoring',
        'staging',
        'probing',
        'changes',
        'health',
        'values',
        'versions',
        'closing',
        'withdrawn',
      ]),
    )
    expect(skipped.filter((name) => name.startsWith('failing:'))).toEqual([
      'failing: throttled rejects with RATE_LIMITED, until the store is repaired',
      'failing: throttled never reads as a missing secret',
      'failing: a restore rejects with the code of the failure, and changes nothing',
      'failing: garbage is no empty list',
      'failing: a read from a store that hangs ends when its signal is aborted',
      'failing: a read from a store that hangs never resolves, also after a deadline of its own',
      'failing: a write to a store that hangs ends when its signal is aborted',
      'failing: a write that was aborted does not happen later',
      'failing: an aborted call does not keep the provider from closing',
      'failing: many aborted calls do not keep later calls from the store',
    ])
  })

  test.each(['get', 'close', 'put'])(
    'ends in seconds for a provider whose %s hangs, one test after another',
    async (hung) => {
      const createHarness = async (): ReturnType<typeof memoryHarness> => {
        const harness = await memoryHarness()
        return { ...harness, provider: { ...harness.provider, [hung]: () => new Promise(() => {}) } }
      }
      const begun = performance.now()
      let failed = 0
      for (const { run } of register({ createHarness }))
        failed += await run().then(
          () => 0,
          () => 1,
        )
      expect(failed).toBeGreaterThan(10)
      expect(performance.now() - begun).toBeLessThan(30_000)
    },
    40_000,
  )

  test('passes for a provider without identities that cannot compare', async () => {
    const createHarness = async (): ReturnType<typeof memoryHarness> => {
      const harness = await memoryHarness()
      const { specificationVersion, name, get, getVersion, put, keepsFields } = harness.provider
      const bare = (secret: StoredSecret | undefined): StoredSecret | undefined => secret && { value: secret.value, shape: secret.shape }
      const provider: SecretProvider = {
        specificationVersion,
        name,
        keepsFields,
        get: async (path, context) => bare(await get(path, context)),
        getVersion: async (path, version, context) => bare(await getVersion?.(path, version, context)),
        put: async (path, secret, context) => {
          if (secret.ifCurrent !== undefined) throw new SecretsError('UNSUPPORTED', 'the store cannot compare')
          await put?.(path, secret, context)
          return {}
        },
      }
      return { ...harness, provider }
    }
    const { values, canHoldPath } = memoryManifest
    const tests = register({ createHarness, manifest: { supports: ['put', 'getVersion'], values, canHoldPath } })
    const settled = await Promise.allSettled(tests.map(({ run }) => run()))
    expect(settled.filter(({ status }) => status === 'rejected')).toEqual([])
  })

  test('passes for a provider whose store assigns the numbers and cannot compare', async () => {
    const createHarness = async (): ReturnType<typeof memoryHarness> => {
      const harness = await memoryHarness()
      const { put } = harness.provider
      const provider: typeof harness.provider = {
        ...harness.provider,
        put: async (path, secret, context) => {
          assertVersionNumber(secret.version ?? 1)
          const isComparison = (secret.version ?? 1) !== 1 || (secret.ifCurrent ?? null) !== null
          if (isComparison) throw new SecretsError('UNSUPPORTED', 'the store cannot compare')
          return put ? put(path, secret, context) : {}
        },
      }
      return { ...harness, provider }
    }
    const tests = register({ createHarness, manifest: { ...memoryManifest, numbering: 'assigned' } })
    const settled = await Promise.allSettled(tests.map(({ run }) => run()))
    expect(settled.filter(({ status }) => status === 'rejected')).toEqual([])
  })

  test('passes for a client that waits for the rest of a garbage answer, and ends by a deadline of its own', async () => {
    const closing = new AbortController().signal
    const createHarness = async (): ReturnType<typeof memoryHarness> => {
      const harness = await memoryHarness()
      const { specificationVersion, name, get } = harness.provider
      const provider: SecretProvider = {
        specificationVersion,
        name,
        get: (path, { signal }) => bounded((ends) => get(path, { signal: ends }), { deadlineMs: 500, signal, closing }),
      }
      return { ...harness, provider, breakStore: withWaitingClient(harness.breakStore) }
    }
    const { values, canHoldPath, numbering } = memoryManifest
    const tests = register({ createHarness, manifest: { supports: [], values, canHoldPath, numbering } })
    const settled = await Promise.allSettled(tests.map(({ run }) => run()))
    expect(tests.filter((_, index) => settled[index]?.status === 'rejected').map(({ name }) => name)).toEqual([])
  })

  test('passes for a provider that deletes for good only', async () => {
    const tests = register({
      createHarness: async () => deletingForGood(await memoryHarness()),
      manifest: { ...memoryManifest, ...withoutRestore },
      cannotHappen: { withdrawn: 'the store forgets what it deletes' },
    })
    const settled = await Promise.allSettled(tests.map(({ run }) => run()))
    expect(tests.filter((_, index) => settled[index]?.status === 'rejected').map(({ name }) => name)).toEqual([])
  })

  test('passes for a provider that can only read', async () => {
    const createHarness = async (): ReturnType<typeof memoryHarness> => {
      const harness = await memoryHarness()
      const { specificationVersion, name, get } = harness.provider
      return { ...harness, provider: { specificationVersion, name, get } }
    }
    const { values, canHoldPath, numbering } = memoryManifest
    const tests = register({ createHarness, manifest: { supports: [], values, canHoldPath, numbering } })
    const settled = await Promise.allSettled(tests.map(({ run }) => run()))
    expect(settled.filter(({ status }) => status === 'rejected')).toEqual([])
  })
})
