import type { ProviderHarness, ProviderSuiteOptions } from './provider/harness.ts'
import { testClosing } from './provider/closing.ts'
import { testDeleting } from './provider/deleting.ts'
import { testFailing } from './provider/failing.ts'
import { testListing } from './provider/listing.ts'
import { testNames } from './provider/names.ts'
import { testReading } from './provider/reading.ts'
import { testStaging } from './provider/staging.ts'
import { testProbing } from './provider/probing.ts'
import { testRepeats } from './provider/repeats.ts'
import { testManifest } from './provider/manifest.ts'
import { trialOf, type Suite, type Trial } from './provider/trial.ts'
import { testValues } from './provider/values.ts'
import { testVersions } from './provider/versions.ts'
import { testWriting } from './provider/writing.ts'

/**
 * Proves that a provider keeps the contract of `@finchat/secrets-core`: registers one test for each rule with the runner's
 * `test`. Skips only what the manifest does not declare and what `cannotHappen` names. Each test has its own harness, and
 * closes provider and harness at the end.
 *
 * @example
 * import { test } from 'node:test'
 * import { memoryManifest, memoryProvider, testSecretProvider, type ProviderHarness } from '@finchat/secrets-testkit'
 *
 * async function createHarness(): Promise<ProviderHarness> {
 *   const provider = memoryProvider()
 *   const context = { signal: new AbortController().signal }
 *   return {
 *     provider,
 *     seed: async (path, value) => void (await provider.put(path, { value }, context)),
 *     breakStore: {},
 *     close: async () => {},
 *   }
 * }
 *
 * const never = 'it is a map in this process'
 * const cannotHappen = { denied: never, unauthenticated: never, unreachable: never, hung: never, throttled: never, garbage: never }
 * testSecretProvider({ test, manifest: memoryManifest, createHarness, cannotHappen })
 */
export function testSecretProvider({ test, manifest, createHarness, cannotHappen = {} }: ProviderSuiteOptions): void {
  const suite: Suite = {
    manifest,
    cannotHappen,
    supports: (...members) => members.every((member) => manifest.supports.includes(member)),
    canHappen: (fault) => cannotHappen[fault] === undefined,
    test: (rule, prove) => void test(rule, () => proveOver(createHarness, prove)),
  }
  for (const testRules of groups) testRules(suite)
}

const groups: readonly ((suite: Suite) => void)[] = [
  testManifest,
  testReading,
  testFailing,
  testValues,
  testNames,
  testVersions,
  testWriting,
  testListing,
  testDeleting,
  testStaging,
  testRepeats,
  testProbing,
  testClosing,
]

async function proveOver(createHarness: () => Promise<ProviderHarness>, prove: (trial: Trial) => Promise<void>): Promise<void> {
  const harness = await createHarness()
  const trial = trialOf(harness)
  try {
    await prove(trial)
  } finally {
    await harness.provider.close?.(trial.context)
    await harness.close()
  }
}
