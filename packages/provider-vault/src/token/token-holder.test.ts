import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { SecretsError } from '@finchat/secrets-core'
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { vaultAnswer, type VaultAnswer } from '../http/answer.ts'
import { appRole } from '../auth/app-role.ts'
import { awsIam } from '../auth/aws-iam.ts'
import { cert } from '../auth/cert.ts'
import { jwt, kubernetes } from '../auth/jwt.ts'
import { tokenAuth, tokenFunction } from '../auth/token.ts'
import { userpass } from '../auth/userpass.ts'
import type { VaultAuth } from '../auth/vault-auth.ts'
import { timedCall, TransportError, untilEnded } from '@finchat/secrets-core/http'
import { TokenBytes } from '../shared/token-bytes.ts'
import { type LoginMessage, loginEvents } from './login-events.ts'
import type { Outgoing } from '../protocol/request.ts'
import { TokenHolder } from './token-holder.ts'

beforeEach(() => void vi.useFakeTimers({ now: Date.UTC(2026, 10, 25) }))
afterEach(() => void vi.useRealTimers())

const hour = 3_600_000
const never = new AbortController().signal

/** A server that gives out tokens 1, 2, 3, …; a test changes what it answers. */
interface FakeVault {
  readonly asked: string[]
  /** The same, each with its token. */
  readonly tokensAsked: string[]
  leaseSeconds: number
  renewSeconds: number
  tokenType: string
  uses: number
  answer: (outgoing: Outgoing) => VaultAnswer | Promise<VaultAnswer | undefined> | undefined
}

function fakeVault(): FakeVault {
  return { asked: [], tokensAsked: [], leaseSeconds: 3600, renewSeconds: 3600, tokenType: 'service', uses: 0, answer: () => undefined }
}

function holderWith(vault: FakeVault, auth: VaultAuth | undefined = appRole({ roleId: 'r', secretId: 's' })): TokenHolder {
  let minted = 0
  const usual = ({ path }: Outgoing): VaultAnswer => {
    const renewable = vault.tokenType === 'service'
    if (path === 'auth/token/renew-self') return json(200, { auth: { lease_duration: vault.renewSeconds, renewable } })
    if (path === 'auth/token/lookup-self') return json(200, { data: { ttl: vault.leaseSeconds, renewable } })
    if (!path.endsWith('login')) return json(204, undefined)
    return json(200, {
      auth: {
        client_token: `token-${(minted += 1)}`,
        lease_duration: vault.leaseSeconds,
        renewable,
        token_type: vault.tokenType,
        num_uses: vault.uses,
      },
    })
  }
  const send = async (outgoing: Outgoing, signal: AbortSignal): Promise<VaultAnswer> => {
    vault.asked.push(outgoing.path)
    vault.tokensAsked.push(`${outgoing.path} ${outgoing.token}`)
    await Promise.resolve()
    return (await untilEnded(Promise.resolve(vault.answer(outgoing)), signal)) ?? usual(outgoing)
  }
  const holder = new TokenHolder({ auth, send, events: loginEvents('vault', auth.method), timeoutMs: 5000, closing: never })
  onTestFinished(() => holder.close())
  return holder
}

/** Nothing special, after so long. */
function afterwards(ms: number): Promise<undefined> {
  return new Promise((resolve) => void setTimeout(() => resolve(undefined), ms))
}

function json(status: number, body: unknown): VaultAnswer {
  return vaultAnswer(status, body === undefined ? '' : JSON.stringify(body))
}

/** What the channel tells from now on. */
function listening(): LoginMessage[] {
  const told: LoginMessage[] = []
  const listen = (message: unknown): void => void told.push(message as LoginMessage) // what this channel carries
  subscribe('finchat.secrets.login', listen)
  onTestFinished(() => void unsubscribe('finchat.secrets.login', listen))
  return told
}

