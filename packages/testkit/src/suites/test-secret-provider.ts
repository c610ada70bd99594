import { provedTogether, proveOver } from './proofs.ts'
import type { ProviderSuiteOptions } from './provider/harness.ts'
import { testAborting } from './provider/failures/aborting.ts'
import { testApartNames } from './provider/apart/apart-names.ts'
import { testEveryValue } from './provider/apart/every-value.ts'
import { testListPages } from './provider/failures/list-pages.ts'
import { testQuiet } from './provider/failures/quiet.ts'
import { testStagedApart } from './provider/apart/staged-apart.ts'
import { testTagTexts } from './provider/apart/tag-texts.ts'
import { testVersionOrder } from './provider/apart/version-order.ts'
import { testWithdrawn } from './provider/apart/withdrawn.ts'
import { testClosing } from './provider/closing.ts'
import { testDeleting } from './provider/deleting.ts'
import { testFailing } from './provider/failures/failing.ts'
import { testListing } from './provider/listing.ts'
import { testNames } from './provider/names.ts'
import { testReading } from './provider/reading.ts'
import { testStaging } from './provider/staging.ts'
import { testProbing } from './provider/probing.ts'
import { testRepeats } from './provider/repeats.ts'
import { testManifest } from './provider/manifest.ts'
import type { Suite } from './provider/trial.ts'
import { testValues } from './provider/values.ts'
import { testVersions } from './provider/versions.ts'
import type { CallWatch } from './provider/calls/watched-calls.ts'
import { testWriting } from './provider/writing.ts'

/**
 * Proves that a provider keeps the contract of `@finchat/secrets-core`: registers one test for each rule with the runner's
 * `test`. Skips only what the manifest does not declare and what `cannotHappen` names. Each test has its own harness, but
 * for those of values, names and numbers, of which a few share one. Provider and harness are closed at the end.
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
  const watch: CallWatch = { hung: new Set() }
  const over = proveOver(createHarness, watch)
  const suite: Suite = {
    manifest,
    cannotHappen,
    supports: (...members) => members.every((member) => manifest.supports.includes(member)),
    canHappen: (fault) => cannotHappen[fault] === undefined,
    test: (rule, prove) => void test(rule, () => over(prove)),
    testTogether: (rules) => void provedTogether(rules, over).map(([rule, run]) => test(rule, run)),
  }
  for (const testRules of groups) testRules(suite)
}

const groups: readonly ((suite: Suite) => void)[] = [
  testManifest,
  testAborting,
  testApartNames,
  testEveryValue,
  testListPages,
  testStagedApart,
  testTagTexts,
  testVersionOrder,
  testWithdrawn,
  testQuiet,
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
