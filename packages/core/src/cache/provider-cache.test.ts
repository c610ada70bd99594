import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it, vi } from 'vitest'
import { Batch } from './batch.ts'
import type { ProviderCache, StoreOptions } from './provider-cache.ts'
import type { SecretProvider, StoredSecret } from '../contract/provider.ts'
import type { SharedCache } from '../contract/shared-cache.ts'
import type { ReadMode } from './single-flight.ts'
import { isFinal } from './path-history.ts'
import { refusal } from '../testing/refusal.ts'
import { SecretsError } from '../errors/secrets-error.ts'
import {
  type Answer,
  cached,
  fail,
  found,
  type Get,
  onCacheClock,
  pass,
  second,
  seen,
  shared,
  slow,
  start,
} from '../testing/cache-trial.ts'

const outages = ['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'RATE_LIMITED'] as const
const denials = ['PERMISSION_DENIED', 'UNAUTHENTICATED', 'DELETED', 'INTEGRITY'] as const

onCacheClock()

describe('TTL: an answer', () => {
  it('is fresh for 300 s from when the store was asked, not from when it answered', async () => {
    const { store, get } = cached()
    get.mockImplementation(async () => pass(20).then(() => ({ value: 'v1' })))
    await seen(store)
    await pass(200)
    expect(await seen(store)).toBe('v1')
    expect(get).toHaveBeenCalledTimes(1)
    await pass(80)
    await seen(store)
    expect(get).toHaveBeenCalledTimes(2)
  })

  it('is fresh for a random 0.8 to 1 of the TTL', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0)
    const { store, get } = cached()
    await seen(store)
    await pass(239)
    await store.close()
    expect(get).toHaveBeenCalledTimes(1)
    const other = cached()
    await seen(other.store)
    await pass(240)
    other.get.mockImplementation(async () => fail('PERMISSION_DENIED'))
    expect(await seen(other.store)).toBe('PERMISSION_DENIED')
  })

  it('is never served beyond expiresAt, not even in an outage', async () => {
    const { store, get } = cached()
    get.mockImplementation(async () => ({ value: 'v1', expiresAt: start + 100 * second }))
    await seen(store)
    get.mockImplementation(async () => fail('UNAVAILABLE'))
    await pass(99.999)
    expect(await seen(store)).toBe('v1')
    await pass(0.001)
    expect(await seen(store)).toBe('UNAVAILABLE')
  })

  it('is read from the store each time with a TTL of 0', async () => {
    const { store, get } = cached({}, { ttlMs: 0 })
    for (const value of ['v1', 'v2', undefined, 'v3']) {
      get.mockImplementation(async () => (value === undefined ? undefined : { value }))
      expect(await seen(store)).toBe(value)
    }
  })
})

describe('refresh: a read past 80 % of the TTL', () => {
  it('is answered at once, and refreshes in the background, once for all such reads', async () => {
    const { store, get } = cached()
    await seen(store)
    await pass(239.999)
    await seen(store)
    expect(get).toHaveBeenCalledTimes(1)
    await pass(0.001)
    const landings = slow(get)
    expect([await seen(store), await seen(store), store.peek('a')?.held.text()]).toEqual(['v1', 'v1', 'v1'])
    expect(get).toHaveBeenCalledTimes(2)
    landings[0]?.({ value: 'v2' })
    await pass(0)
    expect(await seen(store)).toBe('v2')
    expect(store.counts).toMatchObject({ hits: 5, misses: 1, refreshes: 1 })
  })

  it('is the only cause of a refresh: nothing runs on a timer', async () => {
    const { store, get } = cached()
    await seen(store)
    expect(vi.getTimerCount()).toBe(0)
    await pass(3_600)
    expect(get).toHaveBeenCalledTimes(1)
  })

  it('hides a failed refresh until the value has expired', async () => {
    const { store, get } = cached()
    await seen(store)
    get.mockImplementation(async () => fail('INTERNAL'))
    await pass(240)
    expect(await seen(store)).toBe('v1')
    await pass(30)
    expect(await seen(store)).toBe('v1')
    await pass(30)
    expect(await seen(store)).toBe('INTERNAL')
  })

  it('does not repeat a failed refresh before its back-off is over', async () => {
    const { store, get } = cached()
    await seen(store)
    get.mockImplementation(async () => fail('UNAVAILABLE'))
    await pass(240)
    await seen(store)
    await pass(0.499)
    await seen(store)
    expect(get).toHaveBeenCalledTimes(2)
    await pass(0.001)
    await seen(store)
    expect(get).toHaveBeenCalledTimes(3)
  })

  it.each(denials)('learns of %s in the background, and the next one is refused', async (code) => {
    const { store, get } = cached()
    await seen(store)
    get.mockImplementation(async () => fail(code))
    await pass(240)
    expect(await seen(store)).toBe('v1')
    await pass(0)
    expect([await seen(store), store.peek('a')]).toEqual([code, undefined])
  })
})

describe('stale answers', () => {
  it.each(outages)('are served in an outage by %s, marked, up to maxStaleSeconds', async (code) => {
    const { store, get } = cached()
    await seen(store)
    get.mockImplementation(async () => fail(code))
    await pass(300)
    expect(await found(store)).toMatchObject({ outage: code, from: 'memory', stale: true })
    await pass(299.999)
    expect(await seen(store)).toBe('v1 (stale)')
    await pass(0.001)
    expect(await seen(store)).toBe(code)
    expect(store.counts).toMatchObject({ staleAnswers: 2 })
  })

  it.each(['CREDENTIALS_MISSING', 'UNSUPPORTED', 'INTERNAL', 'CONFIGURATION', 'INVALID_ARGUMENT'] as const)(
    'are never given after %s',
    async (code) => {
      const { store, get } = cached()
      await seen(store)
      get.mockImplementation(async () => fail(code))
      await pass(300)
      expect(await seen(store)).toBe(code)
    },
  )

  it.each(denials)('are never served after %s, whatever the store says later', async (code) => {
    const { store, get } = cached()
    await seen(store)
    get.mockImplementation(async () => fail(code))
    await pass(300)
    expect(await seen(store)).toBe(code)
    get.mockImplementation(async () => fail('UNAVAILABLE'))
    await pass(1)
    expect(await seen(store)).toBe(code)
    await pass(600)
    expect(await seen(store)).toBe('UNAVAILABLE')
  })

  it('are never served after a not-found', async () => {
    const { store, get } = cached()
    await seen(store)
    get.mockImplementation(async () => undefined)
    await pass(300)
    expect(await seen(store)).toBeUndefined()
    get.mockImplementation(async () => fail('UNAVAILABLE'))
    await pass(5)
    expect(await seen(store)).toBe('UNAVAILABLE')
  })

  it('never count as fresh: every read asks again once the back-off is over', async () => {
    const { store, get } = cached()
    await seen(store)
    await pass(300)
    get.mockImplementation(async () => fail('UNAVAILABLE'))
    await seen(store)
    await pass(0.5)
    expect(await seen(store)).toBe('v1 (stale)')
    expect(get).toHaveBeenCalledTimes(3)
    get.mockImplementation(async () => ({ value: 'v2' }))
    await pass(1)
    expect(await seen(store)).toBe('v2')
  })

  it('are the same object as before: no copy, no new value', async () => {
    const { store, get } = cached()
    const fresh = await found(store)
    get.mockImplementation(async () => fail('UNAVAILABLE'))
    await pass(300)
    expect((await found(store))?.held).toBe(fresh?.held)
  })

  it('are not served to a fresh read', async () => {
    const { store, get } = cached()
    await seen(store)
    get.mockImplementation(async () => fail('UNAVAILABLE'))
    expect(await seen(store, { mode: 'fresh' })).toBe('UNAVAILABLE')
    await pass(0.5)
    expect(await seen(store)).toBe('v1')
  })
})

