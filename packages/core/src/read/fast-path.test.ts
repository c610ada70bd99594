import { setImmediate as nextTurn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { SecretProvider, StoredSecret } from '../contract/provider.ts'
import { createSecretsManager } from '../manager/create-manager.ts'
import type { SecretsManager } from '../manager/secrets-manager.ts'
import { SecretsError } from '../errors/secrets-error.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void // what the flag gives every context that is made after it

beforeEach(() => void vi.useFakeTimers({ now: 1_800_000_000_000 }))
afterEach(() => vi.useRealTimers())

function provider(name: string, get: SecretProvider['get'], locate?: SecretProvider['locate']): SecretProvider {
  return { specificationVersion: 'v1', name, get: vi.fn<SecretProvider['get']>(get), locate }
}

function answering(secrets: Readonly<Record<string, string | StoredSecret>>): SecretProvider['get'] {
  return async (path) => {
    const secret = secrets[path]
    return typeof secret === 'string' ? { value: secret } : secret
  }
}

function managerOf(secrets: Readonly<Record<string, string | StoredSecret>>, locate?: SecretProvider['locate']): SecretsManager {
  return createSecretsManager({ providers: [provider('store', answering(secrets), locate)], cache: { maxEntries: 2 } })
}

describe('a secret in memory', () => {
  it('is one string for all readers while it is in use', async () => {
    const secrets = managerOf({ token: 'v1' })
    await secrets.getSecret('token')
    expect(secrets.getSecret('token')).toBe(secrets.getSecret('token'))
    expect(await secrets.getSecret('token')).toBe('v1')
  })

  it('is one value object for all readers', async () => {
    const secrets = managerOf({ token: 'v1' })
    expect(await secrets.getSecretValue('token')).toBe(await secrets.getSecretValue('token'))
    expect(secrets.getSecretValue('token')).toBe(secrets.getSecretValue('token'))
  })

  it('is reduced to its located field, and delivered whole without one', async () => {
    const json: StoredSecret = { value: '{"user":"ada","port":5432}', shape: 'map' }
    const secrets = managerOf({ db: json }, (name) => (name === 'port' ? { path: 'db', field: 'port' } : { path: name }))
    for (const _ of ['from the store', 'from memory', 'in one look-up']) {
      expect([await secrets.getSecret('port'), (await secrets.getSecretValue('port')).reveal()]).toEqual(['5432', '5432'])
      expect((await secrets.getSecretValue('db')).json()).toEqual({ user: 'ada', port: 5432 })
      await expect(secrets.getSecret('db')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', secret: 'db', provider: 'store' })
    }
  })

  it('counts twice where it is not text: once here, once along the chain, which says so', async () => {
    const secrets = managerOf({ db: { value: '{"user":"ada","port":5432}', shape: 'map' } })
    for (const _ of ['from the store', 'in memory']) await secrets.getSecretValue('db')
    const { hits } = secrets.cacheStats()
    await expect(secrets.getSecret('db')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    expect(secrets.cacheStats().hits - hits).toBe(2)
  })

  it('is found behind known absences, each of which counts as a hit, as long as they hold', async () => {
    const first = provider('first', async () => undefined)
    const second = provider('second', answering({ token: 'v1' }))
    const secrets = createSecretsManager({ providers: [first, second] })
    await secrets.getSecret('token')
    expect([await secrets.getSecret('token'), await secrets.getSecret('token')]).toEqual(['v1', 'v1'])
    expect(secrets.cacheStats().providers).toMatchObject({ first: { hits: 2, misses: 1 }, second: { hits: 2, misses: 1 } })
    await vi.advanceTimersByTimeAsync(5_000)
    await secrets.getSecret('token')
    expect([first.get, second.get].map((get) => vi.mocked(get).mock.calls.length)).toEqual([2, 1])
  })

  it('is not found behind a provider without an answer yet', async () => {
    let value: string | undefined
    const first = provider('first', async () => (value === undefined ? undefined : { value }))
    const secrets = createSecretsManager({ providers: [first, provider('second', answering({ token: 'weaker' }))] })
    expect(await secrets.getSecret('token')).toBe('weaker')
    value = 'stronger'
    await vi.advanceTimersByTimeAsync(5_000)
    expect(await secrets.getSecret('token')).toBe('stronger')
  })

  it.each([
    ['is written there', 10],
    ['is written there after its absence had to make room', 1],
  ])('is not found behind an earlier provider once it %s', async (_, maxEntries) => {
    const stored = new Map<string, string>()
    const first: SecretProvider = {
      ...provider('first', async (path) => {
        const value = stored.get(path)
        return value === undefined ? undefined : { value }
      }),
      put: async (path, { value }) => {
        stored.set(path, String(value))
        return {}
      },
    }
    const second = provider('second', async (path) => (path === 'token' ? { value: 'old' } : undefined))
    const secrets = createSecretsManager({ providers: [first, second], cache: { maxEntries } })
    for (let times = 0; times < 3; times += 1) expect(await secrets.getSecret('token')).toBe('old')
    await expect(secrets.getSecret('other')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await secrets.storeSecret('token', 'new', { provider: 'first' })
    expect(await secrets.getSecret('token')).toBe('new')
  })

  it.each<[string, (secrets: SecretsManager) => Promise<unknown>]>([
    ['described', (secrets) => secrets.describeSecret('token')],
    ['read in a version', (secrets) => secrets.getSecret('token', { version: 1 })],
    ['read and kept nowhere', (secrets) => secrets.getSecret('token', { fresh: true, autoCleanup: true })],
  ])('is not found behind an earlier provider once it was %s there', async (_, meet) => {
    const stored: Record<string, StoredSecret> = {}
    const get = answering(stored)
    const getVersion: SecretProvider['getVersion'] = (path, _version, context) => get(path, context)
    const first: SecretProvider = { ...provider('first', get), getVersion, describe: async (path) => stored[path] && { version: 1 } }
    const secrets = createSecretsManager({ providers: [first, provider('second', answering({ token: 'old' }))] })
    for (let times = 0; times < 3; times += 1) expect(await secrets.getSecret('token')).toBe('old')
    stored['token'] = { value: 'new', version: 1 }
    await meet(secrets)
    expect(await secrets.getSecret('token')).toBe('new')
  })

  it('is looked up again if the clock went back after an absence', async () => {
    const [first, second] = [provider('first', async () => undefined), provider('second', answering({ token: 'v1' }))]
    const secrets = createSecretsManager({ providers: [first, second] })
    for (const _ of ['from the store', 'along the route', 'in one look-up']) await secrets.getSecret('token')
    vi.setSystemTime(Date.now() - 2_000)
    expect(await secrets.getSecret('token')).toBe('v1')
    expect([first.get, second.get].map((get) => vi.mocked(get).mock.calls.length)).toEqual([2, 2])
  })

  it('is marked as used by its latest read, so others are evicted', async () => {
    const secrets = managerOf({ a: 'A', b: 'B', c: 'C' })
    for (const name of ['a', 'b', 'a', 'b', 'a', 'c']) await secrets.getSecret(name)
    const { misses } = secrets.cacheStats()
    await secrets.getSecret('a')
    expect(secrets.cacheStats()).toMatchObject({ misses, evictions: 1 })
  })

  it('is read again after a change, a clock that went back, and its expiry', async () => {
    let reads = 0
    const get = async (): Promise<StoredSecret> => ({ value: `v${(reads += 1)}` })
    const secrets = createSecretsManager({ providers: [provider('store', get)] })
    const twice = async (): Promise<unknown> => [await secrets.getSecret('token'), await secrets.getSecret('token')]
    expect(await twice()).toEqual(['v1', 'v1'])
    await secrets.getSecret('token', { fresh: true })
    expect(await twice()).toEqual(['v2', 'v2'])
    vi.setSystemTime(Date.now() - 2_000)
    expect(await twice()).toEqual(['v3', 'v3'])
    vi.setSystemTime(Date.now() + 301_000)
    expect(await twice()).toEqual(['v4', 'v4'])
  })

  it('is not served once the manager is closed', async () => {
    const secrets = managerOf({ token: 'v1' })
    for (const _ of ['from the store', 'from memory']) await secrets.getSecret('token')
    const closing = secrets.close()
    await expect(secrets.getSecret('token')).rejects.toMatchObject({ code: 'ABORTED' })
    await closing
  })

  it('is collected once it has left memory and no reader holds it', async () => {
    vi.useRealTimers()
    const secrets = managerOf({ a: 'A', b: 'B', c: 'C' })
    await secrets.getSecretValue('a')
    const handle = new WeakRef(await secrets.getSecretValue('a'))
    for (const name of ['b', 'c']) await secrets.getSecret(name)
    await nextTurn()
    collectGarbage()
    expect(handle.deref()).toBeUndefined()
    expect(secrets.cacheStats()).toMatchObject({ evictions: 1 })
  })

  it('is found under more names than can be remembered', async () => {
    const secrets = managerOf({ one: 'v1' }, () => ({ path: 'one' }))
    for (let count = 0; count < 10_010; count += 1) await secrets.getSecret(`name-${count}`)
    expect([await secrets.getSecret('name-0'), await secrets.getSecret('name-10009')]).toEqual(['v1', 'v1'])
    expect(secrets.cacheStats()).toMatchObject({ misses: 1, hits: 10_011 })
  })
})

describe('a secret with many readers at once', () => {
  const slowly = (get: SecretProvider['get']): SecretProvider['get'] => {
    return async (path, context) => {
      await new Promise((resolve) => setTimeout(resolve, 20))
      return get(path, context)
    }
  }
  const many = <T>(read: () => Promise<T>): Promise<PromiseSettledResult<T>[]> => {
    const reads = Promise.allSettled(Array.from({ length: 100 }, read))
    return vi.advanceTimersByTimeAsync(100).then(() => reads)
  }
  const calls = ({ get }: SecretProvider): number => vi.mocked(get).mock.calls.length

  it.each([0, 300])('is read once, with a TTL of %d s, and each waiting reader counts as a joined miss', async (ttlSeconds) => {
    const store = provider('store', slowly(answering({ token: 'v1' })))
    const secrets = createSecretsManager({ providers: [store], cache: { ttlSeconds } })
    const results = await many(() => secrets.getSecret('token'))
    expect(new Set(results.map((result) => result.status === 'fulfilled' && result.value))).toEqual(new Set(['v1']))
    expect([calls(store), secrets.cacheStats()]).toEqual([1, expect.objectContaining({ hits: 0, misses: 100, flightsJoined: 99 })])
  })

  it('is one value object for all readers', async () => {
    const secrets = createSecretsManager({ providers: [provider('store', slowly(answering({ token: 'v1' })))] })
    const results = await many(() => secrets.getSecretValue('token'))
    const values = results.map((result) => (result.status === 'fulfilled' ? result.value : undefined))
    expect([new Set(values).size, values[99]?.reveal()]).toEqual([1, 'v1'])
  })

  it('is read once from each provider if the first has none', async () => {
    const [first, second] = [provider('first', slowly(answering({}))), provider('second', slowly(answering({ token: 'v1' })))]
    const secrets = createSecretsManager({ providers: [first, second] })
    const results = await many(() => secrets.getSecret('token'))
    expect(results).toEqual(results.map(() => ({ status: 'fulfilled', value: 'v1' })))
    expect([calls(first), calls(second)]).toEqual([1, 1])
  })

  it('is read from the second provider if the first is known to have none', async () => {
    const shortLived = async (): Promise<StoredSecret> => ({ value: 'v1', expiresAt: Date.now() + 1_000 })
    const [first, second] = [provider('first', answering({})), provider('second', slowly(shortLived))]
    const secrets = createSecretsManager({ providers: [first, second] })
    await many(() => secrets.getSecret('token'))
    const before = secrets.cacheStats().providers['first']?.hits ?? 0
    await vi.advanceTimersByTimeAsync(1_000)
    await many(() => secrets.getSecret('token'))
    expect([calls(first), calls(second)]).toEqual([1, 2])
    expect(secrets.cacheStats().providers['first']).toMatchObject({ hits: before + 100 })
  })

  it('fails for all readers alike', async () => {
    const store = provider(
      'store',
      slowly(async () => Promise.reject(new SecretsError('PERMISSION_DENIED', 'denied'))),
    )
    const secrets = createSecretsManager({ providers: [store, provider('weaker', answering({ token: 'old' }))] })
    for (const result of await many(() => secrets.getSecret('token')))
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'PERMISSION_DENIED', secret: 'token', provider: 'store' } })
    expect(calls(store)).toBe(1)
  })

  it('falls back for all readers of a store that is down', async () => {
    const store = provider(
      'store',
      slowly(async () => Promise.reject(new SecretsError('UNAVAILABLE', 'down'))),
    )
    const secrets = createSecretsManager({ providers: [store, provider('weaker', answering({ token: 'old' }))] })
    const values = await many(() => secrets.getSecretValue('token'))
    expect(values.every((result) => result.status === 'fulfilled' && result.value.degraded)).toBe(true)
    expect(calls(store)).toBe(1)
  })

  it('reports to each reader why its own part is missing', async () => {
    const secrets = createSecretsManager({
      providers: [
        provider(
          'store',
          slowly(async () => ({ value: Uint8Array.of(1) })),
        ),
      ],
    })
    for (const result of await many(() => secrets.getSecret('token')))
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'INVALID_ARGUMENT', secret: 'token', provider: 'store' } })
  })

  it('still reaches waiting readers when the manager closes, even behind a known absence', async () => {
    const providers = [provider('first', slowly(answering({}))), provider('second', slowly(answering({ token: 'v1' })))]
    const secrets = createSecretsManager({ providers })
    await secrets.checkHealth()
    const reads = many(() => secrets.getSecret('token'))
    const closing = secrets.close()
    expect(await reads).toEqual((await reads).map(() => ({ status: 'fulfilled', value: 'v1' })))
    await closing
  })
})