const refusal = json(400, { errors: ['invalid role or secret ID'] })
const sealed = json(503, { errors: ['Vault is sealed'] })
const logins = ({ asked }: FakeVault): number => asked.filter((path) => path.endsWith('login')).length

async function codeOf(call: Promise<unknown>): Promise<string> {
  const [settled] = await Promise.allSettled([call])
  if (settled.status === 'fulfilled') return String(settled.value)
  return SecretsError.isInstance(settled.reason) ? settled.reason.code : String(settled.reason)
}

/** Lets timers fire while the call is under way. */
async function within<T>(ms: number, call: Promise<T>): Promise<T> {
  const [result] = await Promise.all([call, vi.advanceTimersByTimeAsync(ms)])
  return result
}

test('concurrent calls share one login, and later calls its token', async () => {
  const vault = fakeVault()
  const holder = holderWith(vault)
  const tokens = await Promise.all(Array.from({ length: 100 }, () => holder.token(never)))
  expect(new Set([...tokens, await holder.token(never)])).toEqual(new Set(['token-1']))
  expect(logins(vault)).toBe(1)
})

test('there is no login before a token is needed, and none without a credential', async () => {
  const vault = fakeVault()
  expect(vault.asked).toEqual([])
  const holder = new TokenHolder({
    auth: undefined,
    send: async () => sealed,
    events: loginEvents('vault', 'none'),
    timeoutMs: 5000,
    closing: never,
  })
  expect(await codeOf(holder.token(never))).toBe('CREDENTIALS_MISSING')
})

test('a caller that gives up does not end the login', async () => {
  const vault = fakeVault()
  const { promise, resolve } = Promise.withResolvers<undefined>()
  vault.answer = () => promise
  const holder = holderWith(vault)
  const impatient = timedCall({ timeoutMs: 10, closing: never }, (signal) => holder.token(signal)).catch((error: unknown) => String(error))
  const patient = holder.token(never)
  expect(await within(20, impatient)).toContain('no answer within the time limit')
  resolve(undefined)
  expect(await patient).toBe('token-1')
})

test('a token is renewed in the background when it is used late in its life, and by a timer when it is not', async () => {
  const vault = fakeVault()
  const holder = holderWith(vault)
  await holder.token(never)
  vi.setSystemTime(Date.now() + 0.8 * hour) // frozen: no timer fired
  expect(await holder.token(never)).toBe('token-1')
  await vi.advanceTimersByTimeAsync(10)
  expect(vault.asked).toEqual(['auth/approle/login', 'auth/token/renew-self'])
  await vi.advanceTimersByTimeAsync(10 * hour)
  const renewals = vault.asked.filter((path) => path.endsWith('renew-self')).length
  expect(renewals).toBeGreaterThanOrEqual(13)
  expect(renewals).toBeLessThanOrEqual(18)
  expect([await holder.token(never), logins(vault)]).toEqual(['token-1', 1])
})

test('however many use a token late in its life, it is renewed once', async () => {
  const vault = fakeVault()
  const holder = holderWith(vault)
  await holder.token(never)
  vi.setSystemTime(Date.now() + 0.8 * hour)
  await Promise.all(Array.from({ length: 20 }, () => holder.token(never)))
  await vi.advanceTimersByTimeAsync(10)
  expect(vault.asked).toEqual(['auth/approle/login', 'auth/token/renew-self'])
})

test.each([
  ['succeeds', json(200, { auth: { lease_duration: 3600, renewable: true } })],
  ['grants less than half', json(200, { auth: { lease_duration: 60, renewable: true } })],
  ['fails', sealed],
])('a renewal that %s when the token was replaced meanwhile changes nothing', async (_what, answer) => {
  const vault = fakeVault()
  const holder = holderWith(vault)
  const first = await holder.token(never)
  const { promise, resolve } = Promise.withResolvers<VaultAnswer>()
  vault.answer = ({ path }) => (path.endsWith('renew-self') ? promise : undefined)
  vi.setSystemTime(Date.now() + 0.8 * hour)
  await holder.token(never)
  expect(await holder.replace(first, never)).toBe('token-2')
  resolve(answer)
  await vi.advanceTimersByTimeAsync(10)
  expect([await holder.token(never), logins(vault)]).toEqual(['token-2', 2])
})

