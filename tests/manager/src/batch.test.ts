import {
  createSecretsManager,
  loadSecrets,
  SecretNotFoundError,
  SecretsError,
  type SecretProvider,
  type SecretsErrorCode,
  type SecretsManager,
  type StoredSecret,
} from '@finchat/secrets-core'
import { locator } from '@finchat/secrets-core/provider'
import { faults, leaksOf, memoryProvider, memorySharedCache } from '@finchat/secrets-testkit'
import { describe, expect, it, vi } from 'vitest'
import { breakable, codeOf, failureOf, readOnly, type Breakable } from './testing/manager-trial.ts'
import { now, onOwnClock } from './testing/own-clock.ts'

onOwnClock()

interface Asked extends Breakable {
  /** What the store was asked, in order: `get a`, `getMany a,b`. */
  readonly asked: string[]
}

function store(name: string, secrets: Record<string, string>, options: { sharedAs?: string } = {}): Asked {
  const asked: string[] = []
  const broken = breakable({ name, secrets, ...options })
  const provider = { ...broken.provider, ...logged(broken.provider, asked) }
  return Object.assign(broken, { provider, asked })
}

function logged({ get, getMany }: SecretProvider, asked: string[]): Partial<SecretProvider> {
  return {
    get: (path, context) => (asked.push(`get ${path}`), get(path, context)),
    getMany: (paths, context) => (asked.push(`getMany ${paths.join(',')}`), getMany?.(paths, context) ?? Promise.resolve([])),
  }
}

const secrets = { a: '1', b: '2', c: '3' }
const requests = (...names: string[]): { name: string }[] => names.map((name) => ({ name }))

async function outcomes(manager: SecretsManager, ...names: string[]): Promise<unknown[]> {
  const results = await manager.getSecretValues(requests(...names))
  return results.map((result) => (result.status === 'fulfilled' ? result.value.reveal() : (result.reason as SecretsError).code))
}

describe.each<[string, (manager: SecretsManager, names: readonly string[]) => Promise<unknown>]>([
  ['getSecrets', (manager, names) => manager.getSecrets(names)],
  [
    'getSecretValues',
    async (manager, names) => Object.fromEntries((await outcomes(manager, ...names)).map((value, index) => [names[index], value])),
  ],
  ['loadSecrets', (manager, names) => loadSecrets(manager, Object.fromEntries(names.map((name) => [name, {}])))],
])('%s', (_, read) => {
  it('asks the store once for all', async () => {
    const one = store('one', secrets)
    expect(await read(createSecretsManager({ providers: [one.provider] }), ['a', 'b', 'c'])).toEqual(secrets)
    expect(one.asked).toEqual(['getMany a,b,c'])
  })

  it('asks each provider of the chain once, for what those before did not have', async () => {
    const [one, two, three] = [store('one', { a: '1' }), store('two', { b: '2' }), store('three', { c: '3' })]
    const manager = createSecretsManager({ providers: [one.provider, two.provider, three.provider] })
    expect(await read(manager, ['a', 'b', 'c'])).toEqual(secrets)
    expect([one.asked, two.asked, three.asked]).toEqual([['getMany a,b,c'], ['getMany b,c'], ['get c']])
  })

  it('asks for what is not in memory only', async () => {
    const one = store('one', secrets)
    const manager = createSecretsManager({ providers: [one.provider] })
    await manager.getSecret('b')
    expect(await read(manager, ['a', 'b', 'c'])).toEqual(secrets)
    expect(await read(manager, ['a', 'b', 'c'])).toEqual(secrets)
    expect(one.asked).toEqual(['get b', 'getMany a,c'])
  })

  it('waits for a call that is under way instead of asking again', async () => {
    const one = store('one', secrets)
    one.plan = ({ method }) => (method === 'get' ? faults.delay(50) : undefined)
    const manager = createSecretsManager({ providers: [one.provider] })
    const alone = manager.getSecret('b')
    const together = read(manager, ['a', 'b', 'c'])
    await vi.advanceTimersByTimeAsync(50)
    expect([await alone, await together, one.asked]).toEqual(['2', secrets, ['get b', 'getMany a,c']])
  })

  it('is waited for by others who ask for one of them', async () => {
    const one = store('one', secrets)
    one.plan = ({ method }) => (method === 'getMany' ? faults.delay(50) : undefined)
    const manager = createSecretsManager({ providers: [one.provider] })
    const together = read(manager, ['a', 'b', 'c'])
    const alone = manager.getSecret('b')
    await vi.advanceTimersByTimeAsync(50)
    expect([await alone, await together, one.asked]).toEqual(['2', secrets, ['getMany a,b,c']])
  })

  it('asks one by one, at once, where the store has no batch', async () => {
    const asked: string[] = []
    const gate = Promise.withResolvers<void>()
    const plain = readOnly('plain', async (path) => (asked.push(path), await gate.promise, { value: path.toUpperCase() }))
    const together = read(createSecretsManager({ providers: [plain] }), ['a', 'b'])
    await vi.advanceTimersByTimeAsync(0)
    expect(asked).toEqual(['a', 'b'])
    gate.resolve()
    expect(await together).toEqual({ a: 'A', b: 'B' })
  })

  it('asks for nothing where nothing is wanted', async () => {
    const one = store('one', secrets)
    expect(await read(createSecretsManager({ providers: [one.provider] }), [])).toEqual({})
    expect(one.asked).toEqual([])
  })
})

