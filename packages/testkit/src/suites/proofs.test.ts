import assert from 'node:assert/strict'
import { expect, test } from 'vitest'
import { memoryHarness } from '../testing/memory-harness.ts'
import { provedTogether, proveOver } from './proofs.ts'
import type { Rules } from './provider/trial.ts'

function counting(): { readonly made: () => number; readonly tests: (rules: Rules) => Readonly<Record<string, () => Promise<void>>> } {
  let made = 0
  const over = proveOver(
    () => {
      made += 1
      return memoryHarness()
    },
    { hung: new Set() },
  )
  return { made: () => made, tests: (rules) => Object.fromEntries(provedTogether(rules, over)) }
}

const named = (prove: Rules[string], count: number): Rules =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`rule ${n}`, prove]))

test('eight rules share a harness, with paths of their own', async () => {
  const { made, tests } = counting()
  const run = tests(
    named(async ({ seed, path, get }) => {
      for (const n of [1, 4]) assert.equal(await get(path(n)), undefined)
      for (const n of [1, 4]) await seed(path(n), 'x')
    }, 17),
  )
  await Promise.all(Object.values(run).map((each) => each()))
  expect(made()).toBe(3)
})

test('a rule that fails is the only one, and those behind it get a harness each', async () => {
  const { made, tests } = counting()
  const passes: Rules[string] = async ({ seed, path }) => seed(path(1), 'x')
  const run = tests({ first: passes, second: () => Promise.reject(new Error('broken')), third: passes, fourth: passes })
  const settled = await Promise.allSettled(Object.values(run).map((each) => each()))
  expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled'])
  expect(made()).toBe(3)
})

test('a test that runs alone proves its rule', async () => {
  const { tests } = counting()
  const run = tests({ first: async () => {}, second: () => Promise.reject(new Error('broken')) })
  await expect(run['second']?.()).rejects.toThrow('broken')
})

test('every rule fails over a harness that cannot be made, or not be closed', async () => {
  const fails: readonly Parameters<typeof proveOver>[0][] = [
    () => Promise.reject(new Error('no store')),
    async () => ({ ...(await memoryHarness()), close: () => Promise.reject(new Error('no store')) }),
  ]
  for (const createHarness of fails) {
    const run = provedTogether({ first: async () => {}, second: async () => {} }, proveOver(createHarness, { hung: new Set() }))
    for (const [, each] of run) await expect(each()).rejects.toThrow('no store')
  }
})
