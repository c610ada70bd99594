import {
  createSecretsManager,
  SecretsError,
  type CacheOptions,
  type SecretProvider,
  type SecretsManager,
  type StoredSecret,
} from '@finchat/secrets-core'
import { faults, memorySharedCache } from '@finchat/secrets-testkit'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { describe, expect, it, vi } from 'vitest'
import { breakable, codeOf, failureOf, readOnly } from './testing/manager-trial.ts'
import { now, onOwnClock, ttlMs } from './testing/own-clock.ts'

const maxStaleMs = 300_000
onOwnClock()

/** Every call answers v1, v2, … unless `answer` says otherwise. */
interface Counting {
  readonly secrets: SecretsManager
  readonly calls: () => number
  answer: (call: number) => Promise<StoredSecret | undefined> | StoredSecret | undefined
}

function counting(cache: CacheOptions = {}, fixed: Partial<StoredSecret> = {}, members: Partial<SecretProvider> = {}): Counting {
  let count = 0
  const provider = readOnly('store', async () => store.answer((count += 1)))
  const store: Counting = {
    secrets: createSecretsManager({ providers: [{ ...provider, ...members }], cache }),
    calls: () => count,
    answer: (call) => ({ value: `v${call}`, ...fixed }),
  }
  return store
}

const down = (): Promise<never> => Promise.reject(new SecretsError('UNAVAILABLE', 'down'))
const at = (ms: number): void => void vi.setSystemTime(now + ms)
/** Lets what is under way in the background come to its end. */
const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0)

describe('an answer', () => {
  it.each([
    [0, 240_000],
    [0.5, 270_000],
    [0.999_999, 300_000],
  ])('is fresh for the TTL times a random 0.8 to 1: %d', async (random, lifeMs) => {
    vi.mocked(Math.random).mockReturnValue(random)
    const store = counting()
    await store.secrets.getSecret('token')
    at(lifeMs - 2)
    expect([await store.secrets.getSecret('token'), store.secrets.cacheStats().misses]).toEqual(['v1', 1])
    const other = counting()
    await other.secrets.getSecret('token')
    at(2 * lifeMs - 1)
    expect([await other.secrets.getSecret('token'), other.calls()]).toEqual(['v2', 2])
  })

  it('counts its life from when the store was asked, not from when it answered', async () => {
    const store = counting()
    store.answer = (call) => new Promise((resolve) => setTimeout(resolve, 4_000, { value: `v${call}` }))
    const reading = store.secrets.getSecretValue('token')
    await vi.advanceTimersByTimeAsync(4_000)
    expect((await reading).age).toBe(4_000)
    at(ttlMs)
    const again = store.secrets.getSecret('token')
    await vi.advanceTimersByTimeAsync(4_000)
    expect(await again).toBe('v2')
  })

  it('is never served beyond the time at which the store says it expires, stale neither', async () => {
    const store = counting({}, { expiresAt: now + 10_000 })
    await store.secrets.getSecret('token')
    at(9_999)
    store.answer = down
    expect((await store.secrets.getSecretValue('token')).reveal()).toBe('v1')
    await settle()
    at(10_000)
    expect(await codeOf(store.secrets.getSecret('token'))).toBe('UNAVAILABLE')
  })

  it('that the store gives when it has expired already is none', async () => {
    const store = counting({}, { expiresAt: now })
    const error = await failureOf(store.secrets.getSecret('token'))
    expect([error.code, error.attempts?.[0]?.code]).toEqual(['UNAVAILABLE', 'UNAVAILABLE'])
  })

  it('is asked for every time with a TTL of 0', async () => {
    const store = counting({ ttlSeconds: 0 })
    expect([await store.secrets.getSecret('token'), await store.secrets.getSecret('token')]).toEqual(['v1', 'v2'])
  })
})

