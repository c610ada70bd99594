import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { SecretsError } from '@finchat/secrets-core'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { vaultAnswer } from '../http/answer.ts'
import { tokenAuth } from '../auth/token.ts'
import type { LoginMessage } from '../token/login-events.ts'
import { answerOf, context, count, denied, leasesOf, leasingVault, path, sealed, userIn } from '../testing/leasing-vault.ts'
import { canaries, codeOf } from '../testing/stub-vault.ts'
import { TransportError } from '@finchat/secrets-core/http'

beforeEach(() => void vi.useFakeTimers({ now: Date.UTC(2026, 10, 25) }))
afterEach(() => void vi.useRealTimers())

const [minute, hour] = [60_000, 3_600_000]

/** Lets timers fire while the call is under way. */
async function within<T>(ms: number, call: Promise<T>): Promise<T> {
  const [result] = await Promise.all([call, vi.advanceTimersByTimeAsync(ms)])
  return result
}

/** As a process that was frozen: time has passed, and no timer fired. */
function freeze(ms: number): void {
  vi.setSystemTime(Date.now() + ms)
}

function heard(): LoginMessage[] {
  const told: LoginMessage[] = []
  const listen = (message: unknown): void => void told.push(message as LoginMessage) // what this channel carries
  subscribe('finchat.secrets.login', listen)
  onTestFinished(() => void unsubscribe('finchat.secrets.login', listen))
  return told
}

describe('reading a leased secret', () => {
  test('creates one account for concurrent and later reads', async () => {
    const vault = leasingVault()
    const { leases } = leasesOf(vault)
    const users = await Promise.all(Array.from({ length: 1000 }, async () => userIn(await leases.get(path, context))))
    for (let times = 0; times < 100; times += 1) users.push(userIn(await leases.get(path, context)))
    expect([new Set(users), vault.accounts.length]).toEqual([new Set(['user-1']), 1])
  })

  test('is exclusive, and has its lease id and the time to read again', async () => {
    const { leases } = leasesOf(leasingVault())
    const { value: _value, ...facts } = (await leases.get(path, context)) ?? { value: 'none' }
    expect(facts).toEqual({
      shape: 'map',
      revision: 'database/creds/app/1',
      currentSince: Date.now(),
      exclusive: true,
      expiresAt: expect.any(Number),
    })
    expect(Number(facts.expiresAt) - Date.now()).toBeGreaterThanOrEqual(0.75 * hour)
    expect(Number(facts.expiresAt) - Date.now()).toBeLessThanOrEqual(0.85 * hour)
  })

  test('counts a lease as in use while it is read, with its life', async () => {
    const vault = leasingVault()
    const { leases } = leasesOf(vault)
    expect(leases.status).toEqual({ lease: undefined, leases: 0 })
    await leases.get(path, context)
    await vi.advanceTimersByTimeAsync(minute)
    await leases.get('database/creds/other', context)
    expect(leases.status).toEqual({ lease: { expiresAt: Date.now() - minute + hour - 1_000, grantedMs: hour }, leases: 2 })
    vault.leaseSeconds = 60 // so that the renewal grants too little, and another lease takes its place
    await vi.advanceTimersByTimeAsync(hour)
    expect(leases.status).toEqual({ lease: undefined, leases: 0 })
    await leases.get(path, context)
    expect(leases.status.leases).toBe(1)
  })

  test('makes another account only when that one was refused by its target', async () => {
    const vault = leasingVault()
    const { leases } = leasesOf(vault)
    await leases.get(path, context)
    const fresh = await Promise.all([1, 2, 3].map(() => leases.get(path, { ...context, fresh: true })))
    expect(fresh.map(userIn)).toEqual(['user-2', 'user-2', 'user-2'])
    expect(userIn(await leases.get(path, context))).toBe('user-2')
  })

  test('describes what is held without asking, and asks nothing to describe what is not', async () => {
    const vault = leasingVault()
    const { leases } = leasesOf(vault)
    expect([leases.describe(path), vault.asked]).toEqual([{ exclusive: true }, []])
    const { value: _value, shape: _shape, ...facts } = (await leases.get(path, context)) ?? { value: 'none' }
    expect(leases.describe(path)).toEqual(facts)
  })

  test('is undefined for a role that does not exist, and CONFIGURATION where nothing is leased', async () => {
    for (const [answer, code] of [
      [answerOf(400, { errors: ['unknown role: app'] }), 'ok'],
      [answerOf(404, { errors: [] }), 'ok'],
      [answerOf(404, { errors: ['no handler for route "database/creds/app". route entry not found.'] }), 'CONFIGURATION'],
      [answerOf(404, { data: null, warnings: ['Invalid path for a versioned K/V secrets engine'] }), 'CONFIGURATION'],
      [answerOf(200, { lease_id: '', lease_duration: 2764800, data: { password: canaries.value } }), 'CONFIGURATION'],
      [answerOf(200, { lease_id: 'a', lease_duration: 60, data: null, request_id: 'r' }), 'CONFIGURATION'],
      [answerOf(200, { lease_id: 'a', data: { password: canaries.value } }), 'INTERNAL'],
      [answerOf(500, { errors: [canaries.value] }), 'UNAVAILABLE'],
      [answerOf(400, { errors: [canaries.value] }), 'INVALID_ARGUMENT'],
      [vaultAnswer(200, `{"data":{"password":"${canaries.value}`), 'INTERNAL'],
    ] as const) {
      const vault = leasingVault()
      vault.answer = ({ call }) => (call === 'write' ? answer : undefined)
      expect(await codeOf(leasesOf(vault).leases.get(path, context))).toBe(code)
    }
  })
})

