import {
  createSecretsManager,
  envProvider,
  isValidName,
  loadSecrets,
  SecretNotFoundError,
  SecretsError,
  type CallOptions,
  type SecretsManager,
} from '@finchat/secrets-core'
import { faults, hostilePaths, memoryProvider } from '@finchat/secrets-testkit'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { all, anyText, breakable, codeOf, failureOf, readOnly } from './testing/manager-trial.ts'

const now = 1_800_000_000_000
beforeEach(() => void vi.useFakeTimers({ now }))
afterEach(() => void vi.useRealTimers())

describe('a value', () => {
  it.each(['00123', '', ' padded\n', 'true', '1.10', '{"a": 1 }', 'grüße', '秘密', '\u0000', '\ufeffbom', 'x'.repeat(65_536)])(
    'is read exactly as stored: %j',
    async (value) => {
      const secrets = createSecretsManager({ providers: [memoryProvider({ secrets: { token: value } })] })
      expect(await secrets.getSecret('token')).toBe(value)
      expect(await secrets.getSecret('token')).toBe(value)
      expect((await secrets.getSecretValue('token')).reveal()).toBe(value)
    },
  )

  it('is read exactly as stored, whatever its text', async () => {
    await fc.assert(
      fc.asyncProperty(anyText, async (value) => {
        const secrets = createSecretsManager({ providers: [readOnly('store', async () => ({ value }))] })
        expect(await secrets.getSecret('token')).toBe(value)
        expect(await secrets.getSecret('token')).toBe(value)
      }),
    )
  })

  it('is read exactly as stored, even where the text is not well-formed', async () => {
    const secrets = createSecretsManager({ providers: [readOnly('store', async () => ({ value: 'a\ud800b' }))] })
    expect(await secrets.getSecret('token')).toBe('a\ud800b')
  })

  it('that is binary is handed out as bytes, and never as text', async () => {
    const secrets = createSecretsManager({ providers: [memoryProvider({ secrets: { key: Uint8Array.of(0, 255, 1) } })] })
    expect([...(await secrets.getSecretValue('key')).bytes()]).toEqual([0, 255, 1])
    const error = await failureOf(secrets.getSecret('key'))
    expect(error.code).toBe('INVALID_ARGUMENT')
    expect(error.message).toMatch(/'key'.*'memory'.*binary.*bytes\(\)/)
    expect(await codeOf(secrets.getSecret('key', { field: 'a' }))).toBe('INVALID_ARGUMENT')
  })

  it('is given away as a copy of its bytes', async () => {
    const secrets = createSecretsManager({ providers: [memoryProvider({ secrets: { key: Uint8Array.of(1, 2, 3), text: 'abc' } })] })
    for (const name of ['key', 'text']) {
      const value = await secrets.getSecretValue(name)
      const before = [...value.bytes()]
      value.bytes().fill(0)
      expect([...value.bytes()]).toEqual(before)
      expect([...(await secrets.getSecretValue(name)).bytes()]).toEqual(before)
    }
  })

  it('tells of itself without being revealed', async () => {
    const expiresAt = now + 900_000
    const answer = { value: 'v', version: 7, revision: 'r-7', currentSince: now - 5, expiresAt }
    const secrets = createSecretsManager({ providers: [readOnly('store', async () => ({ ...answer }))] })
    const value = await secrets.getSecretValue('token')
    const { version, revision, currentSince, provider, stale, degraded } = value
    expect({ version, revision, currentSince, expiresAt: value.expiresAt, provider, stale, degraded }).toEqual({
      version: 7,
      revision: 'r-7',
      currentSince: now - 5,
      expiresAt,
      provider: 'store',
      stale: false,
      degraded: false,
    })
    expect(value.age).toBe(0)
    vi.setSystemTime(now + 42_000)
    expect(value.age).toBe(42_000)
  })

  it('is one object for all its readers, as long as it is held', async () => {
    const secrets = createSecretsManager({ providers: [memoryProvider({ secrets: { token: 'v1' } })] })
    expect(await secrets.getSecretValue('token')).toBe(await secrets.getSecretValue('token', { actor: 'me' }))
  })
})

