import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { deriveKeyRing } from './sealed/key-ring.ts'
import { keyNamesOf } from './sealed/key-names.ts'
import { context, encryptionKey, entryOf, fillGap, fleetOver, key, leaseTokenOf, valueIn } from './testing/fleet.ts'
import { faultyStore, type FaultyStore } from './testing/stores.ts'

beforeEach(() => void vi.spyOn(process, 'emitWarning').mockReturnValue())
afterEach(() => void vi.useRealTimers())

const keys = deriveKeyRing([Buffer.from(encryptionKey, 'hex')], Buffer.from(encryptionKey, 'hex'))
const names = keyNamesOf(key, { keys, namespace: '', keyPrefix: 'fs1:' })
/** Without the key mark, which belongs to no path. */
const pathKeysIn = (held: ReadonlyMap<string, string>): string[] => [...held.keys()].filter((name) => name.startsWith('fs1:{'))

test('a slow reader does not restore an old value after a rotation', async () => {
  const { another } = fleetOver()
  const [slow, writer] = [another(), another()]
  const before = await leaseTokenOf(slow)
  await writer.invalidate(key, context)
  await slow.fill(key, before, entryOf({ value: 'old' }), context)
  expect(await valueIn(slow)).toBeUndefined()
})

test('an entry that is written during an invalidation is not served', async () => {
  const { store, another } = fleetOver()
  const [reader, writer] = [another(), another()]
  const leaseToken = await leaseTokenOf(reader)
  let invalidating: Promise<void> | undefined
  store.plan = (call, at) => {
    // After the fill has read the generation, before it writes the entry.
    if (call === 'set' && at === names.entry) invalidating ??= writer.invalidate(key, context)
    return undefined
  }
  await reader.fill(key, leaseToken, entryOf({ value: 'old' }), context)
  await invalidating
  expect(await valueIn(another())).toBeUndefined()
})

test('a path that lost its generation is a miss, and its entries are not served again', async () => {
  const { store, another } = fleetOver()
  const cache = another()
  await fillGap(cache, { value: 'v1' })
  expect(await valueIn(cache)).toBe('v1')
  store.held.delete(names.generation)
  expect(await valueIn(cache)).toBeUndefined()
  expect(store.held.has(names.generation)).toBe(true)
  expect(await valueIn(another())).toBeUndefined()
  expect(cache.stats().ignored.outdated).toBeGreaterThan(0)
})

