import { expect, test } from 'vitest'
import { randomFrom } from '../harness/random.ts'
import { largestT, welch } from './welch.ts'

test('is that of a worked example', () => {
  // n = 3 each: means 2 and 4, variances 1 and 4; t = -2 / sqrt(1/3 + 4/3)
  expect(welch([1, 2, 3], [2, 4, 6])).toBeCloseTo(-1.549, 3)
})

test('is small for samples of one kind, and large where the fast ones differ however much noise there is', () => {
  const random = randomFrom(1)
  const sample = (least: number): number[] =>
    Array.from({ length: 5000 }, () => least + random.below(100) + (random.chance(0.05) ? random.below(100_000) : 0))
  expect(largestT(sample(1000), sample(1000))).toBeLessThan(4.5)
  expect(Math.abs(welch(sample(1000), sample(1010)))).toBeLessThan(4.5)
  expect(largestT(sample(1000), sample(1010))).toBeGreaterThan(10)
})
