import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { secretValue } from '../../testing/secret-value.ts'
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

test('what the far side refuses is known for a minute, or until something works', () => {
  const state = new LiveState()
  const [first, second, late] = ['a', 'b', 'c'].map((text, index) => secretValue(text, { version: index + 1 }))
  if (!first || !second || !late) throw new Error('there are three values')
  state.wasRefused(first)
  expect(state.refused.has(first)).toBe(false) // no value is in use yet
  state.adopt(first)
  state.wasRefused(late)
  state.wasRefused(secretValue('a', { version: 7 }))
  expect([first, late].map((value) => state.refused.has(value))).toEqual([true, false])
  vi.advanceTimersByTime(59_999)
  expect(state.refused.has(first)).toBe(true)
  vi.advanceTimersByTime(1)
  expect(state.refused.has(first)).toBe(false)
  state.wasRefused(first)
  state.refused.clear()
  expect(state.refused.has(first)).toBe(false)
  state.wasRefused(first)
  state.adopt(second)
  expect([first, second].map((value) => state.refused.has(value))).toEqual([true, true])
})

test('what is current after a refusal is for one login to try first, once', () => {
  const state = new LiveState()
  const [first, second, third] = ['a', 'b', 'c'].map((text, index) => secretValue(text, { version: index + 1 }))
  if (!first || !second || !third) throw new Error('there are three values')
  state.adopt(first)
  expect(state.trials).toBe(0)
  state.wasRefused(first)
  state.adopt(second)
  state.choose(second)
  expect(state.trials).toBe(1)
  state.wasRefused(second)
  state.choose(second)
  expect(state.trials).toBe(2)
  state.refused.clear()
  state.adopt(third)
  expect([state.trials, state.refused.has(third)]).toEqual([2, false])
})

test('of credentials that the far side refuses the last eight are known', async () => {
  const { refused } = new LiveState()
  const values = Array.from({ length: 9 }, (_, index) => secretValue(`${index}`, { version: index }))
  const { news } = refused
  for (const value of [...values, ...values.slice(1)]) refused.add(value)
  await news
  expect(values.map((value) => refused.has(value))).toEqual([false, ...Array.from({ length: 8 }, () => true)])
})
