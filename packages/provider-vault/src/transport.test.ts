import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createSecretsManager } from '@finchat/secrets-core'
import { leaksOf, matchedTexts } from '@finchat/secrets-testkit'
import { type HttpProxy, startHttpProxy } from '@finchat/secrets-test-servers'
import { expect, onTestFinished, test, vi } from 'vitest'
import { tokenAuth } from './auth/token.ts'
import { byAppRole, canaries, codeOf, context, failure, stubbed, stubVault, timesAsked } from './testing/stub-vault.ts'
import { vaultProvider } from './vault-provider.ts'

const dataPath = '/v1/secret/data/app'
const mountsPath = '/v1/sys/internal/ui/mounts'
const first = (path: string, replies: readonly unknown[]) => {
  const left = [...replies] as ('reset' | undefined)[] // replies are shifted off one by one
  return (asked: string) => (asked === path ? left.shift() : undefined)
}

test('a redirect is not followed, so that no other server sees the token or a login', async () => {
  const other = await stubVault()
  const moved = { status: 307, headers: { Location: `${other.url}${dataPath}` }, body: '' }
  const stub = await stubVault((path) => (path === dataPath || path.endsWith('login') ? moved : undefined))
  await failure(stubbed(stub, { timeoutMs: 500 }).get('app', context)) // it waits for the server to answer itself
  expect(await codeOf(stubbed(stub).put('app', { value: canaries.value }, context))).toBe('UNAVAILABLE')
  expect(await codeOf(stubbed(stub, { auth: byAppRole }).get('app', context))).toBe('UNAVAILABLE')
  expect(other.requests).toEqual([])
})

test('no proxy of the environment sees a request', async () => {
  const proxy = await stubVault()
  for (const name of ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'ALL_PROXY', 'all_proxy']) vi.stubEnv(name, proxy.url)
  vi.stubEnv('NODE_USE_ENV_PROXY', '1')
  onTestFinished(() => void vi.unstubAllEnvs())
  const stub = await stubVault()
  expect((await stubbed(stub).get('app', context))?.value).toBe(JSON.stringify({ value: canaries.value }))
  expect(proxy.requests).toEqual([])
})

test("the variables of Vault's own tools change nothing", async () => {
  const other = await stubVault()
  const variables = {
    VAULT_ADDR: other.url,
    VAULT_TOKEN: 'of-another',
    VAULT_NAMESPACE: 'of-another',
    VAULT_PREFIX: '/of-another',
    VAULT_SKIP_VERIFY: 'true',
  }
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value)
  onTestFinished(() => void vi.unstubAllEnvs())
  const stub = await stubVault()
  await stubbed(stub).get('app', context)
  expect(stub.requests.map(({ path }) => path)).toEqual(['/v1/sys/internal/ui/mounts', dataPath])
  expect(JSON.stringify(stub.requests)).not.toContain('of-another')
  expect(other.requests).toEqual([])
})

test('every request has the headers of Vault: request, token and namespace', async () => {
  const stub = await stubVault()
  const provider = stubbed(stub, { namespace: 'team/pay', auth: byAppRole })
  await provider.put('app', { value: 'v', tags: { team: 'pay' } }, context)
  await provider.close()
  expect(stub.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
    'GET /v1/sys/internal/ui/mounts', // without a token, for the state of the cluster
    'POST /v1/auth/approle/login',
    'GET /v1/sys/internal/ui/mounts',
    'POST /v1/secret/data/app',
    'PATCH /v1/secret/metadata/app',
    'POST /v1/auth/token/revoke-self',
  ])
  for (const [at, { headers }] of stub.requests.entries()) {
    expect(headers).toMatchObject({ 'x-vault-request': 'true', 'x-vault-namespace': 'team/pay' })
    expect(headers['x-vault-token']).toBe(at < 2 ? undefined : canaries.minted)
  }
  expect(stub.requests[4]?.headers['content-type']).toBe('application/merge-patch+json')
})