test('a holder has one timer, and none when it is closed', async () => {
  const vault = fakeVault()
  const holder = holderWith(vault)
  let token = await holder.token(never)
  for (let times = 0; times < 5; times += 1) token = await holder.replace(token, never)
  expect(vi.getTimerCount()).toBe(1)
  await holder.close()
  expect(vi.getTimerCount()).toBe(0)
})

test('a refusal of a token that was replaced meanwhile does not touch the next', async () => {
  const vault = fakeVault()
  const holder = holderWith(vault)
  const first = await holder.token(never)
  const next = await holder.replace(first, never)
  expect([await holder.replace(first, never), logins(vault)]).toEqual([next, 2])
  expect(holder.refused(first).message).toContain('another one was got meanwhile')
  expect(await holder.token(never)).toBe(next)
})

test('there is no login for a call that has ended', async () => {
  const vault = fakeVault()
  await expect(holderWith(vault).token(AbortSignal.abort())).rejects.toMatchObject({ code: 'ABORTED' })
  expect(vault.asked).toEqual([])
})

test('a renewal that grants less than half means a new login, while the old token goes on', async () => {
  const vault = fakeVault()
  const holder = holderWith(vault)
  await holder.token(never)
  vault.renewSeconds = 1200
  vi.setSystemTime(Date.now() + 0.9 * hour)
  expect(await holder.token(never)).toBe('token-1')
  await vi.advanceTimersByTimeAsync(10)
  expect([await holder.token(never), logins(vault)]).toEqual(['token-2', 2])
})

test('renewals that grant a little less each time end in a new login too', async () => {
  const vault = fakeVault()
  const holder = holderWith(vault)
  await holder.token(never)
  for (const [seconds, later, token] of [
    [2200, 2700, 'token-1'],
    [1400, 1800, 'token-2'],
  ] as const) {
    vault.renewSeconds = seconds
    vi.setSystemTime(Date.now() + later * 1000)
    await holder.token(never)
    await vi.advanceTimersByTimeAsync(10)
    expect(await holder.token(never)).toBe(token)
  }
})

test('a token whose renewal fails is used until it ends, then there is a login', async () => {
  const vault = fakeVault()
  const holder = holderWith(vault)
  await holder.token(never)
  vault.answer = ({ path }) => (path.endsWith('renew-self') ? sealed : undefined)
  vi.setSystemTime(Date.now() + 0.95 * hour)
  expect(await holder.token(never)).toBe('token-1')
  await vi.advanceTimersByTimeAsync(10)
  expect(await holder.token(never)).toBe('token-1')
  vi.setSystemTime(Date.now() + 0.05 * hour)
  expect(await holder.token(never)).toBe('token-2')
})

test('a token that ended in an idle process is not renewed', async () => {
  const vault = fakeVault()
  const holder = holderWith(vault)
  await holder.token(never)
  vault.answer = () => sealed
  await vi.advanceTimersByTimeAsync(2 * hour)
  const asked = vault.asked.length
  await vi.advanceTimersByTimeAsync(10 * hour)
  expect(vault.asked.length).toBe(asked)
  vault.answer = () => undefined
  expect(await holder.token(never)).toBe('token-2')
})

test('a renewal that grants no time, or does not say how much, means a new login', async () => {
  for (const auth of [{ lease_duration: 0 }, { lease_duration: '3600' }, {}, undefined]) {
    const vault = fakeVault()
    const holder = holderWith(vault)
    await holder.token(never)
    vault.answer = ({ path }) => (path.endsWith('renew-self') ? json(200, { request_id: 'r', data: {}, auth }) : undefined)
    await vi.advanceTimersByTimeAsync(0.8 * hour)
    expect([await holder.token(never), logins(vault)]).toEqual(['token-2', 2])
  }
})