describe('several names', () => {
  it('of one path are asked for once, with their own fields', async () => {
    const one = breakable({ secrets: { db: '{"user":"u","password":"p"}', x: '1' }, names: { user: 'db#user', password: 'db#password' } })
    const asked = vi.fn()
    one.plan = ({ method, args }) => void asked(method, args[0])
    expect(await createSecretsManager({ providers: [one.provider] }).getSecrets(['user', 'password', 'x'])).toEqual({
      user: 'u',
      password: 'p',
      x: '1',
    })
    expect(asked.mock.calls).toEqual([['getMany', ['db', 'x']]])
  })

  // The clock ticks at every look at it, so that for some start the TTL ends between the two names.
  it.each(Array.from({ length: 12 }, (_, ticks) => ticks))(
    'of one path never tear, though the TTL ends while they are read (%i)',
    async (ticks) => {
      let version = 1
      const rotating = readOnly('store', async () => ({ value: JSON.stringify({ user: `u${version}`, password: `p${version}` }) }))
      const placed = { user: 'db#user', password: 'db#password' }
      const manager = createSecretsManager({ providers: [{ ...rotating, locate: locator({ names: placed }) }] })
      expect(await manager.getSecrets(['user', 'password'])).toEqual({ user: 'u1', password: 'p1' })
      version = 2
      let ms = 270_000 - ticks
      vi.spyOn(Date, 'now').mockImplementation(() => now + (ms += 1))
      const { user, password } = await manager.getSecrets(['user', 'password'])
      expect(user.slice(1)).toBe(password.slice(1))
    },
  )

  it('may be the same one', async () => {
    const one = store('one', secrets)
    const manager = createSecretsManager({ providers: [one.provider] })
    expect(await outcomes(manager, 'a', 'b', 'a')).toEqual(['1', '2', '1'])
    expect(await manager.getSecrets(['c', 'c'])).toEqual({ c: '3' })
    expect(one.asked).toEqual(['getMany a,b', 'get c'])
  })

  it('may have fields of their own', async () => {
    const one = breakable({ secrets: { db: '{"user":"u","password":"p"}' } })
    const results = await createSecretsManager({ providers: [one.provider] }).getSecretValues([
      { name: 'db', field: 'user' },
      { name: 'db', field: '/password' },
      { name: 'db', field: 'missing' },
    ])
    expect(results.map((result) => (result.status === 'fulfilled' ? result.value.reveal() : result.reason.code))).toEqual([
      'u',
      'p',
      'INVALID_ARGUMENT',
    ])
  })

  it('that every object has are names as any other', async () => {
    const one = breakable({
      secrets: Object.fromEntries([
        ['__proto__', '1'],
        ['constructor', '2'],
      ]),
    })
    const found = await createSecretsManager({ providers: [one.provider] }).getSecrets(['__proto__', 'constructor'])
    expect(Object.entries(found)).toEqual([
      ['__proto__', '1'],
      ['constructor', '2'],
    ])
  })

  it('are all refused for a bad one, before anything is asked', async () => {
    const one = store('one', secrets)
    const manager = createSecretsManager({ providers: [one.provider] })
    expect(await codeOf(manager.getSecrets(['a', '../b']))).toBe('INVALID_ARGUMENT')
    expect(await codeOf(manager.getSecretValues([{ name: 'a' }, { name: 'b', field: '' }]))).toBe('INVALID_ARGUMENT')
    expect(one.asked).toEqual([])
  })

  it('that are about to expire are answered at once, and refreshed in the background', async () => {
    const one = store('one', secrets)
    const manager = createSecretsManager({ providers: [one.provider] })
    await manager.getSecrets(['a', 'b'])
    one.plan = () => faults.hang()
    vi.setSystemTime(now + 250_000)
    expect(await manager.getSecrets(['a', 'b'])).toEqual({ a: '1', b: '2' })
    expect([Date.now(), manager.cacheStats().refreshes]).toEqual([now + 250_000, 2])
  })

  it.each<[string, (manager: SecretsManager) => Promise<unknown>]>([
    ['getSecrets of one name', (manager) => manager.getSecrets('a' as never)],
    ['getSecrets of nothing', (manager) => manager.getSecrets(undefined as never)],
    ['getSecretValues of one request', (manager) => manager.getSecretValues({ name: 'a' } as never)],
    ['getSecretValues of a list of nothing', (manager) => manager.getSecretValues([undefined] as never)],
    ['getSecretValues of names', (manager) => manager.getSecretValues(['a'] as never)],
  ])('must be a list: %s is refused', async (_, read) => {
    const one = store('one', secrets)
    expect(await codeOf(read(createSecretsManager({ providers: [one.provider] })))).toBe('INVALID_ARGUMENT')
    expect(one.asked).toEqual([])
  })

  it('are kept nowhere with `autoCleanup`, and asked for anew with `fresh`', async () => {
    const one = store('one', secrets)
    const manager = createSecretsManager({ providers: [one.provider] })
    expect(await manager.getSecrets(['a', 'b'], { autoCleanup: true })).toEqual({ a: '1', b: '2' })
    expect(manager.cacheStats().entries).toBe(0)
    await manager.getSecrets(['a', 'b'])
    await manager.getSecrets(['a', 'b'], { fresh: true })
    expect(one.asked).toEqual(['getMany a,b', 'getMany a,b', 'getMany a,b'])
  })

  it('are asked of the store as soon as the shared cache has told of each', async () => {
    const one = store('one', secrets, { sharedAs: 'one' })
    const shared = memorySharedCache()
    await createSecretsManager({ providers: [one.provider], cache: { shared } }).getSecret('b')
    await vi.advanceTimersByTimeAsync(0)
    const manager = createSecretsManager({ providers: [one.provider], cache: { shared: shared.anotherProcess() } })
    expect(await manager.getSecrets(['a', 'b', 'c'])).toEqual(secrets)
    expect(one.asked).toEqual(['get b', 'getMany a,c'])
  })

  it('are held up by a hung provider for its deadline and no more, all together', async () => {
    const [one, two] = [store('one', {}), store('two', secrets)]
    one.plan = () => faults.hang()
    const manager = createSecretsManager({ providers: [one.provider, two.provider], deadlineMs: 100 })
    const reading = manager.getSecretValues(requests('a', 'b', 'c'))
    await vi.advanceTimersByTimeAsync(100)
    expect((await reading).map((result) => result.status === 'fulfilled' && [result.value.reveal(), result.value.degraded])).toEqual([
      ['1', true],
      ['2', true],
      ['3', true],
    ])
    expect([Date.now() - now, two.asked]).toEqual([100, ['getMany a,b,c']])
  })
})