describe('a lease', () => {
  test('is renewed in the background when it is read late in its life, and by a timer when it is not', async () => {
    const vault = leasingVault()
    const { leases } = leasesOf(vault)
    await leases.get(path, context)
    freeze(0.9 * hour)
    expect(userIn(await leases.get(path, context))).toBe('user-1')
    await vi.advanceTimersByTimeAsync(10)
    expect(count(vault, 'renew')).toBe(1)
    await vi.advanceTimersByTimeAsync(10 * hour)
    expect(count(vault, 'renew')).toBeGreaterThanOrEqual(11)
    expect(count(vault, 'renew')).toBeLessThanOrEqual(16)
    expect([userIn(await leases.get(path, context)), vault.accounts.length]).toEqual(['user-1', 1])
  })

  test('that is replaced while it is being renewed stays replaced', async () => {
    const vault = leasingVault()
    const { promise, resolve } = Promise.withResolvers<void>()
    vault.answer = async ({ path: asked }, usual) => {
      if (asked === 'sys/leases/renew') await promise
      return usual()
    }
    const { leases } = leasesOf(vault)
    await leases.get(path, context)
    freeze(0.9 * hour)
    await leases.get(path, context)
    await leases.get(path, { ...context, fresh: true })
    resolve()
    await vi.advanceTimersByTimeAsync(10)
    expect(userIn(await leases.get(path, context))).toBe('user-2')
  })

  test('whose renewal grants less than half is replaced while it is still good', async () => {
    const vault = leasingVault()
    vault.maxSeconds = 1.2 * 3600
    const { leases } = leasesOf(vault)
    await leases.get(path, context)
    freeze(0.9 * hour)
    const last = await leases.get(path, context)
    expect(userIn(last)).toBe('user-1')
    await vi.advanceTimersByTimeAsync(10)
    expect(userIn(await leases.get(path, context))).toBe('user-2')
    expect(vault.accounts[0]?.endsAt).toBeGreaterThan(Date.now())
    expect(Number(last?.expiresAt)).toBe(Date.now() - 10 + 1_000)
  })

  test('that may not be renewed by a policy, or not at all, is replaced while it is still good', async () => {
    for (const refusal of [denied, answerOf(400, { errors: ['lease is not renewable'] })]) {
      const vault = leasingVault()
      vault.answer = ({ path: asked }) => (asked === 'sys/leases/renew' ? refusal : undefined)
      const { leases } = leasesOf(vault)
      await leases.get(path, context)
      freeze(0.9 * hour)
      expect(userIn(await leases.get(path, context))).toBe('user-1')
      await vi.advanceTimersByTimeAsync(10)
      expect(userIn(await leases.get(path, context))).toBe('user-2')
    }
  })

  test('that was revoked is not handed out once Vault answers so', async () => {
    const vault = leasingVault()
    const { leases } = leasesOf(vault)
    await leases.get(path, context)
    for (const account of vault.accounts) account.endsAt = 0
    freeze(0.9 * hour)
    await leases.get(path, context)
    vault.answer = ({ call }) => (call === 'write' ? sealed : undefined)
    await vi.advanceTimersByTimeAsync(10)
    expect(await codeOf(leases.get(path, context))).toBe('UNAVAILABLE')
  })

  test('outlives an outage of Vault until its own end, and no longer', async () => {
    const vault = leasingVault()
    const { leases } = leasesOf(vault)
    await leases.get(path, context)
    const end = Date.now() + hour
    vault.answer = () => sealed
    while (Date.now() < end - minute) {
      expect(userIn(await leases.get(path, context))).toBe('user-1')
      await vi.advanceTimersByTimeAsync(minute)
    }
    freeze(minute)
    expect(await codeOf(leases.get(path, context))).toBe('UNAVAILABLE')
    vault.answer = () => undefined
    expect(userIn(await leases.get(path, context))).toBe('user-2')
  })

  test('that Vault denies us now is dropped, though it has not ended', async () => {
    const vault = leasingVault()
    vault.maxSeconds = 3600
    const { leases } = leasesOf(vault)
    await leases.get(path, context)
    vault.answer = ({ call }) => (call === 'write' ? denied : undefined)
    freeze(0.9 * hour)
    await leases.get(path, context)
    await vi.advanceTimersByTimeAsync(10)
    expect(await codeOf(leases.get(path, context))).toBe('PERMISSION_DENIED')
  })

  test('longer than a timer can hold is no storm of renewals', async () => {
    const vault = leasingVault()
    vault.leaseSeconds = vault.maxSeconds = vault.tokenSeconds = 10 * 365 * 24 * 3600
    const timers = vi.spyOn(globalThis, 'setTimeout')
    const { leases } = leasesOf(vault)
    await leases.get(path, context)
    await vi.advanceTimersByTimeAsync(60 * 24 * hour)
    expect(Math.max(...timers.mock.calls.map(([, ms]) => ms ?? 0))).toBeLessThanOrEqual(2 ** 31 - 1)
    expect(vault.asked).toEqual(['auth/approle/login', path])
  })

  test('that was never read is neither renewed nor replaced', async () => {
    const vault = leasingVault()
    const { leases } = leasesOf(vault)
    await leases.get(path, context)
    await vi.advanceTimersByTimeAsync(20 * 24 * hour)
    expect(vault.accounts.length).toBe(2) // the one that was read, and one for whoever reads next
    expect(userIn(await leases.get(path, context))).toBe('user-3')
  })

  test('is forgotten when the clock goes back', async () => {
    const { leases } = leasesOf(leasingVault())
    await leases.get(path, context)
    freeze(-hour)
    expect(userIn(await leases.get(path, context))).toBe('user-2')
  })
})