test('a life of less than a second is no storm of renewals', async () => {
  const vault = fakeVault()
  vault.leaseSeconds = 0.001
  vault.renewSeconds = 0.001
  await holderWith(vault).token(never)
  await vi.advanceTimersByTimeAsync(10_000)
  expect(vault.asked.length).toBeLessThan(20)
})

test('a token lives from when it was asked for, however long the answer took', async () => {
  const vault = fakeVault()
  const { promise, resolve } = Promise.withResolvers<undefined>()
  vault.answer = () => promise
  const holder = holderWith(vault)
  const given = holder.token(never)
  await vi.advanceTimersByTimeAsync(0)
  vi.setSystemTime(Date.now() + 0.5 * hour) // frozen
  resolve(undefined)
  await given
  vi.setSystemTime(Date.now() + 0.5 * hour)
  expect(await holder.token(never)).toBe('token-2')
})

test('a token that cannot be renewed is replaced before it ends', async () => {
  const vault = fakeVault()
  vault.tokenType = 'batch'
  const holder = holderWith(vault)
  await holder.token(never)
  await vi.advanceTimersByTimeAsync(0.8 * hour)
  expect(vault.asked).toEqual(['auth/approle/login', 'auth/approle/login'])
  expect(await holder.token(never)).toBe('token-2')
})

test('a life beyond what a timer can hold is no storm of renewals', async () => {
  const vault = fakeVault()
  vault.leaseSeconds = 10 * 365 * 24 * 3600
  vault.renewSeconds = vault.leaseSeconds
  const timers = vi.spyOn(globalThis, 'setTimeout')
  const holder = holderWith(vault)
  await holder.token(never)
  await vi.advanceTimersByTimeAsync(60 * 24 * hour)
  expect(Math.max(...timers.mock.calls.map(([, ms]) => ms ?? 0))).toBeLessThanOrEqual(2 ** 31 - 1)
  expect(vault.asked).toEqual(['auth/approle/login'])
})

test.each([400, 403])('a credential refused with %s is sent once in 15 minutes, unless its source gives another', async (status) => {
  const vault = fakeVault()
  let secretId = 'wrong'
  vault.answer = ({ body }) => (body?.includes('wrong') ? json(status, { errors: ['no'] }) : undefined)
  const holder = holderWith(vault, appRole({ roleId: 'r', secretId: () => secretId }))
  const asked = (): Promise<unknown>[] => Array.from({ length: 20 }, () => holder.token(never))
  for (const call of asked()) await expect(call).rejects.toMatchObject({ code: 'UNAUTHENTICATED', retryAt: expect.any(Number) })
  for (let minutes = 0; minutes < 15; minutes += 1) {
    expect(await codeOf(holder.token(never))).toBe('UNAUTHENTICATED')
    await vi.advanceTimersByTimeAsync(60_000)
  }
  expect(await codeOf(holder.token(never))).toBe('UNAUTHENTICATED')
  expect(logins(vault)).toBe(1)
  await vi.advanceTimersByTimeAsync(3_000)
  expect(await codeOf(holder.token(never))).toBe('UNAUTHENTICATED')
  expect(logins(vault)).toBe(2)
  secretId = 'right'
  expect(await holder.token(never)).toBe('token-1')
})