test('one connection serves one call after the other', async () => {
  const stub = await stubVault()
  const provider = stubbed(stub)
  for (let times = 0; times < 20; times += 1) await provider.get('app', context)
  expect(stub.connections()).toBe(1)
})

test('bytes that are no UTF-8 are an error, and never another value', async () => {
  const about = '"metadata":{"created_time":"2026-11-25T14:27:54Z","deletion_time":"","destroyed":false,"version":1}'
  const body = Buffer.concat([
    Buffer.from('{"request_id":"r","data":{"data":{"value":"a'),
    Buffer.from([0xff]),
    Buffer.from(`"},${about}}}`),
  ])
  const page = Buffer.from('<html>Zugang nicht m\u00f6glich</html>', 'latin1')
  const server = createServer(({ url }, outgoing) => {
    const isPage = url === '/v1/secret/data/page'
    outgoing.writeHead(isPage ? 502 : 200).end(isPage ? page : body)
  })
  onTestFinished(() => void server.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // of a server that listens on TCP
  const provider = vaultProvider({ url: `http://127.0.0.1:${port}`, auth: tokenAuth(() => canaries.token), kvVersion: 2 })
  onTestFinished(() => provider.close())
  const { code, message } = await failure(provider.get('app', context))
  expect([code, message]).toEqual(['INTERNAL', expect.stringContaining('no text in UTF-8')])
  const put = await failure(provider.put('app', { value: 'v' }, context))
  expect([put.code, put.effect]).toEqual(['INTERNAL', 'unknown'])
  expect(await codeOf(provider.get('page', context))).toBe('UNAVAILABLE')
})

test.each([
  ['no content', { status: 204, body: '' }],
  ['no mounts', { status: 200, body: { request_id: 'r', data: null } }],
])('a server that answers a health check with %s is not healthy', async (_, reply) => {
  const stub = await stubVault(() => reply)
  expect(await failure(stubbed(stub).checkHealth(context))).toMatchObject({ code: 'INTERNAL', storeStatus: String(reply.status) })
})

test('closing ends the connections', async () => {
  const server = createServer((_incoming, outgoing) => outgoing.end('{"request_id":"r","data":{}}'))
  onTestFinished(() => void server.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // of a server that listens on TCP
  const provider = vaultProvider({ url: `http://127.0.0.1:${port}`, auth: tokenAuth(() => canaries.token) })
  await provider.checkHealth(context)
  const open = promisify(server.getConnections.bind(server))
  expect(await open()).toBe(1)
  await provider.close()
  await expect.poll(() => open()).toBe(0)
})

test('a connection that the server closed while it lay idle costs a read a second request, and no error', async () => {
  const stub = await stubVault(first(dataPath, [undefined, 'reset']))
  const provider = stubbed(stub)
  await provider.get('app', context)
  expect(await codeOf(provider.get('app', context))).toBe('ok')
  expect(timesAsked(stub, dataPath)).toBe(3)
})

test('connections that the server closed while they lay idle cost a read no more than one such request', async () => {
  const stub = await stubVault()
  const provider = stubbed(stub, { timeoutMs: 60_000 })
  await Promise.all(Array.from({ length: 10 }, (_, n) => provider.get(`app-${n}`, context)))
  const idle = stub.connections()
  expect(idle).toBeGreaterThan(3)
  const absent = { status: 404, body: { errors: [] } }
  const mounts = { body: { request_id: 'r', data: { secret: { 'secret/': { type: 'kv', options: { version: '2' } } } } } }
  stub.plan(({ path, connection }) => (connection <= idle ? 'reset' : path === mountsPath ? mounts : path === dataPath ? absent : 'hang'))
  expect(await provider.get('app', context)).toBe(undefined)
  expect(timesAsked(stub, dataPath)).toBe(2)
})

test('a call whose signal was aborted before sends nothing', async () => {
  const stub = await stubVault()
  const signal = AbortSignal.abort(new Error(canaries.value))
  const provider = stubbed(stub, { auth: byAppRole })
  for (const outcome of await Promise.all([provider.get('app', { signal }), provider.put('app', { value: 'v' }, { signal })].map(codeOf)))
    expect(outcome).toBe('ABORTED')
  expect(stub.requests).toEqual([])
})

test('a call ends at its deadline, when its signal is aborted, and when the provider closes', async () => {
  const stub = await stubVault((path) => (path === dataPath ? 'hang' : undefined))
  const slow = stubbed(stub, { kvVersion: 2, timeoutMs: 3_000 }) // a loaded machine sends both in time
  const late = await Promise.all([slow.get('app', context), slow.put('app', { value: canaries.value }, context)].map(failure))
  expect(late.map(({ code, effect }) => [code, effect])).toEqual([
    ['DEADLINE_EXCEEDED', undefined],
    ['DEADLINE_EXCEEDED', 'unknown'],
  ])
  const controller = new AbortController()
  const provider = stubbed(stub)
  const calls = [provider.get('app', { signal: controller.signal }), provider.get('app', context)]
  await expect.poll(() => timesAsked(stub, dataPath)).toBe(4)
  controller.abort(new Error(canaries.value))
  expect(await codeOf(calls[0] ?? Promise.resolve())).toBe('ABORTED')
  const [second] = await Promise.all([codeOf(calls[1] ?? Promise.resolve()), provider.close()])
  expect(second).toBe('ABORTED')
  expect(await codeOf(provider.get('app', context))).toBe('ABORTED')
})

test('an answer without end is cut off', async () => {
  const stub = await stubVault((path) => (path === dataPath ? { body: 'x'.repeat(34_000_000) } : undefined))
  const { code, message } = await failure(stubbed(stub).get('app', context))
  expect([code, message]).toEqual(['INTERNAL', expect.stringContaining('larger than 33554432 bytes')])
  const put = await failure(stubbed(stub, { kvVersion: 2 }).put('app', { value: canaries.value }, context))
  expect([put.code, put.effect]).toEqual(['INTERNAL', 'unknown'])
})

test('a server that wants another protocol is an error at once', async () => {
  const upgrade = { status: 101, headers: { Upgrade: 'other', Connection: 'Upgrade' }, body: '' }
  const stub = await stubVault((path) => (path === dataPath ? upgrade : undefined))
  expect(await codeOf(stubbed(stub, { timeoutMs: 60_000 }).get('app', context))).toBe('INTERNAL')
  const { code, effect } = await failure(stubbed(stub, { timeoutMs: 60_000 }).put('app', { value: canaries.value }, context))
  expect([code, effect]).toEqual(['INTERNAL', 'unknown'])
})

test('a state of the cluster that is too long for a header is not sent back', async () => {
  const long = Buffer.from(JSON.stringify({ cluster: 'c'.repeat(1000), value: '1' })).toString('base64')
  const answer = { status: 404, headers: { 'X-Vault-Index': long }, body: { errors: [] } }
  const stub = await stubVault((path) => (path === dataPath ? answer : undefined))
  const provider = stubbed(stub)
  for (let times = 0; times < 2; times += 1) await provider.get('app', context)
  expect(stub.requests.at(-1)?.headers['x-vault-index']).toBe(undefined)
})

test('the highest state of the cluster that was seen goes back with every request', async () => {
  const index = (value: number, cluster = 'c'): string => Buffer.from(JSON.stringify({ cluster, value: String(value) })).toString('base64')
  const answers = [index(9), index(10), index(2), index(1, 'another'), 'nonsense'].map((state) => ({
    status: 404,
    headers: { 'X-Vault-Index': state },
    body: { errors: [] },
  }))
  const stub = await stubVault(first(dataPath, answers))
  const provider = stubbed(stub)
  for (let times = 0; times < 6; times += 1) await provider.get('app', context)
  const sent = stub.requests.filter(({ path }) => path === dataPath).map(({ headers }) => headers['x-vault-index'])
  expect(sent).toEqual([undefined, index(9), index(10), index(10), index(1, 'another'), index(1, 'another')])
  expect(stub.requests.at(-1)?.headers['x-vault-inconsistent']).toBe('forward-active-node')
})

test('a server that cannot read the state of the one before is asked without it', async () => {
  const state = Buffer.from('v1:cluster:7:0:mac').toString('base64')
  const known = { status: 404, headers: { 'X-Vault-Index': state }, body: { errors: [] } }
  const unread = { status: 400, body: { errors: ['failed to decode "X-Vault-Index"'] } }
  const stub = await stubVault(first(dataPath, [known, unread]))
  const provider = stubbed(stub)
  await provider.get('app', context)
  expect(await codeOf(provider.put('app', { value: 'v' }, context))).toBe('ok')
  expect(stub.requests.map(({ headers }) => headers['x-vault-index'])).toEqual([undefined, undefined, state, undefined])
})

test('a refused connection is UNAVAILABLE, and nothing was written', async () => {
  const stub = await startHttpProxy(undefined)
  await stub.stop()
  const { code, effect, storeStatus } = await failure(stubbed(stub).put('app', { value: canaries.value }, context))
  expect([code, effect, storeStatus]).toEqual(['UNAVAILABLE', undefined, 'ECONNREFUSED'])
})

test('a process that uses it prints nothing under DEBUG=*, and ends by itself', async () => {
  const stub = await stubVault((path) => (path.endsWith('broken') ? { status: 500, body: { errors: [canaries.value] } } : undefined))
  const script = join(import.meta.dirname, 'testing/quiet-process.ts')
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    ['--conditions=@finchat/source', script, stub.url, canaries.secretId, canaries.value],
    { env: { ...process.env, DEBUG: '*', NODE_DEBUG: '', NODE_NO_WARNINGS: '1' }, timeout: 50_000 },
  )
  expect(stub.requests.length).toBeGreaterThanOrEqual(5)
  expect([stdout, stderr]).toEqual(['', ''])
})

/** Writes are done and their answers lost; what is read has its fields in an order of its own. */
async function stubLosingWrites(): Promise<HttpProxy> {
  let version = 1
  const fieldsOf = (b: string): Record<string, string> => ({ [`${canaries.value}-~/`]: '1', b })
  return stubVault((path, method) => {
    if (path.includes('/metadata/')) return { status: 403, body: { errors: ['permission denied'] } }
    if (path !== dataPath) return undefined
    if (method !== 'GET') version += 1
    if (method !== 'GET') return 'reset'
    const data = version === 1 ? fieldsOf('old') : Object.fromEntries(Object.entries(fieldsOf('new')).toReversed())
    return {
      body: { request_id: 'r', data: { data, metadata: { version, created_time: `2026-11-25T14:27:5${version}Z`, deletion_time: '' } } },
    }
  })
}

test('no regular expression sees a secret or a credential', async () => {
  const stub = await stubVault()
  const provider = stubbed(stub, { auth: byAppRole })
  const texts = await matchedTexts(async () => {
    await provider.put('app', { value: canaries.value }, context)
    await provider.put('app', { value: JSON.stringify({ password: canaries.value }), shape: 'map' }, context)
    await provider.get('app', context)
  })
  // Lost writes are compared with what is there, field by field, in another order.
  const secrets = createSecretsManager({ providers: [stubbed(await stubLosingWrites(), { auth: byAppRole })] })
  const lost = await matchedTexts(() => secrets.rotateSecret('app', 'new', { field: 'b' }))
  expect(leaksOf(lost, canaries.value)).toEqual([])
  // A token, as every header, is tried on one by Node.js, which it does not match: that is not remembered.
  for (const canary of [canaries.value, canaries.secretId]) expect(leaksOf(texts, canary)).toEqual([])
})

test('the provider shows no credential and no secret', async () => {
  const provider = stubbed(await stubVault(), { auth: byAppRole })
  await provider.get('app', context)
  for (const canary of Object.values(canaries)) expect(leaksOf(provider, canary)).toEqual([])
})
