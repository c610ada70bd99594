import {
  createSecretsManager,
  envProvider,
  SecretsError,
  SecretNotFoundError,
  type CallContext,
  type SecretProvider,
  type SecretsErrorCode,
  type SecretsManager,
  type SecretsManagerOptions,
  type StoredSecret,
  type WriteOptions,
} from '@finchat/secrets-core'
import { faults, leaksOf, memoryAuditTrail, memoryProvider, type MemoryProviderOptions } from '@finchat/secrets-testkit'
import { describe, expect, it, vi } from 'vitest'
import { all, breakable, codeOf, failureOf, readOnly, type Breakable } from './testing/manager-trial.ts'
import { now, onOwnClock } from './testing/own-clock.ts'

onOwnClock()

const context: CallContext = { signal: new AbortController().signal }
const env = envProvider({ env: { shown: 'from env' } })

interface Pair {
  readonly first: Breakable
  readonly second: Breakable
  readonly secrets: SecretsManager
}

function pair(here: MemoryProviderOptions = {}, there: MemoryProviderOptions = {}, options: Partial<SecretsManagerOptions> = {}): Pair {
  const first = breakable({ name: 'first', ...here })
  const second = breakable({ name: 'second', ...there })
  return { first, second, secrets: createSecretsManager({ providers: [env, first.provider, second.provider], ...options }) }
}

/** What the store itself has, past all caches. */
async function stored({ provider }: Breakable, path = 'token'): Promise<StoredSecret['value'] | undefined> {
  return (await provider.get(path, context))?.value
}

describe('storeSecret', () => {
  it('writes to the first provider that holds the name and can write', async () => {
    const { first, second, secrets } = pair()
    expect(await secrets.storeSecret('token', 'v1')).toMatchObject({ provider: 'first', version: 1, revision: expect.any(String) })
    expect([await stored(first), await stored(second)]).toEqual(['v1', undefined])
    const named = pair({ names: { other: 'other' }, onlyNamed: true })
    expect((await named.secrets.storeSecret('token', 'v1')).provider).toBe('second')
  })

  it('writes to the provider of `writeTo`, or to the one of the call', async () => {
    const { secrets } = pair({}, {}, { writeTo: 'second' })
    expect((await secrets.storeSecret('token', 'v1')).provider).toBe('second')
    expect((await secrets.storeSecret('other', 'v1', { provider: 'first' })).provider).toBe('first')
  })

  it.each<[string, Partial<SecretsManagerOptions>]>([
    ['is not in the chain', { writeTo: 'third' }],
    ['cannot be written', { writeTo: 'env' }],
  ])('refuses a `writeTo` that %s when the manager is created', (_, options) => {
    expect(() => pair({}, {}, options)).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }))
  })

  it.each<[string, string, WriteOptions, string]>([
    ['is not in the chain', 'token', { provider: 'third' }, 'CONFIGURATION'],
    ['does not hold the name', 'token', { provider: 'named' }, 'CONFIGURATION'],
    ['cannot be written', 'token', { provider: 'env' }, 'UNSUPPORTED'],
  ])('refuses a provider that %s', async (_, name, options, code) => {
    const named = memoryProvider({ name: 'named', names: { only: 'only' }, onlyNamed: true })
    const secrets = createSecretsManager({ providers: [env, named, memoryProvider()] })
    expect(await codeOf(secrets.storeSecret(name, 'v1', options))).toBe(code)
  })

  it('is UNSUPPORTED if no provider can write', async () => {
    expect(await codeOf(createSecretsManager({ providers: [env] }).storeSecret('token', 'v1'))).toBe('UNSUPPORTED')
  })

  it('is CONFIGURATION if an earlier provider has the name, since the write would never be read', async () => {
    const { first, secrets } = pair()
    const error = await failureOf(secrets.storeSecret('shown', 'v1'))
    expect([error.code, error.message]).toEqual(['CONFIGURATION', expect.stringMatching(/'env' answers this name first.*'first'/)])
    expect(first.provider.calls('put')).toBe(0)
  })

  it("may hide a later provider's value", async () => {
    const { secrets } = pair({}, { secrets: { token: 'old' } })
    await secrets.storeSecret('token', 'new')
    expect(await secrets.getSecret('token')).toBe('new')
  })

  it.each<[SecretsErrorCode, SecretsErrorCode]>([
    ['UNAVAILABLE', 'UNAVAILABLE'],
    ['DEADLINE_EXCEEDED', 'UNAVAILABLE'],
    ['RATE_LIMITED', 'UNAVAILABLE'],
    ['PERMISSION_DENIED', 'PERMISSION_DENIED'],
    ['UNAUTHENTICATED', 'UNAUTHENTICATED'],
    ['DELETED', 'DELETED'],
    ['INTERNAL', 'INTERNAL'],
  ])('writes nothing where an earlier provider says %s: what it answers is not known', async (said, code) => {
    const { first, second, secrets } = pair({}, {}, { writeTo: 'second' })
    first.plan = () => faults.reject(said)
    expect(await codeOf(secrets.storeSecret('token', 'v1'))).toBe(code)
    expect(second.provider.calls('put')).toBe(0)
  })

  it('ignores an earlier provider without credentials, which is not in use here', async () => {
    const { first, secrets } = pair({}, {}, { writeTo: 'second' })
    first.plan = () => faults.reject('CREDENTIALS_MISSING')
    expect((await secrets.storeSecret('token', 'v1')).provider).toBe('second')
  })

  it.each<SecretsErrorCode>(['UNAVAILABLE', 'CREDENTIALS_MISSING', 'UNSUPPORTED', 'PERMISSION_DENIED'])(
    'never falls through to another provider, on %s',
    async (code) => {
      const { first, second, secrets } = pair({}, {}, { fallback: { PERMISSION_DENIED: 'next' } })
      first.plan = ({ method }) => (method === 'put' ? faults.reject(code) : undefined)
      expect(await failureOf(secrets.storeSecret('token', 'v1'))).toMatchObject({ code, provider: 'first', secret: 'token' })
      expect(second.provider.calls('put')).toBe(0)
    },
  )

  it.each(['\ud800', 'a\udc00', 5, undefined, null, {}, ['a'], { a: 5 }, { '': 'a' }])(
    'refuses %j, which could not be read back',
    async (value) => {
      const { first, secrets } = pair()
      expect(await codeOf(secrets.storeSecret('token', value as string))).toBe('INVALID_ARGUMENT') // what JavaScript could pass
      expect(first.provider.calls()).toBe(0)
    },
  )

  it("writes bytes exactly, and does not change the caller's bytes", async () => {
    const { secrets } = pair()
    const bytes = Uint8Array.of(0, 1, 255)
    await secrets.storeSecret('token', bytes)
    expect([...bytes]).toEqual([0, 1, 255])
    bytes.fill(9)
    expect([...(await secrets.getSecretValue('token')).bytes()]).toEqual([0, 1, 255])
  })

  it('writes the bytes as they were at the call, although the caller wipes them at once', async () => {
    const { secrets } = pair()
    const bytes = Uint8Array.of(1, 2, 3)
    const writing = secrets.storeSecret('token', bytes)
    bytes.fill(0)
    await writing
    expect([...(await secrets.getSecretValue('token')).bytes()]).toEqual([1, 2, 3])
  })
})

