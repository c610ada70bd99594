import { AssertionError } from 'node:assert/strict'
import type { ProviderHarness, ProviderSuiteOptions } from './provider/harness.ts'
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
import { trialOf, within, type Suite, type Trial } from './provider/trial.ts'
import { testValues } from './provider/values.ts'
import { testVersions } from './provider/versions.ts'
import type { CallWatch } from './provider/calls/watched-calls.ts'
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
  const watch: CallWatch = { hung: new Set() }
  const suite: Suite = {
    manifest,
    cannotHappen,
    supports: (...members) => members.every((member) => manifest.supports.includes(member)),
    canHappen: (fault) => cannotHappen[fault] === undefined,
    test: (rule, prove) => void test(rule, () => proveOver(createHarness, watch, prove)),
  }
  for (const testRules of groups) testRules(suite)
}

const closeMs = 4_000

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

type Prove = (trial: Trial) => Promise<void>

async function proveOver(createHarness: () => Promise<ProviderHarness>, watch: CallWatch, prove: Prove): Promise<void> {
  const harness = await createHarness()
  const trial = trialOf(harness, watch)
  try {
    await prove(trial)
  } finally {
    try {
      await closing(trial, watch)
    } finally {
      await harness.close()
    }
  }
}

/** A `close` that hung in one test is not awaited again, so that the suite ends in seconds. */
async function closing({ harness, context }: Trial, { hung }: CallWatch): Promise<void> {
  const closed = harness.provider.close?.(context) ?? Promise.resolve()
  const ms = hung.has('close') ? 0 : closeMs
  await within(ms, closed, 'close hangs at the end of a test').catch((error: unknown) => {
    if (error instanceof AssertionError) hung.add('close')
    throw error
  })
}