describe('a read past 80 % of the TTL', () => {
  it('is answered at once, and refreshes in the background, once', async () => {
    const store = counting()
    await store.secrets.getSecret('token')
    at(0.8 * ttlMs - 1)
    await store.secrets.getSecret('token')
    expect(store.calls()).toBe(1)

    const gate = Promise.withResolvers<StoredSecret>()
    store.answer = () => gate.promise
    at(0.8 * ttlMs)
    expect([await store.secrets.getSecret('token'), await store.secrets.getSecret('token'), store.calls()]).toEqual(['v1', 'v1', 2])
    gate.resolve({ value: 'v2' })
    await settle()
    expect([await store.secrets.getSecret('token'), store.calls(), store.secrets.cacheStats().refreshes]).toEqual(['v2', 2, 1])
  })

  it('keeps what is held when the refresh fails, and backs off', async () => {
    const store = counting()
    await store.secrets.getSecret('token')
    store.answer = down
    at(0.8 * ttlMs)
    for (let read = 0; read < 5; read++) {
      const value = await store.secrets.getSecretValue('token')
      expect([value.reveal(), value.stale]).toEqual(['v1', false])
      await settle()
    }
    expect(store.calls()).toBe(2)
  })

  it.each(['PERMISSION_DENIED', 'UNAUTHENTICATED', 'DELETED'] as const)('drops what is held when the refresh says %s', async (code) => {
    const store = counting()
    await store.secrets.getSecret('token')
    store.answer = () => Promise.reject(new SecretsError(code, 'no'))
    at(0.8 * ttlMs)
    expect(await store.secrets.getSecret('token')).toBe('v1')
    await settle()
    expect(await codeOf(store.secrets.getSecret('token'))).toBe(code)
    expect(store.secrets.cacheStats().entries).toBe(0)
  })

  it('is the only thing that refreshes: nothing runs on a timer', async () => {
    const store = counting()
    await store.secrets.getSecret('token')
    expect(vi.getTimerCount()).toBe(0)
    await vi.advanceTimersByTimeAsync(24 * 3_600_000)
    expect(store.calls()).toBe(1)
    expect(await store.secrets.getSecret('token')).toBe('v2')
  })
})