describe('rotateSecret', () => {
  it('goes to the provider whose answer is current', async () => {
    const { first, second, secrets } = pair({}, { secrets: { token: 'v1' } })
    expect(await secrets.rotateSecret('token', 'v2')).toMatchObject({ provider: 'second', version: 2 })
    expect([await stored(first), await stored(second), await secrets.getSecret('token')]).toEqual([undefined, 'v2', 'v2'])
  })

  it('creates a missing secret', async () => {
    const { secrets } = pair({}, {}, { writeTo: 'second' })
    expect(await secrets.rotateSecret('token', 'v1')).toMatchObject({ provider: 'second', version: 1 })
  })

  it('goes to the named provider, unless another one hides it', async () => {
    const { secrets } = pair({ secrets: { token: 'f' } }, { secrets: { token: 's' } })
    expect((await secrets.rotateSecret('token', 'v2', { provider: 'first' })).provider).toBe('first')
    expect(await codeOf(secrets.rotateSecret('token', 'v2', { provider: 'second' }))).toBe('CONFIGURATION')
  })

  it('is UNSUPPORTED if the current provider cannot write', async () => {
    const { first, secrets } = pair()
    expect(await failureOf(secrets.rotateSecret('shown', 'v2'))).toMatchObject({ code: 'UNSUPPORTED', provider: 'env' })
    expect(first.provider.calls('put')).toBe(0)
  })

  it('gives a remedy if the provider cannot do it', async () => {
    const secrets = createSecretsManager({ providers: [envProvider({ env: { shown: 'v1' } })] })
    const calls = [
      secrets.rotateSecret('shown', 'v2'),
      secrets.deleteSecret('shown'),
      secrets.tagSecret('shown', { team: 'pay' }),
      all(secrets.listSecrets()),
      all(secrets.listSecrets({ provider: 'vault\nforged' })),
    ]
    for (const failure of await Promise.all(calls.map(failureOf))) {
      expect(failure).toMatchObject({ code: 'UNSUPPORTED', remedy: expect.any(String) })
      expect(failure.message).not.toContain('\n')
    }
  })

  it.each<SecretsErrorCode>(['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'RATE_LIMITED', 'CREDENTIALS_MISSING'])(
    'is UNAVAILABLE while an earlier provider says %s',
    async (code) => {
      for (const there of [{ secrets: { token: 'v1' } }, {}]) {
        const { first, second, secrets } = pair({}, there)
        first.plan = () => faults.reject(code)
        expect(await codeOf(secrets.rotateSecret('token', 'v2'))).toBe('UNAVAILABLE')
        expect(second.provider.calls('put')).toBe(0)
      }
    },
  )

  it.each<SecretsErrorCode>(['PERMISSION_DENIED', 'DELETED'])(
    'stops where an earlier provider says %s, and is UNAVAILABLE if the policy goes on',
    async (code) => {
      const { first, second, secrets } = pair({}, { secrets: { token: 'v1' } })
      first.plan = () => faults.reject(code)
      expect(await codeOf(secrets.rotateSecret('token', 'v2'))).toBe(code)
      const lax = createSecretsManager({ providers: [first.provider, second.provider], fallback: { [code]: 'next' } })
      expect(await codeOf(lax.rotateSecret('token', 'v2'))).toBe('UNAVAILABLE')
      expect(second.provider.calls('put')).toBe(0)
    },
  )
})

describe('numbering', () => {
  it('counts from 1, and accepts every number above the last', async () => {
    const { secrets } = pair()
    const versions = []
    for (const version of [1, undefined, 7, undefined])
      versions.push((await secrets.storeSecret('token', `v${version}`, { version })).version)
    expect(versions).toEqual([1, 2, 7, 8])
  })

  it.each([1, 2, 3])('refuses %d, which was used, and names the next', async (version) => {
    const { secrets } = pair({ secrets: { token: 'v1' } })
    await secrets.rotateSecret('token', 'v3', { version: 3 })
    for (const write of [secrets.storeSecret, secrets.rotateSecret]) {
      const error = await failureOf(write('token', 'again', { version }))
      expect([error.code, error.message]).toEqual(['VERSION_CONFLICT', expect.stringContaining('4')])
    }
    expect(await secrets.getSecret('token')).toBe('v3')
  })

  it('never uses a number twice, not even of a purged secret', async () => {
    const { secrets } = pair({ secrets: { token: 'v1' } })
    await secrets.deleteSecret('token', { purge: true })
    expect(await codeOf(secrets.storeSecret('token', 'v1', { version: 1 }))).toBe('VERSION_CONFLICT')
    expect((await secrets.storeSecret('token', 'v2')).version).toBe(2)
  })

  it('begins with our first write if the current version has no number', async () => {
    const { secrets } = pair({ secrets: { token: { value: 'made by hand', unnumbered: true } } })
    expect((await secrets.describeSecret('token')).version).toBeUndefined()
    expect((await secrets.rotateSecret('token', 'v2')).version).toBe(2)
    expect(await secrets.getSecret('token', { version: 1 })).toBe('made by hand')
  })

  it.each([0, -1, 1.5, Number.NaN, '2', null])('refuses %j before anything is asked', async (version) => {
    const { first, secrets } = pair()
    expect(await codeOf(secrets.storeSecret('token', 'v', { version: version as number }))).toBe('INVALID_ARGUMENT') // what JavaScript could pass
    expect(first.provider.calls()).toBe(0)
  })

  it('lets one of two concurrent writes of the same number win', async () => {
    const { secrets } = pair({ secrets: { token: 'v1' } })
    const results = await Promise.allSettled([
      secrets.rotateSecret('token', 'a', { version: 2 }),
      secrets.rotateSecret('token', 'b', { version: 2 }),
    ])
    expect(results.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    expect(results.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'VERSION_CONFLICT' } })
  })
})