describe('a lease and its token', () => {
  test('end together: the shorter life counts', async () => {
    const vault = leasingVault()
    vault.tokenType = 'batch'
    vault.tokenSeconds = 600
    const { leases } = leasesOf(vault)
    const first = await leases.get(path, context)
    expect(Number(first?.expiresAt)).toBeLessThan(Date.now() + 10 * minute)
    vault.answer = () => sealed
    freeze(9.5 * minute)
    expect(userIn(await leases.get(path, context))).toBe('user-1')
    freeze(0.5 * minute)
    expect(await codeOf(leases.get(path, context))).toBe('UNAVAILABLE')
  })

  test('a new login means a new lease, while the old one goes on', async () => {
    const vault = leasingVault()
    vault.tokenType = 'batch'
    vault.tokenSeconds = 600
    const { leases } = leasesOf(vault)
    await leases.get(path, context)
    await vi.advanceTimersByTimeAsync(9 * minute)
    expect([count(vault, 'login'), vault.accounts.map(({ token }) => token)]).toEqual([2, ['token-1', 'token-2']])
    expect(userIn(await leases.get(path, context))).toBe('user-2')
  })

  test('a token that is renewed keeps its leases', async () => {
    const vault = leasingVault()
    vault.tokenSeconds = 600
    const { leases } = leasesOf(vault)
    for (let minutes = 0; minutes < 600; minutes += 5) {
      expect(userIn(await leases.get(path, context))).toBe('user-1')
      await vi.advanceTimersByTimeAsync(5 * minute)
    }
    expect(count(vault, 'login')).toBe(1)
  })

  test('a token that Vault refuses took its leases with it', async () => {
    const vault = leasingVault()
    const { leases } = leasesOf(vault)
    await leases.get(path, context)
    vault.endToken()
    expect(userIn(await leases.get('database/creds/other', context))).toBe('user-2')
    expect(userIn(await leases.get(path, context))).toBe('user-3')
  })
})

