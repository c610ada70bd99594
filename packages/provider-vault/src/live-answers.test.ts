import { setTimeout as sleep } from 'node:timers/promises'
import { type OpenBao, startOpenBao } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { appRole } from './auth/app-role.ts'
import { tokenAuth } from './auth/token.ts'
import type { VaultProviderOptions } from './options.ts'
import { codeOf, collected, context, failure } from './testing/stub-vault.ts'
import { trialOn } from './testing/trials.ts'
import { tokenOf, type VaultTrial, writePolicy } from './testing/vault-harness.ts'
import { type VaultProvider, vaultProvider } from './vault-provider.ts'

describeWithServer('openbao', 'what OpenBao answers', () => {
  let bao: OpenBao
  beforeAll(async () => void (bao = await startOpenBao()))
  afterAll(() => bao.stop())

  const trialOf = (options?: Parameters<typeof trialOn>[1]): Promise<VaultTrial> => trialOn(bao, options)

  function another(options: Partial<VaultProviderOptions>): VaultProvider {
    const provider = vaultProvider({ url: bao.url, auth: tokenAuth(bao.rootToken), ...options })
    onTestFinished(() => provider.close())
    return provider
  }

  test('a missing path, a missing version and a pruned one are undefined', async () => {
    const { provider, mount } = await trialOf()
    await bao.api('POST', `${mount}/metadata/app`, { max_versions: 2 })
    expect(await provider.get('app', context)).toBe(undefined) // metadata without data
    expect(await provider.describe('app', context)).toBe(undefined)
    for (const outcome of await Promise.all(
      [provider.delete('app', { purge: false }, context), provider.restore('app', context)].map(codeOf),
    ))
      expect(outcome).toBe('NOT_FOUND')
    for (const n of [1, 2, 3]) await provider.put('app', { value: `v${n}` }, context)
    for (const version of [1, 4]) expect(await provider.getVersion('app', version, context)).toBe(undefined)
    expect(await provider.get('none', context)).toBe(undefined)
  })

  test('a version that was deleted, destroyed, or has reached its time, is DELETED; one that has yet to is there', async () => {
    const { provider, mount } = await trialOf()
    for (const n of [1, 2, 3]) await provider.put('app', { value: `v${n}` }, context)
    await bao.api('POST', `${mount}/delete/app`, { versions: [1] })
    await bao.api('POST', `${mount}/destroy/app`, { versions: [2] })
    expect(await codeOf(provider.getVersion('app', 1, context))).toBe('DELETED')
    expect(await codeOf(provider.getVersion('app', 2, context))).toBe('DELETED')
    expect(await codeOf(provider.getVersion('app', 'previous', context))).toBe('DELETED')
    await bao.api('POST', `${mount}/metadata/timed`, { delete_version_after: '4s' })
    const before = Date.now()
    await provider.put('timed', { value: 'v1' }, context)
    const after = Date.now()
    const { expiresAt = 0 } = (await provider.get('timed', context)) ?? {}
    expect([expiresAt >= before + 4_000, expiresAt <= after + 4_000]).toEqual([true, true])
    await sleep(4_100)
    expect(await codeOf(provider.get('timed', context))).toBe('DELETED')
    expect(await codeOf(provider.describe('timed', context))).toBe('DELETED')
  })

  test('restoring brings back what was deleted with the current version, and nothing that was deleted before or destroyed', async () => {
    const { provider, mount } = await trialOf()
    for (const n of [1, 2, 3]) await provider.put('app', { value: `v${n}` }, context)
    await bao.api('POST', `${mount}/delete/app`, { versions: [1] })
    await sleep(1100)
    await provider.delete('app', { purge: false }, context)
    await provider.restore('app', context)
    expect(await codeOf(provider.getVersion('app', 1, context))).toBe('DELETED')
    expect((await provider.getVersion('app', 2, context))?.value).toBe('{"value":"v2"}')
    await bao.api('POST', `${mount}/destroy/app`, { versions: [3] })
    expect(await codeOf(provider.restore('app', context))).toBe('DELETED')
  })

  test('a missing mount or namespace is CONFIGURATION, for a login too; a missing auth mount answers as a refusal does', async () => {
    expect(await codeOf(another({ mount: 'none' }).get('app', context))).toBe('CONFIGURATION')
    expect(await codeOf(another({ mount: 'none', kvVersion: 1 }).get('app', context))).toBe('CONFIGURATION')
    expect(await codeOf(another({ namespace: 'none' }).get('app', context))).toBe('CONFIGURATION')
    const auth = appRole({ roleId: 'r', secretId: 's', mount: 'none' })
    expect(await codeOf(another({ auth, namespace: 'none' }).get('app', context))).toBe('CONFIGURATION')
    const { code, message } = await failure(another({ auth }).get('app', context))
    expect([code, message]).toEqual([
      'UNAUTHENTICATED',
      expect.stringMatching(/refused the login at auth\/none.*or there is no such method there/),
    ])
    expect(await codeOf(another({ mount: 'cubbyhole' }).get('app', context))).toBe('CONFIGURATION')
    expect(await codeOf(another({ mount: 'cubbyhole', kvVersion: 2 }).put('app', { value: 'v' }, context))).toBe('CONFIGURATION')
    expect((await failure(another({ mount: 'secret/folder' }).get('app', context))).message).toContain('a folder belongs into `prefix`')
  })

  test('what a policy denies is PERMISSION_DENIED, existing or not, and names the right that is missing', async () => {
    const { provider, mount, policy, seed, proxy } = await trialOf()
    await seed('app', 'v1')
    await writePolicy(bao, policy, `path "${mount}/data/open" { capabilities = ["read"] }`)
    for (const path of ['app', 'none']) {
      const { code, message } = await failure(provider.get(path, context))
      expect([code, message]).toEqual(['PERMISSION_DENIED', expect.stringContaining(`allow "read" on "${mount}/data/${path}"`)])
    }
    for (const path of [`${mount}/data/app`, `${mount}/app`, 'data/app']) {
      const { message } = await failure(provider.get(path, context))
      expect(message).toContain(`(paths are inside the mount: use app; else allow "read" on "${mount}/data/${path}"`)
    }
    expect((await failure(provider.put('app', { value: 'v' }, context))).message).toContain(
      `allow "create", "update", "patch" on "${mount}/data/app"`,
    )
    const leased = (await failure(provider.get('database/creds/app', context))).message
    expect(leased).toContain('or, if it is a dynamic secret, name it in `leased`')
    const listed = (await failure(collected(provider.list('', context)))).message
    expect(listed).toContain(`allow "list" on "${mount}/metadata", or pass a \`prefix\` that ends in / and that the policy covers`)
    expect(await provider.get('open', context)).toBe(undefined)
    expect(proxy.requests.filter(({ path }) => path.includes('auth/'))).toEqual([])
  })

  test('a policy that allows the data alone is enough to read, rotate and describe', async () => {
    const { provider, mount, policy } = await trialOf()
    await writePolicy(bao, policy, `path "${mount}/data/app" { capabilities = ["create", "read", "update"] }`)
    const receipt = await provider.put('app', { value: 'v1', ifCurrent: null }, context)
    const second = await provider.put('app', { value: 'v2', ifCurrent: receipt }, context)
    expect(await provider.describe('app', context)).toMatchObject(second)
    expect((await provider.getVersion('app', 'previous', context))?.version).toBe(1)
  })

  test('no good token is UNAUTHENTICATED: an invented, a revoked, an expired and a used-up one', async () => {
    const { provider, currentToken } = await trialOf()
    const used = await bao.api<{ auth: { client_token: string } }>('POST', 'auth/token/create', { num_uses: 1 })
    const short = await bao.api<{ auth: { client_token: string } }>('POST', 'auth/token/create', { ttl: '1s' })
    await bao.api('GET', 'auth/token/lookup-self', undefined, used.auth.client_token)
    await bao.api('POST', 'auth/token/revoke', { token: currentToken() })
    await sleep(1100)
    expect(await codeOf(provider.get('app', context))).toBe('UNAUTHENTICATED')
    for (const bad of ['hvs.invented', used.auth.client_token, short.auth.client_token]) {
      expect(await codeOf(another({ auth: tokenAuth(bad) }).get('app', context))).toBe('UNAUTHENTICATED')
    }
  })

  test('a refused token is replaced by one login, and not sent again while its source gives no other', async () => {
    const { provider, currentToken, newToken, proxy } = await trialOf()
    await provider.put('app', { value: 'v1' }, context)
    const old = currentToken()
    await bao.api('POST', 'auth/token/revoke', { token: old })
    await newToken()
    expect(await codeOf(provider.get('app', context))).toBe('ok')
    await bao.api('POST', 'auth/token/revoke', { token: currentToken() })
    expect(await codeOf(provider.get('app', context))).toBe('UNAUTHENTICATED')
    const before = proxy.requests.length
    for (let times = 0; times < 10; times += 1) expect(await codeOf(provider.get('app', context))).toBe('UNAUTHENTICATED')
    expect(proxy.requests.length).toBe(before)
    await newToken()
    expect(await codeOf(provider.get('app', context))).toBe('ok')
  })

  test('a sealed server is UNAVAILABLE with a remedy, and well once it is unsealed', async () => {
    const sealed = await startOpenBao()
    onTestFinished(sealed.stop)
    const provider = another({ url: sealed.url, auth: tokenAuth(sealed.rootToken) })
    await provider.put('app', { value: 'v1' }, context)
    await sealed.api('PUT', 'sys/seal')
    const { code, message } = await failure(provider.get('app', context))
    expect([code, message]).toEqual(['UNAVAILABLE', expect.stringContaining('unseal it')])
    expect(await codeOf(provider.checkHealth(context))).toBe('UNAVAILABLE')
    expect((await failure(provider.put('app', { value: 'v' }, context))).effect).toBe(undefined)
    await sealed.api('PUT', 'sys/unseal', { key: sealed.unsealKey })
    await expect.poll(() => codeOf(provider.get('app', context))).toBe('ok')
    await sealed.stop()
    expect(await codeOf(provider.get('app', context))).toBe('UNAVAILABLE')
  })

  test('a locked namespace is UNAVAILABLE with its own remedy, for a login too', async () => {
    await bao.api('POST', 'sys/namespaces/locked', {})
    await bao.api('PUT', 'sys/namespaces/api-lock/lock/locked', {})
    for (const auth of [tokenAuth(bao.rootToken), appRole({ roleId: 'r', secretId: 's' })]) {
      const { code, message } = await failure(another({ namespace: 'locked', auth }).get('app', context))
      expect([code, message]).toEqual(['UNAVAILABLE', expect.stringContaining('the namespace is locked (unlock it)')])
    }
  })

  test('a KV v1 mount is found out, and again when it was upgraded', async () => {
    const { provider, mount, seed } = await trialOf({ kv: 1 })
    await seed('app', 'v1')
    expect(await provider.get('app', context)).toEqual({ value: '{"value":"v1"}', shape: 'map' })
    await bao.api('POST', `sys/mounts/${mount}/tune`, { options: { version: '2' } })
    await expect.poll(() => provider.get('app', context).catch(() => undefined)).toMatchObject({ value: '{"value":"v1"}', version: 1 })
  })

  test('the version of a mount in another namespace is detected, and a wrong `kvVersion` prevents writes', async () => {
    await bao.api('POST', 'sys/namespaces/pay')
    for (const version of ['1', '2']) {
      await bao.api('POST', `pay/sys/mounts/kv${version}`, { type: 'kv', options: { version } })
      const provider = another({ mount: `pay/kv${version}` })
      await provider.put('app', { value: 'v1' }, context)
      expect((await provider.get('app', context))?.value).toBe('{"value":"v1"}')
      expect(await provider.get('none', context)).toBe(undefined)
      for (const namespace of ['pay', 'pay/', '/pay'])
        expect(await codeOf(another({ mount: `kv${version}`, namespace }).get('app', context))).toBe('ok')
    }
    const wrong = another({ mount: 'pay/kv1', kvVersion: 2 })
    expect(await codeOf(wrong.get('app', context))).toBe('CONFIGURATION')
    expect(await codeOf(wrong.put('app', { value: 'v2' }, context))).toBe('CONFIGURATION')
    expect(await collected(another({ mount: 'pay/kv1' }).list('', context))).toEqual([{ path: 'app' }])
  })

  test('a mount that takes no write without a version is written all the same', async () => {
    const { provider, mount } = await trialOf()
    await bao.api('POST', `${mount}/config`, { cas_required: true })
    for (const n of [1, 2]) expect((await provider.put('app', { value: `v${n}` }, context)).version).toBe(n)
    const writers = await Promise.allSettled([3, 4, 5].map((n) => provider.put('app', { value: `v${n}` }, context)))
    const versions = writers.flatMap((writer) => (writer.status === 'fulfilled' ? [writer.value.version] : []))
    expect(new Set(versions).size).toBe(versions.length)
    expect(versions.length).toBeGreaterThan(0)
  })

  test('a tag that Vault cannot hold is refused', async () => {
    const { provider, proxy } = await trialOf()
    const many = Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`k${n}`, 'x']))
    for (const tags of [{ '': 'x' }, { k: '' }, { k: 'x'.repeat(513) }, { ['k'.repeat(129)]: 'x' }, { k: 'a\nb' }, many]) {
      expect(await codeOf(provider.tag('app', tags, context))).toBe('INVALID_ARGUMENT')
      expect(await codeOf(provider.put('app', { value: 'v1', tags }, context))).toBe('INVALID_ARGUMENT')
    }
    expect(proxy.requests).toEqual([])
    const { k0: _k0, ...most } = many
    await provider.put('app', { value: 'v1', tags: { ...most, k1: 'x'.repeat(512) } }, context)
    expect((await provider.describe('app', context))?.tags).toEqual({ ...most, k1: 'x'.repeat(512) })
  })

  test('the error of a value that was written without its tags has `effect`', async () => {
    const { provider, mount, policy } = await trialOf()
    await writePolicy(bao, policy, `path "${mount}/data/app" { capabilities = ["create", "read", "update"] }`)
    const { code, effect, message } = await failure(provider.put('app', { value: 'v1', tags: { team: 'pay' } }, context))
    expect([code, effect, message]).toEqual([
      'PERMISSION_DENIED',
      'done',
      expect.stringContaining(`allow "patch" on "${mount}/metadata/app"`),
    ])
    expect((await provider.get('app', context))?.value).toBe('{"value":"v1"}')
  })

  test('a token without the default policy may do what its own allows', async () => {
    const { mount } = await trialOf()
    const { auth } = await bao.api<{ auth: { client_token: string } }>('POST', 'auth/token/create', {
      policies: [mount],
      no_default_policy: true,
    })
    const provider = another({ mount, auth: tokenAuth(auth.client_token) })
    await provider.put('app', { value: 'v1' }, context)
    expect(await codeOf(provider.checkHealth(context))).toBe('ok')
    expect(await tokenOf(bao, mount)).not.toBe(auth.client_token)
  })
})
