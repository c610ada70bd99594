import { describe, expect, it, vi } from 'vitest'
import type { SharedCache, SharedGap } from '../contract/shared-cache.ts'
import { cached, fail, found, onCacheClock, pass, second, seen, shared } from '../testing/cache-trial.ts'

onCacheClock()

const gap: SharedGap = { leaseToken: { generation: 1 }, invalidatedAt: 0, leastVersion: 0 }

/** Holds a value since the start. Its TTL is over after 300 s, its refresh is due after 240 s. */
async function held(members: Partial<SharedCache> = {}): Promise<ReturnType<typeof shared> & ReturnType<typeof cached>> {
  const cache = shared(members)
  const one = cached({}, { shared: cache.client })
  cache.read.mockImplementation(async () => gap)
  await seen(one.store)
  one.get.mockImplementation(async () => ({ value: 'v2' }))
  return { ...cache, ...one }
}

/** Reads once in 5 s, and returns after how many the store was asked. */
async function askedAfter({ store, get }: ReturnType<typeof cached>, from: number, to: number): Promise<readonly number[]> {
  const asked: number[] = []
  for (let seconds = from; seconds < to; seconds += 5) {
    await pass(5)
    const before = get.mock.calls.length
    await seen(store)
    await pass(0)
    if (get.mock.calls.length > before) asked.push(seconds + 5)
  }
  return asked
}