test.each<[string, () => VaultAuth]>([
  ['approle', () => appRole({ roleId: 'r', secretId: 's' })],
  ['userpass', () => userpass({ username: 'bob', password: 'p' })],
  ['jwt', () => jwt({ jwt: 'a.b.c', role: 'ci' })],
  ['kubernetes', () => kubernetes({ role: 'app', jwt: 'a.b.c' })],
  ['cert', () => cert({ role: 'app' })],
  ['aws', () => awsIam({ role: 'app', credentials: { accessKeyId: 'a', secretAccessKey: 'b' } })],
  ['an own method', () => ({ method: 'ldap', prepare: async () => ({ path: 'auth/ldap/login/bob', body: { password: 'p' } }) })],
])('%s: a refused login is not repeated', async (_method, auth) => {
  const vault = fakeVault()
  vault.answer = () => refusal
  const holder = holderWith(vault, auth())
  for (let times = 0; times < 10; times += 1) {
    expect(await codeOf(holder.token(never))).toBe('UNAUTHENTICATED')
    await vi.advanceTimersByTimeAsync(60_000) // a signature of AWS is another one then
  }
  expect(vault.asked.length).toBe(1)
})

test('a refused token of a function is not sent again, though its end is another each time', async () => {
  const vault = fakeVault()
  const holder = holderWith(
    vault,
    tokenFunction(async () => ({ token: 'given', expiresAt: Date.now() + hour })),
  )
  const refused = holder.refused(await holder.token(never))
  vi.setSystemTime(Date.now() + 5)
  expect([refused.code, await codeOf(holder.token(never))]).toEqual(['UNAUTHENTICATED', 'UNAUTHENTICATED'])
})

test('all calls with a refused token get the same error', async () => {
  const holder = holderWith(fakeVault(), tokenAuth('given'))
  const token = await holder.token(never)
  const told = listening()
  const first = holder.refused(token)
  expect(first.message).toMatch(/Vault refused the token.*it is wrong, expired or revoked: give another/)
  expect(holder.refused(token)).toEqual(first)
  await vi.advanceTimersByTimeAsync(0)
  expect(told).toMatchObject([{ operation: 'token', outcome: 'error', code: 'UNAUTHENTICATED' }])
})

test('a refused token of a login is not called one that was given', async () => {
  const holder = holderWith(fakeVault())
  expect(holder.refused(await holder.token(never)).message).toContain('the token that it had given at the login')
})

test('a given token reports no login, because it is not proved yet', async () => {
  const told = listening()
  await holderWith(fakeVault(), tokenAuth('given')).token(never)
  await holderWith(fakeVault()).token(never)
  expect(told.map(({ operation, outcome }) => [operation, outcome])).toEqual([
    ['token', 'ok'],
    ['login', 'ok'],
  ])
})

const outages: [string, () => VaultAnswer | Promise<VaultAnswer>][] = [
  ['is sealed', () => sealed],
  ['is not initialised', () => json(501, { errors: [] })],
  ['cannot be reached', () => Promise.reject(new TransportError('UNAVAILABLE', 'the server cannot be reached'))],
  ['breaks the connection', () => Promise.reject(new TransportError('UNAVAILABLE', 'the connection broke', { sent: true }))],
  ['hangs', () => new Promise<VaultAnswer>(() => {})],
  ['has no leader', () => vaultAnswer(307, '')],
  ['fails', () => json(500, { errors: ['internal error'] })],
  ['is behind a proxy that cannot reach it', () => vaultAnswer(502, '<html>Bad Gateway</html>')],
]
test.each(outages)('after half a minute in which the server %s, the first call after its return is answered', async (_what, answer) => {
  const vault = fakeVault()
  vault.answer = answer
  const holder = holderWith(vault)
  const call = (): Promise<string> => timedCall({ timeoutMs: 5000, closing: never }, (signal) => holder.token(signal))
  const calls: Promise<unknown>[] = []
  for (let ms = 0; ms < 27_000; ms += 500) {
    calls.push(Promise.allSettled([call()]))
    await vi.advanceTimersByTimeAsync(500)
  }
  vault.answer = () => undefined
  expect(await within(4_990, call())).toBe('token-1')
  await within(1_000, Promise.all(calls))
})

