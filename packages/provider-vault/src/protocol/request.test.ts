import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { vaultAnswer, type VaultAnswer } from '../http/answer.ts'
import { ReplicaState } from './replica-state.ts'
import { timedCall, TransportError } from '@finchat/secrets-core/http'
import type { Exchange, VaultRequest } from '../http/transport.ts'
import { answerError, type Outgoing, vaultSender } from './request.ts'

beforeEach(() => void vi.useFakeTimers({ now: Date.UTC(2026, 10, 25) }))
afterEach(() => void vi.useRealTimers())

const read: Outgoing = { method: 'GET', path: 'secret/data/app', call: 'read' }
const behind = (retryAfter: string): VaultAnswer => vaultAnswer(412, '{"errors":[]}', { retryAfter })

/** How often it was sent within five seconds, and what came of it when. */
async function sent(answer: VaultAnswer): Promise<{ times: number; status: number; ms: number }> {
  let times = 0
  const startedAt = Date.now()
  const send = vaultSender({
    exchange: async () => {
      times += 1
      return answer
    },
    state: new ReplicaState(),
    namespace: undefined,
  })
  const call = timedCall({ timeoutMs: 5000, closing: new AbortController().signal }, (signal) => send(read, signal))
  const ended = call.then(({ status }) => ({ status, ms: Date.now() - startedAt }))
  await vi.advanceTimersByTimeAsync(6000)
  return { times, ...(await ended) }
}

test('Retry-After is obeyed: after a second, and not before an hour', async () => {
  expect(await sent(behind('1'))).toEqual({ times: 3, status: 412, ms: 2000 })
  expect(await sent(behind('3600'))).toEqual({ times: 1, status: 412, ms: 0 })
  expect(await sent(behind('Wed, 25 Nov 2026 01:00:00 GMT'))).toEqual({ times: 1, status: 412, ms: 0 })
})

test('a Retry-After of 0 or in the past causes no storm of requests', async () => {
  for (const retryAfter of ['0', 'Wed, 25 Nov 2020 00:00:00 GMT']) {
    const { times } = await sent(vaultAnswer(307, '', { retryAfter }))
    expect(times).toBeGreaterThan(3)
    expect(times).toBeLessThan(20)
    expect((await sent(behind(retryAfter))).ms).toBeGreaterThan(150)
  }
})

test.each(['-5', '1.5', '+7', '12/31/2099', '99 GMT', '1e3', '0x10', 'Infinity', ''])('"%s" is no time to come back', (retryAfter) => {
  const fault = { code: 'RATE_LIMITED', problem: 'a rate limit is exceeded' } as const
  const { retryAt } = answerError(behind(retryAfter), fault, 'read')
  // A number of four digits is one of seconds.
  expect(retryAt).toBe(retryAfter === '2099' ? Date.now() + 2_099_000 : undefined)
})

const index = Buffer.from('{"cluster":"c-1","value":"41"}').toString('base64')
const login: Outgoing = { method: 'POST', path: 'auth/approle/login', call: 'login', isForActive: true }

/** Sends one request after the other to a server that answers by what it is sent. */
async function sentTo(answer: (request: VaultRequest) => VaultAnswer, outgoing: readonly Outgoing[]): Promise<VaultRequest[]> {
  const requests: VaultRequest[] = []
  const exchange: Exchange = async (request) => {
    requests.push(request)
    return answer(request)
  }
  const send = vaultSender({ exchange, state: new ReplicaState(), namespace: undefined })
  for (const each of outgoing) {
    const call = timedCall({ timeoutMs: 5000, closing: new AbortController().signal }, (signal) => send(each, signal))
    await Promise.all([call, vi.advanceTimersByTimeAsync(5000)])
  }
  return requests
}

test('a login is for the active node, by a state that no standby has reached; a read only where it would be behind', async () => {
  const requests = await sentTo(() => vaultAnswer(200, '{"auth":{}}', { index }), [login, read, login])
  expect(requests.map(({ path }) => path)).toEqual(['sys/internal/ui/mounts', login.path, read.path, login.path])
  const headersSent = requests.map(({ headers }) => [
    Buffer.from(headers['X-Vault-Index'] ?? '', 'base64').toString(),
    headers['X-Vault-Inconsistent'],
  ])
  const forward = 'forward-active-node'
  const beyond = ['{"cluster":"c-1","value":"18446744073709551615"}', forward]
  expect(headersSent).toEqual([['', undefined], beyond, ['{"cluster":"c-1","value":"41"}', forward], beyond])
})