describe('a request for a lease that is not answered in time', () => {
  test('continues when its caller gives up, and the next reader gets its answer', async () => {
    const vault = leasingVault()
    const { promise, resolve } = Promise.withResolvers<void>()
    vault.answer = async ({ call }, usual) => {
      if (call === 'write') await promise
      return usual()
    }
    const { leases } = leasesOf(vault)
    const caller = new AbortController()
    const given = leases.get(path, { signal: caller.signal })
    await vi.advanceTimersByTimeAsync(10)
    caller.abort()
    expect(await codeOf(given)).toBe('ABORTED')
    for (let times = 0; times < 5; times += 1) expect(await within(5_000, codeOf(leases.get(path, context)))).toBe('DEADLINE_EXCEEDED')
    resolve()
    expect([userIn(await leases.get(path, context)), vault.accounts.length]).toEqual(['user-1', 1])
  })

  test('is given up after a minute, and then not repeated at once', async () => {
    const vault = leasingVault()
    vault.answer = ({ call }) => (call === 'write' ? new Promise(() => {}) : undefined)
    const { leases } = leasesOf(vault)
    for (let times = 0; times < 12; times += 1) expect(await within(5_000, codeOf(leases.get(path, context)))).toBe('DEADLINE_EXCEEDED')
    expect(await codeOf(leases.get(path, context))).toBe('DEADLINE_EXCEEDED')
    expect(count(vault, path)).toBe(1)
    vault.answer = () => undefined
    await vi.advanceTimersByTimeAsync(2_000)
    expect(userIn(await leases.get(path, context))).toBe('user-1')
  })

  test('or whose answer is lost, is repeated later and later', async () => {
    const vault = leasingVault()
    vault.answer = ({ call }) => {
      if (call === 'write') throw new TransportError('UNAVAILABLE', 'the connection broke', { sent: true })
      return undefined
    }
    const { leases } = leasesOf(vault)
    for (let seconds = 0; seconds < 600; seconds += 1) {
      await Promise.allSettled([leases.get(path, { ...context, fresh: seconds % 2 === 0 })])
      await vi.advanceTimersByTimeAsync(1_000)
    }
    const told: unknown = await leases.get(path, context).catch((error: unknown) => error)
    const asked = count(vault, path)
    expect(told).toMatchObject({ code: 'UNAVAILABLE', retryAt: expect.any(Number) })
    const { retryAt } = told as SecretsError // as was looked
    vi.setSystemTime(Number(retryAt) - 1)
    expect([await codeOf(leases.get(path, context)), count(vault, path)]).toEqual(['UNAVAILABLE', asked])
    vi.setSystemTime(Number(retryAt))
    expect([await codeOf(leases.get(path, context)), count(vault, path)]).toEqual(['UNAVAILABLE', asked + 1])
    expect(count(vault, path)).toBeGreaterThanOrEqual(10)
    expect(count(vault, path)).toBeLessThanOrEqual(30)
  })

  test('is no answer any more when what it leased has ended', async () => {
    const vault = leasingVault()
    vault.leaseSeconds = 4
    const { promise, resolve } = Promise.withResolvers<void>()
    vault.answer = async ({ call }, usual) => {
      const made = usual()
      if (call === 'write') await promise
      return made
    }
    const { leases } = leasesOf(vault)
    const given = codeOf(leases.get(path, context))
    await vi.advanceTimersByTimeAsync(4_000)
    resolve()
    expect(await given).toBe('UNAVAILABLE')
    expect(userIn(await leases.get(path, context))).toBe('user-2')
  })

  test('or that had no effect is repeated by the next reader', async () => {
    const vault = leasingVault()
    vault.answer = ({ call }) => (call === 'write' ? sealed : undefined)
    const { leases } = leasesOf(vault)
    for (let times = 0; times < 3; times += 1) expect(await codeOf(leases.get(path, context))).toBe('UNAVAILABLE')
    expect(count(vault, path)).toBe(3)
  })
})

