import { SecretsError, type SecretsErrorCode } from '@finchat/secrets-core'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { LoginBackOff } from './login-back-off.ts'
import { loginRefused } from './refusals.ts'

beforeEach(() => {
  vi.useFakeTimers({ now: Date.UTC(2026, 10, 25) })
  vi.spyOn(Math, 'random').mockReturnValue(1)
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

const failed = (code: SecretsErrorCode, retryAt?: number): SecretsError => new SecretsError(code, 'it failed', { retryAt })

/** For how long nobody may try. */
function waitOf(backOff: LoginBackOff): number {
  for (let ms = 0; ; ms += 250) {
    vi.setSystemTime(Date.now() + (ms === 0 ? 0 : 250))
    try {
      backOff.assertMayTry()
      return ms
    } catch {
      continue
    }
  }
}

test('each failure doubles the longest wait, from half a second to a minute, and a success ends it', () => {
  const backOff = new LoginBackOff()
  const waits = Array.from({ length: 10 }, () => {
    backOff.failed(failed('UNAVAILABLE'))
    return waitOf(backOff)
  })
  expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000])
  backOff.succeeded()
  backOff.failed(failed('UNAVAILABLE'))
  expect(waitOf(backOff)).toBe(500)
})

test.each<SecretsErrorCode>(['ABORTED', 'CREDENTIALS_MISSING', 'UNAUTHENTICATED'])('%s is no reason to wait', (code) => {
  const backOff = new LoginBackOff()
  backOff.failed(failed(code))
  expect(waitOf(backOff)).toBe(0)
})

test('a time that the server names is waited for, but no longer than a minute', () => {
  for (const [named, waited] of [
    [10_000, 10_000],
    [3_600_000, 60_000],
    [-5000, 500],
  ] as const) {
    const backOff = new LoginBackOff()
    backOff.failed(failed('RATE_LIMITED', Date.now() + named))
    expect(waitOf(backOff)).toBe(waited)
  }
})

test('only the credential that was refused is not sent again for a minute', () => {
  const backOff = new LoginBackOff()
  const error = backOff.refused('one', loginRefused('auth/approle/login'))
  expect([error.code, backOff.refusal]).toEqual(['UNAUTHENTICATED', error])
  expect(() => backOff.assertNotRefused('one')).toThrow(error)
  expect(() => backOff.assertNotRefused('another')).not.toThrow()
  vi.setSystemTime(Date.now() + 59_999)
  expect(() => backOff.assertNotRefused('one')).toThrow('Vault refused the login at auth/approle')
  vi.setSystemTime(Date.now() + 1)
  expect(() => backOff.assertNotRefused('one')).not.toThrow()
})
