import fc from 'fast-check'
import { expect, test } from 'vitest'
import { localProvider } from './local-provider.ts'
import { type Keep, type Model, observedModel, observedStore, type Step, stepModel, stepStore } from './testing/store-model.ts'
import { key, otherKey, temporaryPath } from './testing/temporary-store.ts'

const paths = ['a', 'a/b', 'ä', '__proto__']
const path = fc.constantFrom(...paths)
const value = fc.oneof(fc.string({ unit: 'grapheme' }), fc.uint8Array({ maxLength: 20 }))
const tagKey = fc.constantFrom('team', '10', '9', '__proto__')
const tags = fc.dictionary(tagKey, fc.string({ maxLength: 5 }), { maxKeys: 2 })

/** Some skips cross a node of versions or go far. */
const skip = fc.constantFrom(0, 0, 0, 0, 2, 13, 255, 70_000)
const keep: fc.Arbitrary<Keep> = fc.constantFrom<Keep[]>(1, 2, 3, 'all')

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom('put', 'stage'), path, value, tags, skip }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('promote', 'discard', 'delete', 'purge', 'restore'), path }) },
  fc.record({ do: fc.constant('tag'), path, tags: fc.dictionary(tagKey, fc.option(fc.string({ maxLength: 5 })), { maxKeys: 2 }) }),
  fc.record({ do: fc.constant('prune'), keep: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ do: fc.constant('reopen'), keep }),
  fc.record({ do: fc.constant('reencrypt') }),
)

/**
 * The keys of a store that is re-encrypted repeatedly: a new one seals, and the one before still
 * opens.
 */
function keysAfter(reencryptions: number): Uint8Array[] {
  const keyOf = (n: number): Uint8Array => key.map((byte) => byte ^ n)
  return reencryptions === 0 ? [key, otherKey] : [keyOf(reencryptions), keyOf(reencryptions - 1)]
}

/** Runs the steps on both sides, and compares every outcome and all that can be read. */
async function agree(file: string, steps: readonly Step[], atFirst: Keep): Promise<void> {
  const model: Model = new Map()
  const used = new Set([1])
  let [reencryptions, keepVersions] = [0, atFirst]
  let provider = localProvider({ path: file, keys: keysAfter(0), keepVersions })
  for (const each of steps) {
    if (each.do === 'reencrypt') reencryptions++
    if (each.do === 'reopen') keepVersions = each.keep
    if (each.do === 'reopen' || each.do === 'reencrypt') {
      await provider.close()
      provider = localProvider({ path: file, keys: keysAfter(reencryptions), keepVersions })
    }
    expect(await stepStore(provider, each)).toBe(stepModel(model, each, keepVersions))
    for (const { last } of model.values()) for (const number of [last, last + 1, last + 16]) used.add(number)
  }
  const numbers = [...used]
  expect(await observedStore(provider, paths, numbers)).toEqual(observedModel(model, paths, numbers))
  await provider.close()
  // the other keys are retired
  const again = localProvider({ path: file, keys: keysAfter(reencryptions).slice(0, 1) })
  expect(await observedStore(again, paths, numbers)).toEqual(observedModel(model, paths, numbers))
  await again.close()
}

test('after random operations the store matches a model, before and after reopening', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), keep, async (steps, atFirst) => agree(temporaryPath(), steps, atFirst)),
    { numRuns: 80 },
  )
}, 60_000)

/** Steps on one secret that is written often, so that writes remove many versions. */
const often: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({ do: fc.constantFrom('put', 'stage'), path: fc.constant('a'), value, tags, skip: fc.constantFrom(0, 0, 0, 5) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('promote', 'discard'), path: fc.constant('a') }) },
  fc.record({ do: fc.constant('prune'), keep: fc.integer({ min: 15, max: 40 }) }),
  fc.record({ do: fc.constant('reopen'), keep: fc.constantFrom<Keep[]>(1, 20, 'all') }),
)

test('a secret with many versions matches the model, whatever writes remove', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(often, { minLength: 60, maxLength: 120 }), async (steps) => agree(temporaryPath(), steps, 'all')),
    { numRuns: 12 },
  )
}, 120_000)
