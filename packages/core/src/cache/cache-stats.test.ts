import { expect, it } from 'vitest'
import { cacheStats, Tally } from './cache-stats.ts'

function tally(numbers: Partial<Tally>): Tally {
  return Object.assign(new Tally(), numbers)
}

it('starts with zeros, also for the ratio', () => {
  expect(new Tally().counts(0)).toEqual({
    hits: 0,
    misses: 0,
    hitRatio: 0,
    staleAnswers: 0,
    refreshes: 0,
    flightsJoined: 0,
    entries: 0,
    evictions: 0,
  })
  expect(cacheStats([])).toMatchObject({ hits: 0, hitRatio: 0, providers: {} })
})

it('counts by provider and in total', () => {
  const aws = tally({ hits: 6, misses: 2, staleAnswers: 1, refreshes: 3, flightsJoined: 4, evictions: 5 }).counts(7)
  const vault = tally({ misses: 4 }).counts(1)
  const stats = cacheStats([
    { name: 'aws', counts: aws },
    { name: '__proto__', counts: vault },
  ])
  expect(stats).toMatchObject({
    hits: 6,
    misses: 6,
    hitRatio: 0.5,
    staleAnswers: 1,
    refreshes: 3,
    flightsJoined: 4,
    entries: 8,
    evictions: 5,
  })
  expect(Object.entries(stats.providers)).toEqual([
    ['aws', { ...aws, hitRatio: 0.75 }],
    ['__proto__', { ...vault, hitRatio: 0 }],
  ])
})
