import { SecretsError } from '@finchat/secrets-core'
import { describe, expect, test } from 'vitest'
import { dueStatus, dueTimesOf } from './due-times.ts'

const schedule = { everyMs: 1_000, jitter: 0 }

describe('the times of a version', () => {
  test.each([
    [{ currentSince: 5_000 }, 5_000],
    [{ currentSince: 5_000, currentNotBefore: 4_000 }, 5_000],
    [{ currentNotBefore: 4_000 }, 4_000],
  ])('count from %o', (described, since) => {
    const times = dueTimesOf(schedule, 'db', { provider: 'store', ...described })
    expect(times).toEqual({ currentSince: since, dueAt: since + 1_000, overdueAt: since + 1_000 })
  })

  test('are UNSUPPORTED where the store tells none', () => {
    const call = (): unknown => dueTimesOf(schedule, 'db', { provider: 'store', version: 1 })
    expect(call).toThrow(SecretsError)
    expect(call).toThrow(expect.objectContaining({ code: 'UNSUPPORTED', secret: 'db' }))
  })

  test('are UNAVAILABLE in the answer of a fallback, whose version may be older', () => {
    const call = (): unknown => dueTimesOf(schedule, 'db', { provider: 'fallback', currentSince: 5_000, degraded: true })
    expect(call).toThrow(expect.objectContaining({ code: 'UNAVAILABLE', secret: 'db' }))
  })

  test.each([
    [99, 'ok'],
    [100, 'due'],
    [199, 'due'],
    [200, 'overdue'],
  ])('at %i make it %s', (now, status) => {
    expect(dueStatus({ currentSince: 0, dueAt: 100, overdueAt: 200 }, now)).toBe(status)
  })
})
