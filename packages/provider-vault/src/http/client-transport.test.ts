import nodeVault from 'node-vault'
import { type OpenBao, startOpenBao } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { tokenAuth } from '../auth/token.ts'
import { canaries, codeOf, context, failure, stubVault } from '../testing/stub-vault.ts'
import type { VaultProviderOptions } from '../options.ts'
import { type VaultProvider, vaultProvider } from '../vault-provider.ts'
import type { VaultAnswer } from './answer.ts'
import { ownClientTransport, type VaultClient } from './client-transport.ts'

function providerWith(options: VaultProviderOptions): VaultProvider {
  const provider = vaultProvider(options)
  onTestFinished(() => provider.close())
  return provider
}

describeWithServer('openbao', "an application's own client of node-vault", () => {
  let bao: OpenBao
  beforeAll(async () => void (bao = await startOpenBao()))
  afterAll(() => bao.stop())

  test('reads, writes, tags, lists and deletes with its own token', async () => {
    const client = nodeVault({ endpoint: bao.url, token: bao.rootToken })
    const provider = providerWith({ client })
    expect(await provider.get('app', context)).toBe(undefined)
    await provider.put('app', { value: 'v1', tags: { team: 'pay' } }, context)
    expect((await provider.get('app', context))?.value).toBe('{"value":"v1"}')
    expect((await provider.describe('app', context))?.tags).toEqual({ team: 'pay' })
    const listed = []
    for await (const { path } of provider.list('', context)) listed.push(path)
    expect(listed).toEqual(['app'])
    await provider.delete('app', { purge: false }, context)
    expect(await codeOf(provider.get('app', context))).toBe('DELETED')
    expect(provider.sharedAs).toBe(undefined)
  })

  test('goes by `auth` where that is given, and without a token of its own is CREDENTIALS_MISSING', async () => {
    const client = nodeVault({ endpoint: bao.url })
    expect(await codeOf(providerWith({ client }).get('app', context))).toBe('CREDENTIALS_MISSING')
    expect(await codeOf(providerWith({ client, auth: tokenAuth(bao.rootToken) }).get('none', context))).toBe('ok')
  })

  test('is not asked for a path whose failures it takes for answers', async () => {
    const client = nodeVault({ endpoint: bao.url, token: bao.rootToken })
    const { code, message } = await failure(providerWith({ client, kvVersion: 2 }).get('sys/health', context))
    expect([code, message]).toEqual(['CONFIGURATION', expect.stringContaining('sys/health')])
    expect(await codeOf(providerWith({ url: bao.url, auth: tokenAuth(bao.rootToken) }).get('sys/health', context))).toBe('ok')
  })
})

test("an own client's errors, which hold the token and the secret, stay inside", async () => {
  const stub = await stubVault((path) => (path.includes('/data/') ? 'reset' : undefined))
  const provider = providerWith({ client: nodeVault({ endpoint: stub.url, token: canaries.token }) })
  expect(await codeOf(provider.get('app', context))).toBe('UNAVAILABLE')
  const { code, effect } = await failure(provider.put('app', { value: canaries.value }, context))
  expect([code, effect]).toEqual(['UNAVAILABLE', 'unknown'])
})

test('an own client that hangs holds a call to its deadline, and no longer; a write may have been done', async () => {
  const hang = new Promise<never>(() => {})
  const client = { token: 'hvs.a', request: async ({ path }: { path: string }) => (path.includes('/data/') ? hang : { data: {} }) }
  const provider = providerWith({ client, timeoutMs: 100, kvVersion: 2 })
  expect(await codeOf(provider.get('app', context))).toBe('DEADLINE_EXCEEDED')
  const { code, effect } = await failure(provider.put('app', { value: canaries.value }, context))
  expect([code, effect]).toEqual(['DEADLINE_EXCEEDED', 'unknown'])
})

test('a text that an own client was answered is no success', async () => {
  const client = {
    token: 'hvs.a',
    request: async ({ path }: { path: string }) => (path.includes('/metadata/') ? '<html>welcome</html>' : { data: {} }),
  }
  const { code, effect } = await failure(providerWith({ client }).delete('app', { purge: true }, context))
  expect([code, effect]).toEqual(['INTERNAL', 'unknown'])
})

