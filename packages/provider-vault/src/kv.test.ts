import { createSecretsManager } from '@finchat/secrets-core'
import { type OpenBao, startOpenBao } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { testSecretProvider } from '@finchat/secrets-testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { vaultManifest } from './shared/manifest.ts'
import { codeOf, context, failure } from './testing/stub-vault.ts'
import { trialOn } from './testing/trials.ts'
import { vaultHarness, type VaultTrial, writePolicy } from './testing/vault-harness.ts'

describeWithServer('openbao', 'secrets of KV', () => {
  let bao: OpenBao
  beforeAll(async () => void (bao = await startOpenBao()))
  afterAll(() => bao.stop())

  const trialOf = (options?: Parameters<typeof trialOn>[1]): Promise<VaultTrial> => trialOn(bao, options)

  test('the previous version is read by its number, with one more request, and may be missing', async () => {
    const { provider, proxy, mount } = await trialOf()
    for (const value of ['v1', 'v2', 'v3', 'v4']) await provider.put('app', { value }, context)
    await bao.api('POST', `${mount}/delete/app`, { versions: [2] })
    await bao.api('POST', `${mount}/destroy/app`, { versions: [3] })
    const asked = async (version: number): Promise<readonly unknown[]> => {
      const before = proxy.requests.length
      let found: string | undefined
      const code = await codeOf(provider.getVersion('app', version, context).then((secret) => void (found = String(secret?.value))))
      return [code, found, proxy.requests.length - before]
    }
    expect(await asked(1)).toEqual(['ok', '{"value":"v1"}', 1])
    expect(await asked(2)).toEqual(['DELETED', undefined, 1])
    expect(await asked(3)).toEqual(['DELETED', undefined, 1])
    await bao.api('POST', `${mount}/metadata/app`, { max_versions: 2 })
    await provider.put('app', { value: 'v5' }, context)
    expect(await asked(1), 'it was pruned: the second request sees whether the mount is KV v1 now').toEqual(['ok', 'undefined', 2])
    expect(await asked(9)).toEqual(['ok', 'undefined', 2])
  })

  test('a field is read, and written without the loss of the others', async () => {
    const { provider, mount } = await trialOf({ names: { PASSWORD: 'database#password' } })
    await bao.api('POST', `${mount}/data/database`, { data: { user: 'app', password: 'old', port: 5432 } })
    const secrets = createSecretsManager({ providers: [provider] })
    expect(await secrets.getSecret('PASSWORD')).toBe('old')
    await secrets.rotateSecret('PASSWORD', 'new')
    expect(await secrets.getSecret('PASSWORD')).toBe('new')
    expect((await secrets.getSecretValue('database')).json()).toEqual({ user: 'app', password: 'new', port: 5432 })
    expect(await codeOf(secrets.getSecret('database'))).toBe('INVALID_ARGUMENT')
    await secrets.storeSecret('database', 'elsewhere', { field: 'host' })
    expect(await secrets.getSecret('database', { field: 'port' })).toBe('5432')
    expect(await secrets.getSecret('database', { field: 'host' })).toBe('elsewhere')
    await secrets.close()
  })

  test('JSON that was stored as one text has its fields, to be read and written as in other stores', async () => {
    const { provider } = await trialOf()
    const secrets = createSecretsManager({ providers: [provider] })
    await secrets.rotateSecret('database', JSON.stringify({ user: 'app', password: '00123' }))
    expect(await secrets.getSecret('database', { field: 'password' })).toBe('00123')
    await secrets.rotateSecret('database', '9', { field: 'password' })
    expect((await provider.get('database', context))?.value).toBe(JSON.stringify({ value: '{"user":"app","password":"9"}' }))
    expect(await secrets.getSecret('database')).toBe('{"user":"app","password":"9"}')
    expect((await secrets.getSecretValue('database')).json()).toEqual({ user: 'app', password: '9' })
    await secrets.close()
  })

  test.each([1, 2] as const)('of KV version %i are written as fields of an object, and lose none to one value', async (kv) => {
    const { provider, proxy } = await trialOf({ kv })
    const secrets = createSecretsManager({ providers: [provider] })
    await secrets.storeSecret('database', { user: 'app', password: '00123' })
    expect((await provider.get('database', context))?.value).toBe('{"password":"00123","user":"app"}')
    const before = proxy.requests.length
    for (const write of ['storeSecret', 'rotateSecret'] as const) {
      const error = await failure(secrets[write]('database', 'new'))
      expect([error.code, error.message]).toEqual(['INVALID_ARGUMENT', expect.stringContaining('by `field`')])
    }
    expect(proxy.requests.slice(before).map(({ method }) => method)).toEqual(['GET', 'GET'])
    await secrets.storeSecret('token', { token: 't1' })
    await secrets.rotateSecret('token', 't2')
    expect((await provider.get('token', context))?.value).toBe('{"token":"t2"}')
    await secrets.close()
  })

  test('the error of rotating a deleted secret names the call that restores it', async () => {
    const { provider } = await trialOf()
    const secrets = createSecretsManager({ providers: [provider] })
    await secrets.storeSecret('app', 'v1')
    await secrets.deleteSecret('app')
    const told = await failure(secrets.rotateSecret('app', 'v2'))
    expect([told.code, told.message]).toEqual(['DELETED', expect.stringContaining('restore it, or write a new version with `storeSecret`')])
    expect(await secrets.storeSecret('app', 'v2')).toMatchObject({ version: 2 })
    expect(await secrets.rotateSecret('app', 'v3')).toMatchObject({ version: 3 })
    await secrets.close()
  })

  test('one value is rotated with two reads and one write, whatever the field is called', async () => {
    const { provider, mount, proxy } = await trialOf()
    await bao.api('POST', `${mount}/data/app`, { data: { token: 't1' } })
    await provider.get('app', context) // the mount's version is known from then on
    const secrets = createSecretsManager({ providers: [provider] })
    const before = proxy.requests.length
    const text = '"'.repeat(65_536) // as long as a value may be, though JSON escapes it
    expect(await secrets.rotateSecret('app', text)).toMatchObject({ version: 2 })
    expect(proxy.requests.slice(before).map(({ method, path }) => [method, path])).toEqual([
      ['GET', `/v1/${mount}/data/app`],
      ['GET', `/v1/${mount}/data/app`], // whether it was deleted meanwhile, which check-and-set does not tell
      ['PATCH', `/v1/${mount}/data/app`],
    ])
    expect(await secrets.getSecret('app', { field: 'token' })).toBe(text)
    expect(await codeOf(secrets.rotateSecret('app', `${text}x`))).toBe('INVALID_ARGUMENT')
    await secrets.close()
  })

  test('fields are as the server wrote them: numbers, order and all', async () => {
    const { provider, mount } = await trialOf({ kv: 1 })
    await bao.api('POST', `${mount}/app`, { 10: 1, 9: 2, n: 3, text: '<&>\u2028"\\', __proto__: 'x' })
    const { value = '' } = (await provider.get('app', context)) ?? {}
    expect(value).toMatch(/^\{"10":1,"9":2,"n":3,"text":"\\u003c\\u0026\\u003e\\u2028\\"\\\\"\}$/)
  })

  test('a number that would not come back as it is, is refused', async () => {
    const { provider, proxy } = await trialOf()
    for (const fields of [
      '{"n":12345678901234567890}',
      '{"n":1.10}',
      '{"n":1e3}',
      '{"a":{"b":[-0]}}',
      '{"t":"\\ud800"}',
      '[1]',
      '"text"',
      '{',
      '',
    ]) {
      expect(await codeOf(provider.put('app', { value: fields, shape: 'map' }, context)), fields).toBe('INVALID_ARGUMENT')
    }
    expect(proxy.requests).toEqual([])
    const kept = '{"list":[1,2.5,1e+21],"none":null,"deep":{"yes":true},"empty":{}}'
    await provider.put('app', { value: kept, shape: 'map' }, context)
    const secret = await provider.get('app', context)
    expect(JSON.parse(String(secret?.value))).toEqual(JSON.parse(kept))
  })

  test('a write whose answer is lost is found done, and not done twice', async () => {
    const { provider, proxy, mount } = await trialOf()
    const secrets = createSecretsManager({ providers: [provider] })
    await secrets.storeSecret('app', 'v1')
    let isLost = true
    proxy.plan(({ method, path }) => {
      if (!isLost || method === 'GET' || path !== `/v1/${mount}/data/app`) return 'pass'
      isLost = false
      return { pass: 'reset' }
    })
    expect(await secrets.rotateSecret('app', 'v2', { version: 2 })).toMatchObject({ version: 2 })
    expect(isLost).toBe(false)
    expect((await provider.get('app', context))?.version).toBe(2)
    await secrets.close()
  })

  test('a purged secret that was made anew is not taken for the one before', async () => {
    const { provider } = await trialOf()
    const first = await provider.put('app', { value: 'v1' }, context)
    await provider.delete('app', { purge: true }, context)
    await provider.put('app', { value: 'another' }, context)
    expect(await codeOf(provider.put('app', { value: 'v2', ifCurrent: first }, context))).toBe('VERSION_CONFLICT')
  })

  test('a delete and a write over what was deleted do not meet by mistake', async () => {
    const { provider } = await trialOf()
    const first = await provider.put('app', { value: 'v1' }, context)
    await provider.delete('app', { purge: false }, context)
    expect(await codeOf(provider.put('app', { value: 'v2', ifCurrent: first }, context))).toBe('VERSION_CONFLICT')
    expect((await provider.put('app', { value: 'v2' }, context)).version).toBe(2)
    await provider.delete('app', { purge: false }, context)
    expect((await provider.put('app', { value: 'v3', ifCurrent: null }, context)).version).toBe(3)
    expect(await codeOf(provider.put('app', { value: 'v4', ifCurrent: null }, context))).toBe('VERSION_CONFLICT')
  })

  const onNext = (method: string, run: () => Promise<unknown>): ((request: { readonly method: string }) => Promise<'pass'>) => {
    let isDone = false
    return async (request) => {
      if (request.method !== method || isDone) return 'pass'
      isDone = true
      await run()
      return 'pass'
    }
  }

  test.each(['GET', 'PATCH'])('a delete just before the %s of a write to a field brings none of the fields back', async (method) => {
    const { provider, proxy, mount } = await trialOf()
    const secrets = createSecretsManager({ providers: [provider] })
    await secrets.storeSecret('app', { user: 'u', password: 'old' })
    for (const soft of [true, false]) {
      const remove = soft ? ['DELETE', 'data'] : ['DELETE', 'metadata']
      proxy.plan(onNext(method, () => bao.api(remove[0] ?? '', `${mount}/${remove[1]}/app`)))
      const outcome = await codeOf(secrets.rotateSecret('app', 'new', { field: 'password' }))
      expect(outcome).toBe(soft ? 'DELETED' : 'ok')
      if (soft) {
        expect(await codeOf(provider.get('app', context))).toBe('DELETED')
        await secrets.restoreSecret('app')
      }
    }
    expect((await provider.get('app', context))?.value).toBe('{"password":"new"}')
    await secrets.close()
  })

  test.each(['GET', 'PATCH'])(
    'a delete just before the %s of one value over a field is kept, and the value written anew',
    async (method) => {
      const { provider, proxy, mount } = await trialOf()
      const secrets = createSecretsManager({ providers: [provider] })
      await secrets.storeSecret('app', { password: 'old' })
      proxy.plan(onNext(method, () => bao.api('DELETE', `${mount}/data/app`)))
      expect(await secrets.storeSecret('app', 'new')).toMatchObject({ version: 2 })
      expect((await provider.get('app', context))?.value).toBe('{"value":"new"}')
      await secrets.close()
    },
  )

  test('a write over a version sets, replaces and removes fields exactly, whatever they hold', async () => {
    const { provider, mount } = await trialOf()
    const texts = [
      '{"a":"1","b":"2"}',
      '{"a":"1","b":"2"}',
      '{"a":"3","__proto__":"x","c":[1,null]}',
      '{"a":null,"o":{"p":1,"q":null}}',
      '{"a":"4","o":{"p":1,"q":null},"n":5}',
      '{"o":{"p":{}},"c":[{"q":null,"r":1}]}',
      '{"o":{"p":{}},"c":[[{"q":null}],{"q":[null]}]}',
      '{}',
      '{"a":"5","c":["x",1,true]}',
    ]
    let ifCurrent = await provider.put('app', { value: '{"value":"0"}', shape: 'map' }, context)
    for (const value of texts) {
      ifCurrent = await provider.put('app', { value, shape: 'map', ifCurrent }, context)
      const held = await provider.get('app', context)
      expect([JSON.parse(String(held?.value)), held?.version]).toEqual([JSON.parse(value), ifCurrent.version])
    }
    const raw = await bao.api<{ data: { data: object } }>('GET', `${mount}/data/app?version=4`)
    expect(Object.keys(raw.data.data)).toEqual(['__proto__', 'a', 'c'])
  })

  test('a field is written to a secret that another tool left without any', async () => {
    const { provider, mount } = await trialOf()
    const secrets = createSecretsManager({ providers: [provider] })
    for (const [path, data] of [
      ['null', null],
      ['empty', {}],
    ] as const) {
      await bao.api('POST', `${mount}/data/${path}`, { data })
      expect(await codeOf(secrets.rotateSecret(path, 'new', { field: 'password' }))).toBe('ok')
      expect((await provider.get(path, context))?.value).toBe('{"password":"new"}')
    }
    await secrets.close()
  })

  test('a token that may not patch writes over a version all the same', async () => {
    const { provider, mount, policy } = await trialOf()
    await writePolicy(bao, policy, `path "${mount}/*" { capabilities = ["create", "read", "update"] }`)
    const secrets = createSecretsManager({ providers: [provider] })
    await secrets.storeSecret('app', { user: 'u', password: 'old' })
    await secrets.rotateSecret('app', 'new', { field: 'password' })
    expect((await provider.get('app', context))?.value).toBe('{"password":"new","user":"u"}')
    await secrets.close()
  })

  test('only one version waits, is promoted with its tags, and is not listed', async () => {
    const { provider, mount } = await trialOf()
    await provider.put('app', { value: 'v1', tags: { team: 'pay' } }, context)
    const pending = await provider.staging.put(
      'app',
      { value: '{"user":"a","password":"b"}', shape: 'map', tags: { by: 'rotation' } },
      context,
    )
    const second = await failure(provider.staging.put('app', { value: 'v3' }, context))
    expect([second.code, second.message]).toEqual(['VERSION_CONFLICT', expect.stringContaining('promote or discard it first')])
    const listed: string[] = []
    for await (const { path } of provider.list('', context)) listed.push(path)
    expect(listed).toEqual(['app'])
    expect((await provider.staging.get('app', context))?.value).toBe('{"password":"b","user":"a"}')
    expect(await provider.staging.promote('app', pending, context)).toMatchObject({ version: 2 })
    expect((await provider.get('app', context))?.value).toBe('{"password":"b","user":"a"}')
    expect((await provider.describe('app', context))?.tags).toEqual({ team: 'pay', by: 'rotation' })
    await bao.api('POST', `${mount}/data/app.finchat-staged`, { data: { not: 'ours' } })
    expect(await codeOf(provider.staging.get('app', context))).toBe('INTEGRITY')
  })

  test('a purge takes what waits with it', async () => {
    const { provider } = await trialOf()
    await provider.put('app', { value: 'v1' }, context)
    await provider.staging.put('app', { value: 'v2' }, context)
    await provider.delete('app', { purge: true }, context)
    expect(await provider.staging.get('app', context)).toBe(undefined)
  })

  describe('of version 1', () => {
    // It has no check-and-set and no versions: its writes are proved below.
    const supports = ['list', 'checkHealth'] as const
    testSecretProvider({
      test,
      manifest: { ...vaultManifest, supports, numbering: undefined },
      createHarness: async () => {
        const harness = await vaultHarness(bao, { kv: 1 })
        const { specificationVersion, name, locate, get, list, checkHealth, close } = harness.provider
        return { ...harness, provider: { specificationVersion, name, locate, get, list, checkHealth, close } }
      },
      cannotHappen: { withdrawn: 'KV v1 forgets what it deletes' },
    })

    test('are written whole and deleted for good, and nothing more', async () => {
      const { provider } = await trialOf({ kv: 1 })
      expect(await provider.put('app', { value: 'v1' }, context)).toEqual({})
      expect((await provider.get('app', context))?.value).toBe('{"value":"v1"}')
      const refused = [
        provider.put('app', { value: 'v2', version: 2 }, context),
        provider.put('app', { value: 'v2', ifCurrent: null }, context),
        provider.put('app', { value: 'v2', tags: { team: 'pay' } }, context),
        provider.delete('app', { purge: false }, context),
        provider.restore('app', context),
        provider.describe('app', context),
        provider.getVersion('app', 1, context),
        provider.tag('app', { team: 'pay' }, context),
        provider.staging.get('app', context),
      ]
      for (const call of refused) expect(await codeOf(call)).toBe('UNSUPPORTED')
      await provider.delete('app', { purge: true }, context)
      expect(await provider.get('app', context)).toBe(undefined)
    })
  })
})