describe('"does not exist"', () => {
  it('is remembered for 5 s, doubled each time the store confirms it', async () => {
    const { store, get } = cached()
    get.mockImplementation(async () => undefined)
    for (const lasts of [5, 10, 20]) {
      get.mockClear()
      await seen(store)
      await pass(lasts - 0.001)
      expect(await seen(store)).toBeUndefined()
      expect(get).toHaveBeenCalledTimes(1)
      await pass(0.001)
    }
    expect(store.counts).toMatchObject({ hits: 3, misses: 3, entries: 0 })
  })

  it('starts at 5 s again after the secret was found', async () => {
    const { store, get } = cached()
    const asked = async (value: string | undefined): Promise<void> => {
      get.mockImplementation(async () => (value === undefined ? undefined : { value }))
      await seen(store, { mode: 'fresh' })
    }
    for (const value of [undefined, undefined, undefined, 'v1', undefined]) await asked(value)
    get.mockImplementation(async () => ({ value: 'v2' }))
    await pass(4.999)
    expect(await seen(store)).toBeUndefined()
    await pass(0.001)
    expect(await seen(store)).toBe('v2')
  })

  it('does not outlive a write', async () => {
    const { store, get } = cached()
    get.mockImplementation(async () => undefined)
    await seen(store)
    get.mockImplementation(async () => ({ value: 'v1' }))
    await store.invalidate('a')
    expect(await seen(store)).toBe('v1')
  })
})

describe('failures', () => {
  it('are shared by all readers of the same flight', async () => {
    const { store, get } = cached()
    get.mockImplementation(async () => fail('INTERNAL'))
    expect(await Promise.all([seen(store), seen(store), seen(store)])).toEqual(['INTERNAL', 'INTERNAL', 'INTERNAL'])
    expect(get).toHaveBeenCalledTimes(1)
  })

  it.each([...outages, ...denials, 'INTERNAL', 'CREDENTIALS_MISSING'] as const)(
    'of %s are backed off for 0.5 s, then 1 s, and never remembered as an answer',
    async (code) => {
      const { store, get } = cached()
      get.mockImplementation(async () => fail(code))
      await seen(store)
      await pass(0.499)
      expect(await seen(store)).toBe(code)
      expect(get).toHaveBeenCalledTimes(1)
      await pass(0.001)
      await seen(store)
      await pass(0.999)
      await seen(store)
      expect(get).toHaveBeenCalledTimes(2)
      await pass(0.001)
      get.mockImplementation(async () => ({ value: 'v1' }))
      expect(await seen(store)).toBe('v1')
    },
  )

  it.each(['ABORTED', 'AUDIT_FAILED'] as const)('of %s are no refusal, which an outage would bring back', async (code) => {
    const { store, get } = cached()
    await Promise.allSettled([store.describe('a', () => fail(code))])
    get.mockImplementation(async () => fail('UNAVAILABLE'))
    expect(await seen(store)).toBe('UNAVAILABLE')
  })

  it('are backed off until retryAt', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0)
    const { store, get } = cached()
    get.mockImplementation(async () => fail('RATE_LIMITED', { retryAt: start + 30 * second }))
    await seen(store)
    get.mockImplementation(async () => ({ value: 'v1' }))
    await pass(29.999)
    expect(await seen(store)).toBe('RATE_LIMITED')
    await pass(0.001)
    expect(await seen(store)).toBe('v1')
  })

  it.each<[string, Answer]>([
    ['a value', async () => ({ value: 'v1' })],
    ['a not-found', async () => undefined],
  ])('begin anew with 0.5 s after %s', async (_, answer) => {
    const { store, get } = cached({}, { ttlMs: 0, maxStaleMs: 0 })
    const failing = async (): Promise<StoredSecret | undefined> => fail('INTERNAL')
    for (const next of [failing, failing, failing, answer, failing]) {
      get.mockImplementation(next)
      await seen(store)
      await pass(5)
    }
    get.mockClear()
    get.mockImplementation(failing)
    await seen(store)
    await pass(0.999)
    await seen(store)
    expect(get).toHaveBeenCalledTimes(1)
    await pass(0.001)
    await seen(store)
    expect(get).toHaveBeenCalledTimes(2)
  })

  it('start at 0.5 s again after an answer', async () => {
    const { store, get } = cached()
    const ask = async (answer: () => Promise<StoredSecret | undefined>): Promise<void> => {
      get.mockImplementation(answer)
      await seen(store, { mode: 'fresh' })
      await pass(5)
    }
    for (const answer of [
      async () => fail('INTERNAL'),
      async () => fail('INTERNAL'),
      async () => ({ value: 'v1' }),
      async () => fail('INTERNAL'),
    ])
      await ask(answer)
    await ask(async () => fail('INTERNAL'))
    get.mockClear()
    await store.invalidate('a')
    await seen(store)
    await pass(0.5)
    await seen(store)
    expect(get).toHaveBeenCalledTimes(2)
  })

  describe('of a store with an outage of two minutes', () => {
    /** Asked at the start of the outage and at its end, when the value that is held is stale. */
    async function away(
      code: SecretsError['code'] = 'UNAVAILABLE',
      options: Partial<StoreOptions> = {},
    ): Promise<ReturnType<typeof cached>> {
      const { store, get } = cached({}, options)
      await seen(store)
      await pass(300)
      get.mockImplementation(async () => fail(code, { retryAt: Date.now() }))
      await seen(store)
      await pass(120)
      await seen(store)
      get.mockImplementation(async () => ({ value: 'v2' }))
      return { store, get }
    }

    it('let readers with a stale value return within a minute', async () => {
      const { store } = await away()
      await pass(59.999)
      expect(await seen(store)).toBe('v1 (stale)')
      await pass(0.001)
      expect(await seen(store)).toBe('v2')
    })

    it('do not delay readers whose stale value expires', async () => {
      const { store } = await away()
      await pass(0.5)
      expect(await seen(store, { mode: 'fresh' })).toBe('v2')
    })

    it('do not delay readers after a failure without stale answers', async () => {
      const { store } = await away('INTERNAL')
      await pass(0.5)
      expect(await seen(store)).toBe('v2')
    })

    it('do not delay readers with a shared cache, where one process asks for all', async () => {
      const { store } = await away('UNAVAILABLE', { shared: shared().client })
      await pass(0.5)
      expect(await seen(store)).toBe('v2')
    })
  })

  it('of one secret do not delay another', async () => {
    const { store, get } = cached()
    get.mockImplementation(async (path) => (path === 'a' ? fail('UNAVAILABLE') : { value: 'b1' }))
    expect([await seen(store), await seen(store, { path: 'b' })]).toEqual(['UNAVAILABLE', 'b1'])
  })

  it('by abort do not count', async () => {
    const { store, get } = cached()
    get.mockImplementationOnce(async () => fail('ABORTED'))
    expect([await seen(store), await seen(store)]).toEqual(['ABORTED', 'v1'])
  })
})

describe('a lease', () => {
  const lease = (value: string): StoredSecret => ({ value, exclusive: true, expiresAt: start + 250 * second })

  it('is held while it is valid, and never read ahead', async () => {
    const { store, get } = cached()
    get.mockImplementation(async () => lease('l1'))
    await seen(store)
    await pass(249.999)
    expect([await seen(store), store.peek('a')?.held.text()]).toEqual(['l1', 'l1'])
    expect(get).toHaveBeenCalledTimes(1)
  })

  it('is never stale', async () => {
    const { store, get } = cached()
    get.mockImplementationOnce(async () => ({ value: 'l1', exclusive: true }))
    await seen(store)
    get.mockImplementation(async () => fail('UNAVAILABLE'))
    await pass(300)
    expect(await seen(store)).toBe('UNAVAILABLE')
  })

  it('is replaced only by fresh, and the provider gets that flag', async () => {
    const { store, get } = cached()
    get.mockImplementation(async (_, { fresh }) => lease(fresh === true ? 'l2' : 'l1'))
    await seen(store)
    expect([await seen(store), await seen(store, { mode: 'fresh' }), await seen(store)]).toEqual(['l1', 'l2', 'l2'])
    expect(get.mock.calls.map(([, { fresh }]) => fresh)).toEqual([undefined, true])
  })
})

