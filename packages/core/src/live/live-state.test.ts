import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { secretValue } from '../testing/secret-value.ts'
import { LiveState } from './live-state.ts'

beforeEach(() => void vi.useFakeTimers({ now: 1_000 }))
afterEach(() => void vi.useRealTimers())

test('another version is a change, and the one to use', () => {
  const state = new LiveState()
  const [first, second] = [secretValue('a', { version: 1 }), secretValue('b', { version: 2 })]
  expect([state.adopt(first), state.latest, state.best, state.changedAt]).toEqual([true, first, first, 1_000])
  vi.setSystemTime(2_000)
  expect([state.adopt(second), state.latest, state.best, state.changedAt]).toEqual([true, second, second, 2_000])
})

test('the same version, read again, replaces itself and is no change', () => {
  const state = new LiveState()
  const [first, again] = [secretValue('a', { version: 1 }), secretValue('a', { version: 1 })]
  state.adopt(first)
  vi.setSystemTime(2_000)
  expect([state.adopt(first), state.adopt(again), state.changedAt]).toEqual([false, false, 1_000])
  expect(state.latest).toBe(again)
  expect(state.best).toBe(again)
})

test('the same version, read again, is not used where another one works', () => {
  const state = new LiveState()
  const works = secretValue('b', { version: 2 })
  state.adopt(secretValue('a', { version: 1 }))
  state.best = works
  state.adopt(secretValue('a', { version: 1 }))
  expect(state.best).toBe(works)
})