describe('a name', () => {
  const secrets = { 'prod/token': 'from the map', 'team/db': 'from the prefix', json: '{"user":"u","deep":{"a":"b"}}' }

  it('is looked up where `names` places it, else under the prefix', async () => {
    const manager = createSecretsManager({ providers: [memoryProvider({ secrets, names: { TOKEN: 'prod/token' }, prefix: 'team/' })] })
    expect(await manager.getSecret('TOKEN')).toBe('from the map')
    expect(await manager.getSecret('db')).toBe('from the prefix')
    expect(await codeOf(manager.getSecret('prod/token'))).toBe('NOT_FOUND')
  })

  it('may be placed by a function, and inside a secret by path#field or an object', async () => {
    const names = (name: string) => ({ t: 'prod/token', u: 'json#user', d: { path: 'json', field: '/deep/a' } })[name]
    const manager = createSecretsManager({ providers: [memoryProvider({ secrets, names })] })
    expect(await manager.getSecrets(['t', 'u', 'd', 'json'])).toEqual({ t: 'from the map', u: 'u', d: 'b', json: secrets.json })
  })

  it('that is placed in a field is cut there first, then in the field that is asked for', async () => {
    const manager = createSecretsManager({ providers: [memoryProvider({ secrets, names: { deep: 'json#deep' } })] })
    expect(await manager.getSecret('deep')).toBe('{"a":"b"}')
    expect(await manager.getSecret('deep', { field: 'a' })).toBe('b')
  })

  it('that `onlyNamed` leaves out is not asked of the provider and does not exist there', async () => {
    const named = breakable({ secrets, names: { TOKEN: 'prod/token' }, onlyNamed: true })
    const manager = createSecretsManager({ providers: [named.provider] })
    expect(await failureOf(manager.getSecret('json'))).toBeInstanceOf(SecretNotFoundError)
    expect(named.provider.calls()).toBe(0)
    expect(await manager.getSecret('TOKEN')).toBe('from the map')
  })

  it("that one store's grammar cannot hold is asked of the others only", async () => {
    const manager = createSecretsManager({ providers: [envProvider({ env: {} }), memoryProvider({ secrets: { 'a=b': 'held' } })] })
    const value = await manager.getSecretValue('a=b')
    expect([value.reveal(), value.degraded]).toEqual(['held', false])
  })

  it('that a provider places where another secret has a version is refused, not confused with it', async () => {
    const odd = {
      ...memoryProvider({ secrets: { token: 'v1' } }),
      locate: (name: string) => ({ path: name === 'odd' ? 'token\n1' : name }),
    }
    const manager = createSecretsManager({ providers: [odd] })
    expect(await manager.getSecret('token', { version: 1 })).toBe('v1')
    expect(await failureOf(manager.getSecret('odd'))).toMatchObject({ code: 'INTERNAL', secret: 'odd', provider: 'memory' })
  })

  it.each<[string, () => never]>([
    [
      'throws',
      () => {
        throw new Error('canary-of-a-locate')
      },
    ],
    ['answers with no location', () => 5 as never],
    ['answers no path', () => ({}) as never],
  ])('is INTERNAL with a reason if the provider cannot locate it: it %s', async (_, locate) => {
    const error = await failureOf(createSecretsManager({ providers: [{ ...memoryProvider(), locate }] }).getSecret('token'))
    expect([error.code, error.provider, error.message]).toEqual(['INTERNAL', 'memory', expect.not.stringContaining('canary')])
  })

  it('that no provider has is reported in the words users know', async () => {
    const manager = createSecretsManager({ providers: [envProvider({ env: {} }), memoryProvider()] })
    const error = await failureOf(manager.getSecret('api_key'))
    expect(error.message).toBe("Secret 'api_key' not found in any provider")
    expect([error.name, error.secret, error.attempts?.map(({ provider, code }) => `${provider} ${code}`)]).toEqual([
      'SecretNotFoundError',
      'api_key',
      ['env NOT_FOUND', 'memory NOT_FOUND'],
    ])
  })

  it('of an object that every object has is no secret', async () => {
    const manager = createSecretsManager({ providers: [envProvider({ env: {} }), memoryProvider({ names: { a: 'b' } })] })
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty'])
      expect(await codeOf(manager.getSecret(name))).toBe('NOT_FOUND')
  })
})