test('a server that shows no state is asked for it once, and sent logins as they are', async () => {
  const requests = await sentTo(() => vaultAnswer(200, '{"auth":{}}'), [login, login])
  expect(requests.map(({ path }) => path)).toEqual(['sys/internal/ui/mounts', login.path, login.path])
  expect(requests.some(({ headers }) => 'X-Vault-Inconsistent' in headers)).toBe(false)
})

test('a server that lets no client ask for its active node is not asked again, and the request is sent without', async () => {
  const refusal = 'forwarding via header X-Vault-Inconsistent=forward-active-node disabled in configuration'
  const state = Buffer.from('v1:c-1:41:40:mac').toString('base64')
  const answer = ({ headers }: VaultRequest): VaultAnswer =>
    'X-Vault-Inconsistent' in headers
      ? vaultAnswer(400, JSON.stringify({ errors: [refusal] }))
      : vaultAnswer(200, '{"auth":{}}', { index: state })
  const requests = await sentTo(answer, [login, read, login])
  expect(requests.map(({ path }) => path)).toEqual(['sys/internal/ui/mounts', login.path, login.path, read.path, login.path])
  expect(requests.map(({ headers }) => [headers['X-Vault-Index'], headers['X-Vault-Inconsistent']]).slice(2)).toEqual([
    [state, undefined],
    [state, undefined],
    [state, undefined],
  ])
})

test('broken connections of an election count for it, and others are few', async () => {
  const broken = new TransportError('UNAVAILABLE', 'the connection broke', { sent: true })
  const [leaderless, good] = [vaultAnswer(307, ''), vaultAnswer(200, '{"data":{}}')]
  const timesOf = async (outcomes: readonly (VaultAnswer | TransportError)[]): Promise<number> => {
    const left = [...outcomes]
    const answer = (): VaultAnswer => {
      const outcome = left.shift() ?? good
      if (outcome instanceof TransportError) throw outcome
      return outcome
    }
    let times = 0
    const count = (): VaultAnswer => {
      times += 1
      return answer()
    }
    await sentTo(count, [read]).catch((error: unknown) => expect(error).toBe(broken))
    return times
  }
  expect(await timesOf([broken, leaderless, broken, broken, broken, broken])).toBe(7)
  expect(await timesOf([broken, broken, broken, broken])).toBe(3)
})

test('an optional request does not wait for an election', async () => {
  const lookup: Outgoing = { method: 'GET', path: 'auth/token/lookup-self', call: 'login', isOptional: true }
  expect((await sentTo(() => vaultAnswer(307, ''), [lookup])).length).toBe(1)
})

test('what uses something up is sent again only where nothing was done', async () => {
  const unwrap: Outgoing = { method: 'POST', path: 'sys/wrapping/unwrap', call: 'login', isSingle: true }
  const saying = (status: number, error: string): VaultAnswer => vaultAnswer(status, JSON.stringify({ errors: [error] }))
  for (const [first, times] of [
    [new TransportError('UNAVAILABLE', 'no connection'), 2],
    [vaultAnswer(412, '{"errors":[]}'), 2],
    // A standby answers so also if the connection broke over which it had forwarded the request.
    [vaultAnswer(307, ''), 1],
    [saying(500, 'local node not active but active cluster node not found'), 1],
    [saying(503, 'no active Vault instance found'), 1],
    [vaultAnswer(502, '<html>'), 1],
    [new TransportError('UNAVAILABLE', 'the connection broke', { sent: true }), 1],
  ] as const) {
    const left = [first]
    let requests = 0
    const answer = (): VaultAnswer => {
      requests += 1
      const outcome = left.shift() ?? vaultAnswer(200, '{"data":{}}')
      if (outcome instanceof TransportError) throw outcome
      return outcome
    }
    await sentTo(answer, [unwrap]).catch((error: unknown) => expect(error).toBe(first))
    expect(requests).toBe(times)
  }
})

test('a write for the active node is not in doubt where only the state of the cluster was asked for', async () => {
  const write: Outgoing = { method: 'POST', path: 'secret/data/app', call: 'write', isForActive: true }
  const broken = (): VaultAnswer => {
    throw new TransportError('UNAVAILABLE', 'the connection broke', { sent: true })
  }
  for (const answer of [broken, () => vaultAnswer(502, '<html>')]) {
    const asked: string[] = []
    const noting = ({ path }: VaultRequest): VaultAnswer => {
      asked.push(path)
      return answer()
    }
    const error = await sentTo(noting, [write]).catch((reason: unknown) => reason)
    expect([error, new Set(asked)]).toMatchObject([{ code: 'UNAVAILABLE', sent: false }, new Set(['sys/internal/ui/mounts'])])
  }
})
