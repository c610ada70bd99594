import { describe, expect, it } from 'vitest'
import type { SharedCache, SharedRead } from '../contract/shared-cache.ts'
import { cached, fail, onCacheClock, pass, second, seen, shared, start } from '../testing/cache-trial.ts'

onCacheClock()

const invalidatedAt = start - 3_600 * second
const gap = { leaseToken: { generation: 1 }, invalidatedAt, leastVersion: 0 }
const hit = { hit: { value: 'v1', version: 1 }, until: start + 192 * second, askedAt: start, invalidatedAt, leastVersion: 0 }

/** Holds version 1 since the start. Its store has another value since. */
async function held(): Promise<ReturnType<typeof shared> & ReturnType<typeof cached>> {
  const cache = shared()
  const one = cached({}, { shared: cache.client })
  cache.read.mockImplementation(async () => gap)
  one.get.mockImplementation(async () => ({ value: 'v1', version: 1 }))
  await seen(one.store)
  one.get.mockImplementation(async () => ({ value: 'v2', version: 2 }))
  cache.read.mockClear()
  return { ...cache, ...one }
}

describe('a value that is fresh in memory', () => {
  it.each<[string, SharedRead]>([
    ['has lost it', gap],
    ['has lost all that it knew of the path', { ...gap, invalidatedAt: 0 }],
    ['has an earlier one', { ...hit, hit: { value: 'v0', version: 0 }, askedAt: start - second }],
    ['has an earlier one from before an invalidation', { ...hit, hit: { value: 'v0' }, askedAt: start - second, invalidatedAt: 1 }],
    ['has one that is over', { ...hit, hit: { value: 'v0' }, until: start + second }],
  ])('stands if the shared cache %s, and is asked for again when its refresh is due', async (_, answer) => {
    const { store, get, read } = await held()
    read.mockImplementation(async () => answer)
    for (let seconds = 5; seconds < 240; seconds += 5) {
      await pass(5)
      expect([await seen(store), get.mock.calls.length]).toEqual(['v1', 1])
    }
    await pass(5)
    expect([await seen(store), get.mock.calls.length]).toEqual(['v2', 2])
  })

  it('needs no fill lease: each recheck says so, and gives back one that it gets', async () => {
    const { store, read, fill } = await held()
    fill.mockClear()
    await pass(5)
    await seen(store)
    expect(read.mock.calls.map(([, { isRecheck }]) => isRecheck)).toEqual([true])
    expect(fill.mock.calls.map(([, leaseToken, entry]) => [leaseToken, entry])).toEqual([[gap.leaseToken, undefined]])
  })

  it('is asked for again with a fill lease after a later invalidation, once', async () => {
    const { store, get, read } = await held()
    read.mockImplementation(async () => ({ ...gap, invalidatedAt: invalidatedAt + 1 }))
    await pass(5)
    expect([await seen(store), get.mock.calls.length]).toEqual(['v2', 2])
    expect(read.mock.calls.map(([, { isRecheck }]) => isRecheck)).toEqual([true, false])
    for (let times = 0; times < 10; times += 1) {
      await pass(5)
      await seen(store)
    }
    expect(get).toHaveBeenCalledTimes(2)
  })

  it('is replaced by what another process filled after a later invalidation', async () => {
    const { store, get, read } = await held()
    const filled = { ...hit, hit: { value: 'v2', version: 2 }, askedAt: start + second, invalidatedAt: start }
    read.mockImplementation(async (_, { isRecheck }) => (isRecheck ? { ...gap, invalidatedAt: start } : filled))
    await pass(5)
    expect([await seen(store), get.mock.calls.length]).toEqual(['v2', 1])
    read.mockImplementation(async () => ({ ...gap, invalidatedAt: start }))
    await pass(5)
    expect([await seen(store), get.mock.calls.length]).toEqual(['v2', 1])
  })

  it('is asked for again until the store failed, and as its back-off allows', async () => {
    const { store, get, read } = await held()
    read.mockImplementation(async () => ({ ...gap, invalidatedAt: start }))
    get.mockImplementation(async () => fail('UNAVAILABLE'))
    await pass(5)
    expect([await seen(store), get.mock.calls.length]).toEqual(['v1', 2])
    get.mockImplementation(async () => ({ value: 'v2' }))
    await pass(5)
    await seen(store)
    expect(await seen(store)).toBe('v2')
  })

  it.each([
    ['is older than a minute before it was asked for', start - 61 * second, 1],
    ['may be later', start - 59 * second, 2],
  ])('that was asked for while the shared cache was away heeds an invalidation that %s', async (_, at, calls) => {
    const { client, read } = shared()
    const { store, get } = cached({}, { shared: client })
    read.mockImplementation(async () => ({ leaseToken: {}, unavailable: true }))
    await seen(store)
    read.mockImplementation(async () => ({ ...gap, invalidatedAt: at }))
    for (let times = 0; times < 3; times += 1) {
      await pass(5)
      await seen(store)
    }
    expect(get).toHaveBeenCalledTimes(calls)
  })

  it.each<[string, number | undefined, number]>([
    ['that cannot tell of invalidations', undefined, 0],
    ['that knows of a later version, which a lagging replica lacks', invalidatedAt, 2],
  ])('is asked for ever less often for gaps of a shared cache %s', async (_, at, leastVersion) => {
    const { store, get, read } = await held()
    get.mockImplementation(async () => ({ value: 'v1', version: 1 }))
    read.mockImplementation(async () => ({ ...gap, invalidatedAt: at, leastVersion }))
    const askedAfter: number[] = []
    for (let seconds = 5; seconds <= 600; seconds += 5) {
      const before = get.mock.calls.length
      await pass(5)
      await seen(store)
      await pass(0)
      if (get.mock.calls.length > before) askedAfter.push(seconds)
    }
    expect(askedAfter).toEqual([5, 15, 35, 75, 155, 315, 510])
  })

  it('is asked for at once after a gap of a shared cache that cannot tell of invalidations and had it meanwhile', async () => {
    const { store, get, read } = await held()
    get.mockImplementation(async () => ({ value: 'v1', version: 1 }))
    const lookAfter = async (seconds: number, answer: () => SharedRead): Promise<number> => {
      read.mockImplementation(async () => answer())
      await pass(seconds)
      await seen(store)
      return get.mock.calls.length
    }
    const isLost = (): SharedRead => ({ ...gap, invalidatedAt: undefined })
    const isHeld = (): SharedRead => ({ ...hit, until: Date.now() + 100 * second, askedAt: Date.now(), invalidatedAt: undefined })
    expect([await lookAfter(5, isLost), await lookAfter(5, isLost), await lookAfter(5, isLost)]).toEqual([2, 2, 3])
    expect([await lookAfter(5, isHeld), await lookAfter(5, isLost), await lookAfter(5, isLost)]).toEqual([3, 4, 5])
  })
})

