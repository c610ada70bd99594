import { brokenReplies, type Reply } from '@finchat/secrets-test-servers'
import type { SecretsErrorCode } from '@finchat/secrets-core'
import { describe, expect, test } from 'vitest'
import { byAppRole, canaries, codeOf, context, failure, stubbed, stubVault, timesAsked } from '../testing/stub-vault.ts'

type Outcome = readonly [code: SecretsErrorCode | 'ok', attempts: number]

interface Row {
  readonly reply: Reply
  /** `ok` for a read is `undefined` here: no reply holds a secret. */
  readonly read: Outcome
  readonly write: Outcome
  readonly login: Outcome
  /** Whether the write may have been done. */
  readonly isOpen?: true
}

const errors = (...lines: string[]): Reply => ({ body: { errors: lines } })
const withStatus = (status: number, reply: Reply = errors(), headers: Record<string, string> = {}): Reply => ({
  ...(reply as object),
  status,
  headers,
})
const metadata = (members: object): Reply => ({ body: { request_id: 'r', data: { data: null, metadata: { version: 1, ...members } } } })
const broken = (name: string): Reply => brokenReplies[name] ?? 'pass'
const html = broken('HTML with 200')
/** The same for every call, asked once. */
const always = (reply: Reply, code: SecretsErrorCode): Row => ({ reply, read: [code, 1], write: [code, 1], login: [code, 1] })
const refusedLogin: Outcome = ['UNAUTHENTICATED', 1]

const lockedNamespace = 'API access to this namespace has been locked by an administrator - "team/" must be unlocked to gain access.'