test('an answer of a lagging replica is not served as the current version', async () => {
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

test('an invalidation without a version keeps the least version until that expires', async () => {
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
  await fillGap(loser, { value: 'restored by hand', version: 1 })
  expect(await valueIn(another())).toBe('restored by hand')
  clock.mockRestore()
})

test('an invalidation with version 0 removes the least version: a deleted secret may begin at 1', async () => {
  const { another } = fleetOver()
  const cache = another()
  await cache.invalidate({ ...key, leastVersion: 9 }, context)
  await cache.invalidate({ ...key, leastVersion: 0 }, context)
  await fillGap(cache, { value: 'new', version: 1 })
  expect(await valueIn(cache)).toBe('new')
})

test.each(['begins the path', 'invalidates it without a version', 'invalidates an earlier version'])(
  'the least version survives a process that %s at the same time',
  async (what) => {
    const plain = faultyStore()
    let isFirst = true
    const store: FaultyStore = {
      ...plain,
      set: async (at, text) => {
        // The other process has read the generation already, and writes last.
        if (at === names.generation && isFirst) {
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
    else await other.invalidate({ ...key, ...(what.endsWith('earlier version') && { leastVersion: 6 }) }, context)
    await vi.advanceTimersByTimeAsync(50)
    await fillGap(other, { value: 'lagging', version: 6 })
    expect(await valueIn(another())).toBeUndefined()
  },
)

test('an invalidation with a lower version does not lower the least version', async () => {
  const { another } = fleetOver()
  const cache = another()
  await cache.invalidate({ ...key, leastVersion: 5 }, context)
  await cache.invalidate({ ...key, leastVersion: 3 }, context)
  await fillGap(cache, { value: 'old', version: 4 })
  expect(await valueIn(cache)).toBeUndefined()
})

test('a version that was restored by hand is shared again after 15 minutes', async () => {
  const { another } = fleetOver()
  const cache = another()
  await cache.invalidate({ ...key, leastVersion: 5 }, context)
  const clock = vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 900_000)
  await fillGap(cache, { value: 'restored', version: 4 })
  expect(await valueIn(cache)).toBe('restored')
  clock.mockRestore()
})

test('a generation opens in other processes although `Object.prototype` is polluted in this one', async () => {
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

test('of two answers in one generation the one that was asked for later stays', async () => {
  const { another } = fleetOver()
  const [one, other] = [another({ waitMs: 0 }), another({ waitMs: 0 })]
  const leaseTokens = [await leaseTokenOf(one), await leaseTokenOf(other)]
  const now = Date.now()
  await other.fill(key, leaseTokens[1] ?? {}, entryOf({ value: 'later' }, { askedAt: now }), context)
  await one.fill(key, leaseTokens[0] ?? {}, entryOf({ value: 'earlier' }, { askedAt: now - 5 }), context)
  expect(await valueIn(one)).toBe('later')
})

test('an invalidation deletes the entries of versions without a number', async () => {
  const { store, another } = fleetOver()
  const cache = another()
  await fillGap(cache, { value: 'v1' })
  await fillGap(cache, { value: 'v0' }, {}, { ...key, version: 'previous' })
  await cache.invalidate(key, context)
  expect(pathKeysIn(store.held)).toEqual([names.generation])
})

test('an invalidation that the store does not keep rejects, and its remedy names the former value', async () => {
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

test('an invalidation is retried after a failure, even during a cool-down', async () => {
  const { store, another } = fleetOver()
  const cache = another()
  store.plan = () => 'reject'
  for (let times = 0; times < 5; times += 1) await cache.read(key, context)
  let stumbles = 2
  store.plan = (call) => (call === 'set' && stumbles-- > 0 ? 'reject' : undefined)
  await cache.invalidate(key, context)
  expect(cache.stats().invalidations).toBe(1)
})

test('an entry is served until its expiry, by clocks up to five seconds behind the writer', async () => {
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

test('an entry older than `notBefore` is a miss', async () => {
  const { another } = fleetOver()
  const cache = another()
  const askedAt = Date.now() - 10_000
  await fillGap(cache, { value: 'v1' }, { askedAt })
  expect('hit' in (await cache.read(key, { ...context, notBefore: askedAt }))).toBe(true)
  expect('hit' in (await cache.read(key, { ...context, notBefore: askedAt + 1 }))).toBe(false)
})

test('a recheck of a gap claims no fill lease, begins no generation, and tells what is known of the path', async () => {
  const { store, another } = fleetOver()
  const cache = another()
  const recheck = (): Promise<unknown> => cache.read(key, { ...context, isRecheck: true })
  expect(await recheck()).toEqual({ leaseToken: {}, invalidatedAt: 0, leastVersion: 0 })
  expect([pathKeysIn(store.held), cache.stats().leases]).toEqual([[], 0])
  const before = Date.now()
  await another().invalidate({ ...key, leastVersion: 2 }, context)
  const told = { leaseToken: { generation: expect.any(String) }, invalidatedAt: expect.any(Number), leastVersion: 2 }
  expect(await recheck()).toEqual(told)
  const { invalidatedAt = 0 } = await cache.read(key, context)
  expect(invalidatedAt).toBeGreaterThanOrEqual(before)
})

test('an invalidation is later than the one before, although its clock is behind', async () => {
  const cache = fleetOver().another()
  const told = async (): Promise<number | undefined> => (await cache.read(key, { ...context, isRecheck: true })).invalidatedAt
  await cache.invalidate(key, context)
  const first = (await told()) ?? NaN
  vi.spyOn(Date, 'now').mockReturnValue(first - 600_000)
  await cache.invalidate(key, context)
  expect(await told()).toBe(first + 1)
  vi.mocked(Date.now).mockRestore()
})

test('the first generation of a path is no invalidation', async () => {
  const cache = fleetOver().another()
  const { invalidatedAt } = await cache.read(key, context)
  expect([invalidatedAt, (await cache.read(key, { ...context, isRecheck: true })).invalidatedAt]).toEqual([0, 0])
})

test.each([
  ['text with an unpaired surrogate', { value: '\ud800' }],
  ['a lease', { value: 'v', exclusive: true }],
  ['an expired secret', { value: 'v', expiresAt: Date.now() - 1 }],
])('%s is not shared', async (_, secret) => {
  const { store, another } = fleetOver()
  const cache = another()
  await fillGap(cache, secret)
  expect(pathKeysIn(store.held)).toEqual([names.generation])
})