describe('a field', () => {
  const text = '{"password":"p","port":5432,"big":12345678901234567890,"price":1.10,"on":true,"none":null,"deep":{"a/b":[ "x" , 2]}}'
  const manager = (value: string, shape?: 'map'): SecretsManager =>
    createSecretsManager({ providers: [memoryProvider({ secrets: { db: { value, shape } } })] })

  it.each([
    ['password', 'p'],
    ['port', '5432'],
    ['big', '12345678901234567890'],
    ['price', '1.10'],
    ['on', 'true'],
    ['deep', '{"a/b":[ "x" , 2]}'],
    ['/deep/a~1b/0', 'x'],
    ['/price', '1.10'],
  ])('%s is cut as it is written', async (field, expected) => {
    expect(await manager(text).getSecret('db', { field })).toBe(expected)
    expect((await manager(text).getSecretValue('db', { field })).reveal()).toBe(expected)
  })

  it.each(['missing', 'none', '/deep/x', '__proto__', 'toString'])(
    '%s that is not there is an error which does not quote the secret',
    async (field) => {
      const error = await failureOf(manager(text).getSecret('db', { field }))
      expect(error.code).toBe('INVALID_ARGUMENT')
      expect(error.message).toContain(field)
      expect(error.message).not.toMatch(/5432|1\.10|password/)
    },
  )

  it.each(['plain text', '[1]', '"text"', '{"a":'])('of a secret that has none is an error which does not quote it: %s', async (value) => {
    const error = await failureOf(manager(value).getSecret('db', { field: 'a' }))
    expect(error.code).toBe('INVALID_ARGUMENT')
    expect(error.message).not.toContain(value)
  })

  it('is never answered in place of the whole secret, nor the other way round', async () => {
    const one = manager(text)
    expect(await one.getSecret('db', { field: 'password' })).toBe('p')
    expect(await one.getSecret('db')).toBe(text)
    expect(await one.getSecret('db', { field: 'port' })).toBe('5432')
  })

  it('must be named where the store keeps several', async () => {
    const one = manager(text, 'map')
    const error = await failureOf(one.getSecret('db'))
    expect([error.code, error.message]).toEqual(['INVALID_ARGUMENT', expect.stringContaining('ask for one')])
    const value = await one.getSecretValue('db')
    expect(value.json()).toMatchObject({ password: 'p', port: 5432 })
    expect(() => value.reveal()).toThrow('ask for one')
    expect(await one.getSecret('db', { field: 'password' })).toBe('p')
  })

  it('need not be named where the store keeps a single one', async () => {
    const one = manager('{"token":"t"}', 'map')
    expect(await one.getSecret('db')).toBe('t')
    expect(await one.getSecret('db')).toBe('t')
    const value = await one.getSecretValue('db')
    expect([value.reveal(), Buffer.from(value.bytes()).toString(), value.json()]).toEqual(['t', 't', { token: 't' }])
  })

  it.each([
    ['', 'INVALID_ARGUMENT'],
    [5, 'INVALID_ARGUMENT'],
    ['/a~2', 'INVALID_ARGUMENT'],
  ])('%j is refused', async (field, code) => {
    expect(await codeOf(manager(text).getSecret('db', { field: field as string }))).toBe(code) // what JavaScript could pass
  })
})

