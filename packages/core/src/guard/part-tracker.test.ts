import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { PartTracker } from './part-tracker.ts'

beforeEach(() => void vi.useFakeTimers({ now: 1_000 }))
afterEach(() => vi.useRealTimers())

it('a part that was not used yet is unchecked', () => {
  expect(new PartTracker().health()).toEqual({ status: 'unchecked' })
})

it('one that fails says why, and since when it does', () => {
  const part = new PartTracker()
  part.failed('first')
  vi.setSystemTime(5_000)
  part.failed('second', 'repair it')
  expect(part.health()).toEqual({ status: 'failed', since: 1_000, problem: 'second', remedy: 'repair it' })
})

it('one that answers again is ok, and a later failure begins anew', () => {
  const part = new PartTracker()
  part.failed('first')
  part.answered()
  expect(part.health()).toEqual({ status: 'ok' })
  vi.setSystemTime(9_000)
  part.failed('later')
  expect(part.health()).toMatchObject({ since: 9_000 })
})
