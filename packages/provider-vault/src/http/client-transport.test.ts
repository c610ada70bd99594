import nodeVault from 'node-vault'
import { type OpenBao, startOpenBao } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { tokenAuth } from '../auth/token.ts'
import { canaries, codeOf, context, failure, stubVault } from '../testing/stub-vault.ts'
import type { VaultProviderOptions } from '../options.ts'
import { type VaultProvider, vaultProvider } from '../vault-provider.ts'

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