describe('size', () => {
  it('is bounded: the least recently used entry is evicted and wiped', async () => {
    const { store, get } = cached({}, { maxEntries: 2 })
    const first = (await found(store, { path: 'a' }))?.held
    await seen(store, { path: 'b' })
    await seen(store, { path: 'c' })
    expect(store.counts).toMatchObject({ entries: 2, evictions: 1 })
    await pass(0)
    expect(() => first?.text()).toThrow(expect.objectContaining({ code: 'ABORTED' }))
    expect(await seen(store, { path: 'a' })).toBe('v1')
    expect(get).toHaveBeenCalledTimes(4)
  })
})

describe('one flight', () => {
  it('serves any number of concurrent reads of one path and version', async () => {
    const getVersion = vi.fn<NonNullable<SecretProvider['getVersion']>>(async (_, version) => ({ value: `of ${version}` }))
    const { store, get } = cached({ getVersion })
    const reads = [undefined, 1, 2, 'previous' as const].flatMap((version) => Array.from({ length: 25 }, () => seen(store, { version })))
    expect(new Set(await Promise.all(reads))).toEqual(new Set(['v1', 'of 1', 'of 2', 'of previous']))
    expect([get.mock.calls.length, getVersion.mock.calls.length]).toEqual([1, 3])
    expect(store.counts).toMatchObject({ misses: 100, flightsJoined: 96, entries: 4 })
  })

  it('survives the abort of one reader', async () => {
    const { store, get } = cached()
    const landings = slow(get)
    const impatient = new AbortController()
    const reads = [seen(store, { signal: impatient.signal }), seen(store)]
    await pass(0)
    impatient.abort()
    expect(await reads[0]).toBe('ABORTED')
    landings[0]?.({ value: 'v1' })
    expect([await reads[1], await seen(store)]).toEqual(['v1', 'v1'])
    expect(get).toHaveBeenCalledTimes(1)
  })

  it('that fails without readers causes no unhandled rejection', async () => {
    const { store, get } = cached()
    const landings = slow(get)
    const impatient = new AbortController()
    const read = seen(store, { signal: impatient.signal })
    await pass(0)
    impatient.abort()
    expect(await read).toBe('ABORTED')
    landings[0]?.(fail('UNAVAILABLE'))
    await pass(0)
  })

  it('is aborted when its last reader leaves, and is not joined later', async () => {
    const { store, get } = cached()
    const landings = slow(get)
    const [one, other] = [new AbortController(), new AbortController()]
    const reads = [seen(store, { signal: one.signal }), seen(store, { signal: other.signal })]
    one.abort()
    expect([await reads[0], get.mock.calls[0]?.[1].signal.aborted]).toEqual(['ABORTED', false])
    other.abort()
    expect([await reads[1], get.mock.calls[0]?.[1].signal.aborted]).toEqual(['ABORTED', true])
    const next = seen(store)
    landings[1]?.({ value: 'v2' })
    expect([await next, get.mock.calls.length]).toEqual(['v2', 2])
  })

  it('is not aborted while a reader without a signal waits, or if such a reader began it', async () => {
    const { store, get } = cached()
    const landings = slow(get)
    const impatient = new AbortController()
    const reads = [seen(store, { signal: impatient.signal }), seen(store)]
    impatient.abort()
    landings[0]?.({ value: 'v1' })
    expect([await Promise.all(reads), get.mock.calls[0]?.[1].signal.aborted]).toEqual([['ABORTED', 'v1'], false])
  })

  it('is joined for a quarter of the deadline, since an older one may hang', async () => {
    const { store, get } = cached()
    const landings = slow(get)
    const first = seen(store)
    await pass(1.25)
    const joins = seen(store)
    await pass(0.001)
    const later = [seen(store), seen(store)]
    landings[1]?.({ value: 'v2' })
    expect([await Promise.all(later), get.mock.calls.length]).toEqual([['v2', 'v2'], 2])
    landings[0]?.({ value: 'v1' })
    expect([await first, await joins, await seen(store)]).toEqual(['v1', 'v1', 'v2'])
  })

  it('of a refresh is not aborted by a reader that joins and leaves', async () => {
    const { store, get } = cached()
    await seen(store)
    const landings = slow(get)
    await pass(299)
    await seen(store)
    await pass(1)
    const impatient = new AbortController()
    const read = seen(store, { signal: impatient.signal })
    impatient.abort()
    expect([await read, get.mock.calls.at(-1)?.[1].signal.aborted]).toEqual(['ABORTED', false])
    landings[0]?.({ value: 'v2' })
    await pass(0)
    expect(await seen(store)).toBe('v2')
  })

  it('of a cached read does not answer a fresh one', async () => {
    const { store, get } = cached()
    get.mockImplementation(async (_, { fresh }) => ({ value: fresh === true ? 'new' : 'old' }))
    expect(await Promise.all([seen(store), seen(store, { mode: 'fresh' })])).toEqual(['old', 'new'])
    expect(get).toHaveBeenCalledTimes(2)
  })
})

describe('the later of two flights', () => {
  const value = (text: string) => async (): Promise<StoredSecret> => ({ value: text })
  const nothing = async (): Promise<undefined> => undefined

  async function crossed(older: Answer, newer: Answer): Promise<ProviderCache> {
    const { store, get } = cached()
    const landings = slow(get)
    const reads = [seen(store)]
    await pass(0.001)
    reads.push(seen(store, { mode: 'fresh' }))
    await pass(1)
    landings[1]?.(newer())
    await reads[1]
    landings[0]?.(older())
    await reads[0]
    get.mockImplementation(async () => fail('UNAVAILABLE'))
    return store
  }

  it('is not undone by the older value', async () => {
    expect(await seen(await crossed(value('old'), value('new')))).toBe('new')
  })

  it('is not undone by an older one of the same millisecond', async () => {
    const { store, get } = cached()
    const slowly = Promise.withResolvers<StoredSecret>()
    get.mockImplementation(async (_, { fresh }) => (fresh === true ? { value: 'new' } : slowly.promise))
    const before = seen(store)
    await seen(store, { mode: 'fresh' })
    slowly.resolve({ value: 'old' })
    expect([await before, await seen(store)]).toEqual(['old', 'new'])
  })

  it('is not undone by an older not-found', async () => {
    expect(await seen(await crossed(nothing, value('new')))).toBe('new')
  })

  it('keeps the older value out if it found nothing', async () => {
    expect(await seen(await crossed(value('old'), nothing))).toBeUndefined()
  })

  it.each(denials)('keeps the older value out after %s', async (code) => {
    const store = await crossed(value('old'), () => fail(code))
    expect([await seen(store), store.counts.entries]).toEqual([code, 0])
    await pass(60)
    expect(await seen(store)).toBe(code)
  })
})