describe('a write whose answer is lost', () => {
  const lost = () => new SecretsError('UNAVAILABLE', 'lost', { effect: 'unknown' })

  it.each<[string, WriteOptions]>([
    ['with a number', { version: 2 }],
    ['without', {}],
  ])('is a success where the store has it: rotation %s', async (_, options) => {
    const { first, secrets } = pair({ secrets: { token: 'v1' } })
    first.plan = ({ method }) => (method === 'put' ? faults.loseAnswer() : undefined)
    expect(await secrets.rotateSecret('token', 'v2', options)).toMatchObject({
      provider: 'first',
      version: 2,
      revision: expect.any(String),
    })
    expect([await secrets.getSecret('token'), first.provider.calls('put')]).toEqual(['v2', 1])
  })

  it('is a success for a new secret with a number', async () => {
    const { first, secrets } = pair()
    first.plan = ({ method }) => (method === 'put' ? faults.loseAnswer() : undefined)
    expect(await secrets.storeSecret('token', Uint8Array.of(1, 2), { version: 1 })).toMatchObject({ version: 1 })
  })

  it('is VERSION_CONFLICT if another writer wrote that number', async () => {
    const { first, secrets } = pair({ secrets: { token: 'v1' } })
    first.plan = ({ method, count }) => {
      if (method !== 'put' || count > 1) return undefined
      return async () => {
        await first.provider.put('token', { value: 'theirs' }, context)
        throw lost()
      }
    }
    const error = await failureOf(secrets.rotateSecret('token', 'ours', { version: 2 }))
    expect([error.code, error.effect]).toEqual(['VERSION_CONFLICT', undefined])
  })

  it.each<[string, WriteOptions]>([
    ['with a number', { version: 2 }],
    ['without', {}],
  ])("says `effect: 'unknown'` where the store does not have it (yet): %s", async (_, options) => {
    const { first, secrets } = pair({ secrets: { token: 'v1' } })
    first.plan = ({ method }) => (method === 'put' ? faults.reject('UNAVAILABLE', { effect: 'unknown' }) : undefined)
    expect(await failureOf(secrets.rotateSecret('token', 'v2', options))).toMatchObject({
      code: 'UNAVAILABLE',
      effect: 'unknown',
      provider: 'first',
    })
  })

  it("has `effect: 'unknown'` if the value was the same before, which proves nothing", async () => {
    const { first, secrets } = pair({ secrets: { token: 'same' } })
    first.plan = ({ method }) => (method === 'put' ? faults.reject('UNAVAILABLE', { effect: 'unknown' }) : undefined)
    expect((await failureOf(secrets.rotateSecret('token', 'same'))).effect).toBe('unknown')
    expect((await failureOf(secrets.storeSecret('token', 'same'))).effect).toBe('unknown')
  })

  it("has `effect: 'unknown'` if it cannot be read back", async () => {
    const { first, secrets } = pair({ secrets: { token: 'v1' } })
    first.plan = ({ method }) => {
      if (method === 'put') return faults.loseAnswer()
      return method === 'describe' ? undefined : faults.reject('UNAVAILABLE')
    }
    expect(await failureOf(secrets.rotateSecret('token', 'v2', { version: 2 }))).toMatchObject({ code: 'UNAVAILABLE', effect: 'unknown' })
  })

  it.each<[string, (secrets: SecretsManager) => Promise<unknown>]>([
    ['store', (secrets) => secrets.storeSecret('token', 'v2')],
    ['delete', (secrets) => secrets.deleteSecret('token')],
    ['tag', (secrets) => secrets.tagSecret('token', { a: 'b' })],
    ['restore', (secrets) => secrets.restoreSecret('token', { provider: 'first' })],
  ])("past its deadline, or of a foreign error, says `effect: 'unknown'`: %s", async (_, write) => {
    const { first, secrets } = pair({ secrets: { token: 'v1' } }, {}, { deadlineMs: 100 })
    first.plan = ({ method }) => (['put', 'delete', 'tag', 'restore'].includes(method) ? faults.hang() : undefined)
    const late = failureOf(write(secrets))
    await vi.advanceTimersByTimeAsync(100)
    expect(await late).toMatchObject({ code: 'DEADLINE_EXCEEDED', effect: 'unknown' })
    first.plan = ({ method }) =>
      ['put', 'delete', 'tag', 'restore'].includes(method) ? faults.throwForeign(new TypeError('x')) : undefined
    expect(await failureOf(write(secrets))).toMatchObject({ code: 'INTERNAL', effect: 'unknown' })
  })

  it("by the caller's abort has `effect: 'unknown'`, and is recorded", async () => {
    const audit = memoryAuditTrail()
    const { first, secrets } = pair({ secrets: { token: 'v1' } }, {}, { audit })
    first.plan = ({ method }) => (method === 'put' ? faults.hang() : undefined)
    const controller = new AbortController()
    const writing = failureOf(secrets.rotateSecret('token', 'v2', { signal: controller.signal }))
    await vi.advanceTimersByTimeAsync(10)
    controller.abort()
    expect(await writing).toMatchObject({ code: 'ABORTED', effect: 'unknown' })
    expect(audit.events()).toMatchObject([{ phase: 'intent' }, { phase: 'outcome', outcome: 'error', code: 'ABORTED' }])
  })

  it('that the store refused has no effect', async () => {
    const { first, secrets } = pair({ secrets: { token: 'v1' } })
    first.plan = ({ method }) => (method === 'put' ? faults.reject('PERMISSION_DENIED') : undefined)
    expect((await failureOf(secrets.rotateSecret('token', 'v2'))).effect).toBeUndefined()
  })
})