describe('a stale answer', () => {
  it('stands in while the store is unavailable, until `maxStaleSeconds` have passed', async () => {
    const store = counting()
    await store.secrets.getSecret('token')
    store.answer = down
    for (const ms of [ttlMs, ttlMs + 150_000, ttlMs + maxStaleMs - 1]) {
      at(ms)
      const value = await store.secrets.getSecretValue('token')
      expect([value.reveal(), value.stale, value.age]).toEqual(['v1', true, ms])
    }
    at(ttlMs + maxStaleMs)
    expect(await codeOf(store.secrets.getSecret('token'))).toBe('UNAVAILABLE')
    expect(store.secrets.cacheStats().staleAnswers).toBe(3)
  })

  it.each(['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'RATE_LIMITED'] as const)('stands in for %s', async (code) => {
    const store = counting()
    await store.secrets.getSecret('token')
    store.answer = () => Promise.reject(new SecretsError(code, 'out'))
    at(ttlMs)
    const listener = vi.fn<(message: unknown) => void>()
    subscribe('finchat.secrets.fallback', listener)
    expect((await store.secrets.getSecretValue('token')).stale).toBe(true)
    unsubscribe('finchat.secrets.fallback', listener)
    expect(listener.mock.calls.map(([message]) => message)).toEqual([
      { manager: expect.any(Symbol), name: 'token', provider: 'store', code, answer: 'stale' },
    ])
    expect(process.emitWarning).toHaveBeenCalledExactlyOnceWith(expect.stringContaining(`(${code})`), expect.anything())
  })

  it.each(['PERMISSION_DENIED', 'UNAUTHENTICATED', 'DELETED', 'INTEGRITY', 'CONFIGURATION', 'INTERNAL', 'CREDENTIALS_MISSING'] as const)(
    'does not stand in for %s',
    async (code) => {
      const store = counting()
      await store.secrets.getSecret('token')
      store.answer = () => Promise.reject(new SecretsError(code, 'no'))
      at(ttlMs)
      expect(await codeOf(store.secrets.getSecret('token'))).toBe(code === 'CREDENTIALS_MISSING' ? 'UNAVAILABLE' : code)
    },
  )

  it.each(['PERMISSION_DENIED', 'UNAUTHENTICATED', 'DELETED', 'INTEGRITY', undefined] as const)(
    'never comes back after %s, when the store is out later',
    async (code) => {
      const store = counting()
      await store.secrets.getSecret('token')
      at(ttlMs)
      store.answer = () => (code === undefined ? undefined : Promise.reject(new SecretsError(code, 'no')))
      await codeOf(store.secrets.getSecret('token'))
      store.answer = down
      at(ttlMs + 60_000)
      expect(await codeOf(store.secrets.getSecret('token'))).toBe(code ?? 'UNAVAILABLE')
    },
  )

  it('stands in for the current version, whatever is wrong with another one', async () => {
    const store = breakable({ name: 'store', secrets: { token: 'v1' } })
    const secrets = createSecretsManager({ providers: [store.provider] })
    await secrets.getSecret('token')
    store.plan = ({ method }) => (method === 'getVersion' ? faults.reject('DELETED') : undefined)
    expect(await codeOf(secrets.getSecret('token', { version: 1 }))).toBe('DELETED')
    expect([await secrets.getSecret('token'), store.provider.calls('get')]).toEqual(['v1', 1])
    store.plan = () => faults.reject('UNAVAILABLE')
    at(ttlMs)
    expect((await secrets.getSecretValue('token')).stale).toBe(true)
  })

  it('is warned of once, however long some secrets are answered and others are not', async () => {
    const provider = readOnly('store', async (path) => (path === 'token' ? { value: 'v' } : down()))
    const secrets = createSecretsManager({ providers: [provider, breakable({ secrets: { bad: 'b' } }).provider], cache: { ttlSeconds: 1 } })
    for (let round = 0; round < 100; round += 1) {
      at(round * 1_000)
      await secrets.getSecrets(['token', 'bad'])
    }
    expect(process.emitWarning).toHaveBeenCalledTimes(1)
  })

  it('never comes back for another version of a secret that was denied', async () => {
    const store = breakable({ name: 'store', secrets: { token: 'v1' } })
    const secrets = createSecretsManager({ providers: [store.provider] })
    await secrets.getSecret('token', { version: 1 })
    store.plan = ({ method }) => (method === 'get' ? faults.reject('PERMISSION_DENIED') : faults.reject('UNAVAILABLE'))
    await codeOf(secrets.getSecret('token'))
    at(1)
    expect(await codeOf(secrets.getSecret('token', { version: 1 }))).toBe('PERMISSION_DENIED')
    expect(secrets.cacheStats().entries).toBe(0)
  })

  it('is never served where `maxStaleSeconds` is 0', async () => {
    const store = counting({ maxStaleSeconds: 0 })
    await store.secrets.getSecret('token')
    store.answer = down
    at(ttlMs)
    expect(await codeOf(store.secrets.getSecret('token'))).toBe('UNAVAILABLE')
  })

  it('gives way to the store as soon as that is back', async () => {
    const store = counting()
    await store.secrets.getSecret('token')
    store.answer = down
    at(ttlMs)
    await store.secrets.getSecret('token')
    store.answer = () => ({ value: 'back' })
    at(ttlMs + 1_000)
    const value = await store.secrets.getSecretValue('token')
    expect([value.reveal(), value.stale]).toEqual(['back', false])
  })
})

