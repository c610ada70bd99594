import assert from 'node:assert/strict'
import { SecretsError, type CallContext, type SecretProvider } from '@finchat/secrets-core'
import { wrapProvider, type ProviderManifest } from '@finchat/secrets-core/provider'
import { beforeAll } from 'vitest'
import { memoryHarness } from './memory-harness.ts'
import { memoryManifest, type MemoryProvider } from '../fakes/memory-provider.ts'
import type { FailureMode, ProviderHarness, TestFunction } from '../suites/provider/harness.ts'
import { testSecretProvider } from '../suites/test-secret-provider.ts'

/** A provider that breaks one rule, and the test that must catch it. */
export interface BadProvider {
  readonly spoil: (harness: ProviderHarness) => ProviderHarness
  readonly caughtBy: string
  readonly manifest?: Partial<ProviderManifest> | undefined
  readonly cannotHappen?: Partial<Record<FailureMode, string>> | undefined
}

/**
 * Proves that this group of rules catches each bad provider, and that every rule catches at least one. `manifest` says
 * which rules there are.
 */
export function testCatches(
  test: TestFunction,
  group: RegExp,
  bad: Readonly<Record<string, BadProvider>>,
  manifest?: Partial<ProviderManifest>,
): void {
  let caught: ReadonlyMap<string, readonly string[]> = new Map()
  // All at once: many end only with a timeout of the suite.
  beforeAll(async () => {
    const runs = Object.entries(bad).map(async ([does, provider]) => [does, await failuresOf(group, provider)] as const)
    caught = new Map(await Promise.all(runs))
  }, 120_000)

  for (const [does, { caughtBy }] of Object.entries(bad)) {
    test(`catch a provider that ${does}`, async () => {
      const failures = caught.get(does) ?? []
      assert.ok(failures.includes(caughtBy), `not caught by '${caughtBy}', but by: ${failures.join('; ') || 'nothing'}`)
    })
  }

  test('catch at least one bad provider each', async () => {
    const failures = new Set([...caught.values()].flat())
    const rules = rulesOf(group, { spoil: (harness) => harness, manifest, caughtBy: '' }).map(({ rule }) => rule)
    assert.deepEqual(
      rules.filter((rule) => !failures.has(rule)),
      [],
    )
    assert.ok(rules.length > 0)
  })
}

async function failuresOf(group: RegExp, bad: BadProvider): Promise<readonly string[]> {
  const rules = rulesOf(group, bad)
  const settled = await Promise.allSettled(rules.map(({ prove }) => prove()))
  return rules.filter((_, index) => settled[index]?.status === 'rejected').map(({ rule }) => rule)
}

function rulesOf(
  group: RegExp,
  { spoil, manifest, cannotHappen }: BadProvider,
): readonly { readonly rule: string; readonly prove: () => Promise<void> }[] {
  const rules: { rule: string; prove: () => Promise<void> }[] = []
  testSecretProvider({
    test: (rule, prove) => void (group.test(rule) && rules.push({ rule, prove })),
    manifest: { ...memoryManifest, ...manifest },
    createHarness: async () => spoil(await memoryHarness()),
    cannotHappen,
  })
  return rules
}

/** Replaces members of the provider, made from the good one. */
export function replacing(make: (good: MemoryProvider, harness: ProviderHarness) => Partial<SecretProvider>): BadProvider['spoil'] {
  // `failuresOf` spoils a harness of the memory provider.
  return (harness) => ({ ...harness, provider: { ...harness.provider, ...make(harness.provider as MemoryProvider, harness) } })
}

/** A provider that accepts `purge: true` only, and a store that nobody can make withdraw a secret otherwise. */
export function deletingForGood(harness: ProviderHarness): ProviderHarness {
  const { delete: remove, restore: _, ...others } = harness.provider as MemoryProvider // of `memoryHarness`
  return {
    ...harness,
    withdraw: undefined,
    provider: {
      ...others,
      delete: async (path, options, context) => {
        if (!options.purge) throw new SecretsError('UNSUPPORTED', 'the store cannot undo a delete')
        return remove(path, options, context)
      },
    },
  }
}

/** The manifest of a provider that deletes for good only. */
export const withoutRestore: Partial<ProviderManifest> = { supports: memoryManifest.supports.filter((member) => member !== 'restore') }

/** A bad provider that deletes for good only. */
export function badForGood(caughtBy: string, make: (good: MemoryProvider['delete']) => MemoryProvider['delete']): BadProvider {
  return {
    spoil: (harness) => replacing((good) => ({ delete: make(good.delete) }))(deletingForGood(harness)),
    manifest: withoutRestore,
    cannotHappen: { withdrawn: 'the store forgets what it deletes' },
    caughtBy,
  }
}

/** Changes the outcomes of these methods. */
export function changing(
  methods: readonly string[],
  change: (outcome: PromiseSettledResult<unknown>, path: string) => unknown,
): BadProvider['spoil'] {
  return (harness) => {
    const provider = wrapProvider(harness.provider, async (call, next) => {
      if (!methods.includes(call.method)) return next(call.context)
      const [outcome] = await Promise.allSettled([next(call.context)])
      return change(outcome, String(call.args[0]))
    })
    return { ...harness, provider }
  }
}

/** Changes answers, and keeps rejections. */
export function answering(methods: readonly string[], change: (answer: never) => unknown): BadProvider['spoil'] {
  return changing(methods, (outcome) => {
    if (outcome.status === 'rejected') throw outcome.reason
    return change(outcome.value as never) // each table knows its types
  })
}

/** Changes rejections into another error or, with `undefined`, into absence. */
export function rejecting(
  methods: readonly string[],
  change: (error: Error & { readonly code?: string }) => Error | undefined,
): BadProvider['spoil'] {
  return changing(methods, (outcome) => {
    if (outcome.status === 'fulfilled') return outcome.value
    const error = change(outcome.reason)
    if (error !== undefined) throw error
    return undefined
  })
}

/** Maps every path to another. */
export function misreading(change: (path: string) => string): BadProvider['spoil'] {
  return replacing(({ get, getVersion, getMany, describe, put }) => ({
    get: (path, context) => get(change(path), context),
    getVersion: (path, version, context) => getVersion(change(path), version, context),
    getMany: (paths, context) => getMany(paths.map(change), context),
    describe: (path, context) => describe(change(path), context),
    put: (path, secret, context) => put(change(path), secret, context),
  }))
}

/** A context without the caller's signal. */
export function unaborted(context: CallContext): CallContext {
  return { ...context, signal: new AbortController().signal }
}