test('concurrent calls share one login during an outage', async () => {
  const vault = fakeVault()
  vault.answer = () => sealed
  const holder = holderWith(vault)
  const codes = await Promise.all(Array.from({ length: 100 }, () => codeOf(holder.token(never))))
  expect([new Set(codes), logins(vault)]).toEqual([new Set(['UNAVAILABLE']), 1])
})

test('a quota holds the login back until a time that the error names', async () => {
  const vault = fakeVault()
  vault.answer = () => json(429, { errors: ['request path "auth/approle/login": rate limit quota exceeded'] })
  const holder = holderWith(vault)
  const [told] = await Promise.allSettled([holder.token(never)])
  const { code, retryAt } = (told as PromiseRejectedResult).reason as SecretsError // as it is below
  expect([code, Number(retryAt) > Date.now(), Number(retryAt) <= Date.now() + 2_000]).toEqual(['RATE_LIMITED', true, true])
  vault.answer = () => undefined
  expect([await codeOf(holder.token(never)), logins(vault)]).toEqual(['RATE_LIMITED', 1])
  vi.setSystemTime(Number(retryAt))
  expect(await holder.token(never)).toBe('token-1')
})

test('a renewal that hangs delays no call', async () => {
  const vault = fakeVault()
  const holder = holderWith(vault)
  await holder.token(never)
  vault.answer = ({ path }) => (path.endsWith('renew-self') ? new Promise<VaultAnswer>(() => {}) : undefined)
  vi.setSystemTime(Date.now() + 0.8 * hour)
  expect(await holder.token(never)).toBe('token-1')
  vi.setSystemTime(Date.now() + 0.2 * hour)
  expect(await holder.token(never)).toBe('token-2')
})

test('a token of so many uses is handed out so often, and then there is another', async () => {
  const vault = fakeVault()
  vault.uses = 3
  const holder = holderWith(vault)
  const tokens = await Promise.all(Array.from({ length: 60 }, () => holder.token(never)))
  const times = new Map<string, number>()
  for (const each of tokens) times.set(each, (times.get(each) ?? 0) + 1)
  expect([...times.values()]).toEqual(Array.from({ length: 20 }, () => 3))
  expect(logins(vault)).toBe(20)
})

test('a token of a few uses is not renewed, which would use it, and is revoked only while it has a use left', async () => {
  const vault = fakeVault()
  vault.uses = 2
  const holder = holderWith(vault)
  const [first] = await Promise.all([holder.token(never), holder.token(never)])
  expect([holder.hasUseLeft(first), holder.statusOf(holder.idOf(first))]).toEqual([false, undefined])
  await holder.close()
  const other = holderWith(vault)
  await other.token(never)
  await vi.advanceTimersByTimeAsync(0.8 * hour)
  await other.close()
  expect(vault.asked.filter((path) => path.endsWith('revoke-self')).length).toBe(2) // the one that nears its end, and the next
  expect(vault.asked.filter((path) => path.endsWith('renew-self'))).toEqual([])
})

test('a renewal that fails is tried again once a second at most', async () => {
  const vault = fakeVault()
  vi.spyOn(Math, 'random').mockReturnValue(0)
  await holderWith(vault).token(never)
  vault.answer = () => sealed
  await vi.advanceTimersByTimeAsync(0.6 * hour)
  await vi.advanceTimersByTimeAsync(10_000)
  expect(vault.asked.length).toBeLessThanOrEqual(12)
})

test('after a refusal one login replaces the token for all refused calls', async () => {
  const vault = fakeVault()
  const holder = holderWith(vault)
  const first = await holder.token(never)
  const next = await Promise.all([1, 2, 3].map(() => holder.replace(first, never)))
  expect([new Set(next), logins(vault)]).toEqual([new Set(['token-2']), 2])
})