describe('what fails', () => {
  it('to be answered at all is no absence: a weaker store is not asked', async () => {
    const gaps: readonly PromiseSettledResult<StoredSecret | undefined>[] = Array(2)
    const careless: SecretProvider = { ...readOnly('careless', async () => undefined), getMany: async () => gaps }
    const weaker = breakable({ name: 'weaker', secrets: { a: 'old', b: 'old' } })
    const manager = createSecretsManager({ providers: [careless, weaker.provider] })
    const results = await manager.getSecretValues([{ name: 'a' }, { name: 'b' }])
    const failed = { status: 'rejected', reason: { code: 'INTERNAL', provider: 'careless' } }
    expect(results).toMatchObject([failed, failed])
    expect(await codeOf(manager.getSecrets(['a', 'b']))).toBe('INTERNAL')
    expect(weaker.provider.calls()).toBe(0)
  })

  it('to be placed by its provider fails alone', async () => {
    const { locate, ...others } = memoryProvider({ secrets: { a: '1', b: '2' } })
    const picky = (name: string): ReturnType<typeof locate> => {
      if (name === 'b') throw new TypeError('canary')
      return locate(name)
    }
    const manager = createSecretsManager({ providers: [{ ...others, locate: picky }] })
    const [a, b] = await manager.getSecretValues([{ name: 'a' }, { name: 'b' }])
    expect(a).toMatchObject({ status: 'fulfilled' })
    expect(b).toMatchObject({ status: 'rejected', reason: { code: 'INTERNAL', secret: 'b' } })
  })

  it('fails alone: the others have their values', async () => {
    const one = breakable({ secrets })
    one.plan = () =>
      faults.answer([
        { status: 'fulfilled', value: { value: '1' } },
        { status: 'rejected', reason: new SecretsError('PERMISSION_DENIED', 'no') },
        { status: 'fulfilled', value: undefined },
      ])
    const manager = createSecretsManager({ providers: [one.provider] })
    const results = await manager.getSecretValues(requests('a', 'b', 'c'))
    expect(results).toMatchObject([
      { status: 'fulfilled' },
      { status: 'rejected', reason: { code: 'PERMISSION_DENIED', secret: 'b', provider: 'memory' } },
      { status: 'rejected', reason: { code: 'NOT_FOUND', secret: 'c' } },
    ])
  })

  it('falls back alone, each by its own failure', async () => {
    const [one, two] = [breakable({ name: 'one', secrets }), store('two', { a: 'x', b: 'y', c: 'z' })]
    one.plan = () =>
      faults.answer([
        { status: 'fulfilled', value: { value: '1' } },
        { status: 'rejected', reason: new SecretsError('UNAVAILABLE', 'out') },
        { status: 'rejected', reason: new SecretsError('DELETED', 'gone') },
      ])
    const manager = createSecretsManager({ providers: [one.provider, two.provider] })
    expect(await outcomes(manager, 'a', 'b', 'c')).toEqual(['1', 'y', 'DELETED'])
    expect(two.asked).toEqual(['get b'])
  })

  it.each<[string, unknown]>([
    ['too few answers', [{ status: 'fulfilled', value: { value: '1' } }]],
    ['no list', { a: '1' }],
    ['nothing', undefined],
    ['answers that are none', [5, null]],
    [
      'an error of its own',
      [
        { status: 'rejected', reason: new Error('canary-of-a-batch') },
        { status: 'rejected', reason: 'canary-of-a-batch' },
      ],
    ],
    [
      'secrets that are none',
      [
        { status: 'fulfilled', value: 5 },
        { status: 'fulfilled', value: { value: null } },
      ],
    ],
  ])('by %s in a batch is INTERNAL, and nothing of it gets out', async (_, garbage) => {
    const one = breakable()
    one.plan = () => faults.answer(garbage)
    const results = await createSecretsManager({ providers: [one.provider] }).getSecretValues(requests('a', 'b'))
    expect(results).toMatchObject([{ reason: { code: 'INTERNAL', secret: 'a' } }, { reason: { code: 'INTERNAL', secret: 'b' } }])
    expect(leaksOf(results, 'canary-of-a-batch')).toEqual([])
  })

  it('all together, where the batch itself is refused', async () => {
    const one = breakable()
    one.plan = () => faults.reject('PERMISSION_DENIED')
    expect(await outcomes(createSecretsManager({ providers: [one.provider] }), 'a', 'b')).toEqual([
      'PERMISSION_DENIED',
      'PERMISSION_DENIED',
    ])
  })

  it('is stale where it was held, secret by secret', async () => {
    const one = breakable({ secrets })
    const manager = createSecretsManager({ providers: [one.provider] })
    await manager.getSecret('a')
    one.plan = () => faults.reject('UNAVAILABLE')
    vi.setSystemTime(now + 280_000)
    const results = await manager.getSecretValues(requests('a', 'b'))
    expect(results).toMatchObject([
      { status: 'fulfilled', value: { stale: true } },
      { status: 'rejected', reason: { code: 'UNAVAILABLE' } },
    ])
  })
})

