import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { deriveCacheKeys } from './sealed/key-ring.ts'
import { placesOf } from './sealed/key-names.ts'
import { context, encryptionKey, entryOf, fillGap, fleetOver, key, ticketOf, valueIn } from './testing/fleet.ts'
import { faultyStore, type FaultyStore } from './testing/stores.ts'

beforeEach(() => void vi.spyOn(process, 'emitWarning').mockReturnValue())
afterEach(() => void vi.useRealTimers())

const { index } = deriveCacheKeys([Buffer.from(encryptionKey, 'hex')], Buffer.from(encryptionKey, 'hex'))
const places = placesOf(key, { index, namespace: '', keyPrefix: 'fs1:' })
/** Without the mark of the key, which is of no path. */
const placesIn = (held: ReadonlyMap<string, string>): string[] => [...held.keys()].filter((place) => place.startsWith('fs1:{'))

test('a slow reader does not put an old value back after a rotation, however long it took', async () => {
  const { another } = fleetOver()
  const [slow, writer] = [another(), another()]
  const before = await ticketOf(slow)
  await writer.invalidate(key, context)
  await slow.fill(key, before, entryOf({ value: 'old' }), context)
  expect(await valueIn(slow)).toBeUndefined()
})

test('an entry that is written while its path is invalidated is of a generation that is over', async () => {
  const { store, another } = fleetOver()
  const [reader, writer] = [another(), another()]
  const ticket = await ticketOf(reader)
  let invalidating: Promise<void> | undefined
  store.plan = (call, at) => {
    // After the generation was looked at, before the entry is there.
    if (call === 'set' && at === places.entry) invalidating ??= writer.invalidate(key, context)
    return undefined
  }
  await reader.fill(key, ticket, entryOf({ value: 'old' }), context)
  await invalidating
  expect(await valueIn(another())).toBeUndefined()
})

test('a path that has lost its generation is a gap, and what was there is not served again', async () => {
  const { store, another } = fleetOver()
  const cache = another()
  await fillGap(cache, { value: 'v1' })
  expect(await valueIn(cache)).toBe('v1')
  store.held.delete(places.generation)
  expect(await valueIn(cache)).toBeUndefined()
  expect(store.held.has(places.generation)).toBe(true)
  expect(await valueIn(another())).toBeUndefined()
  expect(cache.stats().ignored.outdated).toBeGreaterThan(0)
})

test('a replica that lags behind does not bring back, as the current version, what was before the last write', async () => {
  const { another } = fleetOver()
  const cache = another()
  await cache.invalidate({ ...key, leastVersion: 2 }, context)
  await fillGap(cache, { value: 'old', version: 1 })
  expect(await valueIn(cache)).toBeUndefined()
  await fillGap(cache, { value: 'new', version: 2 })
  expect(await valueIn(cache)).toBe('new')
  const numbered = { ...key, version: 1 }
  await fillGap(cache, { value: 'old', version: 1 }, {}, numbered)
  expect(await valueIn(cache, numbered)).toBe('old')
})

test('an invalidation that knows no version keeps the least that was told before, for as long as that was to last', async () => {
  const { another } = fleetOver()
  const [writer, loser] = [another(), another()]
  const now = Date.now()
  const clock = vi.spyOn(Date, 'now').mockReturnValue(now)
  await writer.invalidate({ ...key, leastVersion: 2 }, context)
  for (const minutes of [0, 5, 10]) {
    clock.mockReturnValue(now + minutes * 60_000)
    await loser.invalidate(key, context)
    await fillGap(loser, { value: 'old', version: 1 })
    expect(await valueIn(another()), `after ${minutes} minutes`).toBeUndefined()
  }
  clock.mockReturnValue(now + 15 * 60_000)
  await fillGap(loser, { value: 'put back by hand', version: 1 })
  expect(await valueIn(another())).toBe('put back by hand')
  clock.mockRestore()
})

test('an invalidation that says 0 lifts the least version: a secret that was deleted may begin anew', async () => {
  const { another } = fleetOver()
  const cache = another()
  await cache.invalidate({ ...key, leastVersion: 9 }, context)
  await cache.invalidate({ ...key, leastVersion: 0 }, context)
  await fillGap(cache, { value: 'begun anew', version: 1 })
  expect(await valueIn(cache)).toBe('begun anew')
})

test.each(['begins the path', 'invalidates it without a version', 'tells of an earlier version'])(
  'a version that was written is not lost to a process that %s at the same time',
  async (what) => {
    const plain = faultyStore()
    let isFirst = true
    const store: FaultyStore = {
      ...plain,
      set: async (at, text) => {
        // It has looked already, and writes last.
        if (at === places.generation && isFirst) {
          isFirst = false
          await writer.invalidate({ ...key, leastVersion: 7 }, context)
        }
        return plain.set(at, text)
      },
    }
    // The clock runs by itself, so that claims settle, and can be put forward.
    vi.useFakeTimers({ shouldAdvanceTime: true })
    const { another } = fleetOver(store, { waitMs: 0 })
    const [writer, other] = [another(), another()]
    if (what === 'begins the path') await other.read(key, context)
    else await other.invalidate({ ...key, ...(what.startsWith('tells') && { leastVersion: 6 }) }, context)
    await vi.advanceTimersByTimeAsync(50)
    await fillGap(other, { value: 'lagging', version: 6 })
    expect(await valueIn(another())).toBeUndefined()
  },
)