describe('closing', () => {
  test('leaves the leases to the revocation of our token, and of those before it', async () => {
    const vault = leasingVault()
    vault.tokenSeconds = 600
    const { leases, close } = leasesOf(vault)
    await leases.get(path, context)
    vault.answer = ({ path: asked }) => (asked.endsWith('renew-self') ? answerOf(200, { auth: { lease_duration: 60 } }) : undefined)
    await vi.advanceTimersByTimeAsync(8.5 * minute)
    expect(userIn(await leases.get(path, context))).toBe('user-2')
    await close()
    expect([count(vault, 'revoke-self'), count(vault, 'leases/revoke')]).toEqual([2, 0])
    expect(await codeOf(leases.get(path, context))).toBe('ABORTED')
  })

  test('revokes each lease under a token that is not revoked, and tells where Vault does not allow that', async () => {
    for (const auth of [undefined, tokenAuth('given')]) {
      const [vault, told] = [leasingVault(), heard()]
      vault.tokenType = 'batch'
      const { leases, close } = leasesOf(vault, auth)
      await leases.get(path, context)
      await leases.get(path, { ...context, fresh: true })
      await close()
      expect(count(vault, 'leases/revoke')).toBe(2)
      expect(told.filter(({ operation }) => operation === 'revoke-lease')).toEqual(
        [1, 2].map(() => expect.objectContaining({ path, provider: 'vault', outcome: 'error', code: 'PERMISSION_DENIED' })),
      )
      const login = told.find(({ operation }) => operation === 'revoke')
      expect(login?.code).toBe(auth === undefined ? 'UNSUPPORTED' : undefined)
    }
  })

  test('waits for a lease that is on its way, and at most 0.75 seconds', async () => {
    const vault = leasingVault()
    const { promise, resolve } = Promise.withResolvers<void>()
    vault.answer = async ({ call }, usual) => {
      if (call === 'write') await promise
      return usual()
    }
    const { leases, close } = leasesOf(vault)
    const asked = codeOf(leases.get(path, context))
    await vi.advanceTimersByTimeAsync(10)
    const closing = close()
    await vi.advanceTimersByTimeAsync(500)
    expect(count(vault, 'revoke-self')).toBe(0)
    resolve()
    await closing
    expect(count(vault, 'revoke-self')).toBe(1)
    expect(['ok', 'ABORTED']).toContain(await asked)
    const hung = leasingVault()
    hung.answer = ({ call }) => (call === 'write' ? new Promise(() => {}) : undefined)
    const other = leasesOf(hung)
    const given = codeOf(other.leases.get(path, context))
    await vi.advanceTimersByTimeAsync(10)
    await within(1_001, other.close())
    expect(await given).toBe('ABORTED')
  })

  test('revokes the lease that it has at once, though another one is on its way that hangs or is late', async () => {
    for (const lateMs of [undefined, 700]) {
      const vault = leasingVault()
      const { leases, close } = leasesOf(vault, tokenAuth('given'))
      await leases.get(path, context)
      const { promise, resolve } = Promise.withResolvers<void>()
      vault.answer = async ({ call, path: asked }, usual) => {
        if (asked === 'sys/leases/revoke') return answerOf(204, undefined)
        if (call === 'write') await promise
        return usual()
      }
      const given = codeOf(leases.get(path, { ...context, fresh: true }))
      await vi.advanceTimersByTimeAsync(10)
      if (lateMs !== undefined) setTimeout(resolve, lateMs)
      const closing = close()
      await vi.advanceTimersByTimeAsync(1)
      expect(count(vault, 'leases/revoke')).toBe(1)
      await within(1_500, closing)
      expect(count(vault, 'leases/revoke')).toBe(lateMs === undefined ? 1 : 2)
      expect(['ok', 'ABORTED']).toContain(await given)
    }
  })

  test('tells of a lease that it had no time to revoke', async () => {
    const [vault, told] = [leasingVault(), heard()]
    const { leases, close } = leasesOf(vault, tokenAuth('given'))
    await leases.get(path, context)
    vault.answer = ({ path: asked }) => (asked === 'sys/leases/revoke' ? new Promise(() => {}) : undefined)
    await within(1_501, close())
    expect(told).toContainEqual(expect.objectContaining({ operation: 'revoke-lease', outcome: 'error' }))
  })
})

test('a lease without a role does not exist', async () => {
  const [vault, told] = [leasingVault(), heard()]
  vault.answer = ({ call }) => (call === 'write' ? answerOf(400, { errors: ['unknown role: app'] }) : undefined)
  expect(await leasesOf(vault).leases.get(path, context)).toBe(undefined)
  expect(told.at(-1)).toMatchObject({ operation: 'lease', path, outcome: 'error', code: 'NOT_FOUND' })
})

test('times are whole milliseconds', async () => {
  const { leases } = leasesOf(leasingVault())
  const { expiresAt = 0.5 } = (await leases.get(path, context)) ?? {}
  expect([expiresAt % 1, (leases.describe(path).expiresAt ?? 0.5) % 1]).toEqual([0, 0])
})

test('the channel of the logins reports leases without their values', async () => {
  const told = heard()
  const vault = leasingVault()
  const { leases } = leasesOf(vault)
  await leases.get(path, context)
  freeze(0.9 * hour)
  await leases.get(path, context)
  await vi.advanceTimersByTimeAsync(10)
  expect(told.map(({ operation, outcome }) => [operation, outcome])).toEqual([
    ['login', 'ok'],
    ['lease', 'ok'],
    ['renew-lease', 'ok'],
  ])
  expect(JSON.stringify(told)).not.toMatch(/c4n4ry|token-1|user-1/)
})