/** As measured on OpenBao 2.7, or as Vault's documents and common proxies have it. */
const rows: Record<string, Row> = {
  'missing: 404 without errors': {
    reply: withStatus(404),
    read: ['ok', 1],
    write: ['INTERNAL', 1],
    login: ['CONFIGURATION', 1],
    isOpen: true,
  },
  'soft-deleted': always(withStatus(404, metadata({ deletion_time: '2026-11-25T14:27:54Z', destroyed: false })), 'DELETED'),
  destroyed: always(withStatus(404, metadata({ deletion_time: '', destroyed: true })), 'DELETED'),
  'no such mount': always(withStatus(404, errors('no handler for route "x". route entry not found.')), 'CONFIGURATION'),
  'no such namespace': always(withStatus(404, errors('namespace not found')), 'CONFIGURATION'),
  '404 of a web server': always(withStatus(404, html), 'CONFIGURATION'),
  'denied by policy': {
    ...always(withStatus(403, errors('1 error occurred:\n\t* permission denied\n\n')), 'PERMISSION_DENIED'),
    login: refusedLogin,
  },
  '403 of a firewall': always(withStatus(403, html), 'PERMISSION_DENIED'),
  '403 of a gateway that speaks JSON': always(withStatus(403, { body: { message: 'Forbidden' } }), 'PERMISSION_DENIED'),
  '401': { ...always(withStatus(401), 'UNAUTHENTICATED'), login: refusedLogin },
  'wrong secret id': { ...always(withStatus(400, errors('invalid role or secret ID')), 'INVALID_ARGUMENT'), login: refusedLogin },
  'another version is current': {
    ...always(withStatus(400, errors('check-and-set parameter did not match the current version')), 'VERSION_CONFLICT'),
    login: refusedLogin,
  },
  'the upgrade to v2 runs': {
    ...always(withStatus(400, errors('Upgrading from non-versioned to versioned data.')), 'UNAVAILABLE'),
    login: refusedLogin,
  },
  'the upgrade to v2 is waited for': {
    ...always(
      withStatus(400, errors('Waiting for the primary to upgrade from non-versioned to versioned data. This backend …')),
      'UNAVAILABLE',
    ),
    login: refusedLogin,
  },
  'https spoken to with http': always(withStatus(400, { body: 'Client sent an HTTP request to an HTTPS server.\n' }), 'CONFIGURATION'),
  'a path that is not printable': always(withStatus(400, { body: '' }), 'INVALID_ARGUMENT'),
  '400 of a web server': always(withStatus(400, html), 'CONFIGURATION'),
  '405': always(withStatus(405, errors('unsupported operation')), 'CONFIGURATION'),
  '412: behind': { reply: withStatus(412), read: ['UNAVAILABLE', 3], write: ['UNAVAILABLE', 3], login: ['UNAVAILABLE', 3] },
  '413': always(withStatus(413, errors('request body too large')), 'INVALID_ARGUMENT'),
  '429: index not reached': {
    reply: withStatus(429, errors(), { 'Retry-After': '0' }),
    read: ['UNAVAILABLE', 3],
    write: ['UNAVAILABLE', 3],
    login: ['UNAVAILABLE', 3],
  },
  'quota exceeded': always(withStatus(429, errors('request path "x": rate limit quota exceeded')), 'RATE_LIMITED'),
  '429 of a proxy': always(withStatus(429, html), 'RATE_LIMITED'),
  '472': always(withStatus(472, { body: '' }), 'UNAVAILABLE'),
  '473': always(withStatus(473, { body: '' }), 'UNAVAILABLE'),
  '501: not initialised': always(withStatus(501), 'UNAVAILABLE'),
  sealed: always(withStatus(503, errors('Vault is sealed')), 'UNAVAILABLE'),
  'a sealed namespace': always(withStatus(503, errors('namespace is sealed')), 'UNAVAILABLE'),
  'a locked namespace': always(withStatus(503, errors(lockedNamespace)), 'UNAVAILABLE'),
  'overloaded, or another state of Vault': {
    reply: withStatus(503, errors('overloaded, try again later')),
    read: ['UNAVAILABLE', 3],
    write: ['UNAVAILABLE', 1],
    login: ['UNAVAILABLE', 3],
    isOpen: true,
  },
  '408 of a balancer that closes an idle connection': {
    reply: withStatus(408, { body: '' }),
    read: ['UNAVAILABLE', 3],
    write: ['UNAVAILABLE', 1],
    login: ['UNAVAILABLE', 3],
    isOpen: true,
  },
  '301 to https': always(withStatus(301, { body: '' }, { Location: 'https://127.0.0.1:1/v1/x' }), 'CONFIGURATION'),
  'leadership lost': {
    reply: withStatus(500, errors('leadership lost while committing log')),
    read: ['UNAVAILABLE', 3],
    write: ['UNAVAILABLE', 1],
    login: ['UNAVAILABLE', 3],
    isOpen: true,
  },
  '502': { reply: broken('HTML with 502'), read: ['UNAVAILABLE', 3], write: ['UNAVAILABLE', 1], login: ['UNAVAILABLE', 3], isOpen: true },
  '503 of a balancer': {
    reply: withStatus(503, html),
    read: ['UNAVAILABLE', 3],
    write: ['UNAVAILABLE', 1],
    login: ['UNAVAILABLE', 3],
    isOpen: true,
  },
  '504': { reply: withStatus(504, html), read: ['UNAVAILABLE', 3], write: ['UNAVAILABLE', 1], login: ['UNAVAILABLE', 3], isOpen: true },
  '599': { ...always(withStatus(599), 'INTERNAL'), isOpen: true },
  reset: { reply: 'reset', read: ['UNAVAILABLE', 3], write: ['UNAVAILABLE', 1], login: ['UNAVAILABLE', 3], isOpen: true },
  truncated: { reply: broken('truncated'), read: ['UNAVAILABLE', 3], write: ['UNAVAILABLE', 1], login: ['UNAVAILABLE', 3], isOpen: true },
  'HTML with 200': { ...always(html, 'INTERNAL'), isOpen: true },
  'half of a JSON text with 200': { ...always(broken('half of a JSON text'), 'INTERNAL'), isOpen: true },
  'no body with 200': { ...always(broken('no body'), 'INTERNAL'), isOpen: true },
  'JSON of a wrong type': { ...always(broken('JSON of a wrong type'), 'INTERNAL'), isOpen: true },
  'members of a wrong type': {
    ...always({ body: { request_id: 'r', auth: { client_token: 7 }, data: { data: 'text', metadata: 'text' } } }, 'INTERNAL'),
    isOpen: true,
  },
}

