import { describe, expect, test } from 'vitest'
import { memoryHarness } from '../testing/memory-harness.ts'
import { memoryManifest } from '../fakes/memory-provider.ts'
import type { ProviderSuiteOptions } from './provider/harness.ts'
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

describe('the suite for providers', () => {
  test('names every test once, printable and on one line', () => {
    const names = register().map(({ name }) => name)
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([])
    expect(names.filter((name) => /\p{Cc}|\p{Cs}/u.test(name) || name.length > 140)).toEqual([])
  })

  test('makes no harness before a test runs, and one for each', async () => {
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

  test('closes the provider and the harness of a test that fails too', async () => {
    const closed: string[] = []
    const createHarness = async (): ReturnType<typeof memoryHarness> => {
      const harness = await memoryHarness()
      const provider = { ...harness.provider, name: '', close: async () => void closed.push('provider') }
      return { ...harness, provider, close: async () => void closed.push('harness') }
    }
    await expect(register({ createHarness })[0]?.run()).rejects.toThrow('a provider has a name')
    expect(closed).toEqual(['provider', 'harness'])
  })

  test('skips what the manifest does not declare, and what cannot happen, and nothing else', () => {
    const all = register().map(({ name }) => name)
    const cannotHappen = { throttled: 'no quota', hung: 'no wait' }
    const some = register({ manifest: { ...memoryManifest, supports: ['getVersion', 'put'] }, cannotHappen }).map(({ name }) => name)
    const skipped = all.filter((name) => !some.includes(name))
    expect(new Set(skipped.map((name) => name.split(':')[0]))).toEqual(
      new Set(['failing', 'writing', 'listing', 'describing', 'tagging', 'batch', 'deleting', 'restoring', 'staging', 'health']),
    )
    expect(skipped.filter((name) => name.startsWith('failing:'))).toEqual([
      'failing: throttled is RATE_LIMITED, until it is mended',
      'failing: throttled never reads as a secret that does not exist',
      'failing: a store that never answers holds a call only until its signal is aborted',
      'failing: a write to a store that never answers ends when its signal is aborted',
      'failing: a call that was aborted leaves nothing that keeps the provider from closing',
      'failing: a list from an unreachable store rejects, and is not empty',
    ])
  })

  test('proves a provider that can only read', async () => {
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