describe('a version', () => {
  it('is a number, or the one that was current before', async () => {
    const secrets = createSecretsManager({ providers: [memoryProvider({ secrets: { token: 'one' } })] })
    await secrets.storeSecret('token', 'two')
    await secrets.storeSecret('token', 'three', { version: 7 })
    const read = async (version?: number | 'previous'): Promise<unknown[]> => {
      const value = await secrets.getSecretValue('token', { version })
      return [value.reveal(), value.version]
    }
    expect([await read(), await read(1), await read(2), await read(7), await read('previous')]).toEqual([
      ['three', 7],
      ['one', 1],
      ['two', 2],
      ['three', 7],
      ['two', 2],
    ])
    expect(await codeOf(secrets.getSecret('token', { version: 3 }))).toBe('NOT_FOUND')
  })

  it('is that of the first provider which has the secret, and never a later one', async () => {
    const first = memoryProvider({ name: 'first', secrets: { token: 'a1' } })
    const second = memoryProvider({ name: 'second', secrets: { token: 'b1', other: 'o1' } })
    const secrets = createSecretsManager({ providers: [first, second] })
    for (const value of ['b2', 'b3']) await second.put('token', { value }, { signal: AbortSignal.timeout(1000) })
    const error = await failureOf(secrets.getSecret('token', { version: 3 }))
    expect([error.code, error.provider]).toEqual(['NOT_FOUND', 'first'])
    expect(error).toBeInstanceOf(SecretNotFoundError)
    expect(await codeOf(secrets.getSecret('token', { version: 'previous' }))).toBe('NOT_FOUND')
    expect(await secrets.getSecret('other', { version: 1 })).toBe('o1')
  })

  it('that something else wrote has no number: a read by number says so', async () => {
    const unnumbered = { ...readOnly('store', async () => ({ value: 'v', revision: 'r' })), getVersion: async () => undefined }
    const secrets = createSecretsManager({ providers: [unnumbered] })
    const remedyOf = async (version: number | 'previous'): Promise<unknown> =>
      (await failureOf(secrets.getSecret('token', { version }))).remedy
    const remedy = 'it has the secret, so no other provider is asked'
    expect(await remedyOf(1)).toBe(`${remedy}; versions that something else wrote have no numbers`)
    expect(await remedyOf('previous')).toBe(remedy)
    const numbered = createSecretsManager({ providers: [memoryProvider({ secrets: { token: 'v' } })] })
    expect((await failureOf(numbered.getSecret('token', { version: 9 }))).remedy).toBe(remedy)
  })

  it('that a provider cannot give is refused in its own words', async () => {
    const why = new SecretsError('UNSUPPORTED', 'KV v1 keeps no versions', { remedy: 'use KV v2' })
    const old = { ...readOnly('vault', async () => ({ value: 'v' })), getVersion: () => Promise.reject(why) }
    const error = await failureOf(createSecretsManager({ providers: [old] }).getSecret('token', { version: 1 }))
    expect(error).toMatchObject({ code: 'UNSUPPORTED', remedy: 'use KV v2', message: expect.stringContaining('KV v1 keeps no versions') })
  })

  it('of a provider without versions is never its current value; the next is asked, and the answer is not degraded', async () => {
    const env = envProvider({ env: { token: 'current' } })
    const alone = createSecretsManager({ providers: [env] })
    expect(await codeOf(alone.getSecret('token', { version: 1 }))).toBe('UNSUPPORTED')
    expect(await codeOf(alone.getSecret('token', { version: 'previous' }))).toBe('UNSUPPORTED')
    expect(await codeOf(alone.getSecret('missing', { version: 1 }))).toBe('NOT_FOUND')
    const chain = createSecretsManager({ providers: [env, memoryProvider({ secrets: { token: 'numbered' } })] })
    const value = await chain.getSecretValue('token', { version: 1 })
    expect([value.reveal(), value.degraded]).toEqual(['numbered', false])
  })

  it('that the provider did not answer is an error, not an answer', async () => {
    const confused = {
      ...readOnly('confused', async () => ({ value: 'current', version: 4 })),
      getVersion: async () => ({ value: 'current', version: 4 }),
    }
    expect(await codeOf(createSecretsManager({ providers: [confused] }).getSecret('token', { version: 3 }))).toBe('INTERNAL')
  })

  it('of a secret made by hand has no number', async () => {
    const secrets = createSecretsManager({ providers: [memoryProvider({ secrets: { token: { value: 'v', unnumbered: true } } })] })
    const value = await secrets.getSecretValue('token')
    expect(value.version).toBeUndefined()
    expect(value.revision).toEqual(expect.any(String))
  })

  it.each([0, -1, 1.5, Number.NaN, Infinity, '1', null, 'current'])('%j is refused before anything is asked', async (version) => {
    const store = breakable({ secrets: { token: 'v' } })
    const secrets = createSecretsManager({ providers: [store.provider] })
    expect(await codeOf(secrets.getSecret('token', { version: version as number }))).toBe('INVALID_ARGUMENT') // what JavaScript could pass
    expect(store.provider.calls()).toBe(0)
  })
})