test('options that the own client decides are refused', () => {
  const client = { namespace: 'pay', request: async () => ({}) }
  const made = (options: Partial<VaultProviderOptions>) => () => vaultProvider({ client, ...options })
  expect(made({ namespace: 'pay' })).not.toThrow()
  for (const options of [{ namespace: 'shop' }, { tls: { ca: 'x' } }, { allowInsecureHttp: true }])
    expect(made(options)).toThrow(expect.objectContaining({ code: 'CONFIGURATION', message: expect.stringContaining('`client`') }))
})

const reading = { method: 'GET', path: 'secret/data/app', headers: { 'X-Vault-Request': 'true' } } as const

/** The answer to a read, if the client's promise settles like this. */
function answered(request: VaultClient['request']): Promise<VaultAnswer> {
  return ownClientTransport({ request }).exchange(reading, context.signal)
}

test('an own client gets the path, the headers and the parsed body, as node-vault takes them', async () => {
  const asked: unknown[] = []
  const request: VaultClient['request'] = async (options) => void asked.push(options)
  const { exchange } = ownClientTransport({ request })
  await exchange(reading, context.signal)
  await exchange({ ...reading, method: 'POST', body: '{"data":{"a":"1"}}' }, context.signal)
  const { headers } = reading
  expect(asked).toEqual([
    { path: '/secret/data/app', method: 'GET', headers, json: true },
    { path: '/secret/data/app', method: 'POST', headers, json: { data: { a: '1' } } },
  ])
})

test.each([
  [{ data: 1 }, { status: 200, text: '{"data":1}', body: { data: 1 } }],
  ['{"data":1}', { status: 200, text: '{"data":1}', body: { data: 1 } }],
  ['<html>', { status: 200, text: '<html>', body: undefined }],
  ['', { status: 204, text: '', body: undefined }],
  [undefined, { status: 204, text: '', body: undefined }],
])('what an own client resolves to (%j) is the answer %j', async (body, answer) => {
  expect(await answered(async () => body)).toEqual(answer)
})

test.each([
  [
    { statusCode: 404, body: { errors: [] } },
    { status: 404, text: '{"errors":[]}', body: { errors: [] } },
  ],
  [
    { statusCode: 502, body: '<html>' },
    { status: 502, text: '<html>', body: undefined },
  ],
  [{ statusCode: 503 }, { status: 503, text: '', body: undefined }],
])('the response that an own client rejects with (%j) is the answer %j', async (response, answer) => {
  expect(await answered(async () => Promise.reject(Object.assign(new Error('Status'), { response })))).toEqual(answer)
})

test.each([new Error('socket hang up'), undefined, { response: { statusCode: '404' } }])(
  'an own client that rejects without a response (%s) may have sent the request',
  async (reason) => {
    const failed = answered(async () => Promise.reject(reason))
    await expect(failed).rejects.toMatchObject({ code: 'UNAVAILABLE', sent: true })
  },
)

test('a path with sys/health in it is refused before it is sent', async () => {
  const { exchange } = ownClientTransport({ request: async () => ({}) })
  const refused = exchange({ ...reading, path: 'sys/health?standbyok=true' }, context.signal)
  await expect(refused).rejects.toMatchObject({ code: 'CONFIGURATION', sent: false })
})

test('an own client that cannot load its parts is CONFIGURATION, and nothing was written', async () => {
  const request = (): Promise<never> => Promise.reject(new Error('Dynamic require of "node:https" is not supported'))
  const provider = providerWith({ client: { request }, auth: tokenAuth(canaries.token), kvVersion: 2 })
  const { code, problem, effect } = await failure(provider.put('app', { value: canaries.value }, context))
  expect([code, problem, effect]).toEqual([
    'CONFIGURATION',
    "the `client` cannot be loaded: the bundle's `require` cannot load node:https",
    undefined,
  ])
})
