import { SecretsError, type SecretsErrorCode } from '@finchat/secrets-core'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { LoginBackOff } from './back-off.ts'
import { loginRefused, type Refusal, tokenRefused } from './auth-errors.ts'

beforeEach(() => void vi.useFakeTimers({ now: Date.UTC(2026, 10, 25) }))
afterEach(() => void vi.useRealTimers())

const minute = 60_000
const failed = (code: SecretsErrorCode, retryAt?: number): SecretsError => new SecretsError(code, 'it failed', { retryAt })
const refusal = (): Refusal => loginRefused({ method: 'approle', path: 'auth/approle/login', status: 400 })

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

test.each<SecretsErrorCode>(['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'INTERNAL', 'ABORTED', 'CREDENTIALS_MISSING', 'UNAUTHENTICATED'])(
  'however often a login failed with %s, the next one is tried at once',
  (code) => {
    const backOff = new LoginBackOff()
    for (let times = 0; times < 10; times += 1) backOff.failed(failed(code))
    expect(waitOf(backOff)).toBe(0)
  },
)

test('a time that the server names is waited for, but no longer than a minute, and a success ends it', () => {
  for (const [named, waited] of [
    [10_000, 10_000],
    [3_600_000, minute],
    [-5000, 0],
  ] as const) {
    const backOff = new LoginBackOff()
    backOff.failed(failed('RATE_LIMITED', Date.now() + named))
    expect(waitOf(backOff)).toBe(waited)
  }
  const backOff = new LoginBackOff()
  backOff.failed(failed('RATE_LIMITED', Date.now() + 10_000))
  backOff.succeeded()
  expect(waitOf(backOff)).toBe(0)
})

test('only the credential that was refused is not sent again for 15 minutes', () => {
  const backOff = new LoginBackOff()
  const { until } = refusal()
  const error = backOff.refused('one', refusal())
  expect([error.code, backOff.refusal]).toEqual(['UNAUTHENTICATED', error])
  expect([until > Date.now() + 15 * minute, until < Date.now() + 16 * minute]).toEqual([true, true])
  expect(() => backOff.assertNotRefused(() => 'one')).toThrow(error)
  expect(() => backOff.assertNotRefused(() => 'another')).not.toThrow()
  vi.setSystemTime(until - 1)
  expect(() => backOff.assertNotRefused(() => 'one')).toThrow('Vault refused the login at auth/approle')
  vi.setSystemTime(until)
  expect(() => backOff.assertNotRefused(() => 'one')).not.toThrow()
})

test('the error of a refused credential lets callers come back after half a minute: there may be another', () => {
  const backOff = new LoginBackOff()
  const { until } = refusal()
  expect(backOff.refused('one', refusal()).retryAt).toBe(Date.now() + minute / 2)
  vi.setSystemTime(Date.now() + 5 * minute)
  expect(backOff.refusal?.retryAt).toBe(Date.now() + minute / 2)
  vi.setSystemTime(until - 1)
  expect(backOff.refusal?.retryAt).toBe(until)
})

test('credentials that are refused in turn are each remembered', () => {
  const backOff = new LoginBackOff()
  for (const print of ['one', 'another']) backOff.refused(print, refusal())
  for (const print of ['one', 'another']) expect(() => backOff.assertNotRefused(() => print)).toThrow('Vault refused the login')
})

test('a source that gives a new credential each time is refused four times in 15 minutes, for the fifth would lock the role', () => {
  const backOff = new LoginBackOff()
  const tries: number[] = []
  for (let seconds = 0; seconds < 3600; seconds += 10) {
    try {
      backOff.assertNotRefused(() => String(seconds))
      tries.push(seconds)
      backOff.refused(String(seconds), refusal())
    } catch (error) {
      expect(error).toMatchObject({ code: 'UNAUTHENTICATED', retryAt: expect.any(Number) })
    }
    vi.setSystemTime(Date.now() + 10_000)
  }
  expect(tries.slice(0, 5)).toEqual([0, 10, 20, 30, 910])
  for (const each of tries) expect(tries.filter((other) => other >= each && other < each + 900).length).toBeLessThanOrEqual(4)
})

test('tokens that were refused are no failed logins, and of whatever number', () => {
  const backOff = new LoginBackOff()
  for (let n = 0; n < 10; n += 1) backOff.refused(String(n), tokenRefused(false))
  expect(() => backOff.assertNotRefused(() => 'another')).not.toThrow()
  expect(() => backOff.assertNotRefused(() => '9')).toThrow('Vault refused the token')
})

test('a source that gives another token at each call fills no memory', () => {
  const backOff = new LoginBackOff()
  backOff.refused('role', refusal())
  for (let n = 0; n < 1_000; n += 1) backOff.refused(String(n), tokenRefused(false))
  expect(() => backOff.assertNotRefused(() => '999')).toThrow('Vault refused the token')
  expect(() => backOff.assertNotRefused(() => '0')).not.toThrow()
  expect(() => backOff.assertNotRefused(() => 'role')).toThrow('Vault refused the login')
})

test('a clock that was set back prolongs no delay', () => {
  const backOff = new LoginBackOff()
  backOff.refused('one', refusal())
  backOff.failed(failed('RATE_LIMITED', Date.now() + 10_000))
  vi.setSystemTime(Date.now() - 24 * 60 * minute)
  expect(() => backOff.assertNotRefused(() => 'one')).not.toThrow()
  expect(() => backOff.assertMayTry()).not.toThrow()
})

test('the error names the credential after a 400, and the lock-out after a 403 of a method that has one', () => {
  const said = (method: string, status: number): string => loginRefused({ method, path: `auth/${method}/login`, status }).error.message
  expect(said('approle', 400)).toContain('the credential is wrong, or its role is not there')
  expect(said('approle', 403)).toContain('failed logins, also of other processes, may have locked out the role (see sys/locked-users')
  expect(said('userpass', 403)).toContain('may have locked out the user')
  expect(said('kubernetes', 403)).toContain('no role takes the credential')
})

test('however credentials change, none is sent twice in 15 minutes, no five are, and none waits for longer', () => {
  const step = fc.record({ credential: fc.integer({ min: 0, max: 8 }), seconds: fc.integer({ min: 0, max: 400 }) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const backOff = new LoginBackOff()
      const sent: { credential: number; at: number }[] = []
      for (const { credential, seconds } of steps) {
        vi.setSystemTime(Date.now() + seconds * 1000)
        const recent = sent.filter(({ at }) => Date.now() - at <= 15 * minute)
        try {
          backOff.assertNotRefused(() => String(credential))
          expect([recent.length < 4, recent.some((each) => each.credential === credential)]).toEqual([true, false])
          sent.push({ credential, at: Date.now() })
          backOff.refused(String(credential), refusal())
        } catch (error) {
          if (!SecretsError.isInstance(error)) throw error
          expect(Number(error.retryAt)).toBeGreaterThan(Date.now())
          expect(Number(error.retryAt)).toBeLessThan(Date.now() + 15.1 * minute)
        }
      }
    }),
  )
})

test('a login that had no answer is forgotten when a later one succeeds', () => {
  const backOff = new LoginBackOff()
  backOff.lost('one')
  expect([backOff.wasLost('one'), backOff.wasLost('another')]).toEqual([true, false])
  backOff.succeeded()
  expect(backOff.wasLost('one')).toBe(false)
})