describe('a value whose store another process could not ask', () => {
  it('is not refreshed while others say so, until a minute after its TTL, and stale from its TTL on', async () => {
    const fleet = await held()
    fleet.read.mockImplementation(async () => ({ ...gap, wait: true }))
    expect(await askedAfter(fleet, 0, 355)).toEqual([])
    expect(await found(fleet.store)).toMatchObject({ from: 'memory', stale: true, outage: 'UNAVAILABLE' })
    expect(await askedAfter(fleet, 355, 380)).toEqual([360])
    expect(await seen(fleet.store)).toBe('v2')
  })

  it('is asked for by some processes earlier than by others, so that they do not ask together', async () => {
    vi.mocked(Math.random).mockReturnValue(0.5)
    const fleet = await held()
    vi.mocked(Math.random).mockReturnValue(1)
    fleet.read.mockImplementation(async () => ({ ...gap, wait: true }))
    // Its TTL is over after 270 s.
    expect((await askedAfter(fleet, 0, 400))[0]).toBe(300)
  })

  it('is taken from the shared cache within seconds after the return', async () => {
    const fleet = await held()
    fleet.read.mockImplementation(async () => ({ ...gap, wait: true }))
    await askedAfter(fleet, 0, 310)
    fleet.read.mockImplementation(async () => ({ hit: { value: 'v2' }, until: Date.now() + 192 * second, askedAt: Date.now() - second }))
    await pass(5.5)
    expect([await seen(fleet.store), fleet.get.mock.calls.length]).toEqual(['v2', 1])
  })

  it('waits on while this process cannot ask it either, and asks again once in a minute', async () => {
    const fleet = await held()
    fleet.read.mockImplementation(async () => ({ ...gap, wait: true }))
    fleet.get.mockImplementation(async () => fail('UNAVAILABLE'))
    expect(await askedAfter(fleet, 0, 590)).toEqual([360, 425, 490, 555])
  })

  it('is one of several of which this process tries one, until that call ends', async () => {
    const fleet = await held()
    await seen(fleet.store, { path: 'b' })
    fleet.read.mockImplementation(async () => ({ ...gap, wait: true }))
    fleet.get.mockImplementation(() => new Promise(() => {}))
    await pass(400)
    const calls = fleet.get.mock.calls.length
    void seen(fleet.store)
    await pass(1)
    void seen(fleet.store, { path: 'b' })
    await pass(1)
    expect(fleet.get.mock.calls.length - calls).toBe(1)
  })

  it.each(['UNAVAILABLE', 'INTERNAL'] as const)('is asked for by itself, though a call for another secret brings %s', async (code) => {
    const fleet = await held()
    await seen(fleet.store, { path: 'b' })
    fleet.get.mockImplementation(async (path) => (path === 'b' ? fail(code) : { value: 'v3' }))
    fleet.read.mockImplementation(async () => ({ ...gap, wait: true }))
    for (let seconds = 0; seconds < 365; seconds += 5) {
      await pass(5)
      await seen(fleet.store, { path: 'b' })
      await seen(fleet.store)
    }
    expect(await seen(fleet.store)).toBe('v3')
  })

  it('waits while two others fail, as in an outage', async () => {
    const fleet = await held()
    for (const path of ['b', 'c']) await seen(fleet.store, { path })
    fleet.get.mockImplementation(async (path) => (path === 'a' ? { value: 'v3' } : fail('UNAVAILABLE')))
    fleet.read.mockImplementation(async () => ({ ...gap, wait: true }))
    await pass(360)
    for (const path of ['b', 'c']) await seen(fleet.store, { path })
    expect(await seen(fleet.store)).toBe('v1 (stale)')
  })

  it('is asked for at once by a reader who has none of it, wants it fresh, or keeps none', async () => {
    const fleet = await held()
    fleet.read.mockImplementation(async () => ({ ...gap, wait: true }))
    expect([await seen(fleet.store, { path: 'b' }), await seen(fleet.store, { mode: 'fresh' }), fleet.get.mock.calls.length]).toEqual([
      'v2',
      'v2',
      3,
    ])
  })

  it('is asked for at once after a change, whatever others say', async () => {
    const fleet = await held()
    fleet.read.mockImplementation(async () => ({ ...gap, wait: true, invalidatedAt: Date.now() }))
    expect((await askedAfter(fleet, 0, 10))[0]).toBe(5)
  })

  it('is asked for once it may not be served any more', async () => {
    const cache = shared()
    const one = cached({}, { shared: cache.client, maxStaleMs: 10 * second })
    cache.read.mockImplementation(async () => ({ ...gap, wait: true }))
    await seen(one.store)
    expect(await askedAfter(one, 0, 330)).toEqual([310])
  })

  it.each(['PERMISSION_DENIED', 'UNAUTHENTICATED', 'DELETED'] as const)('hides no %s: what it drops is not served again', async (code) => {
    const fleet = await held()
    fleet.get.mockImplementation(async () => fail(code))
    expect(await seen(fleet.store, { mode: 'fresh' })).toBe(code)
    fleet.read.mockImplementation(async () => ({ ...gap, wait: true }))
    await pass(60)
    expect(await seen(fleet.store)).toBe(code)
    expect(fleet.get.mock.calls.length).toBeGreaterThan(2)
  })

  it('is dropped by a denial that comes while the shared cache is asked', async () => {
    const fleet = await held()
    await pass(250)
    const reading = Promise.withResolvers<SharedGap>()
    fleet.read.mockImplementation(() => reading.promise)
    const waiting = seen(fleet.store)
    await pass(0)
    fleet.get.mockImplementation(async () => fail('PERMISSION_DENIED'))
    await fleet.store.askBeside('a', () => fail('PERMISSION_DENIED'), 'read').catch(() => {})
    reading.resolve({ ...gap, wait: true })
    expect(await waiting).toBe('PERMISSION_DENIED')
  })
})

describe('what other processes say fails no read', () => {
  /** Others said so at 305 s, seconds after its TTL. The store is well. */
  async function waiting(options: Parameters<typeof cached>[1] = {}): Promise<ReturnType<typeof cached>> {
    const cache = shared()
    const one = cached({}, { shared: cache.client, ...options })
    await seen(one.store)
    cache.read.mockImplementation(async () => ({ ...gap, wait: true }))
    await pass(305)
    expect(await seen(one.store)).toBe('v1 (stale)')
    one.get.mockImplementation(async () => ({ value: 'v2' }))
    return one
  }

  /** The store answers after so many seconds. */
  function late({ get }: ReturnType<typeof cached>, seconds: number): void {
    get.mockImplementation(async () => {
      await new Promise((resolve) => void setTimeout(resolve, seconds * second))
      return { value: 'v2' }
    })
  }

  it('of a value that may not be served any more', async () => {
    const { store } = await waiting({ maxStaleMs: 7 * second })
    await pass(3)
    expect(await seen(store)).toBe('v2')
  })

  it('of a value that made room for another', async () => {
    const { store } = await waiting({ maxEntries: 1 })
    await seen(store, { path: 'b' })
    expect(await seen(store)).toBe('v2')
  })

  it('of a value that a volatile read has taken', async () => {
    const { store } = await waiting()
    await seen(store, { mode: 'volatile' })
    expect(await seen(store)).toBe('v2')
  })

  it('without a value, if the store takes longer than a quarter of the deadline', async () => {
    const one = await waiting({ maxStaleMs: 7 * second })
    await pass(6)
    late(one, 3)
    const reading = seen(one.store)
    await pass(3)
    expect(await reading).toBe('v2')
  })

  it('without a value, before a later provider that has one', async () => {
    const one = await waiting({ maxStaleMs: 7 * second })
    await pass(6)
    late(one, 0.3)
    const reading = seen(one.store, { fallback: 'held' })
    await pass(0.3)
    expect(await reading).toBe('v2')
  })

  it('that is fresh, and lets a verification wait for its answer', async () => {
    const one = await waiting()
    late(one, 3)
    expect(one.store.patience.expected('fresh', 'a', Date.now())).toBeUndefined()
    const reading = seen(one.store, { mode: 'fresh' })
    await pass(3)
    expect(await reading).toBe('v2')
  })
})

