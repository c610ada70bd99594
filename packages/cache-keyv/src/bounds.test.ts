import { createSecretsManager } from '@finchat/secrets-core'
import { memoryProvider } from '@finchat/secrets-testkit'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type KeyvCache, keyvCache } from './keyv-cache.ts'
import type { KeyvCacheOptions } from './options.ts'
import { context, encryptionKey, entryOf, fleetOver, key } from './testing/fleet.ts'

beforeEach(() => {
  vi.useFakeTimers()
  vi.spyOn(process, 'emitWarning').mockReturnValue()
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

const unavailable = { leaseToken: {}, unavailable: true }

/** How long the call takes by the fake clock, and its outcome. */
async function timed<T>(call: Promise<T>): Promise<{ readonly ms: number; readonly answer: T }> {
  const begun = performance.now()
  let ms = 0
  void call.then(
    () => (ms = performance.now() - begun),
    () => (ms = performance.now() - begun),
  )
  await vi.advanceTimersByTimeAsync(60_000)
  return { ms, answer: await call }
}

/** A cache whose store has answered once. */
async function answeredOnce(cache: KeyvCache): Promise<KeyvCache> {
  await timed(cache.read({ ...key, path: 'before' }, context))
  return cache
}

test.each<[string, Partial<KeyvCacheOptions>, number]>([
  ['by default', {}, 50],
  ['as given', { timeoutMs: 7 }, 7],
])('a read from a store that hangs takes `timeoutMs`, %s, and is unavailable', async (_, options, most) => {
  const { store, another } = fleetOver(undefined, options)
  const cache = await answeredOnce(another())
  store.plan = () => 'hang'
  const { ms, answer } = await timed(cache.read(key, context))
  expect([answer, ms <= most + 1]).toEqual([unavailable, true])
})

test.each<[string, Partial<KeyvCacheOptions>, number]>([
  ['by default', {}, 1_000],
  ['of a short deadline', { timeoutMs: 7 }, 140],
  ['of a long one', { timeoutMs: 1_500 }, 1_500],
])('a store that hangs at the start costs all first reads together one start timeout, %s', async (_, options, most) => {
  const { store, another } = fleetOver(undefined, options)
  const cache = another()
  store.plan = () => 'hang'
  const first = await Promise.all(Array.from({ length: 20 }, () => timed(cache.read(key, context))))
  for (const { ms, answer } of first) expect([answer, ms > most - 1, ms <= most + 1]).toEqual([unavailable, true, true])
  const { ms } = await timed(cache.read(key, context))
  expect(ms).toBeLessThanOrEqual((options.timeoutMs ?? 50) + 1)
})

test('calls have the start timeout for 10 s, even after the first answer', async () => {
  const { store, another } = fleetOver()
  const cache = another()
  const first = cache.read({ ...key, path: 'before' }, context)
  await vi.advanceTimersByTimeAsync(100)
  await first
  store.plan = () => 'hang'
  const started = await timed(cache.read(key, context))
  expect([started.ms >= 1_000, started.ms <= 1_001]).toEqual([true, true])
  await vi.advanceTimersByTimeAsync(10_000)
  expect((await timed(cache.read(key, context))).ms).toBeLessThanOrEqual(51)
})

test('a starting process waits four times as long for another process', async () => {
  const waited = async (ageMs: number): Promise<number> => {
    const { another } = fleetOver(undefined, { waitMs: 400 })
    const [holder, waiting] = [another(), another()]
    void waiting.read({ ...key, path: 'before' }, context)
    await vi.advanceTimersByTimeAsync(ageMs)
    void holder.read(key, context)
    await vi.advanceTimersByTimeAsync(30)
    const reading = timed(waiting.read(key, context))
    return (await reading).ms
  }
  const [young, old] = [await waited(1_000), await waited(60_000)]
  expect([young > 700, young < 2_000, old > 150, old < 500]).toEqual([true, true, true, true])
})

test('calls that fail together count as one failure, and start no cool-down', async () => {
  const { store, another } = fleetOver()
  const cache = await answeredOnce(another())
  store.plan = () => 'hang'
  await Promise.all(Array.from({ length: 20 }, () => timed(cache.read(key, context))))
  store.plan = undefined
  expect((await timed(cache.read(key, context))).answer).toHaveProperty('leaseToken.lease')
})

test('three failures in a row start a cool-down, which a single probe ends', async () => {
  const { store, another } = fleetOver(undefined, { coolDownMs: 5_000 })
  const cache = await answeredOnce(another())
  store.plan = () => 'hang'
  const read = async (): Promise<unknown> => {
    const reading = cache.read(key, context)
    await vi.advanceTimersByTimeAsync(51)
    return reading
  }
  for (let times = 0; times < 3; times += 1) {
    expect(cache.stats().isCoolingDown).toBe(false)
    expect(await read()).toEqual(unavailable)
  }
  expect(cache.stats().isCoolingDown).toBe(true)
  const calls = store.calls()
  expect([await cache.read(key, context), store.calls()]).toEqual([unavailable, calls])
  await vi.advanceTimersByTimeAsync(5_000)
  // One of many probes.
  await Promise.all(Array.from({ length: 10 }, read))
  expect(store.calls()).toBeLessThanOrEqual(calls + 3)
  store.plan = undefined
  await vi.advanceTimersByTimeAsync(5_000)
  expect((await timed(cache.read(key, context))).answer).toHaveProperty('leaseToken.lease')
  expect(cache.stats()).toMatchObject({ unavailable: 14, failures: { timeout: 4 }, isCoolingDown: false })
})

test('a process that was busy reads an answer that arrived before it blames the store', async () => {
  vi.useRealTimers()
  const { another } = fleetOver(undefined, { timeoutMs: 5, settleMs: 0 })
  const cache = another()
  const reading = cache.read(key, context)
  const until = performance.now() + 60
  while (performance.now() < until);
  expect(await reading).not.toHaveProperty('unavailable')
})

test('a store that fails for two keys at different times leaves no unhandled rejection', async () => {
  let calls = 0
  const get = (): Promise<unknown> => {
    calls += 1
    if (calls === 1) return Promise.reject(new Error('later'))
    throw new Error('at once')
  }
  const unhandled = vi.fn<() => void>()
  process.on('unhandledRejection', unhandled)
  const cache = keyvCache({ store: { get, set: async () => true, delete: async () => true }, encryptionKey })
  expect(await cache.read(key, context)).toEqual(unavailable)
  await vi.advanceTimersByTimeAsync(1_000)
  expect(unhandled).not.toHaveBeenCalled()
  process.off('unhandledRejection', unhandled)
})

test('a fill into a store that hangs ends without an error', async () => {
  const { store, another } = fleetOver()
  const cache = another()
  const { answer } = await timed(cache.read(key, context))
  store.plan = () => 'hang'
  const { ms } = await timed(cache.fill(key, 'leaseToken' in answer ? answer.leaseToken : {}, entryOf({ value: 'v' }), context))
  expect(ms).toBeLessThanOrEqual(102)
})

test('an invalidation in a store that hangs rejects in bounded time', async () => {
  const { store, another } = fleetOver()
  const cache = await answeredOnce(another())
  store.plan = () => 'hang'
  const failing = cache.invalidate(key, context).catch((error: unknown) => error)
  await vi.advanceTimersByTimeAsync(300)
  expect(await failing).toMatchObject({ code: 'UNAVAILABLE' })
})

test('no read takes longer than `longestReadMs`', async () => {
  const { store, another } = fleetOver(undefined, { waitMs: 400, timeoutMs: 20, settleMs: 5 })
  await timed(another().read(key, context))
  const cache = another()
  for (const plan of [undefined, () => 'hang' as const]) {
    store.plan = plan
    const { ms } = await timed(cache.read(key, context))
    expect(ms).toBeLessThanOrEqual(cache.longestReadMs ?? 0)
  }
})

test("errors and warnings hold nothing of the store client's own error", async () => {
  const { store, another } = fleetOver()
  const cache = another()
  store.plan = () => 'reject'
  expect(await cache.read(key, context)).toEqual(unavailable)
  const failing = cache.invalidate(key, context).catch((error: unknown) => error)
  await vi.advanceTimersByTimeAsync(300)
  const seen = JSON.stringify([await failing, String(await failing), vi.mocked(process.emitWarning).mock.calls])
  expect(seen).not.toMatch(/canary|password|database/)
})

test('one warning a minute for each kind of failure, however many reads fail', async () => {
  const { store, another } = fleetOver(undefined, { coolDownMs: 0 })
  const cache = another()
  store.plan = () => 'reject'
  for (let times = 0; times < 20; times += 1) await cache.read(key, context)
  expect(process.emitWarning).toHaveBeenCalledTimes(1)
  await vi.advanceTimersByTimeAsync(60_000)
  await cache.read(key, context)
  expect(process.emitWarning).toHaveBeenCalledTimes(2)
})

test.each([
  [false, 1],
  [true, 0],
])('while the store is unavailable a cold read asks the provider, unless the cache fails closed (%s)', async (failClosed, calls) => {
  const { store, another } = fleetOver(undefined, { failClosed })
  store.plan = () => 'reject'
  const provider = memoryProvider({ sharedAs: 'store', secrets: { token: 'v1' } })
  const get = vi.fn(provider.get)
  const secrets = createSecretsManager({ providers: [{ ...provider, get }], cache: { shared: another() } })
  const [answer] = await Promise.allSettled([secrets.getSecret('token')])
  expect(answer).toMatchObject(failClosed ? { reason: { code: 'UNAVAILABLE' } } : { value: 'v1' })
  expect(get).toHaveBeenCalledTimes(calls)
})
