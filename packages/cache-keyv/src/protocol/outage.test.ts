import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { KeyvCache } from '../keyv-cache.ts'
import type { RedisClient } from '../store/redis-client.ts'
import { context, entryOf, fleetOver, key, leaseTokenOf, valueIn } from '../testing/fleet.ts'

const now = 1_800_000_000_000

beforeEach(() => void vi.useFakeTimers({ now }))
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

async function elapsed<T>(running: Promise<T>, ms: number = 5_000): Promise<T> {
  await vi.advanceTimersByTimeAsync(ms)
  return running
}

const waiting = { ...context, canWait: true }
const marked = { leaseToken: { generation: expect.any(String) }, wait: true }

/** The client of a server where another process holds every lease. */
function leasing(): RedisClient {
  return { set: async () => null, get: async () => 'another process', del: async () => 0, publish: async () => 0 }
}

/** Returns when. */
async function mark(cache: KeyvCache): Promise<number> {
  const leaseToken = await elapsed(leaseTokenOf(cache))
  const markedAt = Date.now()
  await elapsed(cache.markOutage?.(key, leaseToken, context) ?? Promise.reject(new Error('it marks no outage')), 0)
  return markedAt
}

test('a mark answers readers with a value at once. After four seconds one of them asks, and the others go on waiting', async () => {
  const { another } = fleetOver()
  const [holder, first, second] = [another(), another(), another()]
  const markedAt = await mark(holder)
  for (const reader of [first, second]) expect(await elapsed(reader.read(key, waiting), 0)).toMatchObject(marked)
  vi.setSystemTime(markedAt + 4_000)
  expect(await elapsed(first.read(key, waiting), 100)).toHaveProperty('leaseToken.lease')
  expect(await elapsed(second.read(key, waiting), 0)).toMatchObject(marked)
  vi.setSystemTime(markedAt + 10_000)
  expect(await elapsed(second.read(key, waiting))).not.toMatchObject(marked)
})

test('a reader without a value gets the fill lease in spite of a mark', async () => {
  const { another } = fleetOver()
  await mark(another())
  const answer = await elapsed(another().read(key, context))
  expect(answer).toHaveProperty('leaseToken.lease')
  expect(answer).not.toHaveProperty('wait')
})

test('an entry counts more than a mark', async () => {
  const { another } = fleetOver()
  const [holder, reader] = [another(), another()]
  await mark(holder)
  await elapsed(reader.fill(key, await elapsed(leaseTokenOf(reader)), entryOf({ value: 'back' }), context), 0)
  const answer = await elapsed(another().read(key, waiting), 0)
  expect('hit' in answer && answer.hit.value).toBe('back')
})

test.each([
  ['another path', { ...key, path: 'prod/other' }],
  ['another store', { ...key, sharedAs: 'aws:1:us' }],
  ['another version', { ...key, version: 3 }],
])('a mark says nothing of %s, although a server moves it there', async (_, other) => {
  const { store, another } = fleetOver()
  await mark(another())
  const text = [...store.held].find(([name]) => name.includes('}d'))?.[1] ?? expect.fail('no mark')
  store.plan = (call, name) => void (call === 'get' && name.includes('}d') && store.held.set(name, text))
  const reading = another().read(other, waiting)
  expect(await elapsed(reading)).not.toHaveProperty('wait')
})

test.each<[string, number, boolean]>([
  ['for as long as it says', 9_999, true],
  ['no longer', 10_000, false],
  ['by a clock that is a little behind', -5_000, true],
  ['by no clock that is further behind, for which it would last', -10_000, false],
])('a mark that the server keeps, or writes again, counts %s', async (_, ms, counts) => {
  const { another } = fleetOver() // which ignores every time to live
  const markedAt = await mark(another())
  vi.setSystemTime(markedAt + ms)
  let isAnswered = false
  const reading = another({ client: leasing() }).read(key, waiting)
  void reading.then(() => (isAnswered = true))
  await vi.advanceTimersByTimeAsync(10)
  expect(isAnswered, 'without a mark it waits for the holder of the lease').toBe(counts)
  await elapsed(reading)
})

test('only the holder of a fill lease marks', async () => {
  const { store, another } = fleetOver()
  const { lease: _, ...withoutLease } = await elapsed(leaseTokenOf(another()))
  await another().markOutage?.(key, withoutLease, context)
  expect([...store.held.keys()].filter((name) => name.includes('}d'))).toEqual([])
})

test('a mark reveals nothing, and a fault of the store is no fault of the reader', async () => {
  const { store, another } = fleetOver()
  const holder = another()
  const leaseToken = await elapsed(leaseTokenOf(holder))
  await holder.markOutage?.(key, leaseToken, context)
  expect(JSON.stringify([...store.held])).not.toMatch(/database|aws:1:eu|outage/)
  store.plan = () => 'reject'
  await expect(holder.markOutage?.(key, leaseToken, context)).resolves.toBeUndefined()
})

test('a reader with a value waits on if the holder of the lease does not answer in time', async () => {
  const { another } = fleetOver()
  const cache = another({ client: leasing() })
  expect(await elapsed(cache.read(key, waiting))).toMatchObject({ wait: true })
  expect(await elapsed(cache.read(key, context))).not.toHaveProperty('wait')
  expect(await elapsed(valueIn(cache))).toBeUndefined()
})

test('a reader with a value does not wait on for a lease that others give back without an answer', async () => {
  const { store, another } = fleetOver()
  let probes = 0
  store.plan = (call, name) => {
    if (call !== 'get' || !name.includes('}t')) return
    if (probes % 2 === 0) store.held.set(name, `process ${probes}`)
    else store.held.delete(name)
    probes += 1
  }
  const answer = await elapsed(another({ waitMs: 60_000 }).read(key, waiting))
  expect(answer).toHaveProperty('leaseToken')
  expect(answer).not.toHaveProperty('wait')
})