describe('"does not exist"', () => {
  it('is remembered for 5 s, doubled each time the store confirms it, up to the TTL', async () => {
    const store = counting()
    store.answer = () => undefined
    const lives: number[] = []
    for (let confirmed = 1; confirmed <= 9; confirmed++) {
      const from = Date.now()
      await codeOf(store.secrets.getSecret('token'))
      while (store.calls() === confirmed) {
        vi.setSystemTime(Date.now() + 5_000)
        if (Date.now() - from > 400_000) break
        // Only the last step, at which the store is asked again, may call it.
        await codeOf(store.secrets.getSecret('token'))
      }
      lives.push(Date.now() - from)
    }
    expect(lives).toEqual([5, 10, 20, 40, 80, 160, 300, 300, 300].map((seconds) => seconds * 1_000))
  })

  it('is forgotten when the secret is found, and begins anew', async () => {
    const store = counting()
    store.answer = (call) => (call === 3 ? { value: 'here' } : undefined)
    await codeOf(store.secrets.getSecret('token'))
    at(5_000)
    await codeOf(store.secrets.getSecret('token'))
    at(15_000)
    expect(await store.secrets.getSecret('token')).toBe('here')
    at(15_000 + ttlMs)
    await codeOf(store.secrets.getSecret('token'))
    at(15_000 + ttlMs + 5_000)
    await codeOf(store.secrets.getSecret('token'))
    expect(store.calls()).toBe(5)
  })

  it('never comes from a call that was begun before one which found it', async () => {
    const store = counting()
    const slow = Promise.withResolvers<undefined>()
    store.answer = (call) => (call === 1 ? slow.promise : { value: 'created meanwhile' })
    const reading = codeOf(store.secrets.getSecret('token'))
    await settle()
    expect(await store.secrets.getSecret('token', { fresh: true })).toBe('created meanwhile')
    slow.resolve(undefined)
    expect(await reading).toBe('NOT_FOUND')
    expect([await store.secrets.getSecret('token'), store.calls()]).toEqual(['created meanwhile', 2])
  })
})

describe('a failure', () => {
  it('is shared by all who wait for the same call', async () => {
    const store = counting()
    store.answer = down
    const codes = await Promise.all(Array.from({ length: 1_000 }, () => codeOf(store.secrets.getSecret('token'))))
    expect([new Set(codes), store.calls()]).toEqual([new Set(['UNAVAILABLE']), 1])
  })

  it('is backed off with full jitter, 0.5 s to 4 s in an outage, and never remembered as an answer', async () => {
    const store = counting()
    store.answer = down
    const waits: number[] = []
    for (let failures = 1; failures <= 10; failures++) {
      await codeOf(store.secrets.getSecret('token'))
      const from = Date.now()
      while (store.calls() === failures) {
        vi.setSystemTime(Date.now() + 250)
        await codeOf(store.secrets.getSecret('token'))
      }
      waits.push(Date.now() - from)
    }
    expect(waits).toEqual([250, 500, 1_000, 2_000, 2_000, 2_000, 2_000, 2_000, 2_000, 2_000]) // half of it, as random says
    store.answer = () => ({ value: 'back' })
    vi.setSystemTime(Date.now() + 60_000)
    expect(await store.secrets.getSecret('token')).toBe('back')
  })

  it.each(['PERMISSION_DENIED', 'CONFIGURATION', 'INTERNAL'] as const)('%s is asked about again after its back-off', async (code) => {
    const store = counting()
    store.answer = () => Promise.reject(new SecretsError(code, 'no'))
    expect([await codeOf(store.secrets.getSecret('token')), await codeOf(store.secrets.getSecret('token')), store.calls()]).toEqual([
      code,
      code,
      1,
    ])
    store.answer = () => ({ value: 'granted' })
    at(500)
    expect(await store.secrets.getSecret('token')).toBe('granted')
  })
})