test('closing revokes the token that we logged in for, also one that is on its way', async () => {
  const vault = fakeVault()
  const holder = holderWith(vault)
  await Promise.all([holder.token(never), holder.close(), holder.close()])
  expect(vault.asked).toEqual(['auth/approle/login', 'auth/token/revoke-self'])
  expect(await codeOf(holder.token(never))).toBe('ABORTED')
})

test('closing does not revoke a given token, and reports what it could not revoke', async () => {
  const told = listening()
  const [given, batch] = [fakeVault(), fakeVault()]
  batch.tokenType = 'batch'
  for (const holder of [holderWith(given, tokenAuth('given')), holderWith(batch)]) {
    await holder.token(never)
    await holder.close()
  }
  expect([given.asked, batch.asked]).toEqual([['auth/token/lookup-self'], ['auth/approle/login']])
  expect(told.at(-1)).toMatchObject({ operation: 'revoke', provider: 'vault', method: 'approle', outcome: 'error', code: 'UNSUPPORTED' })
})

test('closing ends within a second when the server does not answer', async () => {
  const vault = fakeVault()
  const holder = holderWith(vault)
  await holder.token(never)
  vault.answer = () => new Promise(() => {})
  expect(await within(1001, holder.close())).toBe(undefined)
})

test('a given token of unknown life is not renewed', async () => {
  const vault = fakeVault()
  vault.answer = () => json(403, { errors: ['permission denied'] })
  const holder = holderWith(vault, tokenAuth('given'))
  expect(await holder.token(never)).toBe('given')
  await vi.advanceTimersByTimeAsync(1000 * hour)
  expect(vault.asked).toEqual(['auth/token/lookup-self'])
})

test('a login that asks for a second factor, or gives no token, has an error of its own', async () => {
  for (const [auth, code] of [
    [{ client_token: '', mfa_requirement: { mfa_request_id: 'x' } }, 'CONFIGURATION'],
    [{ client_token: '', mfa_requirement: null }, 'INTERNAL'],
    [{ client_token: 'two words' }, 'CONFIGURATION'],
  ] as const) {
    const vault = fakeVault()
    vault.answer = () => json(200, { auth })
    expect(await codeOf(holderWith(vault).token(never))).toBe(code)
  }
})

test.each([
  ['fails', 500],
  ['hangs', hour],
])('closing revokes the token in use, though the login that is to replace it %s', async (_what, ms) => {
  const vault = fakeVault()
  const holder = holderWith(vault)
  await holder.token(never)
  vault.renewSeconds = 60 // so another login replaces it
  const { promise: failed, resolve: fail } = Promise.withResolvers<VaultAnswer>()
  vault.answer = ({ path }) => (path.endsWith('login') ? failed : undefined)
  await vi.advanceTimersByTimeAsync(hour * 0.75)
  expect(vault.asked.at(-1)).toMatch(/login$/)
  setTimeout(() => fail(json(503, { errors: ['Vault is sealed'] })), ms)
  const closing = holder.close()
  await vi.advanceTimersByTimeAsync(1)
  expect(vault.asked.at(-1)).toBe('auth/token/revoke-self')
  await vi.advanceTimersByTimeAsync(2_000)
  await closing
})

/** Which tokens were got by a login or were given out, and not revoked. */
function alive({ tokensAsked }: FakeVault, ...tokens: string[]): string[] {
  return tokens.filter((token) => !tokensAsked.includes(`auth/token/revoke-self ${token}`))
}

test('closing revokes the token of a login that is late, however long the revocation takes', async () => {
  const vault = fakeVault()
  const holder = holderWith(vault)
  vault.answer = ({ path }) => afterwards(path.endsWith('login') ? 1_900 : 900)
  const waiting = codeOf(holder.token(never))
  await vi.advanceTimersByTimeAsync(1)
  const told = listening()
  const closing = holder.close()
  await vi.advanceTimersByTimeAsync(3_000)
  await closing
  expect([alive(vault, 'token-1'), told.map(({ operation, outcome }) => `${operation} ${outcome}`)]).toEqual([
    [],
    ['login ok', 'revoke ok'],
  ])
  await waiting
})