/** The same from a server that repeats what it was sent, as no error of ours may. */
function echoing(reply: Reply): Reply {
  if (typeof reply !== 'object' || 'pass' in reply) return reply
  return { ...reply, headers: { ...reply.headers, 'X-Echo': echo }, body: echoingBody(reply.body) }
}

const echo = Object.values(canaries).join(' ')

function echoingBody(body: unknown): unknown {
  if (typeof body === 'string') return body === '' ? '' : `${body} ${echo}`
  if (Array.isArray(body)) return [...(body as unknown[]), echo]
  const { errors: lines } = body as { errors?: string[] } // as the rows have it
  if (lines === undefined) return { ...(body as object), echo }
  return { errors: lines.length === 0 ? [] : [...lines, echo] }
}

const dataPath = '/v1/secret/data/app'
const loginPath = '/v1/auth/approle/login'

describe.each(Object.entries(rows))('%s', (_what, { reply, read, write, login, isOpen }) => {
  const asked = (path: string) => (path_: string) => (path_ === path ? echoing(reply) : undefined)

  test(`is ${read[0]} for a read, asked ${read[1]} times`, async () => {
    const stub = await stubVault(asked(dataPath))
    expect([await codeOf(stubbed(stub).get('app', context)), timesAsked(stub, dataPath)]).toEqual(read)
  })

  test(`is ${write[0]} for a write, asked ${write[1]} times`, async () => {
    const stub = await stubVault((path, method) => (method === 'POST' ? asked(dataPath)(path) : undefined))
    const put = stubbed(stub).put('app', { value: canaries.value }, context)
    const { code, effect } = await failure(put)
    const attempts = stub.requests.filter(({ path, method }) => path === dataPath && method === 'POST').length
    expect([code, attempts, effect]).toEqual([...write, isOpen && 'unknown'])
  })

  test(`is ${login[0]} for a login, asked ${login[1]} times`, async () => {
    const stub = await stubVault(asked(loginPath))
    expect([await codeOf(stubbed(stub, { auth: byAppRole }).get('app', context)), timesAsked(stub, loginPath)]).toEqual(login)
  })
})

describe.each([
  ['a redirect to the leader that was', withStatus(307, { body: '' }, { Location: 'http://127.0.0.1:1/v1/x' })],
  ['no leader', withStatus(500, errors('local node not active but active cluster node not found'))],
  ['no leader since it failed to pass the request on', withStatus(503, errors('no active Vault instance found'))],
])('%s', (_what, reply) => {
  test('is waited out by a read', async () => {
    const left = [reply, reply, reply, reply]
    const stub = await stubVault((path) => (path === dataPath ? left.shift() : undefined))
    expect([await codeOf(stubbed(stub).get('app', context)), timesAsked(stub, dataPath)]).toEqual(['ok', 5])
  })

  test('is an outage when the time of a read is over', async () => {
    const stub = await stubVault((path) => (path === dataPath ? reply : undefined))
    // By what was answered last, or by the deadline if that came in the middle of a request.
    expect(['UNAVAILABLE', 'DEADLINE_EXCEEDED']).toContain(await codeOf(stubbed(stub, { timeoutMs: 500 }).get('app', context)))
    const controller = new AbortController()
    const aborted = stubbed(stub).get('app', { signal: controller.signal })
    controller.abort()
    expect(await codeOf(aborted)).toBe('ABORTED')
  })

  test('leaves open what became of a write, which is not repeated', async () => {
    const stub = await stubVault((path, method) => (path === dataPath && method === 'POST' ? reply : undefined))
    const { code, effect } = await failure(stubbed(stub).put('app', { value: canaries.value }, context))
    expect([code, effect, timesAsked(stub, dataPath)]).toEqual(['UNAVAILABLE', 'unknown', 1])
  })

  test('is waited out by a login', async () => {
    const left = [reply, reply, reply, reply]
    const stub = await stubVault((path) => (path === loginPath ? left.shift() : undefined))
    expect([await codeOf(stubbed(stub, { auth: byAppRole }).get('app', context)), timesAsked(stub, loginPath)]).toEqual(['ok', 5])
  })

  test('is waited out by the revocation of a token', async () => {
    const [left, path] = [[reply], '/v1/auth/token/revoke-self']
    const stub = await stubVault((asked) => (asked === path ? (left.shift() ?? { status: 204, body: '' }) : undefined))
    const provider = stubbed(stub, { auth: byAppRole })
    await provider.get('app', context)
    await provider.close()
    expect(timesAsked(stub, path)).toBe(2)
  })

  test('is an outage when the time of a login is over, and the next call tries at once', async () => {
    let isLeaderless = true
    const stub = await stubVault((path) => (path === loginPath && isLeaderless ? reply : undefined))
    const provider = stubbed(stub, { auth: byAppRole, timeoutMs: 1_000 })
    expect(['UNAVAILABLE', 'DEADLINE_EXCEEDED']).toContain(await codeOf(provider.get('app', context))) // as for a read
    isLeaderless = false
    expect(await codeOf(provider.get('app', context))).toBe('ok')
  })
})