describe('a lease', () => {
  const leased = (): Counting & { readonly asked: (boolean | undefined)[]; readonly shared: ReturnType<typeof memorySharedCache> } => {
    const asked: (boolean | undefined)[] = []
    const shared = memorySharedCache()
    let lease = 0
    const get: SecretProvider['get'] = async (_path, { fresh }) => {
      asked.push(fresh)
      if (fresh || lease === 0) lease += 1
      return store.answer(lease)
    }
    const store = counting({ shared }, { exclusive: true, expiresAt: now + 3_600_000 }, { get, sharedAs: 'store' })
    return Object.assign(store, { asked, shared })
  }

  it('is never read ahead, and asked for again when its time in memory is over, without being replaced', async () => {
    const store = leased()
    await store.secrets.getSecret('db')
    at(ttlMs - 1)
    expect([await store.secrets.getSecret('db'), store.asked.length]).toEqual(['v1', 1])
    at(ttlMs)
    expect([await store.secrets.getSecret('db'), store.asked]).toEqual(['v1', [undefined, undefined]])
  })

  it('is never stale', async () => {
    const store = leased()
    await store.secrets.getSecret('db')
    store.answer = down
    at(ttlMs)
    expect(await codeOf(store.secrets.getSecret('db'))).toBe('UNAVAILABLE')
  })

  it('is never shared', async () => {
    const store = leased()
    await store.secrets.getSecret('db')
    await settle()
    expect(store.shared.size()).toBe(0)
  })

  it('is replaced by `fresh` only', async () => {
    const store = leased()
    expect(await store.secrets.getSecret('db')).toBe('v1')
    expect(await store.secrets.getSecret('db', { fresh: true })).toBe('v2')
    expect([await store.secrets.getSecret('db'), store.asked]).toEqual(['v2', [undefined, true]])
  })
})

describe('`fresh`', () => {
  it('asks the store though a fresh answer is held, and keeps the new one', async () => {
    const store = counting()
    await store.secrets.getSecret('token')
    expect([await store.secrets.getSecret('token', { fresh: true }), await store.secrets.getSecret('token'), store.calls()]).toEqual([
      'v2',
      'v2',
      2,
    ])
  })

  it('is not answered by a call that was begun before, nor by what was held, should the store be out', async () => {
    const store = counting()
    const slow = Promise.withResolvers<StoredSecret>()
    store.answer = (call) => (call === 1 ? slow.promise : { value: 'rotated' })
    const before = store.secrets.getSecret('token')
    await settle()
    expect(await store.secrets.getSecret('token', { fresh: true })).toBe('rotated')
    slow.resolve({ value: 'refused by the target' })
    expect(await before).toBe('refused by the target')
    expect(await store.secrets.getSecret('token')).toBe('rotated')
    store.answer = down
    expect(await codeOf(store.secrets.getSecret('token', { fresh: true }))).toBe('UNAVAILABLE')
  })

  it('asks about an absence that is remembered too', async () => {
    const store = counting()
    store.answer = (call) => (call === 1 ? undefined : { value: 'created' })
    await codeOf(store.secrets.getSecret('token'))
    expect(await store.secrets.getSecret('token', { fresh: true })).toBe('created')
    expect(await store.secrets.getSecret('token')).toBe('created')
  })
})