describe('a write of several fields', () => {
  const fields = { user: 'app', password: '00123' }

  it('creates named fields if the store has them, readable one by one or all at once', async () => {
    const { first, secrets } = pair()
    await secrets.storeSecret('database', fields)
    expect(await first.provider.get('database', context)).toMatchObject({ value: JSON.stringify(fields), shape: 'map' })
    expect(await secrets.getSecret('database', { field: 'password' })).toBe('00123')
    expect((await secrets.getSecretValue('database')).json()).toEqual(fields)
    expect(await codeOf(secrets.getSecret('database'))).toBe('INVALID_ARGUMENT')
  })

  it('replaces all former fields, without reading them', async () => {
    const { first, secrets } = pair({ secrets: { database: { value: '{"old":"x","user":"y"}', shape: 'map' } } })
    await secrets.rotateSecret('database', fields)
    expect([JSON.parse(String(await stored(first, 'database'))), first.provider.calls('get')]).toEqual([fields, 1])
  })

  it('creates JSON text in a store of texts', async () => {
    const held = new Map<string, string>()
    const store: SecretProvider = {
      ...readOnly('texts', async (path) => (held.has(path) ? { value: String(held.get(path)), version: held.size } : undefined)),
      put: async (path, { value }) => (held.set(path, String(value)), { version: 1 }),
    }
    const secrets = createSecretsManager({ providers: [store] })
    await secrets.storeSecret('database', fields)
    expect(await secrets.getSecret('database')).toBe('{"user":"app","password":"00123"}')
    await secrets.rotateSecret('database', '9', { field: 'password' })
    expect([await secrets.getSecret('database', { field: 'password' }), held.get('database')]).toEqual([
      '9',
      '{"user":"app","password":"9"}',
    ])
  })

  it('is refused for one field', async () => {
    const { first, secrets } = pair({ names: { password: 'database#password' } })
    expect(await codeOf(secrets.storeSecret('password', fields))).toBe('INVALID_ARGUMENT')
    expect(await codeOf(secrets.storeSecret('other', fields, { field: 'a' }))).toBe('INVALID_ARGUMENT')
    expect(first.provider.calls('put')).toBe(0)
  })
})

describe('a write of one value over named fields', () => {
  it('keeps the name of the only field', async () => {
    const { first, secrets } = pair({ secrets: { token: { value: '{"token":"t1"}', shape: 'map' } } })
    await secrets.rotateSecret('token', 't2')
    expect(await stored(first)).toBe('{"token":"t2"}')
    await secrets.storeSecret('token', 't3')
    expect([await secrets.getSecret('token'), await secrets.getSecret('token', { field: 'token' })]).toEqual(['t3', 't3'])
  })

  it('is refused if there are several', async () => {
    const { first, secrets } = pair({ secrets: { db: { value: '{"user":"u","password":"canary-f3"}', shape: 'map' } } })
    for (const write of ['storeSecret', 'rotateSecret'] as const) {
      const error = await failureOf(secrets[write]('db', 'p2'))
      expect(error).toMatchObject({
        code: 'INVALID_ARGUMENT',
        secret: 'db',
        provider: 'first',
        remedy: expect.stringContaining('by `field`'),
      })
      expect(leaksOf(error, 'canary-f3')).toEqual([])
    }
    expect(first.provider.calls('put')).toBe(0)
  })

  it.each(['storeSecret', 'rotateSecret'] as const)('by %s loses no field that another process adds just before', async (write) => {
    const { first, secrets } = pair({ secrets: { x: { value: '{"password":"old"}', shape: 'map' } } })
    const other = createSecretsManager({ providers: [first.provider] })
    first.plan = ({ method, count }) => {
      if (method !== 'put' || count !== 1) return undefined
      return async (call, next) => {
        await other.storeSecret('x', 'k', { field: 'apiKey' })
        return next(call.context)
      }
    }
    expect(await failureOf(secrets[write]('x', 'new'))).toMatchObject({ code: 'INVALID_ARGUMENT', effect: undefined })
    expect(JSON.parse(String(await stored(first, 'x')))).toEqual({ password: 'old', apiKey: 'k' })
  })

  it('is retried if another process rotated the only field just before', async () => {
    const { first, secrets } = pair({ secrets: { x: { value: '{"password":"old"}', shape: 'map' } } })
    first.plan = ({ method, count }) => {
      if (method !== 'put' || count !== 1) return undefined
      return async (call, next) => {
        await first.provider.put('x', { value: '{"password":"theirs"}', shape: 'map' }, context)
        return next(call.context)
      }
    }
    expect(await secrets.rotateSecret('x', 'new')).toMatchObject({ version: 3 })
    expect(await stored(first, 'x')).toBe('{"password":"new"}')
  })

  it('reads the fields instead of describing the secret, with no further request', async () => {
    const { first, secrets } = pair({ secrets: { token: { value: '{"token":"t1"}', shape: 'map' } } })
    await secrets.rotateSecret('token', 't2')
    expect(['describe', 'get', 'put'].map((method) => first.provider.calls(method))).toEqual([0, 1, 1])
  })
})

