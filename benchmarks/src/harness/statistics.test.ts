import { expect, test } from 'vitest'
import { pairedDifference, pairedRatio, statisticsOf } from './statistics.ts'

test('the median is the middle one, or lies between the two in the middle', () => {
  expect(statisticsOf([9, 1, 5])).toEqual({ median: 5, least: 1, most: 9 })
  expect(statisticsOf([9, 1, 5, 7]).median).toBe(6)
})

test('what slowed down a whole round leaves the ratio alone', () => {
  const [own, other] = [
    [10, 100, 10],
    [5, 50, 5],
  ] as const
  expect(pairedRatio(own, other)).toBe(2)
  expect(pairedDifference(own, other)).toBe(5)
})

test('nothing is as much as nothing', () => {
  expect(pairedRatio([0], [0])).toBe(1)
})

test('a missing round is an error, not a figure', () => {
  expect(() => pairedRatio([1, 2], [1])).toThrow('a round is missing')
})
