import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { KeyvCache } from './keyv-cache.ts'
import type { RedisClient, RedisSubscriber } from './store/redis-client.ts'
import { context, entryOf, fleetOver, key, leaseTokenOf } from './testing/fleet.ts'
import { faultyStore, type FaultyStore } from './testing/stores.ts'

beforeEach(() => {
  vi.useFakeTimers()
  vi.spyOn(process, 'emitWarning').mockReturnValue()
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

/** A store whose every call takes `ms`. */
function slowStore(ms: number): FaultyStore {
  const store = faultyStore()
  const slowly = <T>(call: () => Promise<T>): Promise<T> => new Promise((resolve) => setTimeout(() => resolve(call()), ms))
  const { get, set, delete: remove } = store
  return Object.assign(store, {
    get: (name: string) => slowly(async () => get(name)),
    set: (name: string, text: string) => slowly(async () => set(name, text)),
    delete: (name: string) => slowly(async () => remove(name)),
  })
}

/** What close() takes, milliseconds. */
async function closed(cache: KeyvCache, signal?: AbortSignal): Promise<number> {
  const begun = performance.now()
  let ms = NaN
  void cache.close(signal && { signal }).then(() => (ms = performance.now() - begun))
  await vi.advanceTimersByTimeAsync(60_000)
  return ms
}

test('close() waits for a fill and a key check', async () => {
  const store = slowStore(20)
  const cache = fleetOver(store).another()
  const [leaseToken] = await Promise.all([leaseTokenOf(cache), vi.advanceTimersByTimeAsync(300)])
  void cache.fill(key, leaseToken, entryOf({ value: 'v' }), context)
  expect(await closed(cache)).toBeLessThan(200)
  // A generation, an entry, and the key mark.
  expect(store.held.size).toBe(3)
})

test('after close() no call reaches store, client or subscriber', async () => {
  const { store, another } = fleetOver()
  const server = { get: vi.fn(), set: vi.fn(), del: vi.fn(), publish: vi.fn(), subscribe: vi.fn(), unsubscribe: vi.fn() }
  const client = server as unknown as RedisClient & RedisSubscriber // only these calls are made
  const cache = another({ client, subscriber: client })
  expect(await closed(cache)).toBeLessThan(1)
  cache.subscribe?.(() => {})()
  expect(await cache.read(key, context)).toEqual({ leaseToken: {}, unavailable: true })
  await cache.fill(key, { generation: 'g', lease: 't' }, entryOf({ value: 'v' }), context)
  await expect(cache.invalidate(key, context)).rejects.toMatchObject({ code: 'ABORTED' })
  await vi.advanceTimersByTimeAsync(60_000)
  expect([store.calls(), Object.values(server).flatMap((call) => call.mock.calls)]).toEqual([0, []])
  expect(process.emitWarning).not.toHaveBeenCalled()
})

test.each(['read', 'fill', 'invalidate'] as const)(
  'a store that hangs delays neither close() nor the exit of the process: %s',
  async (method) => {
    const { store, another } = fleetOver(undefined, { timeoutMs: 600_000 })
    const cache = another()
    const leaseToken = method === 'fill' ? (await Promise.all([leaseTokenOf(cache), vi.advanceTimersByTimeAsync(300)]))[0] : {}
    store.plan = () => 'hang'
    const running = method === 'fill' ? cache.fill(key, leaseToken, entryOf({ value: 'v' }), context) : cache[method](key, context)
    const settled = vi.fn<() => void>()
    running.then(settled, settled)
    const giveUp = new AbortController()
    setTimeout(() => giveUp.abort(), 500)
    expect(await closed(cache, giveUp.signal)).toBeLessThanOrEqual(501)
    const calls = store.calls()
    expect(settled).toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(600_000)
    expect([store.calls(), vi.getTimerCount()]).toEqual([calls, 0])
    expect(process.emitWarning).not.toHaveBeenCalled()
  },
)

test('close() ends a waiting read at once, which releases no lease that it does not hold', async () => {
  const { store, another } = fleetOver(undefined, { waitMs: 10_000 })
  await Promise.all([leaseTokenOf(another()), vi.advanceTimersByTimeAsync(300)])
  const waiting = another()
  const reading = waiting.read(key, context)
  await vi.advanceTimersByTimeAsync(500)
  const held = new Map(store.held)
  expect(await closed(waiting)).toBeLessThan(10)
  expect(await reading).toHaveProperty('leaseToken')
  expect(store.held).toEqual(held)
})

test('an unsubscribe that hangs does not delay close()', async () => {
  const unsubscribe = vi.fn(() => new Promise<never>(() => {}))
  const client = { get: vi.fn(), set: vi.fn(), del: vi.fn(), publish: vi.fn() } as unknown as RedisClient // only these calls are made
  const { another } = fleetOver(undefined, { client, subscriber: { subscribe: async () => {}, unsubscribe } })
  const cache = another()
  cache.subscribe?.(() => {})
  expect(await closed(cache)).toBeLessThanOrEqual(51)
  expect(unsubscribe).toHaveBeenCalledTimes(1)
})

test('close() may be called again, and failures that it causes are neither counted nor reported', async () => {
  const { store, another } = fleetOver()
  const cache = another()
  const [leaseToken] = await Promise.all([leaseTokenOf(cache), vi.advanceTimersByTimeAsync(300)])
  store.plan = () => 'reject'
  const closing = Promise.all([cache.close(), cache.fill(key, leaseToken, entryOf({ value: 'v' }), context), cache.close()])
  await vi.advanceTimersByTimeAsync(1_000)
  await closing
  expect(cache.stats().failures).toEqual({ timeout: 0, denied: 0, full: 0, failed: 0 })
  expect(process.emitWarning).not.toHaveBeenCalled()
})