describe('a write to a field', () => {
  const text = '{ "user": "u",  "port": 5432, "password": "canary-of-a-value", "big": 12345678901234567890 }'
  const options: MemoryProviderOptions = {
    secrets: { db: { value: text, shape: 'map' }, plain: 'canary-of-a-value', bytes: Uint8Array.of(1) },
    names: { password: 'db#password' },
  }

  it('leaves all else exactly as written, by option or by location', async () => {
    const { first, secrets } = pair(options)
    await secrets.rotateSecret('password', 'p2')
    expect(await stored(first, 'db')).toBe(text.replace('canary-of-a-value', 'p2'))
    await secrets.rotateSecret('db', '6543', { field: 'port' })
    expect(await stored(first, 'db')).toBe(text.replace('canary-of-a-value', 'p2').replace('5432', '"6543"'))
    expect([await secrets.getSecret('password'), await secrets.getSecret('db', { field: 'port' })]).toEqual(['p2', '6543'])
  })

  it('creates a missing secret as a map', async () => {
    const { secrets } = pair()
    await secrets.storeSecret('new', 't', { field: 'token' })
    expect([await secrets.getSecret('new'), (await secrets.getSecretValue('new')).json()]).toEqual(['t', { token: 't' }])
  })

  it('is retried if another writer wrote meanwhile, and loses nothing', async () => {
    const { first, secrets } = pair(options)
    first.plan = ({ method, count }) => {
      if (method !== 'put' || count !== 1) return undefined
      return async (call, next) => {
        await first.provider.put('db', { value: text.replace('"u"', '"changed"') }, context)
        return next(call.context)
      }
    }
    expect(await secrets.rotateSecret('password', 'p2')).toMatchObject({ version: 3 })
    expect(await stored(first, 'db')).toBe(text.replace('"u"', '"changed"').replace('canary-of-a-value', 'p2'))
  })

  it('is kept for each of several concurrent writers to different fields', async () => {
    const { first } = pair(options)
    const processes = ['a', 'b', 'c', 'd'].map((field) => ({ field, secrets: createSecretsManager({ providers: [first.provider] }) }))
    await Promise.all(processes.map(({ field, secrets }) => secrets.rotateSecret('db', `by ${field}`, { field })))
    expect(JSON.parse(String(await stored(first, 'db')))).toMatchObject({ a: 'by a', b: 'by b', c: 'by c', d: 'by d', user: 'u' })
  })

  it('ends with VERSION_CONFLICT if others never stop writing', async () => {
    const { first, secrets } = pair(options)
    first.plan = ({ method }) => (method === 'put' ? faults.reject('VERSION_CONFLICT') : undefined)
    expect(await codeOf(secrets.rotateSecret('password', 'p2'))).toBe('VERSION_CONFLICT')
    expect(first.provider.calls('put')).toBe(10)
  })

  it('that took effect in spite of a conflict does not undo a later write of another', async () => {
    const { first, secrets } = pair(options)
    first.plan = ({ method, count }) => {
      if (method !== 'put' || count !== 1) return undefined
      return async (call, next) => {
        await next(call.context)
        await first.provider.put('db', { value: '{"password":"newer"}', shape: 'map' }, context)
        throw new SecretsError('VERSION_CONFLICT', 'a repeat was refused', { effect: 'unknown' })
      }
    }
    expect(await failureOf(secrets.rotateSecret('password', 'p2'))).toMatchObject({ code: 'VERSION_CONFLICT', effect: 'unknown' })
    expect(await stored(first, 'db')).toBe('{"password":"newer"}')
  })

  it('with a number that was used is not tried again', async () => {
    const { first, secrets } = pair(options)
    expect(await codeOf(secrets.rotateSecret('password', 'p2', { version: 1 }))).toBe('VERSION_CONFLICT')
    expect(first.provider.calls('put')).toBe(1)
  })

  it('is UNSUPPORTED if versions have no identity to compare', async () => {
    const put = vi.fn(async () => ({}))
    const secrets = createSecretsManager({ providers: [{ ...readOnly('store', async () => ({ value: text })), put }] })
    expect(await codeOf(secrets.rotateSecret('db', 'p2', { field: 'password' }))).toBe('UNSUPPORTED')
    expect(put).not.toHaveBeenCalled()
  })

  it.each([
    ['plain', 'v'],
    ['bytes', 'v'],
    ['db', Uint8Array.of(1)],
  ])('of %s is refused without quoting the secret', async (name, value) => {
    const { first, secrets } = pair(options)
    const error = await failureOf(secrets.rotateSecret(name, value, { field: 'password' }))
    expect([error.code, first.provider.calls('put')]).toEqual(['INVALID_ARGUMENT', 0])
    expect(leaksOf(error, 'canary-of-a-value')).toEqual([])
  })

  it('with a lost answer succeeds if the store has the value', async () => {
    const { first, secrets } = pair(options)
    first.plan = ({ method }) => (method === 'put' ? faults.loseAnswer() : undefined)
    expect(await secrets.rotateSecret('password', 'p2')).toMatchObject({ version: 2 })
    expect(first.provider.calls('put')).toBe(1)
  })
})

describe('a value read before a write', () => {
  it('is not served after it, for any version', async () => {
    const { secrets } = pair({ secrets: { token: 'v1' } })
    await secrets.rotateSecret('token', 'v2')
    expect([await secrets.getSecret('token'), await secrets.getSecret('token', { version: 'previous' })]).toEqual(['v2', 'v1'])
    expect(await codeOf(secrets.getSecret('token', { version: 3 }))).toBe('NOT_FOUND')
    await secrets.rotateSecret('token', 'v3')
    expect([
      await secrets.getSecret('token'),
      await secrets.getSecret('token', { version: 'previous' }),
      await secrets.getSecret('token', { version: 3 }),
    ]).toEqual(['v3', 'v2', 'v3'])
  })

  it('is not served after it under another name of the same path', async () => {
    const { secrets } = pair({ secrets: { same: 'v1' }, names: { one: 'same', other: 'same' } })
    expect([await secrets.getSecret('one'), await secrets.getSecret('other')]).toEqual(['v1', 'v1'])
    await secrets.rotateSecret('one', 'v2')
    expect([await secrets.getSecret('one'), await secrets.getSecret('other')]).toEqual(['v2', 'v2'])
  })

  it('that was missing is found after it at once', async () => {
    const { secrets } = pair()
    await codeOf(secrets.getSecret('token'))
    await secrets.storeSecret('token', 'v1')
    expect(await secrets.getSecret('token')).toBe('v1')
  })

  it.each([undefined, 1])('by a call from before it is neither joined nor kept (version %s)', async (version) => {
    const { first, secrets } = pair({ secrets: { token: 'v1' } })
    const slow = Promise.withResolvers<StoredSecret>()
    first.plan = ({ method, count }) => (method === (version ? 'getVersion' : 'get') && count === 1 ? () => slow.promise : undefined)
    const before = secrets.getSecret('token', { version })
    await vi.advanceTimersByTimeAsync(0)
    await secrets.rotateSecret('token', 'v2')
    const after = secrets.getSecret('token')
    slow.resolve({ value: 'v1', version: 1 })
    expect([await before, await after, await secrets.getSecret('token')]).toEqual(['v1', 'v2', 'v2'])
  })

  it('is not served after a failed write either, since that may have happened', async () => {
    const { first, secrets } = pair({ secrets: { token: 'v1' } })
    await secrets.getSecret('token')
    first.plan = ({ method }) => (method === 'put' ? faults.loseAnswer() : undefined)
    await Promise.allSettled([secrets.storeSecret('token', 'v2')])
    expect(await secrets.getSecret('token')).toBe('v2')
  })
})

