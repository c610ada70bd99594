import { SecretsError } from '@finchat/secrets-core'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { LeaseBackOff } from './back-off.ts'

beforeEach(() => void vi.useFakeTimers({ now: Date.UTC(2026, 10, 25) }))
afterEach(() => void vi.useRealTimers())

test('a clock that was set back holds no request for a lease for longer', () => {
  const backOff = new LeaseBackOff()
  const told = backOff.failed(new SecretsError('UNAVAILABLE', 'the answer was lost', { effect: 'unknown' }))
  expect(told.retryAt).toBeGreaterThan(Date.now())
  expect(() => backOff.assertMayTry()).toThrow(told.message)
  vi.setSystemTime(Date.now() - 3_600_000)
  expect(backOff.isOver).toBe(true)
  expect(() => backOff.assertMayTry()).not.toThrow()
})