describe('a write', () => {
  it('invalidates every version of the path, and no other path', async () => {
    const { store, get } = cached({ getVersion: async (path, version) => ({ value: `${path} ${version}` }) })
    for (const read of [{}, { version: 1 }, { version: 'previous' as const }, { path: 'a2' }]) await seen(store, read)
    await store.invalidate('a')
    expect(store.counts.entries).toBe(1)
    get.mockImplementation(async () => fail('UNAVAILABLE'))
    expect([await seen(store), await seen(store, { path: 'a2' })]).toEqual(['UNAVAILABLE', 'v1'])
  })

  it('supersedes the earlier flight, which is not joined and fills nothing', async () => {
    const { store, get } = cached()
    const landings = slow(get)
    const before = seen(store)
    await pass(0)
    await store.invalidate('a')
    const after = seen(store)
    await pass(0)
    expect(get).toHaveBeenCalledTimes(2)
    landings[1]?.({ value: 'new' })
    expect(await after).toBe('new')
    landings[0]?.({ value: 'old' })
    expect(await before).toBe('old')
    expect(await seen(store)).toBe('new')
  })

  it('leaves a later flight joinable after the earlier one has ended', async () => {
    const { store, get } = cached()
    const landings = slow(get)
    const before = seen(store)
    await pass(0)
    await store.invalidate('a')
    const after = seen(store)
    landings[0]?.({ value: 'old' })
    await before
    const joining = seen(store)
    await pass(0)
    expect(get).toHaveBeenCalledTimes(2)
    landings[1]?.({ value: 'new' })
    expect([await after, await joining]).toEqual(['new', 'new'])
  })

  it('leaves the flights of other paths joinable', async () => {
    const { store, get } = cached()
    const landings = slow(get)
    const before = seen(store, { path: 'b' })
    await pass(0)
    await store.invalidate('a')
    const after = seen(store, { path: 'b' })
    await pass(0)
    landings[0]?.({ value: 'v1' })
    expect([await before, await after, await seen(store, { path: 'b' })]).toEqual(['v1', 'v1', 'v1'])
    expect(get).toHaveBeenCalledTimes(1)
  })

  it('keeps absences and failures of other paths', async () => {
    const { store, get } = cached()
    get.mockImplementation(async (path) => (path === 'failing' ? fail('INTERNAL') : undefined))
    for (const path of ['missing', 'failing']) await seen(store, { path })
    await store.invalidate('a')
    for (const path of ['missing', 'failing']) await seen(store, { path })
    expect(get).toHaveBeenCalledTimes(2)
  })

  it.each<[string, Answer]>([
    ['old value', async () => ({ value: 'old' })],
    ['not-found', async () => undefined],
    ['denial', async () => fail('PERMISSION_DENIED')],
    ['failure', async () => fail('UNAVAILABLE')],
  ])('is not followed by the %s of a flight that was begun before it', async (_, answer) => {
    const { store, get } = cached()
    const landings = slow(get)
    const before = seen(store)
    await pass(0)
    await store.invalidate('a')
    landings[0]?.(answer())
    await before
    get.mockImplementation(async () => ({ value: 'new' }))
    expect(await seen(store)).toBe('new')
  })
})

describe('autoCleanup', () => {
  it('delivers the value and keeps no copy', async () => {
    const { store, get } = cached()
    const held = (await found(store, { mode: 'volatile' }))?.held
    expect([held?.text(), store.counts.entries]).toEqual(['v1', 0])
    await pass(0)
    expect(() => held?.text()).toThrow(expect.objectContaining({ code: 'ABORTED' }))
    await seen(store, { mode: 'volatile' })
    expect(get).toHaveBeenCalledTimes(2)
  })

  it.each<[string, number, Get]>([
    ['a fresh one', 0, async () => fail('INTERNAL')],
    ['a stale one', 300, async () => fail('UNAVAILABLE')],
    ['one that the store was asked for again', 300, async () => ({ value: 'v1' })],
  ])('takes what was held with it: %s', async (_, seconds, answer) => {
    const { store, get } = cached()
    await seen(store)
    await pass(seconds)
    get.mockImplementation(answer)
    expect(await seen(store, { mode: 'volatile' })).toMatch(/^v1/)
    expect(store.counts.entries).toBe(0)
  })

  it('serves concurrent reads by one call, before the value is wiped', async () => {
    vi.useRealTimers()
    const { store, get } = cached()
    get.mockImplementation(async () => nextTurn({ value: 'v1' }))
    const reads = (['volatile', 'volatile', 'volatile'] as const).map((mode) => seen(store, { mode, signal: new AbortController().signal }))
    expect(await Promise.all(reads)).toEqual(['v1', 'v1', 'v1'])
    expect(get).toHaveBeenCalledTimes(1)
  })

  it('with fresh asks the store, and keeps nothing', async () => {
    const { store, get } = cached()
    await seen(store)
    get.mockImplementation(async (_, { fresh }) => ({ value: `fresh ${fresh}` }))
    expect(await seen(store, { mode: 'fresh volatile' })).toBe('fresh true')
    expect(store.counts.entries).toBe(0)
  })
})

describe('the clock', () => {
  it.each<[string, readonly number[], string]>([
    ['that went back by more than a second expires everything held', [-1_001], 'v2'],
    ['that went back by a second does not', [-1_000], 'v1'],
    ['that goes back in small steps is noticed', [-900, -900], 'v2'],
    ['that wavers is none that went back', [-900, 900, -900, 900, -900], 'v1'],
  ])('%s', async (_, steps, value) => {
    const { store, get } = cached()
    await seen(store)
    get.mockImplementation(async () => ({ value: 'v2' }))
    for (const step of steps) {
      vi.setSystemTime(Date.now() + step)
      store.peek('b')
    }
    expect(await seen(store)).toBe(value)
  })

  it('that goes back ends flights, absences and back-offs too', async () => {
    const { store, get } = cached()
    const landings = slow(get)
    const before = seen(store)
    await pass(0)
    get.mockImplementationOnce(async () => undefined).mockImplementationOnce(async () => fail('INTERNAL'))
    await Promise.all([seen(store, { path: 'b' }), seen(store, { path: 'c' })])
    get.mockImplementation(async () => ({ value: 'v2' }))
    vi.setSystemTime(start - 3_600 * second)
    expect(await Promise.all(['a', 'b', 'c'].map((path) => seen(store, { path })))).toEqual(['v2', 'v2', 'v2'])
    landings[0]?.({ value: 'old' })
    await before
    expect(await seen(store)).toBe('v2')
  })

  it('that goes back a little still lets a later not-found count', async () => {
    const { store, get } = cached()
    await seen(store)
    vi.setSystemTime(start - 900)
    get.mockImplementation(async () => undefined)
    expect(await seen(store, { mode: 'fresh' })).toBeUndefined()
    expect(await seen(store)).toBeUndefined()
  })

  it('that jumps ahead makes no old value fresh', async () => {
    const { store, get } = cached()
    await seen(store)
    vi.setSystemTime(start + 86_400 * second)
    get.mockImplementation(async () => fail('UNAVAILABLE'))
    expect([store.peek('a'), await seen(store)]).toEqual([undefined, 'UNAVAILABLE'])
  })
})

describe('versions', () => {
  it('are never answered with the current value of a store without versions', async () => {
    const { store, get } = cached()
    await seen(store)
    expect(await seen(store, { version: 1 })).toBe('UNSUPPORTED')
    expect(await seen(store, { version: 'previous' })).toBe('UNSUPPORTED')
    expect(get).toHaveBeenCalledTimes(1)
  })

  it('that are missing leave the current one alone, but a missing current one drops them', async () => {
    const getVersion = vi.fn<NonNullable<SecretProvider['getVersion']>>(async (_, version) =>
      version === 1 ? { value: 'one' } : undefined,
    )
    const { store, get } = cached({ getVersion })
    await seen(store)
    expect([await seen(store, { version: 9 }), await seen(store, { version: 1 }), await seen(store)]).toEqual([undefined, 'one', 'v1'])
    get.mockImplementation(async () => undefined)
    await seen(store, { mode: 'fresh' })
    expect(store.counts.entries).toBe(0)
  })
})