describe('a process that cannot ask the store', () => {
  const outage = vi.fn<NonNullable<SharedCache['markOutage']>>(async () => {})

  it.each<[Parameters<typeof fail>[0], number]>([
    ['UNAVAILABLE', 1],
    ['DEADLINE_EXCEEDED', 1],
    ['RATE_LIMITED', 1],
    ['PERMISSION_DENIED', 0],
    ['INTERNAL', 0],
    ['ABORTED', 0],
  ])('tells the others of %s: %d', async (code, times) => {
    outage.mockClear()
    const { store, get, fill } = await held({ markOutage: outage })
    fill.mockClear()
    get.mockImplementation(async () => fail(code))
    await seen(store, { path: 'b' })
    expect([outage.mock.calls.length, fill.mock.calls.length]).toEqual([times, 1 - times])
    if (times > 0) expect(outage.mock.calls[0]?.slice(0, 2)).toEqual([{ sharedAs: 'eu', path: 'b', version: undefined }, gap.leaseToken])
  })

  it('only gives the lease back to a shared cache that keeps no marks', async () => {
    const { store, get, fill } = await held()
    fill.mockClear()
    get.mockImplementation(async () => fail('UNAVAILABLE'))
    await seen(store, { path: 'b' })
    expect(fill.mock.calls.map(([, , entry]) => entry)).toEqual([undefined])
  })
})

describe('a read that waits for another process', () => {
  async function waiting(reading: Promise<SharedGap>): Promise<Awaited<ReturnType<typeof held>>> {
    const fleet = await held({ longestReadMs: 5_000 })
    fleet.read.mockImplementation(() => reading)
    fleet.get.mockClear()
    return fleet
  }

  it('is joined by later ones that have no value, so that they ask the store once', async () => {
    const reading = Promise.withResolvers<SharedGap>()
    const { store, get } = await waiting(reading.promise)
    const reads: Promise<string | undefined>[] = []
    for (let each = 0; each < 8; each += 1) {
      reads.push(seen(store, { path: 'b' }))
      await pass(0.5)
    }
    reading.resolve(gap)
    expect([await Promise.all(reads), get.mock.calls.length]).toEqual([Array.from(reads, () => 'v2'), 1])
  })

  it('is not joined by one that begins when the store itself is late', async () => {
    const reading = Promise.withResolvers<SharedGap>()
    const { store, get } = await waiting(reading.promise)
    void seen(store, { path: 'b' })
    await pass(3)
    get.mockImplementationOnce(() => new Promise(() => {}))
    reading.resolve(gap)
    await pass(1.3)
    expect([await seen(store, { path: 'b' }), get.mock.calls.length]).toEqual(['v2', 2])
  })

  it('does not hold up a reader that has a stale value', async () => {
    const reading = Promise.withResolvers<SharedGap>()
    const { store } = await waiting(reading.promise)
    await pass(310)
    const reads = [seen(store)]
    await pass(1.3)
    let isLater = ''
    reads.push(seen(store).then((value) => (isLater = value ?? '')))
    await pass(0.06)
    expect([isLater, store.flying('a')]).toEqual(['v1 (stale)', undefined])
    reading.resolve(gap)
    await Promise.all(reads)
  })
})