describe('the error of getSecrets', () => {
  const failing = (codes: Record<string, SecretsErrorCode | undefined>): SecretsManager => {
    const get = async (path: string): Promise<StoredSecret | undefined> => {
      const code = codes[path]
      if (code !== undefined) throw new SecretsError(code, 'as planned')
      return path === 'fine' ? { value: 'canary-of-a-batch' } : undefined
    }
    return createSecretsManager({ providers: [readOnly('plain', get)] })
  }

  it('lists every secret that failed, by name and never by value', async () => {
    const error = await failureOf(failing({ denied: 'PERMISSION_DENIED' }).getSecrets(['fine', 'denied', 'missing']))
    expect(error.message).toMatch(/2 of 3 secrets[\s\S]*"denied"[\s\S]*as planned[\s\S]*"missing"[\s\S]*not found in any provider/)
    expect(leaksOf(error, 'canary-of-a-batch')).toEqual([])
  })

  it.each<[string, Record<string, SecretsErrorCode>, string[], string]>([
    ['what waiting does not heal', { a: 'UNAVAILABLE', b: 'PERMISSION_DENIED' }, ['a', 'b', 'missing'], 'PERMISSION_DENIED'],
    ['an outage before what is missing', { a: 'UNAVAILABLE' }, ['missing', 'a'], 'UNAVAILABLE'],
    ['NOT_FOUND only if all are missing', {}, ['x', 'y'], 'NOT_FOUND'],
    ['its own where there is one', { a: 'INTEGRITY' }, ['a'], 'INTEGRITY'],
  ])('has the gravest code: %s', async (_, codes, names, code) => {
    const error = await failureOf(failing(codes).getSecrets(names))
    expect([error.code, error instanceof SecretNotFoundError]).toEqual([code, code === 'NOT_FOUND'])
  })
})