describe('the verification of a secret in memory', () => {
  it.each([
    ['the text', 'hunter2', true],
    ['its bytes', new TextEncoder().encode('hunter2'), true],
    ['another text', 'hunter3', false],
    ['an empty one', '', false],
  ])('is the same as that of the long way for %s', async (_, presented, isMatch) => {
    const secrets = managerOf({ token: 'hunter2' })
    const long = await secrets.verifySecret('token', presented)
    const short = await secrets.verifySecret('token', presented)
    expect([long, short, await secrets.verifySecret('token', presented, {})]).toEqual([isMatch, isMatch, isMatch])
  })

  it('asks the store at once after a mismatch, and then not for 5 s', async () => {
    const get = vi.fn(async () => ({ value: get.mock.calls.length === 1 ? 'before' : 'after' }))
    const secrets = createSecretsManager({ providers: [provider('store', get)] })
    expect([await secrets.verifySecret('token', 'before'), await secrets.verifySecret('token', 'after')]).toEqual([true, true])
    for (let times = 0; times < 5; times += 1) expect(await secrets.verifySecret('token', 'before')).toBe(false)
    expect(get).toHaveBeenCalledTimes(3)
  })

  it('rejects an invalid candidate by the general path', async () => {
    const secrets = managerOf({ token: 'hunter2' })
    await secrets.getSecret('token')
    const candidates = [undefined, null, 7, {}] as unknown as string[] // as from JavaScript
    for (const presented of candidates)
      await expect(secrets.verifySecret('token', presented)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })
})
