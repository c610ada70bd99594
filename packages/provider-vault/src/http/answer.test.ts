import { member } from '@finchat/secrets-core/http'
import { afterEach, expect, test, vi } from 'vitest'
import { says, timeOf, vaultAnswer } from './answer.ts'

afterEach(() => void vi.useRealTimers())

test("the time of an answer is the last millisecond of the server's second", () => {
  const date = 'Fri, 27 Nov 2026 10:00:00 GMT'
  expect(new Date(timeOf(vaultAnswer(200, '', { date }))).toISOString()).toBe('2026-11-27T10:00:00.999Z')
})

test.each([undefined, '', 'soon'])('the time of an answer with the date %s is our own', (date) => {
  vi.useFakeTimers({ now: 1_000_000 })
  expect(timeOf(vaultAnswer(200, '', { date }))).toBe(1_000_000)
})

test.each([
  ['{"data":{"a":1}}', { data: { a: 1 } }],
  ['[1]', undefined],
  ['null', undefined],
  ['"text"', undefined],
  ['{"a":', undefined],
  ['', undefined],
])('the body %s is read as %j', (text, body) => {
  expect(vaultAnswer(200, text)).toEqual({ status: 200, text, body })
})

test('a member is an own one, however deep', () => {
  expect(member({ data: { a: { b: 1 } } }, 'data', 'a', 'b')).toBe(1)
  expect(member({ data: null }, 'data', 'a')).toBe(undefined)
  expect(member({ data: 'text' }, 'data', 'length')).toBe(undefined)
  expect(member({ data: {} }, 'data', 'constructor')).toBe(undefined)
})

test('one line of several says it, and what is no text says nothing', () => {
  const answer = vaultAnswer(400, JSON.stringify({ errors: [7, 'permission denied', 'and more'], warnings: 'permission denied' }))
  expect(says(answer, 'errors', 'permission denied')).toBe(true)
  expect(says(answer, 'errors', 'sealed')).toBe(false)
  expect(says(answer, 'warnings', 'permission denied')).toBe(false)
})