test.each([
  'Client sent an HTTP request to an HTTPS server.\n',
  '<html><center>The plain HTTP request was sent to HTTPS port</center></html>',
  "<html><p>Reason: You're speaking plain HTTP to an SSL-enabled server port.</p></html>",
])('plain http to a port of https is told by every server: %s', async (body) => {
  const { code, message } = await failure(stubbed(await stubVault(() => withStatus(400, { body }))).get('app', context))
  expect([code, message]).toEqual(['CONFIGURATION', expect.stringContaining('write https:// in `url`')])
})

test('a KV v2 mount with `kvVersion: 1` is CONFIGURATION, for reads and writes', async () => {
  const reply = withStatus(404, {
    body: { request_id: 'r', data: null, warnings: ['Invalid path for a versioned K/V secrets engine. See …'] },
  })
  const provider = stubbed(await stubVault((path) => (path === '/v1/secret/app' ? reply : undefined)), { kvVersion: 1 })
  expect(await codeOf(provider.get('app', context))).toBe('CONFIGURATION')
  expect(await codeOf(provider.put('app', { value: 'v' }, context))).toBe('CONFIGURATION')
})

test('an outage of one namespace is not taken for one of the server', async () => {
  for (const [said, told] of [
    ['Vault is sealed', 'Vault is sealed (unseal it)'],
    ['namespace is sealed', 'the namespace is sealed (unseal it)'],
    [lockedNamespace, 'the namespace is locked (unlock it)'],
    ['overloaded, try again later', 'Vault takes no request now (see the log of the server)'],
  ] as const) {
    const stub = await stubVault((path) => (path === dataPath ? echoing(withStatus(503, errors(said))) : undefined))
    expect((await failure(stubbed(stub).get('app', context))).message).toContain(told)
  }
})

test('an error with Retry-After has `retryAt`', async () => {
  const limited = (retryAfter: string): Reply => withStatus(429, errors('rate limit quota exceeded'), { 'Retry-After': retryAfter })
  const retryAt = async (header: string): Promise<number> => {
    const stub = await stubVault((path) => (path === dataPath ? limited(header) : undefined))
    return (await failure(stubbed(stub).get('app', context))).retryAt ?? 0
  }
  const before = Date.now()
  const soon = await retryAt('7')
  expect(soon).toBeGreaterThanOrEqual(before + 7_000)
  expect(soon).toBeLessThanOrEqual(Date.now() + 7_000)
  expect(await retryAt('Wed, 21 Oct 2099 07:28:00 GMT')).toBe(Date.UTC(2099, 9, 21, 7, 28))
  expect(await retryAt('soon')).toBe(0)
})

test('a denial names the missing capability and its path', async () => {
  const stub = await stubVault((path) =>
    path === dataPath ? withStatus(403, errors('1 error occurred:\n\t* permission denied\n\n')) : undefined,
  )
  const { message } = await failure(stubbed(stub).get('app', context))
  expect(message).toContain('allow "read" on "secret/data/app"')
  for (const wall of [html, { body: { message: 'Forbidden' } }]) {
    const walled = await stubVault((path) => (path.includes('login') ? undefined : withStatus(403, wall)))
    const { message: told } = await failure(stubbed(walled, { auth: byAppRole, kvVersion: 2 }).get('app', context))
    expect(told).toContain('something before Vault does not allow it (point `url`')
    expect(timesAsked(walled, loginPath)).toBe(1)
  }
})