describe('tags, descriptions and lists', () => {
  it('are set, removed and kept', async () => {
    const { secrets } = pair()
    await secrets.storeSecret('token', 'v1', { tags: { team: 'pay', stage: 'prod' } })
    expect(await secrets.tagSecret('token', { stage: null, owner: 'me' })).toEqual({ provider: 'first' })
    expect(await secrets.describeSecret('token')).toMatchObject({
      provider: 'first',
      version: 1,
      currentSince: now,
      tags: { team: 'pay', owner: 'me' },
      versions: [{ version: 1 }],
    })
  })

  it.each([null, 'team', ['team'], { team: 5 }, { team: {} }, { team: undefined }, { team: '\ud800' }])('cannot be %j', async (tags) => {
    const { first, secrets } = pair({ secrets: { token: 'v1' } })
    const wrong = tags as unknown as Record<string, string> // what JavaScript could pass
    expect(await codeOf(secrets.tagSecret('token', wrong))).toBe('INVALID_ARGUMENT')
    expect(await codeOf(secrets.storeSecret('token', 'v2', { tags: wrong }))).toBe('INVALID_ARGUMENT')
    expect(first.provider.calls()).toBe(0)
  })

  it('are set by text only, and removed by tagSecret only', async () => {
    const { secrets } = pair({ secrets: { token: 'v1' } })
    const dropping = { team: null } as unknown as Record<string, string> // what JavaScript could pass
    expect(await codeOf(secrets.storeSecret('token', 'v2', { tags: dropping }))).toBe('INVALID_ARGUMENT')
    expect(await secrets.tagSecret('token', dropping)).toEqual({ provider: 'first' })
  })

  it('show nothing of the value', async () => {
    const { secrets } = pair({ secrets: { token: 'canary-of-a-value' } })
    expect(leaksOf([await secrets.describeSecret('token'), await all(secrets.listSecrets())], 'canary-of-a-value')).toEqual([])
  })

  it('show nothing of the value, even if a careless provider includes it', async () => {
    const value = 'canary-of-a-value'
    const whole = async (): Promise<StoredSecret> => ({ value, version: 1 })
    const careless: SecretProvider = { ...readOnly('careless', whole), describe: whole, put: whole, delete: whole as never }
    const audit = memoryAuditTrail()
    const secrets = createSecretsManager({ providers: [careless], audit })
    const list: SecretProvider['list'] = async function* () {
      yield { path: 'token', value } as { path: string }
    }
    const listing = createSecretsManager({ providers: [{ ...careless, list }] })
    expect(await all(listing.listSecrets())).toEqual([{ provider: 'careless', path: 'token' }])
    const answers = [
      await secrets.describeSecret('token'),
      await secrets.storeSecret('token', 'v'),
      await secrets.rotateSecret('token', 'v'),
      await secrets.deleteSecret('token'),
    ]
    expect(answers[0]).toEqual({ provider: 'careless', version: 1 })
    expect(leaksOf([answers, audit.events()], value)).toEqual([])
  })

  it('need no `describe` of the provider', async () => {
    const secrets = createSecretsManager({
      providers: [readOnly('plain', async (path) => (path === 'token' ? { value: 'v', version: 3 } : undefined))],
    })
    expect(await secrets.describeSecret('token')).toEqual({ provider: 'plain', version: 3 })
    expect(await failureOf(secrets.describeSecret('other'))).toBeInstanceOf(SecretNotFoundError)
  })

  it('follow the fallback policy', async () => {
    const { first, secrets } = pair({}, { secrets: { token: 'v' } })
    first.plan = () => faults.reject('UNAVAILABLE')
    expect(await secrets.describeSecret('token')).toMatchObject({ provider: 'second', degraded: true })
    first.plan = () => undefined
    expect(await secrets.describeSecret('token')).not.toHaveProperty('degraded') // the first one says that it has none
    first.plan = () => faults.reject('UNAVAILABLE')
    expect(await codeOf(secrets.describeSecret('token', { fallback: { UNAVAILABLE: 'stop' } }))).toBe('UNAVAILABLE')
    expect(await codeOf(secrets.describeSecret('other'))).toBe('UNAVAILABLE')
  })

  it("list all providers' own paths in the chain's order, or those of one, or under a prefix", async () => {
    const { secrets } = pair({ secrets: { 'a/1': 'v', 'b/1': 'v' } }, { secrets: { 'a/2': { value: 'v', tags: { t: 'x' } } } })
    const listed = async (options = {}): Promise<string[]> =>
      (await all(secrets.listSecrets(options))).map(({ provider, path }) => `${provider} ${path}`)
    expect(await listed()).toEqual(['first a/1', 'first b/1', 'second a/2'])
    expect(await listed({ prefix: 'a/' })).toEqual(['first a/1', 'second a/2'])
    expect(await listed({ provider: 'second' })).toEqual(['second a/2'])
    expect((await all(secrets.listSecrets({ provider: 'second' })))[0]).toEqual({ provider: 'second', path: 'a/2', tags: { t: 'x' } })
    expect(await codeOf(listed({ provider: 'env' }))).toBe('UNSUPPORTED')
    expect(await codeOf(listed({ provider: 'nobody' }))).toMatch(/UNSUPPORTED|CONFIGURATION/)
  })

  it('are read page by page, and end when the reader stops', async () => {
    const pages: number[] = []
    const ended = vi.fn()
    const list: SecretProvider['list'] = async function* () {
      try {
        for (let page = 1; ; page++) {
          pages.push(page)
          yield { path: `p${page}` }
        }
      } finally {
        ended()
      }
    }
    const secrets = createSecretsManager({ providers: [{ ...readOnly('store', async () => undefined), list }] })
    for await (const { path } of secrets.listSecrets()) if (path === 'p2') break
    await vi.advanceTimersByTimeAsync(0)
    expect([pages, ended.mock.calls.length]).toEqual([[1, 2], 1])
  })

  it.each<[string, SecretProvider['list'], string]>([
    ['hangs', () => ({ [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) }), 'DEADLINE_EXCEEDED'],
    [
      'fails with an error of its own',
      () => ({ [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error('canary-in-a-list')) }) }),
      'INTERNAL',
    ],
    [
      'throws',
      () => {
        throw new Error('canary-in-a-list')
      },
      'INTERNAL',
    ],
  ])('of a provider that %s end with a clear error', async (_, list, code) => {
    const secrets = createSecretsManager({ providers: [{ ...readOnly('store', async () => undefined), list }], deadlineMs: 100 })
    const listing = failureOf(all(secrets.listSecrets()))
    await vi.advanceTimersByTimeAsync(100)
    const error = await listing
    expect([error.code, leaksOf(error, 'canary-in-a-list')]).toEqual([code, []])
  })

  it.each<[string, unknown, RegExp]>([
    ['an array', () => [{ path: 'a' }], /a list that is an array, not an async iterable/],
    ['a Promise of one', async () => [{ path: 'a' }], /a list that is a Promise/],
    ['a Set', () => new Set([{ path: 'a' }]), /a list that is a Set/],
    ['nothing', () => undefined, /a list that is undefined/],
    ['an object that iterates in no way', () => ({ [Symbol.asyncIterator]: 5 }), /a list that is an object/],
    [
      'a page that is text',
      async function* () {
        yield 'canary-in-a-list'
      },
      /what is not a listed secret/,
    ],
    [
      'an entry without a path',
      async function* () {
        yield { name: 'canary-in-a-list' }
      },
      /what is not a listed secret/,
    ],
    [
      'null among its entries',
      async function* () {
        yield null
      },
      /what is not a listed secret/,
    ],
    [
      'a next that throws at once',
      () => ({
        [Symbol.asyncIterator]: () => ({
          next: () => {
            throw new Error('canary-in-a-list')
          },
        }),
      }),
      /failed with an Error/,
    ],
    ['a next that gives nothing', () => ({ [Symbol.asyncIterator]: () => ({ next: () => undefined }) }), /failed with a TypeError/],
  ])('of a provider that answers %s name it, and say what is wrong', async (_, list, problem) => {
    const store: SecretProvider = { ...readOnly('store', async () => undefined), list: list as never } // what a careless author answers
    const secrets = createSecretsManager({ providers: [memoryProvider({ secrets: { a: 'x' } }), store] })
    const error = await failureOf(all(secrets.listSecrets()))
    expect([error.code, error.provider, leaksOf(error, 'canary-in-a-list')]).toEqual(['INTERNAL', 'store', []])
    expect(error.message).toMatch(problem)
  })

  it('of a provider without secrets, or with an UNSUPPORTED list, are empty', async () => {
    const empty: SecretProvider = { ...readOnly('empty', async () => undefined), list: async function* () {} }
    const none: SecretProvider = {
      ...readOnly('none', async () => undefined),
      list: () => {
        throw new SecretsError('UNSUPPORTED', 'x')
      },
    }
    expect(await all(createSecretsManager({ providers: [none, empty] }).listSecrets())).toEqual([])
  })
})

