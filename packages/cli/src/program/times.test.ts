import fc from 'fast-check'
import { expect, it, vi } from 'vitest'
import { UsageError } from '../terminal/failure.ts'
import { endTime, pastTime, startTime } from './times.ts'

it('a day begins and ends in UTC', () => {
  expect(startTime('2026-11-01')).toBe(Date.UTC(2026, 10, 1))
  expect(endTime('2026-11-01')).toBe(Date.UTC(2026, 10, 2))
})

it.each(['2026-11-01T08:30:00Z', '2026-11-01T08:30Z', '2026-11-01T10:30:00.000+02:00'])(
  '%s is that moment, as begin and as end',
  (text) => {
    expect([startTime(text), endTime(text)]).toEqual([Date.UTC(2026, 10, 1, 8, 30), Date.UTC(2026, 10, 1, 8, 30)])
  },
)

it.each([
  '',
  'yesterday',
  '2026',
  '2026-11',
  '2026-02-30',
  '2026-13-01',
  '2026-11-01T08:30',
  '2026-11-01T25:00Z',
  '1',
  ' 2026-11-01',
  '2026-11-01\n',
])('%j is no time', (text) => {
  expect(() => startTime(text)).toThrow(UsageError)
})

it.each([
  ['startTime', startTime],
  ['endTime', endTime],
  ['pastTime', pastTime],
])('%s takes an age in days, and names each form that it takes', (_, parse) => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2026, 10, 29, 12) })
  try {
    expect(parse('45d')).toBe(Date.UTC(2026, 9, 15, 12))
    for (const wrong of ['0d', '045d', '45 d', '-1d', '100000d', '45', '45days', '1.5d'])
      expect(() => parse(wrong), wrong).toThrow(
        expect.objectContaining({
          message: 'it is no time',
          remedy: expect.stringMatching(/45d, .* 2026-11-01, .* 2026-11-01T08:30:00Z$/),
        }),
      )
  } finally {
    vi.useRealTimers()
  }
})

it('a time in the past is an age, or a day or time that is over', () => {
  expect(pastTime('2026-11-01')).toBe(startTime('2026-11-01'))
  expect(Math.abs(Date.now() - pastTime('400d') - 400 * 86_400_000)).toBeLessThan(60_000)
  const tomorrow = new Date(Date.now() + 86_400_000).toISOString()
  for (const future of [tomorrow, tomorrow.slice(0, 10), '9999-12-31', '0d']) expect(() => pastTime(future)).toThrow(UsageError)
})

it('takes every time as toISOString writes it', () => {
  fc.assert(
    fc.property(fc.date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true }), (date) => {
      expect(startTime(date.toISOString())).toBe(date.getTime())
      expect(startTime(date.toISOString().slice(0, 10))).toBe(Math.floor(date.getTime() / 86_400_000) * 86_400_000)
    }),
  )
})