describe('`autoCleanup`', () => {
  const shareable = (cache: CacheOptions): Counting => counting(cache, {}, { sharedAs: 'store' })

  it('keeps nothing of what it read, here or in the shared cache', async () => {
    const shared = memorySharedCache()
    const store = shareable({ shared })
    expect([
      await store.secrets.getSecret('token', { autoCleanup: true }),
      await store.secrets.getSecret('token', { autoCleanup: true }),
    ]).toEqual(['v1', 'v2'])
    await settle()
    expect([store.secrets.cacheStats().entries, shared.calls()]).toEqual([0, 0])
  })

  it('hands out what is held, and keeps it no longer', async () => {
    const store = counting()
    await store.secrets.getSecret('token')
    expect([await store.secrets.getSecret('token', { autoCleanup: true }), store.calls(), store.secrets.cacheStats().entries]).toEqual([
      'v1',
      1,
      0,
    ])
    expect(await store.secrets.getSecret('token')).toBe('v2')
  })

  it.each([true, false])('hands out a value that can be read as long as it is held (held before: %s)', async (isHeld) => {
    const store = counting()
    if (isHeld) await store.secrets.getSecret('token')
    const value = await store.secrets.getSecretValue('token', { autoCleanup: true })
    const another = await store.secrets.getSecretValue('token', { autoCleanup: true })
    await vi.advanceTimersByTimeAsync(60_000)
    expect([value.reveal(), Buffer.from(value.bytes()).toString(), another.reveal()]).toEqual(['v1', 'v1', 'v2'])
  })

  it("may be the manager's default, and a read may say otherwise", async () => {
    const store = breakable({ secrets: { token: 'v' } })
    const secrets = createSecretsManager({ providers: [store.provider], autoCleanup: true })
    await secrets.getSecret('token')
    await secrets.getSecretValues([{ name: 'token' }])
    await secrets.verifySecret('token', 'v')
    expect(secrets.cacheStats().entries).toBe(0)
    await secrets.getSecret('token', { autoCleanup: false })
    expect(secrets.cacheStats().entries).toBe(1)
  })

  it('of the manager keeps no version before the current one either, when that is verified', async () => {
    const store = breakable({ secrets: { token: 'v1' } })
    const secrets = createSecretsManager({ providers: [store.provider], autoCleanup: true })
    await secrets.rotateSecret('token', 'v2')
    expect(await secrets.verifySecret('token', 'v1', { acceptPreviousForSeconds: 60 })).toBe(true)
    expect(secrets.cacheStats().entries).toBe(0)
  })

  it('still answers any number of concurrent reads with one call', async () => {
    const store = counting()
    const values = await Promise.all(Array.from({ length: 100 }, () => store.secrets.getSecret('token', { autoCleanup: true })))
    expect([new Set(values), store.calls()]).toEqual([new Set(['v1']), 1])
  })
})

describe('the size', () => {
  it('is bounded, and the least recently used value goes', async () => {
    const store = counting({ maxEntries: 2 })
    for (const name of ['a', 'b', 'a', 'c']) await store.secrets.getSecret(name)
    expect(store.secrets.cacheStats()).toMatchObject({ entries: 2, evictions: 1 })
    await store.secrets.getSecret('a')
    expect(store.calls()).toBe(3)
    await store.secrets.getSecret('b')
    expect(store.calls()).toBe(4)
  })

  it('is 1,000 values for each store by default', async () => {
    const store = counting()
    for (let index = 0; index < 1_005; index++) await store.secrets.getSecret(`name-${index}`)
    expect(store.secrets.cacheStats()).toMatchObject({ entries: 1_000, evictions: 5 })
  })

  it('does not take a value away from those who hold it', async () => {
    const store = counting({ maxEntries: 1 })
    const value = await store.secrets.getSecretValue('a')
    await store.secrets.getSecret('b')
    await vi.advanceTimersByTimeAsync(1_000)
    expect(value.reveal()).toBe('v1')
  })
})

describe('one flight', () => {
  it('answers 10,000 concurrent cold reads with one call', async () => {
    const store = counting()
    const values = await Promise.all(Array.from({ length: 10_000 }, () => store.secrets.getSecret('token')))
    expect([new Set(values), store.calls()]).toEqual([new Set(['v1']), 1])
    expect(store.secrets.cacheStats()).toMatchObject({ misses: 10_000, flightsJoined: 9_999, hits: 0 })
  })

  it('is for one path and version: two names on one path never tear', async () => {
    const store = counting({}, {}, { locate: () => ({ path: 'same' }) })
    const [one, other] = await Promise.all([store.secrets.getSecret('one'), store.secrets.getSecret('other')])
    expect([one, other, store.calls()]).toEqual(['v1', 'v1', 1])
  })
})