test('who takes a wrong entry away does not bring back what was before the last write either', async () => {
  const { another } = fleetOver()
  const cache = another()
  await cache.invalidate({ ...key, leastVersion: 5 }, context)
  await cache.invalidate({ ...key, leastVersion: 3 }, context)
  await fillGap(cache, { value: 'old', version: 4 })
  expect(await valueIn(cache)).toBeUndefined()
})

test('a version that is put back by hand is shared again after a quarter of an hour', async () => {
  const { another } = fleetOver()
  const cache = another()
  await cache.invalidate({ ...key, leastVersion: 5 }, context)
  const clock = vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 900_000)
  await fillGap(cache, { value: 'put back', version: 4 })
  expect(await valueIn(cache)).toBe('put back')
  clock.mockRestore()
})

test('a generation opens in other processes, whatever somebody put on the prototype of every object in this one', async () => {
  const { another } = fleetOver()
  const everyObject: object = Object.getPrototypeOf({})
  Object.defineProperty(everyObject, 'version', { value: 7, configurable: true })
  try {
    await another().invalidate({ sharedAs: key.sharedAs, path: key.path }, context)
  } finally {
    Reflect.deleteProperty(everyObject, 'version')
  }
  const cache = another()
  await fillGap(cache, { value: 'v' })
  expect([await valueIn(cache), cache.stats().ignored.unreadable]).toEqual(['v', 0])
})

test('of two answers of one generation the one that was asked for later stays', async () => {
  const { another } = fleetOver()
  const [one, other] = [another({ waitMs: 0 }), another({ waitMs: 0 })]
  const tickets = [await ticketOf(one), await ticketOf(other)]
  const now = Date.now()
  await other.fill(key, tickets[1] ?? {}, entryOf({ value: 'later' }, { askedAt: now }), context)
  await one.fill(key, tickets[0] ?? {}, entryOf({ value: 'earlier' }, { askedAt: now - 5 }), context)
  expect(await valueIn(one)).toBe('later')
})

test('what is dropped by an invalidation is gone from the store too, as far as it has no number', async () => {
  const { store, another } = fleetOver()
  const cache = another()
  await fillGap(cache, { value: 'v1' })
  await fillGap(cache, { value: 'v0' }, {}, { ...key, version: 'previous' })
  await cache.invalidate(key, context)
  expect(placesIn(store.held)).toEqual([places.generation])
})

test('an invalidation that is not kept rejects, and says that others may serve the former value', async () => {
  const { store, another } = fleetOver()
  const cache = another()
  await fillGap(cache, { value: 'v1' })
  for (const fault of ['reject', 'swallow'] as const) {
    store.plan = (call) => (call === 'set' ? fault : undefined)
    await expect(cache.invalidate(key, context)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      remedy: expect.stringMatching(/former value/),
    })
  }
  store.plan = undefined
  await cache.invalidate(key, context)
  expect(await valueIn(cache)).toBeUndefined()
})

test('an invalidation is tried again where the store stumbles, also while it is left alone by readers', async () => {
  const { store, another } = fleetOver()
  const cache = another()
  store.plan = () => 'reject'
  for (let times = 0; times < 5; times += 1) await cache.read(key, context)
  let stumbles = 2
  store.plan = (call) => (call === 'set' && stumbles-- > 0 ? 'reject' : undefined)
  await cache.invalidate(key, context)
  expect(cache.stats().invalidations).toBe(1)
})

test('entries live as long as they were told to by any clock that is at most five seconds ahead', async () => {
  const { another } = fleetOver()
  const cache = another()
  const now = Date.now()
  await fillGap(cache, { value: 'v1' })
  const clock = vi.spyOn(Date, 'now')
  for (const [ahead, seen] of [
    [-4_000, 'v1'],
    [-6_000, undefined],
    [59_000, 'v1'],
    [60_500, undefined],
  ] as const) {
    clock.mockReturnValue(now + ahead)
    expect(await valueIn(cache)).toBe(seen)
  }
  clock.mockRestore()
  expect(cache.stats().ignored).toMatchObject({ future: expect.any(Number), expired: expect.any(Number) })
  expect(cache.stats().ignored.future).toBeGreaterThan(0)
})

test('a reader that wants nothing so old finds a gap', async () => {
  const { another } = fleetOver()
  const cache = another()
  const askedAt = Date.now() - 10_000
  await fillGap(cache, { value: 'v1' }, { askedAt })
  expect('hit' in (await cache.read(key, { ...context, notBefore: askedAt }))).toBe(true)
  expect('hit' in (await cache.read(key, { ...context, notBefore: askedAt + 1 }))).toBe(false)
})

test.each([
  ['text that is no UTF-8', { value: '\ud800' }],
  ['a lease', { value: 'v', exclusive: true }],
  ['what is over by itself', { value: 'v', expiresAt: Date.now() - 1 }],
])('%s stays in its process', async (_, secret) => {
  const { store, another } = fleetOver()
  const cache = another()
  await fillGap(cache, secret)
  expect(placesIn(store.held)).toEqual([places.generation])
})