describe('an error of one version', () => {
  const ask = async (code: SecretsError['code'], asked: number | 'previous'): Promise<(string | undefined)[]> => {
    const getVersion = vi.fn<NonNullable<SecretProvider['getVersion']>>(async (_, version) => ({ value: `of ${version}` }))
    const { store, get } = cached({ getVersion })
    const versions = [undefined, 1, 2, 'previous'] as const
    for (const version of versions) await seen(store, { version })
    getVersion.mockImplementation(async () => fail(code))
    await seen(store, { version: asked, mode: 'fresh' })
    get.mockImplementation(async () => fail('UNAVAILABLE'))
    getVersion.mockImplementation(async () => fail('UNAVAILABLE'))
    await pass(60)
    return Promise.all(versions.map((version) => seen(store, { version })))
  }

  it.each(['DELETED', 'PERMISSION_DENIED', 'INTEGRITY'] as const)('(%s) drops that version and no other', async (code) => {
    expect(await ask(code, 1)).toEqual(['v1', code, 'of 2', 'of previous'])
    expect(await ask(code, 'previous')).toEqual(['v1', 'of 1', 'of 2', code])
  })

  it('concerns all versions if the credential is refused', async () => {
    expect(await ask('UNAUTHENTICATED', 1)).toEqual(Array.from({ length: 4 }, () => 'UNAUTHENTICATED'))
  })

  it.each(denials)('is not undone by an older answer after %s', async (code) => {
    const getVersion = vi.fn<NonNullable<SecretProvider['getVersion']>>()
    const { store } = cached({ getVersion })
    const slowly = Promise.withResolvers<StoredSecret>()
    getVersion.mockReturnValueOnce(slowly.promise).mockImplementation(async () => fail(code))
    const before = seen(store, { version: 1 })
    await seen(store, { version: 1, mode: 'fresh' })
    slowly.resolve({ value: 'withdrawn since' })
    expect([await before, await seen(store, { version: 1 }), store.counts.entries]).toEqual(['withdrawn since', code, 0])
  })
})

describe('peek', () => {
  it('returns a fresh held value as a hit, and asks nothing otherwise', async () => {
    const { store, get } = cached()
    expect(store.peek('a')).toBeUndefined()
    await seen(store)
    expect(store.peek('a')?.held.text()).toBe('v1')
    await pass(300)
    expect(store.peek('a')).toBeUndefined()
    expect(store.counts).toMatchObject({ hits: 1, misses: 1 })
    expect(get).toHaveBeenCalledTimes(1)
  })
})

describe('confirm', () => {
  async function heldIn(store: ProviderCache): Promise<NonNullable<ReturnType<ProviderCache['peek']>>> {
    await seen(store)
    const entry = store.peek('a')
    if (entry === undefined) throw new Error('nothing is held')
    return entry
  }

  it('extends the held value as a hit, until its refresh is due', async () => {
    const { store } = cached()
    const entry = await heldIn(store)
    await pass(239.999)
    expect([store.isStillFresh(entry, Date.now()), store.counts.hits]).toEqual([true, 2])
    await pass(0.001)
    expect([store.isStillFresh(entry, Date.now()), store.counts.hits]).toEqual([false, 2])
  })

  it('uses the latest time that it has seen itself', async () => {
    const { store } = cached()
    const entry = await heldIn(store)
    await pass(10)
    expect(store.isStillFresh(entry, Date.now())).toBe(true)
    vi.setSystemTime(start + 9 * second)
    expect(store.isStillFresh(entry, Date.now())).toBe(true)
    vi.setSystemTime(start + 9 * second - 1)
    expect(store.isStillFresh(entry, Date.now())).toBe(false)
    expect(store.peek('a')).toBeUndefined()
  })
})

describe('a refusal', () => {
  it('of the right to describe is none of reading', async () => {
    const { store, get } = cached()
    await seen(store)
    await Promise.allSettled([store.describe('a', () => fail('PERMISSION_DENIED'))])
    expect([await seen(store), get.mock.calls.length]).toEqual(['v1', 1])
  })

  it.each([
    ['UNAUTHENTICATED', ['UNAUTHENTICATED', 'UNAVAILABLE']],
    ['DELETED', ['DELETED', 'DELETED']],
  ] as const)('of a write, %s, concerns other caches of the store only if it is no matter of a credential', async (code, codes) => {
    const siblings: ProviderCache[] = []
    const caches = [cached({}, { siblings }), cached({}, { siblings })]
    siblings.push(...caches.map(({ store }) => store))
    siblings[0]?.recordChange('a', new SecretsError(code, 'x'))
    for (const { get } of caches) get.mockImplementation(async () => fail('UNAVAILABLE'))
    expect(await Promise.all(siblings.map((store) => seen(store)))).toEqual(codes)
  })

  it('is forgotten when the cache is closed', async () => {
    const { store, get } = cached()
    get.mockImplementationOnce(async () => fail('DELETED'))
    await seen(store)
    await store.close()
    get.mockImplementation(async () => fail('UNAVAILABLE'))
    expect(await seen(store)).toBe('UNAVAILABLE')
  })
})

it('after a write without effect an answer from before it is not kept', async () => {
  const { store, get } = cached()
  const answers = slow(get)
  const before = seen(store)
  store.doubt('a')
  answers[0]?.({ value: 'v1' })
  await before
  expect(store.peek('a')).toBeUndefined()
})

it('while readers with a stale value rest, one without asks the store', async () => {
  const rest = (): SecretsError => new SecretsError('UNAVAILABLE', 'not asked', { retryAt: start + 1_000 * second })
  const { store, get } = cached({}, { circuit: { expected: () => undefined, outage: undefined, recoveredAt: -Infinity, rest } })
  expect([await seen(store), get.mock.calls.length]).toEqual(['v1', 1])
  await pass(300)
  expect([await seen(store), get.mock.calls.length]).toEqual(['v1 (stale)', 1])
})

describe('a call under way', () => {
  it('can be joined without a look into memory, until it ends', async () => {
    const { store, get } = cached()
    const [answers, before] = [slow(get), store.flying('a')]
    const reading = seen(store)
    const joined = store.flying('a')
    answers[0]?.({ value: 'v1' })
    expect([before, await reading, (await joined)?.held.text(), store.flying('a')]).toEqual([undefined, 'v1', 'v1', undefined])
  })

  it('is not joined so while the circuit is open', async () => {
    const outage = new SecretsError('UNAVAILABLE', 'down')
    const { store, get } = cached({}, { circuit: { expected: () => undefined, outage, recoveredAt: -Infinity, rest: () => undefined } })
    slow(get)
    void seen(store)
    expect(store.flying('a')).toBeUndefined()
  })

  it('is not joined so if a later call has failed', async () => {
    const { store, get } = cached()
    const answers = slow(get)
    void seen(store)
    const later = seen(store, { mode: 'fresh' })
    answers[1]?.(fail('INTERNAL'))
    expect([await later, store.flying('a')]).toEqual(['INTERNAL', undefined])
  })
})

describe('a known absence', () => {
  async function absentIn(
    store: ProviderCache,
    get: ReturnType<typeof cached>['get'],
  ): Promise<NonNullable<ReturnType<ProviderCache['absence']>>> {
    get.mockImplementation(async () => undefined)
    await seen(store)
    const known = store.absence('a')
    if (known === undefined) throw new Error('nothing is known')
    return known
  }

  it('holds until its end', async () => {
    const { store, get } = cached()
    const known = await absentIn(store, get)
    expect([4_999, 5_000].map((ms) => store.isStillAbsent(known, start + ms))).toEqual([true, false])
  })

  it('that was read is kept longer than one that was not', async () => {
    const { store, get } = cached({}, { maxEntries: 2 })
    get.mockImplementation(async () => undefined)
    for (const path of ['a', 'b']) await seen(store, { path })
    store.recordAbsenceHit('a')
    await seen(store, { path: 'c' })
    expect(['a', 'b', 'c'].map((path) => store.absence(path) !== undefined)).toEqual([true, false, true])
  })

  it('ends when a write finds the secret withdrawn', async () => {
    const { store, get } = cached()
    await absentIn(store, get)
    store.recordChange('a', new SecretsError('DELETED', 'x'))
    expect(store.absence('a')).toBeUndefined()
  })

  it('holds no longer if the clock went back by more than a second since it was read', async () => {
    const { store, get } = cached()
    const known = await absentIn(store, get)
    expect(store.isStillAbsent(known, start + 3_000)).toBe(true)
    expect(store.isStillAbsent(known, start + 2_500)).toBe(true)
    expect([2_000, 1_999].map((ms) => store.isStillAbsent(known, start + ms))).toEqual([true, false])
  })
})