describe('the clock', () => {
  it.each([
    [-1_001, 2],
    [-1_000, 1],
    [0, 1],
  ])('that moved by %d ms means %d calls', async (ms, calls) => {
    const store = counting()
    await store.secrets.getSecret('token')
    at(ms)
    await store.secrets.getSecret('token')
    expect(store.calls()).toBe(calls)
  })

  it('that went back expires what is stale and what is missing too', async () => {
    const store = counting()
    store.answer = () => undefined
    await codeOf(store.secrets.getSecret('token'))
    store.answer = () => ({ value: 'v' })
    at(-3_600_000)
    expect(await store.secrets.getSecret('token')).toBe('v')
    store.answer = down
    at(-7_200_000)
    expect(await codeOf(store.secrets.getSecret('token'))).toBe('UNAVAILABLE')
  })

  it('that went back does not prolong a cool-down', async () => {
    const store = counting()
    store.answer = down
    for (let index = 0; index < 10; index++) await codeOf(store.secrets.getSecret(`name-${index}`))
    store.answer = () => ({ value: 'v' })
    at(-24 * 3_600_000)
    expect(await store.secrets.getSecret('token')).toBe('v')
  })
})

describe('a call that spanned a freeze of the process', () => {
  const frozen = (store: Counting, byMs: number, then: () => Promise<StoredSecret> | StoredSecret = () => ({ value: 'old' })): void => {
    store.answer = (call) => {
      if (call % 2 === 0) return { value: `v${call}` }
      vi.setSystemTime(Date.now() + byMs)
      return then()
    }
  }

  it('is repeated once, whatever it answered', async () => {
    const store = counting()
    frozen(store, 3_600_000)
    expect([await store.secrets.getSecret('token'), store.calls()]).toEqual(['v2', 2])
  })

  it('is repeated once when the clock went back meanwhile', async () => {
    const store = counting()
    frozen(store, -3_600_000)
    expect([await store.secrets.getSecret('token'), store.calls()]).toEqual(['v2', 2])
  })

  it('is not counted against the store', async () => {
    const store = counting()
    frozen(store, 3_600_000, down)
    for (let index = 0; index < 10; index++) expect((await store.secrets.getSecretValue(`name-${index}`)).stale).toBe(false)
    expect(store.calls()).toBe(20)
    expect(process.emitWarning).not.toHaveBeenCalled()
  })

  it('is repeated once only', async () => {
    const store = counting()
    store.answer = (call) => {
      vi.setSystemTime(Date.now() + 3_600_000)
      return { value: `v${call}` }
    }
    expect([await store.secrets.getSecret('token'), store.calls()]).toEqual(['v2', 2])
  })

  it('is repeated where its deadline passed in the freeze', async () => {
    const store = counting()
    store.answer = (call) => (call === 1 ? new Promise(() => {}) : { value: 'v2' })
    const reading = store.secrets.getSecret('token')
    await settle()
    at(3_600_000)
    await vi.advanceTimersByTimeAsync(5_000)
    expect([await reading, store.calls()]).toEqual(['v2', 2])
  })
})

describe('cacheStats', () => {
  it('begins with nothing', () => {
    const zero = { hits: 0, misses: 0, hitRatio: 0, staleAnswers: 0, refreshes: 0, flightsJoined: 0, entries: 0, evictions: 0 }
    expect(counting().secrets.cacheStats()).toEqual({ ...zero, providers: { store: zero } })
  })

  it('counts in all and by provider', async () => {
    const first = breakable({ name: 'first', secrets: { a: '1' } })
    const second = breakable({ name: 'second', secrets: { b: '2' } })
    const secrets = createSecretsManager({ providers: [first.provider, second.provider] })
    await secrets.getSecret('a') // first: miss
    await secrets.getSecret('a') // first: hit
    await secrets.getSecret('b') // first: miss, "does not exist"; second: miss
    await secrets.getSecret('b') // first: hit, known to be missing; second: hit
    const { providers, ...sum } = secrets.cacheStats()
    expect(providers['first']).toMatchObject({ hits: 2, misses: 2, hitRatio: 0.5, entries: 1 })
    expect(providers['second']).toMatchObject({ hits: 1, misses: 1, hitRatio: 0.5, entries: 1 })
    expect(sum).toMatchObject({ hits: 3, misses: 3, hitRatio: 0.5, entries: 2 })
  })
})
