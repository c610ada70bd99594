import fc from 'fast-check'
import { expect, test } from 'vitest'
import { localProvider } from './local-provider.ts'
import { key, otherKey, temporaryPath } from './testing/temporary-store.ts'
import { type Model, observedModel, observedStore, type Step, stepModel, stepStore } from './testing/store-model.ts'

const paths = ['a', 'a/b', 'ä', '__proto__']
const path = fc.constantFrom(...paths)
const value = fc.oneof(fc.string({ unit: 'grapheme' }), fc.uint8Array({ maxLength: 20 }))
const tagKey = fc.constantFrom('team', '10', '9', '__proto__')
const tags = fc.dictionary(tagKey, fc.string({ maxLength: 5 }), { maxKeys: 2 })

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom('put', 'stage'), path, value, tags, skip: fc.constantFrom(0, 0, 0, 2) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('promote', 'discard', 'delete', 'purge', 'restore'), path }) },
  fc.record({ do: fc.constant('tag'), path, tags: fc.dictionary(tagKey, fc.option(fc.string({ maxLength: 5 })), { maxKeys: 2 }) }),
  fc.record({ do: fc.constant('prune'), keep: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ do: fc.constantFrom('reopen', 'reencrypt') }),
)

/** The keys of a store that is re-encrypted again and again: each time a new one seals, and the one before still opens. */
function keysAfter(reencryptions: number): Uint8Array[] {
  const keyOf = (n: number): Uint8Array => (n === 0 ? key : new Uint8Array(32).fill(n))
  return reencryptions === 0 ? [key, otherKey] : [keyOf(reencryptions), keyOf(reencryptions - 1)]
}

/** Runs the steps on both sides, and compares every outcome and then everything that can be read. */
async function agree(file: string, steps: readonly Step[]): Promise<void> {
  const model: Model = new Map()
  let reencryptions = 0
  let provider = localProvider({ path: file, keys: keysAfter(0) })
  for (const each of steps) {
    if (each.do === 'reencrypt') reencryptions++
    if (each.do === 'reopen' || each.do === 'reencrypt') {
      await provider.close()
      provider = localProvider({ path: file, keys: keysAfter(reencryptions) })
    }
    expect(await stepStore(provider, each)).toBe(stepModel(model, each))
  }
  const most = Math.max(...[...model.values()].map(({ last }) => last), 0) + 1
  expect(await observedStore(provider, paths, most)).toEqual(observedModel(model, paths, most))
  await provider.close()
  const again = localProvider({ path: file, keys: keysAfter(reencryptions).slice(0, 1) }) // the others are not needed any more
  expect(await observedStore(again, paths, most)).toEqual(observedModel(model, paths, most))
  await again.close()
}

test('whatever is done to it, the store holds what a simple model of it holds, before and after it is opened again', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => agree(temporaryPath(), steps)),
    { numRuns: 80 },
  )
}, 60_000)
