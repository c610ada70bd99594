import fc from 'fast-check'
import { expect, test } from 'vitest'
import { localProvider } from './local-provider.ts'
import { key, temporaryPath } from './testing/temporary-store.ts'
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

/** Runs the steps on both sides, and compares every outcome and then everything that can be read. */
async function agree(file: string, steps: readonly Step[]): Promise<void> {
  const model: Model = new Map()
  let provider = localProvider({ path: file, key })
  for (const each of steps) {
    if (each.do === 'reopen') {
      await provider.close()
      provider = localProvider({ path: file, key })
    }
    expect(await stepStore(provider, each)).toBe(stepModel(model, each))
  }
  const most = Math.max(...[...model.values()].map(({ last }) => last), 0) + 1
  expect(await observedStore(provider, paths, most)).toEqual(observedModel(model, paths, most))
  await provider.close()
  const again = localProvider({ path: file, key })
  expect(await observedStore(again, paths, most)).toEqual(observedModel(model, paths, most))
  await again.close()
}

test('whatever is done to it, the store holds what a simple model of it holds, before and after it is opened again', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => agree(temporaryPath(), steps)),
    { numRuns: 80 },
  )
}, 60_000)