test('closing revokes a token that was refused too, which may be by a standby that was behind', async () => {
  const vault = fakeVault()
  const holder = holderWith(vault)
  const first = await holder.token(never)
  const next = await holder.replace(first, never)
  holder.refused(next)
  await holder.close()
  expect(alive(vault, first, next)).toEqual([])
})

test('closing overwrites each token that there was, once it is revoked', async () => {
  const vault = fakeVault()
  const holder = holderWith(vault)
  await holder.replace(await holder.token(never), never)
  vault.renewSeconds = 60 // so another login replaces it
  await vi.advanceTimersByTimeAsync(hour * 0.75)
  const wiped: string[] = []
  vi.spyOn(TokenBytes.prototype, 'wipe').mockImplementation(function (this: TokenBytes) {
    wiped.push(this.text())
  })
  onTestFinished(() => void vi.restoreAllMocks())
  await holder.close()
  expect(wiped.toSorted()).toEqual(['token-1', 'token-2', 'token-3'])
  expect(alive(vault, ...wiped)).toEqual([])
})

test('closing overwrites each copy of a token that was given more than once', async () => {
  const { text } = TokenBytes.prototype
  const used = new Set<TokenBytes>()
  vi.spyOn(TokenBytes.prototype, 'text').mockImplementation(function (this: TokenBytes) {
    used.add(this)
    return text.call(this)
  })
  onTestFinished(() => void vi.restoreAllMocks())
  const source = tokenFunction(async () => ({ token: 'given', expiresAt: Date.now() + hour }))
  const holder = holderWith(fakeVault(), source)
  for (let times = 0; times < 3; times += 1) {
    expect(await holder.token(never)).toBe('given')
    await vi.advanceTimersByTimeAsync(hour * 0.75)
  }
  await holder.close()
  expect(used.size).toBeGreaterThanOrEqual(3)
  expect([...used].filter((each) => each.is('given'))).toEqual([])
})

test('closing takes a token that Vault does not know any more for revoked', async () => {
  const vault = fakeVault()
  const holder = holderWith(vault)
  await holder.token(never)
  vault.answer = () => json(403, { errors: ['permission denied'] })
  const told = listening()
  await holder.close()
  expect(told).toEqual([expect.objectContaining({ operation: 'revoke', outcome: 'ok' })])
})

test('there is no login once the holder closes, not even for a call that waited for a hung login', async () => {
  const vault = fakeVault()
  const holder = holderWith(vault)
  let tries = 0
  vault.answer = ({ path }) => (path.endsWith('login') && (tries += 1) === 1 ? new Promise(() => {}) : undefined)
  const first = codeOf(holder.token(never))
  await vi.advanceTimersByTimeAsync(100)
  const joined = codeOf(holder.token(never))
  await vi.advanceTimersByTimeAsync(4_000)
  const closing = holder.close()
  await vi.advanceTimersByTimeAsync(2_001)
  await closing
  expect([await first, await joined, tries]).toEqual(['DEADLINE_EXCEEDED', 'ABORTED', 1])
})

test('the life of the last token is known, also once it could not be renewed, and none before a login or without an end', async () => {
  const vault = fakeVault()
  const holder = holderWith(vault)
  expect(holder.life).toBeUndefined()
  await holder.token(never)
  const expiresAt = Date.now() + hour - 1_000
  expect(holder.life).toEqual({ expiresAt, grantedMs: hour })
  vault.answer = () => sealed
  await vi.advanceTimersByTimeAsync(hour)
  expect(holder.life).toEqual({ expiresAt, grantedMs: hour })
  const endless = fakeVault()
  endless.leaseSeconds = 0
  const other = holderWith(endless)
  await other.token(never)
  expect(other.life).toBeUndefined()
})