it('an older entry than a process has seen is filled over, and not told as a change', async () => {
  const invalidate = async (): Promise<void> => expect.fail('invalidated')
  const { client, read, fill } = shared({ invalidate })
  const { store, get } = cached({}, { shared: client })
  get.mockImplementation(async () => ({ value: 'v2' }))
  await seen(store)
  const answer: SharedCache['read'] = async (_, { notBefore = 0 }) =>
    notBefore > hit.askedAt - second ? gap : { ...hit, askedAt: hit.askedAt - second }
  read.mockImplementation(answer)
  fill.mockClear()
  await seen(store, { mode: 'fresh' })
  expect(fill.mock.calls.map(([, , entry]) => entry?.secret.value)).toEqual(['v2'])
})

it('a lease that has ended is not served because the shared cache is away', async () => {
  const { client, read } = shared()
  const { store, get } = cached({}, { shared: client })
  read.mockImplementation(async () => ({ leaseToken: {}, unavailable: true }))
  get.mockImplementation(async () => ({
    value: `lease ${get.mock.calls.length}`,
    exclusive: true,
    expiresAt: start + get.mock.calls.length * 60 * second,
  }))
  expect(await seen(store)).toBe('lease 1')
  await pass(60)
  expect(await seen(store)).toBe('lease 2')
})