type Call = (secrets: SecretsManager, name: string, options: CallOptions) => Promise<unknown>

/** Every call that takes a name; the last but one takes a prefix, the last a specification. */
const calls: Record<string, Call> = {
  getSecret: (secrets, name, options) => secrets.getSecret(name, options),
  getSecretValue: (secrets, name, options) => secrets.getSecretValue(name, options),
  'getSecret of a version': (secrets, name, options) => secrets.getSecret(name, { ...options, version: 1 }),
  getSecrets: (secrets, name, options) => secrets.getSecrets([name, name], options),
  getSecretValues: async (secrets, name, options) => {
    const [outcome] = await secrets.getSecretValues([{ name }], options)
    if (outcome?.status === 'rejected') throw outcome.reason
  },
  verifySecret: (secrets, name, options) => secrets.verifySecret(name, 'presented', options),
  storeSecret: (secrets, name, options) => secrets.storeSecret(name, 'stored', options),
  rotateSecret: (secrets, name, options) => secrets.rotateSecret(name, 'rotated', options),
  deleteSecret: (secrets, name, options) => secrets.deleteSecret(name, options),
  restoreSecret: (secrets, name, options) => secrets.restoreSecret(name, options),
  tagSecret: (secrets, name, options) => secrets.tagSecret(name, { team: 'pay' }, options),
  describeSecret: (secrets, name, options) => secrets.describeSecret(name, options),
  loadSecrets: (secrets, name, options) => loadSecrets(secrets, { token: { name } }, options),
  listSecrets: (secrets, _name, options) => all(secrets.listSecrets(options)),
}

describe.each(Object.entries(calls))('the signal of %s', (_, call) => {
  it('that is aborted already ends it before anything is asked', async () => {
    const store = breakable({ secrets: { token: 'v' } })
    expect(await codeOf(call(createSecretsManager({ providers: [store.provider] }), 'token', { signal: AbortSignal.abort() }))).toBe(
      'ABORTED',
    )
    expect(store.provider.calls()).toBe(0)
  })

  it('ends it at once while the store hangs', async () => {
    const store = breakable({ secrets: { token: 'v' } })
    store.plan = () => faults.hang()
    const controller = new AbortController()
    const outcome = codeOf(call(createSecretsManager({ providers: [store.provider] }), 'token', { signal: controller.signal }))
    await vi.advanceTimersByTimeAsync(10)
    expect(store.provider.calls()).toBe(1)
    controller.abort()
    expect(await outcome).toBe('ABORTED')
    expect(Date.now()).toBe(now + 10)
  })

  it('must be an AbortSignal', async () => {
    const store = breakable({ secrets: { token: 'v' } })
    const signal = { aborted: false } as AbortSignal // what JavaScript could pass
    expect(await codeOf(call(createSecretsManager({ providers: [store.provider] }), 'token', { signal }))).toBe('INVALID_ARGUMENT')
    expect(store.provider.calls()).toBe(0)
  })
})