describe('a name of one field', () => {
  const names = { password: 'db#password', user: 'db#user' }
  const secrets = { db: { value: '{"password":"p","user":"u"}', shape: 'map' as const } }

  it.each(['deleteSecret', 'restoreSecret'] as const)('cannot withdraw the others by %s', async (call) => {
    const { first, secrets: manager } = pair({ names, secrets })
    expect(await codeOf(manager[call]('password', { provider: 'first' }))).toBe('UNSUPPORTED')
    expect(await codeOf(manager.deleteSecret('password', { purge: true }))).toBe('UNSUPPORTED')
    expect([await manager.getSecret('user'), first.provider.calls('delete')]).toEqual(['u', 0])
  })
})

describe('deleteSecret', () => {
  it('purges only for true', async () => {
    const { first, secrets } = pair({ secrets: { token: 'v' } })
    const purge = 'false' as unknown as boolean // what JavaScript could pass
    expect(await codeOf(secrets.deleteSecret('token', { purge }))).toBe('INVALID_ARGUMENT')
    expect(first.provider.calls('delete')).toBe(0)
  })

  /** A store that forgets what is deleted. */
  const forgetful = (name: string, secrets: Record<string, string>): SecretProvider => ({
    ...readOnly(name, async (path) => (secrets[path] === undefined ? undefined : { value: secrets[path] })),
    delete: async (path) => (delete secrets[path], { restorableUntil: now + 1_000 }),
  })

  it('withdraws the current secret, and no later store brings it back', async () => {
    const { first, second, secrets } = pair({ secrets: { token: 'v1' } }, { secrets: { token: 'weaker' } })
    expect(await secrets.deleteSecret('token')).toMatchObject({ provider: 'first', answersNext: undefined })
    expect([await codeOf(secrets.getSecret('token')), second.provider.calls('delete'), first.provider.calls('delete')]).toEqual([
      'DELETED',
      0,
      1,
    ])
  })

  it('reports which provider would answer next', async () => {
    const secrets = createSecretsManager({ providers: [forgetful('first', { token: 'v1' }), forgetful('second', { token: 'v2' })] })
    expect(await secrets.deleteSecret('token')).toEqual({ provider: 'first', restorableUntil: now + 1_000, answersNext: 'second' })
    expect(await secrets.deleteSecret('token')).toEqual({ provider: 'second', restorableUntil: now + 1_000, answersNext: undefined })
    expect(await failureOf(secrets.deleteSecret('token'))).toBeInstanceOf(SecretNotFoundError)
  })

  it('goes to the named provider', async () => {
    const { first, secrets } = pair({ secrets: { token: 'v1' } }, { secrets: { token: 'v2' } })
    expect(await secrets.deleteSecret('token', { provider: 'second' })).toMatchObject({ provider: 'second', answersNext: 'first' })
    expect(first.provider.calls('delete')).toBe(0)
  })

  it('is UNAVAILABLE while an earlier provider is unreachable, and UNSUPPORTED without a delete', async () => {
    const { first, second, secrets } = pair({}, { secrets: { token: 'v2' } })
    first.plan = () => faults.reject('UNAVAILABLE')
    expect([await codeOf(secrets.deleteSecret('token')), second.provider.calls('delete')]).toEqual(['UNAVAILABLE', 0])
    expect(await failureOf(secrets.deleteSecret('shown'))).toMatchObject({ code: 'UNSUPPORTED', provider: 'env' })
  })

  it('can be undone by restoreSecret, unless it was a purge', async () => {
    const { secrets } = pair({ secrets: { token: 'v1' } })
    await secrets.deleteSecret('token')
    expect(await codeOf(secrets.getSecret('token'))).toBe('DELETED')
    expect(await secrets.restoreSecret('token')).toEqual({ provider: 'first' })
    expect(await secrets.getSecret('token')).toBe('v1')
    await secrets.deleteSecret('token', { purge: true })
    expect([await codeOf(secrets.restoreSecret('token')), await codeOf(secrets.getSecret('token'))]).toEqual(['NOT_FOUND', 'NOT_FOUND'])
  })

  it('purges a withdrawn secret, and then a later provider answers', async () => {
    const { secrets, first, second } = pair({ secrets: { token: 'v1' } })
    await second.provider.put('token', { value: 'weaker' }, { signal: AbortSignal.timeout(1_000) })
    await secrets.deleteSecret('token')
    expect(await codeOf(secrets.getSecret('token'))).toBe('DELETED')
    expect(await codeOf(secrets.deleteSecret('token'))).toBe('DELETED')
    expect(await secrets.deleteSecret('token', { purge: true })).toMatchObject({ provider: 'first', answersNext: 'second' })
    expect(await secrets.getSecret('token')).toBe('weaker')
    expect(first.provider.calls('delete')).toBe(2)
  })

  it('purges no withdrawn secret behind an unreachable provider, unless its provider is named', async () => {
    const { secrets, first, second } = pair()
    await second.provider.put('token', { value: 'v' }, { signal: AbortSignal.timeout(1_000) })
    await secrets.deleteSecret('token')
    first.plan = () => faults.reject('UNAVAILABLE')
    expect([await codeOf(secrets.deleteSecret('token', { purge: true })), second.provider.calls('delete')]).toEqual(['UNAVAILABLE', 1])
    expect(await secrets.deleteSecret('token', { purge: true, provider: 'second' })).toMatchObject({ provider: 'second' })
  })

  it('purges a withdrawn secret that the policy skips, unless a later provider has the secret', async () => {
    const fallback = { DELETED: 'next' } as const
    const [one, two] = ['one', 'two'].map((name) => breakable({ name, secrets: name === 'one' ? { token: 'v1' } : {} }))
    if (one === undefined || two === undefined) throw new Error('there are two')
    const secrets = createSecretsManager({ providers: [one.provider, two.provider], fallback })
    await secrets.deleteSecret('token')
    expect(await secrets.deleteSecret('token', { purge: true })).toMatchObject({ provider: 'one' })
    expect(await failureOf(secrets.getSecret('token'))).toBeInstanceOf(SecretNotFoundError)
  })

  it("rejects a purge of a missing secret with NOT_FOUND, and passes on the store's refusal", async () => {
    const { secrets, first } = pair({ secrets: { token: 'v1' } })
    expect(await codeOf(secrets.deleteSecret('nothing', { purge: true }))).toBe('NOT_FOUND')
    await secrets.deleteSecret('token')
    first.plan = ({ method }) => (method === 'delete' ? faults.reject('PERMISSION_DENIED') : undefined)
    expect(await codeOf(secrets.deleteSecret('token', { purge: true }))).toBe('PERMISSION_DENIED')
  })

  it.each<[string, (secrets: SecretsManager) => Promise<unknown>]>([
    ['deleteSecret', (secrets) => secrets.deleteSecret('nothing', { provider: 'first' })],
    ['restoreSecret', (secrets) => secrets.restoreSecret('nothing', { provider: 'first' })],
    ['tagSecret', (secrets) => secrets.tagSecret('nothing', {}, { provider: 'first' })],
  ])('has as little to act on as %s where the provider that the call names has no such secret', async (_, change) => {
    const error = await failureOf(change(pair().secrets))
    expect(error).toBeInstanceOf(SecretNotFoundError)
    expect([error.secret, error.provider, error.effect]).toEqual(['nothing', 'first', undefined])
  })

  it.each<[string, string, string]>([
    ['is there', 'token', 'INVALID_ARGUMENT'],
    ['never was', 'nothing', 'NOT_FOUND'],
    ['lies in env', 'shown', 'INVALID_ARGUMENT'],
  ])('leaves nothing to restore of a secret that %s', async (_, name, code) => {
    const { secrets } = pair({ secrets: { token: 'v1' } })
    expect(await codeOf(secrets.restoreSecret(name))).toBe(code)
  })
})