describe('the value', () => {
  it('is one object for every reader, with its metadata', async () => {
    const { store, get } = cached()
    get.mockImplementation(async () => ({ value: 'v1', version: 3, revision: 'r', currentSince: 5 }))
    const [first, second_] = [await found(store), await found(store)]
    expect(first?.held).toBe(second_?.held)
    expect(first?.held.metadata).toMatchObject({ version: 3, revision: 'r', currentSince: 5, provider: 'p', askedAt: start })
    expect([first?.from, second_?.from]).toEqual(['store', 'memory'])
  })

  it('that was replaced is wiped after the turn, and the new one is kept', async () => {
    const { store } = cached()
    const old = (await found(store))?.held
    const next = (await found(store, { mode: 'fresh' }))?.held
    expect(old?.text()).toBe('v1')
    await pass(0)
    expect(() => old?.text()).toThrow(expect.objectContaining({ code: 'ABORTED' }))
    expect(next?.text()).toBe('v1')
  })
})

describe('a batch', () => {
  it('asks only for paths that are neither held, backed off nor in flight', async () => {
    const getMany = vi.fn<NonNullable<SecretProvider['getMany']>>(async (paths) =>
      paths.map((path) => ({ status: 'fulfilled', value: { value: `many ${path}` } })),
    )
    const { store, get } = cached({ getMany })
    const context = { signal: new AbortController().signal }
    const batch = new Batch({ specificationVersion: 'v1', name: 'p', get, getMany }, context)
    await seen(store, { path: 'held' })
    get.mockImplementationOnce(async () => fail('UNAVAILABLE'))
    await seen(store, { path: 'down' })
    const landings = slow(get)
    const flying = seen(store, { path: 'flying' })
    await pass(0)
    const reads = ['held', 'down', 'flying', 'x', 'y'].map((path) => seen(store, { path, batch }))
    batch.seal()
    await pass(0)
    landings[0]?.({ value: 'landed' })
    expect(await Promise.all(reads)).toEqual(['v1', 'UNAVAILABLE', 'landed', 'many x', 'many y'])
    expect(await flying).toBe('landed')
    expect(getMany.mock.calls.map(([paths]) => paths)).toEqual([['x', 'y']])
  })
})

describe('closing', () => {
  it.each<[string, unknown]>([
    ['that cannot be ended', () => () => expect.fail('no connection')],
    ['that is none', async () => () => {}],
  ])('drops all in spite of a subscription %s', async (_, subscribe) => {
    const { client } = shared({ subscribe: subscribe as SharedCache['subscribe'] }) // what a broken shared cache could have
    const { store } = cached({}, { shared: client })
    await seen(store)
    await store.close()
    expect(store.counts.entries).toBe(0)
  })

  it('waits for background invalidations of the shared cache', async () => {
    const { client, fill } = shared()
    const filling = Promise.withResolvers<void>()
    fill.mockImplementation(() => filling.promise)
    const { store } = cached({}, { shared: client })
    await seen(store)
    const closed = vi.fn<() => void>()
    void store.close().then(closed)
    await pass(0)
    expect(closed).not.toHaveBeenCalled()
    filling.resolve()
    await pass(0)
    expect(closed).toHaveBeenCalled()
  })

  it('waits for running flights, drops everything, and ends the subscription', async () => {
    const end = vi.fn<() => void>()
    const { store, get } = cached({}, { shared: shared({ subscribe: () => end }).client })
    await seen(store, { path: 'b' })
    const landings = slow(get)
    void seen(store)
    await pass(0)
    const closed = vi.fn<() => void>()
    void store.close().then(closed)
    await pass(0)
    expect(closed).not.toHaveBeenCalled()
    landings[0]?.({ value: 'v1' })
    await pass(0)
    expect(closed).toHaveBeenCalled()
    expect([store.counts.entries, end.mock.calls.length]).toEqual([0, 1])
  })
})

describe('a write through one of several caches of a store', () => {
  it('is seen by all of them, and supersedes their flights', async () => {
    const siblings: ProviderCache[] = []
    const [one, other] = [cached({}, { siblings }), cached({}, { siblings })]
    siblings.push(one.store, other.store)
    await Promise.all(siblings.map((store) => seen(store)))
    const landings = slow(other.get)
    const before = seen(other.store, { mode: 'fresh' })
    await one.store.invalidate('a')
    landings[0]?.({ value: 'old' })
    await before
    for (const { get } of [one, other]) get.mockImplementation(async () => ({ value: 'new' }))
    expect(await Promise.all(siblings.map((store) => seen(store)))).toEqual(['new', 'new'])
  })
})

/** A shared cache that is empty unless a test says otherwise. */
describe('the in-memory cache before a shared cache', () => {
  const atLevel = { hit: { value: 'v1' }, until: start + 192 * second, askedAt: start }

  /** Held since the start; the shared cache has the same. Looks after 5 seconds, and ahead of that after 4. */
  async function held(): Promise<ReturnType<typeof shared> & ReturnType<typeof cached>> {
    const client = shared()
    const one = cached({}, { shared: client.client })
    await seen(one.store)
    client.read.mockClear()
    client.read.mockImplementation(async () => atLevel)
    return { ...client, ...one }
  }

  it('holds for some seconds, and longer while the shared cache has the same value, without a call to the store', async () => {
    const { store, get, read } = await held()
    await pass(3.999)
    expect([await seen(store), read.mock.calls.length]).toEqual(['v1', 0])
    await pass(0.001)
    expect([await seen(store), read.mock.calls.length]).toEqual(['v1', 1])
    for (let look = 2; look < 30; look += 1) {
      await pass(5)
      expect([await seen(store), read.mock.calls.length]).toEqual(['v1', look])
    }
    expect(get).toHaveBeenCalledTimes(1)
  })

  it('takes over values that others wrote', async () => {
    const { store, get, read } = await held()
    get.mockImplementation(async () => ({ value: 'v2' }))
    read.mockImplementation(async () => ({ leaseToken: { generation: 2 } }))
    await pass(5)
    expect(await seen(store)).toBe('v2')
    read.mockImplementation(async () => ({ hit: { value: 'v3' }, until: start + 200 * second, askedAt: start + 6 * second }))
    await pass(5)
    expect([await seen(store), get.mock.calls.length]).toEqual(['v3', 2])
  })

  it('asks the store if the shared cache has a different value that is no newer', async () => {
    const { store, get, read } = await held()
    get.mockImplementation(async () => ({ value: 'v2' }))
    read.mockImplementation(async () => ({ hit: { value: 'v2' }, until: start + 191 * second, askedAt: start - second }))
    await pass(5)
    expect([await seen(store), get.mock.calls.length]).toEqual(['v2', 2])
  })

  it.each<[string, SharedCache['read']]>([
    ['fails', async () => Promise.reject(new Error('down'))],
    ['says that it cannot be asked', async () => ({ leaseToken: {}, unavailable: true })],
  ])('holds as long as without a shared cache while that %s', async (_, answer) => {
    const { store, get, read } = await held()
    read.mockImplementation(answer)
    await pass(200)
    expect([await seen(store), get.mock.calls.length]).toEqual(['v1', 1])
    await pass(45)
    get.mockImplementation(async () => fail('UNAVAILABLE'))
    expect([await seen(store), get.mock.calls.length]).toEqual(['v1', 2])
  })

  it('answers from memory if the shared cache confirms the value or the store is unreachable', async () => {
    const { store, get } = await held()
    await pass(5)
    expect(await found(store)).toMatchObject({ from: 'memory', stale: false })
    get.mockImplementation(async () => fail('UNAVAILABLE'))
    await pass(295)
    expect(await found(store)).toMatchObject({ from: 'memory', stale: true, outage: 'UNAVAILABLE' })
  })

  it('asks the store when its refresh is due, whatever the shared cache has', async () => {
    const { store, get } = await held()
    get.mockImplementation(async () => ({ value: 'v2' }))
    await pass(240)
    expect(await seen(store)).toBe('v2')
  })

  it('gives no stale answer before the TTL is over', async () => {
    const { store, get, read } = await held()
    read.mockImplementation(async () => ({ leaseToken: {} }))
    get.mockImplementation(async () => fail('UNAVAILABLE'))
    await pass(299.999)
    expect(await seen(store)).toBe('v1')
    expect(await found(store)).toMatchObject({ from: 'memory', stale: false })
    expect(store.counts.staleAnswers).toBe(0)
    await pass(0.001)
    expect(await seen(store)).toBe('v1 (stale)')
  })

  it('is skipped by a fresh read', async () => {
    const { store, get } = await held()
    await pass(1)
    await seen(store, { mode: 'fresh' })
    expect(get).toHaveBeenCalledTimes(2)
  })
})