describe('an option', () => {
  it.each(Object.entries(calls))('that is misspelt is refused by %s, before anything is asked', async (_, call) => {
    const store = breakable({ secrets: { token: 'v' } })
    const options = { acotr: 'webapp' } as CallOptions // what JavaScript could pass
    const error = await failureOf(call(createSecretsManager({ providers: [store.provider] }), 'token', options))
    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', problem: 'the option "acotr" is not known' })
    expect(store.provider.calls()).toBe(0)
  })

  const passedOn = Object.entries(calls).filter(([key]) => key !== 'getSecret of a version')
  it.each(passedOn)('object is asked for by %s, where text is passed', async (_, call) => {
    const options = 'password' as CallOptions // what JavaScript could pass
    const error = await failureOf(call(createSecretsManager({ providers: [memoryProvider()] }), 'token', options))
    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', problem: 'the options are text instead of an object' })
  })
})

describe('a signal', () => {
  it('that aborts one reader leaves the others who wait for the same call alone', async () => {
    const store = breakable({ secrets: { token: 'v' } })
    store.plan = () => faults.delay(100)
    const secrets = createSecretsManager({ providers: [store.provider] })
    const controller = new AbortController()
    const impatient = codeOf(secrets.getSecret('token', { signal: controller.signal }))
    const patient = secrets.getSecret('token')
    controller.abort()
    expect(await impatient).toBe('ABORTED')
    await vi.advanceTimersByTimeAsync(100)
    expect([await patient, store.provider.calls()]).toEqual(['v', 1])
  })

  it('is not listened to any more when the call is over', async () => {
    const { signal } = new AbortController()
    const added = vi.spyOn(signal, 'addEventListener')
    const removed = vi.spyOn(signal, 'removeEventListener')
    const secrets = createSecretsManager({ providers: [memoryProvider({ secrets: { token: 'v' } })] })
    for (const call of Object.values(calls)) await call(secrets, 'token', { signal }).catch(() => {})
    expect(added.mock.calls.length).toBeGreaterThan(5)
    expect(removed.mock.calls.length).toBe(added.mock.calls.length)
    expect(vi.getTimerCount()).toBeLessThanOrEqual(1) // at most the wiping of what was let go
  })
})

describe('a hostile name', () => {
  it.each(hostilePaths.map((name) => [name.slice(0, 40), name]))(
    '%j is refused by every call before anything is asked, or is itself',
    async (_, name) => {
      const store = breakable()
      const secrets = createSecretsManager({ providers: [store.provider] })
      if (isValidName(name)) {
        await secrets.storeSecret(name, `the value of ${name}`)
        expect(await secrets.getSecret(name)).toBe(`the value of ${name}`)
        expect(await all(secrets.listSecrets())).toEqual([{ path: name, provider: 'memory', tags: {} }])
        return
      }
      for (const [key, call] of Object.entries(calls)) {
        if (key === 'listSecrets') continue
        const error = await failureOf(call(secrets, name, {}))
        expect([key, error.code]).toEqual([key, 'INVALID_ARGUMENT'])
        expect(error.message).toMatch(/^[\x20-\x7e…]{1,300}$/)
      }
      expect(store.provider.calls()).toBe(0)
    },
  )

  it.each([undefined, null, 5, {}])('%j, which is no text, is refused', async (name) => {
    const secrets = createSecretsManager({ providers: [memoryProvider()] })
    // listSecrets takes no name, and loadSecrets its own key for one that is absent.
    const named = Object.entries(calls).filter(([key]) => key !== 'listSecrets' && key !== 'loadSecrets')
    const codes = await Promise.all(named.map(([, call]) => codeOf(call(secrets, name as string, {})))) // what JavaScript could pass
    expect(new Set(codes)).toEqual(new Set(['INVALID_ARGUMENT']))
  })
})