describe('a store behind a shared cache that fails closed', () => {
  it('is not asked while the shared cache is unreachable: held values are served stale', async () => {
    const { client, read } = shared({ failClosed: true })
    const { store, get } = cached({}, { shared: client })
    await seen(store)
    read.mockImplementation(async () => Promise.reject(new Error('down')))
    await pass(5)
    expect([await seen(store), await seen(store, { path: 'b' }), get.mock.calls.length]).toEqual(['v1', 'UNAVAILABLE', 1])
  })
})

describe('a store behind a shared cache', () => {
  const hit = { hit: { value: 'shared' }, until: start + 100 * second }

  it('is not asked for values of the shared cache, which get no younger by it', async () => {
    const { client, read } = shared()
    read.mockImplementation(async () => hit)
    const { store, get } = cached({}, { shared: client })
    const answer = await found(store)
    expect([answer?.from, answer?.held.text(), answer?.held.metadata.askedAt]).toEqual(['shared', 'shared', start - 92 * second])
    expect(get).not.toHaveBeenCalled()
    read.mockImplementation(async () => ({ leaseToken: {} }))
    get.mockImplementation(async () => fail('UNAVAILABLE'))
    await pass(207.999)
    expect(await seen(store)).toBe('shared')
    await pass(0.001)
    expect(await seen(store)).toBe('shared (stale)')
    await pass(300)
    expect(await seen(store)).toBe('UNAVAILABLE')
  })

  it('is asked for a gap, and fills it until the first refresh or expiresAt', async () => {
    const { client, fill } = shared()
    const { store, get } = cached({}, { shared: client })
    await seen(store)
    get.mockImplementation(async () => ({ value: 'v2', expiresAt: start + 7 }))
    await seen(store, { path: 'b' })
    expect(fill.mock.calls.map(([key, leaseToken, entry]) => [key.path, leaseToken, entry])).toEqual([
      ['a', { generation: 1 }, { secret: { value: 'v1' }, until: start + 192 * second, askedAt: start }],
      ['b', { generation: 1 }, { secret: { value: 'v2', expiresAt: start + 7 }, until: start + 7, askedAt: start }],
    ])
  })

  it.each<[string, Get]>([
    ['a not-found', async () => undefined],
    ['a lease', async () => ({ value: 'l1', exclusive: true })],
    ['a failure', async () => fail('UNAVAILABLE')],
  ])('keeps %s to itself, and gives the turn to fill back', async (_, answer) => {
    const { client, fill } = shared()
    const { store, get } = cached({}, { shared: client })
    get.mockImplementation(answer)
    await seen(store)
    expect(fill.mock.calls.map(([, , entry]) => entry)).toEqual([undefined])
  })

  it('does not fill with an answer from before a write', async () => {
    const { client, fill } = shared()
    const { store, get } = cached({}, { shared: client })
    const landings = slow(get)
    const before = seen(store)
    await pass(0)
    await store.invalidate('a')
    landings[0]?.({ value: 'old' })
    await before
    expect(fill.mock.calls.map(([, , entry]) => entry)).toEqual([undefined])
  })

  it('gives the shared cache its own copy of the bytes', async () => {
    const { client, fill } = shared()
    const { store, get } = cached({}, { shared: client })
    get.mockImplementation(async () => ({ value: Uint8Array.of(1, 2, 3) }))
    const answer = await found(store)
    expect(answer?.held.bytes()).toEqual(Uint8Array.of(1, 2, 3))
    expect(fill.mock.calls[0]?.[2]?.secret.value).toEqual(Uint8Array.of(1, 2, 3))
  })

  it.each<ReadMode>(['volatile', 'fresh volatile'])('is asked directly by a %s read, which fills nothing', async (mode) => {
    const { client, read, fill } = shared()
    read.mockImplementation(async () => hit)
    const { store } = cached({}, { shared: client })
    expect(await seen(store, { mode })).toBe('v1')
    expect([read.mock.calls.length, fill.mock.calls.length]).toEqual([0, 0])
  })

  it.each(denials)('is asked directly after %s, whatever the shared cache holds, until it answers', async (code) => {
    const { client, read } = shared()
    const { store, get } = cached({}, { shared: client })
    get.mockImplementationOnce(async () => fail(code)).mockImplementationOnce(async () => fail(code))
    await seen(store)
    read.mockImplementation(async () => hit)
    await pass(1)
    expect(await seen(store)).toBe(code)
    await pass(2)
    expect(await seen(store)).toBe('v1')
    store.forget('a')
    read.mockImplementation(async () => ({ ...hit, until: Date.now() + 192 * second }))
    expect(await seen(store)).toBe('shared')
  })

  it.each(denials)('bars a shared answer that was under way when it said %s', async (code) => {
    const { client, read } = shared()
    const reading = Promise.withResolvers<typeof hit>()
    read.mockReturnValue(reading.promise)
    const { store, get } = cached({}, { shared: client })
    get.mockImplementation(async () => fail(code))
    const before = seen(store)
    await pass(1)
    await seen(store, { mode: 'fresh' })
    reading.resolve(hit)
    await before
    expect([store.counts.entries, await seen(store)]).toEqual([0, code])
  })

  it.each(denials)('is asked by a reader that waited for the shared cache while it said %s', async (code) => {
    const { client, read } = shared()
    const reading = Promise.withResolvers<typeof hit>()
    read.mockReturnValueOnce(reading.promise)
    const { store, get } = cached({}, { shared: client })
    get.mockImplementation(async () => fail(code))
    const before = seen(store)
    await seen(store, { mode: 'fresh' })
    reading.resolve(hit)
    expect(await before).toBe(code)
  })

  it.each(denials)('is asked directly after it said %s while others wrote', async (code) => {
    let tell: Parameters<NonNullable<SharedCache['subscribe']>>[0] = () => {}
    const { client, read } = shared({ subscribe: (listener) => ((tell = listener), () => {}) })
    const { store, get } = cached({}, { shared: client })
    const denial = Promise.withResolvers<never>()
    get.mockImplementationOnce(() => denial.promise).mockImplementationOnce(async () => fail(code))
    const before = seen(store)
    await pass(0)
    tell({ sharedAs: 'eu', path: 'a' })
    denial.reject(new SecretsError(code, 'x'))
    read.mockImplementation(async () => hit)
    expect([await before, await seen(store)]).toEqual([code, code])
    await pass(1)
    expect(await seen(store)).toBe('v1')
  })

  it('keeps its own later answer if the shared cache has an older one', async () => {
    const { client, read } = shared()
    const reading = Promise.withResolvers<typeof hit>()
    read.mockReturnValueOnce(reading.promise)
    const { store } = cached({}, { shared: client })
    const before = seen(store)
    await pass(0)
    await seen(store, { mode: 'fresh' })
    reading.resolve(hit)
    expect([await before, await seen(store)]).toEqual(['v1', 'v1'])
  })

  it('bars older shared values even after its answer was evicted', async () => {
    for (const mode of ['fresh', 'volatile'] as const) {
      const { client, read } = shared({ invalidate: async () => Promise.reject(new Error('down')) })
      const { store, get } = cached({}, { shared: client, maxEntries: 1 })
      read.mockImplementation(async () => hit)
      get.mockImplementation(async () => ({ value: 'newer' }))
      await pass(1)
      await seen(store, { mode })
      await seen(store, { path: 'b' })
      expect(await seen(store)).toBe('newer')
    }
  })

  it('bars shared values of every version once the secret is missing', async () => {
    const getVersion = vi.fn<NonNullable<SecretProvider['getVersion']>>(async () => undefined)
    const { client, read } = shared({ invalidate: async () => Promise.reject(new Error('down')) })
    const { store, get } = cached({ getVersion }, { shared: client })
    read.mockImplementation(async () => ({ ...hit, hit: { value: 'gone', version: 1 } }))
    get.mockImplementation(async () => undefined)
    await pass(1)
    expect(await seen(store, { mode: 'fresh' })).toBeUndefined()
    await pass(60)
    expect([await seen(store), await seen(store, { version: 1 })]).toEqual([undefined, undefined])
  })

  it.each<[string, Answer]>([
    ['another value', async () => ({ value: 'newer' })],
    ['an absence', async () => undefined],
  ])('corrects the shared cache with %s of a fresh read', async (_, answer) => {
    const invalidate = vi.fn<SharedCache['invalidate']>(async () => {})
    const { client, read } = shared({ invalidate })
    const { store, get } = cached({}, { shared: client })
    read.mockImplementation(async () => hit)
    get.mockImplementation(answer)
    await seen(store, { mode: 'fresh' })
    expect(invalidate.mock.calls.map(([key]) => key)).toEqual([{ sharedAs: 'eu', path: 'a' }])
  })

  it('leaves the shared cache alone if a fresh read got the same value, and fills its gap', async () => {
    const invalidate = vi.fn<SharedCache['invalidate']>(async () => {})
    const { client, read, fill } = shared({ invalidate })
    const { store } = cached({}, { shared: client })
    read.mockImplementationOnce(async () => ({ ...hit, hit: { value: 'v1' } }))
    await seen(store, { mode: 'fresh' })
    expect([invalidate.mock.calls.length, fill.mock.calls.length]).toEqual([0, 0])
    await seen(store, { mode: 'fresh' })
    expect(fill).toHaveBeenCalledTimes(1)
  })

  it('is asked by a refresh unless the shared cache has a newer value', async () => {
    const { client, read } = shared()
    const { store, get } = cached({}, { shared: client })
    get.mockImplementation(async () => ({ value: 'v1', expiresAt: start + 100 * second }))
    await seen(store)
    await pass(80)
    read.mockImplementation(async () => ({ hit: { value: 'v1', expiresAt: start + 100 * second }, until: start + 100 * second }))
    get.mockImplementation(async () => ({ value: 'v2' }))
    await seen(store)
    await pass(0)
    expect([await seen(store), get.mock.calls.length]).toEqual(['v2', 2])
    await pass(240)
    read.mockImplementation(async () => ({ hit: { value: 'v3' }, until: Date.now() + 191 * second }))
    await seen(store)
    await pass(0)
    expect([await seen(store), get.mock.calls.length]).toEqual(['v3', 2])
  })

  it('is asked by a refresh of a shared value while the shared cache holds the same one', async () => {
    const { client, read } = shared()
    const expiresAt = start + 100 * second
    read.mockImplementation(async () => ({ hit: { value: 'shared', expiresAt }, until: start + 150 * second }))
    const { store, get } = cached({}, { shared: client })
    expect(await seen(store)).toBe('shared')
    await pass(71)
    expect(await seen(store)).toBe('shared')
    await pass(4)
    expect(await seen(store)).toBe('shared')
    await pass(0)
    expect(await seen(store)).toBe('v1')
    expect(get).toHaveBeenCalledTimes(1)
  })

  it('is asked about a version that was missing, whatever the shared cache holds', async () => {
    const getVersion = vi.fn<NonNullable<SecretProvider['getVersion']>>(async () => fail('DELETED'))
    const { client, read } = shared()
    const { store, get } = cached({ getVersion }, { shared: client })
    await seen(store, { version: 1 })
    read.mockImplementation(async () => ({ hit: { value: 'shared', version: 1 }, until: Date.now() + 192 * second }))
    await pass(60)
    expect([await seen(store, { version: 1 }), await seen(store), get.mock.calls.length]).toEqual(['DELETED', 'shared', 0])
  })

  it('is asked in time if the shared cache fails', async () => {
    const { client, read, fill } = shared()
    read.mockImplementation(async () => Promise.reject(new Error('down')))
    const { store } = cached({}, { shared: client })
    expect(await seen(store)).toBe('v1')
    expect(fill).not.toHaveBeenCalled()
  })

  /** The store has said no, and only then answered what was asked of it before; a moment later the shared cache holds something, too. */
  async function answeredLate(code: SecretsError['code'], until: (now: number) => number): Promise<ProviderCache> {
    const { client, read } = shared()
    const { store, get } = cached({}, { shared: client })
    const landings = slow(get)
    const before = seen(store, { mode: 'fresh' })
    await pass(1)
    get.mockImplementation(async () => fail(code))
    await seen(store)
    landings[0]?.({ value: 'old' })
    await before
    await pass(1)
    read.mockImplementation(async () => ({ ...hit, until: until(Date.now()) }))
    return store
  }

  it.each(denials)('still bars older shared answers after it said %s', async (code) => {
    const store = await answeredLate(code, () => hit.until)
    expect(await seen(store)).toBe(code)
  })

  it.each(denials)('bars shared answers of other processes after it said %s', async (code) => {
    const store = await answeredLate(code, (now) => now + 192 * second)
    expect(await seen(store)).toBe(code)
  })

  it('is asked during an invalidation: older held values are dropped at once', async () => {
    const telling = Promise.withResolvers<void>()
    const { client } = shared({ invalidate: () => telling.promise })
    const { store, get } = cached({}, { shared: client })
    await seen(store)
    const writing = store.invalidate('a')
    get.mockImplementation(async () => ({ value: 'v2' }))
    expect(await seen(store)).toBe('v2')
    telling.resolve()
    await writing
  })

  it('takes no shared answer from before an invalidation', async () => {
    const telling = Promise.withResolvers<void>()
    const { client, read } = shared({ invalidate: () => telling.promise })
    read.mockImplementationOnce(async () => hit)
    const { store } = cached({}, { shared: client })
    await pass(1)
    const writing = store.invalidate('a')
    expect(await seen(store)).toBe('v1')
    telling.resolve()
    await writing
    expect(await seen(store)).toBe('v1')
  })

  it('drops values that other processes have written', async () => {
    let tell: Parameters<NonNullable<SharedCache['subscribe']>>[0] = () => {}
    const { client } = shared({ subscribe: (listener) => ((tell = listener), () => {}) })
    const { store } = cached({}, { shared: client })
    await seen(store)
    tell({ sharedAs: 'eu', path: 'a' })
    expect(store.peek('a')).toBeUndefined()
  })

  it.each([
    ['a', true],
    ['b', false],
  ])('in an outage lets no later provider answer for what it held when another process wrote it: %s', async (written, isHeld) => {
    let tell: Parameters<NonNullable<SharedCache['subscribe']>>[0] = () => {}
    const { client } = shared({ subscribe: (listener) => ((tell = listener), () => {}) })
    const { store, get } = cached({}, { shared: client })
    await seen(store)
    tell({ sharedAs: 'eu', path: written })
    get.mockImplementation(async () => fail('UNAVAILABLE'))
    expect(isFinal(await refusal(found(store, { path: written })))).toBe(isHeld)
  })

  it('invalidates the shared cache after a write and reports a failure, but drops its own value in any case', async () => {
    const invalidate = vi.fn<SharedCache['invalidate']>(async () => Promise.reject(new Error('down')))
    const { client, read } = shared({ invalidate })
    const { store, get } = cached({}, { shared: client })
    await seen(store)
    await expect(store.invalidate('a')).rejects.toThrow(expect.objectContaining({ code: 'UNAVAILABLE', effect: 'done' }))
    read.mockImplementation(async () => hit)
    get.mockImplementation(async () => ({ value: 'new' }))
    expect(await seen(store)).toBe('new')
  })
})
