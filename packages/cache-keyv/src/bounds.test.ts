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

const unavailable = { ticket: {}, unavailable: true }

/** How long the call takes, milliseconds of the fake clock, and what comes of it. */
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

/** A process that has heard of its store. */
async function answeredOnce(cache: KeyvCache): Promise<KeyvCache> {
  await timed(cache.read({ ...key, path: 'before' }, context))
  return cache
}

test.each<[string, Partial<KeyvCacheOptions>, number]>([
  ['by default', {}, 50],
  ['as told', { timeoutMs: 7 }, 7],
])('a read of a store that hangs costs its deadline, %s, and is neither a hit nor a gap', async (_, options, most) => {
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
])(
  'a store that hangs when the process starts costs its first reads together what it may take to connect, %s',
  async (_, options, most) => {
    const { store, another } = fleetOver(undefined, options)
    const cache = another()
    store.plan = () => 'hang'
    const first = await Promise.all(Array.from({ length: 20 }, () => timed(cache.read(key, context))))
    for (const { ms, answer } of first) expect([answer, ms > most - 1, ms <= most + 1]).toEqual([unavailable, true, true])
    const { ms } = await timed(cache.read(key, context))
    expect(ms).toBeLessThanOrEqual((options.timeoutMs ?? 50) + 1)
  },
)

test('a process that starts is patient for 10 s, though its first call was answered: the machine may run others instead of the store', async () => {
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

test('a process that starts waits four times as long for the answer of another one', async () => {
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

test('calls that fail together are one failure: a store that stumbles once is not left alone', async () => {
  const { store, another } = fleetOver()
  const cache = await answeredOnce(another())
  store.plan = () => 'hang'
  await Promise.all(Array.from({ length: 20 }, () => timed(cache.read(key, context))))
  store.plan = undefined
  expect((await timed(cache.read(key, context))).answer).toHaveProperty('ticket.turn')
})

test('after three failures in a row the store is left alone, and costs nothing, until one call shows that it is back', async () => {
  const { store, another } = fleetOver(undefined, { coolDownMs: 5_000 })
  const cache = await answeredOnce(another())
  store.plan = () => 'hang'
  const read = async (): Promise<unknown> => {
    const reading = cache.read(key, context)
    await vi.advanceTimersByTimeAsync(51)
    return reading
  }
  for (let times = 0; times < 3; times += 1) expect(await read()).toEqual(unavailable)
  const calls = store.calls()
  expect([await cache.read(key, context), store.calls()]).toEqual([unavailable, calls])
  await vi.advanceTimersByTimeAsync(5_000)
  // Of many only one asks.
  await Promise.all(Array.from({ length: 10 }, read))
  expect(store.calls()).toBeLessThanOrEqual(calls + 3)
  store.plan = undefined
  await vi.advanceTimersByTimeAsync(5_000)
  expect((await timed(cache.read(key, context))).answer).toHaveProperty('ticket.turn')
  expect(cache.stats()).toMatchObject({ unavailable: 14, failures: { timeout: 4 } })
})

test('a process that was busy for long does not blame the store, whose answer has arrived', async () => {
  vi.useRealTimers()
  const { another } = fleetOver(undefined, { timeoutMs: 5, settleMs: 0 })
  const cache = another()
  const reading = cache.read(key, context)
  const until = performance.now() + 60
  while (performance.now() < until);
  expect(await reading).not.toHaveProperty('unavailable')
})

test('a store that fails for one key at once and for another later leaves no rejection behind', async () => {
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

test('a fill into a store that hangs ends, and nobody hears of it', async () => {
  const { store, another } = fleetOver()
  const cache = another()
  const { answer } = await timed(cache.read(key, context))
  store.plan = () => 'hang'
  const { ms } = await timed(cache.fill(key, 'ticket' in answer ? answer.ticket : {}, entryOf({ value: 'v' }), context))
  expect(ms).toBeLessThanOrEqual(102)
})

test('an invalidation in a store that hangs is told to the writer in bounded time', async () => {
  const { store, another } = fleetOver()
  const cache = await answeredOnce(another())
  store.plan = () => 'hang'
  const failing = cache.invalidate(key, context).catch((error: unknown) => error)
  await vi.advanceTimersByTimeAsync(300)
  expect(await failing).toMatchObject({ code: 'UNAVAILABLE' })
})

test('a read never takes longer than the cache tells the core that it may', async () => {
  const { store, another } = fleetOver(undefined, { waitMs: 400, timeoutMs: 20, settleMs: 5 })
  await timed(another().read(key, context))
  const cache = another()
  for (const plan of [undefined, () => 'hang' as const]) {
    store.plan = plan
    const { ms } = await timed(cache.read(key, context))
    expect(ms).toBeLessThanOrEqual(cache.longestReadMs ?? 0)
  }
})

test('what goes wrong in the store is told by kind only: nothing of the error of its client gets out', async () => {
  const { store, another } = fleetOver()
  const cache = another()
  store.plan = () => 'reject'
  expect(await cache.read(key, context)).toEqual(unavailable)
  const failing = cache.invalidate(key, context).catch((error: unknown) => error)
  await vi.advanceTimersByTimeAsync(300)
  const seen = JSON.stringify([await failing, String(await failing), vi.mocked(process.emitWarning).mock.calls])
  expect(seen).not.toMatch(/canary|password|database/)
})

test('one warning a minute for one kind of trouble, however many reads meet it', async () => {
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
])('while the store cannot be asked a cold read asks the provider, unless the cache fails closed (%s)', async (failClosed, calls) => {
  const { store, another } = fleetOver(undefined, { failClosed })
  store.plan = () => 'reject'
  const provider = memoryProvider({ sharedAs: 'store', secrets: { token: 'v1' } })
  const get = vi.fn(provider.get)
  const secrets = createSecretsManager({ providers: [{ ...provider, get }], cache: { shared: another() } })
  const [answer] = await Promise.allSettled([secrets.getSecret('token')])
  expect(answer).toMatchObject(failClosed ? { reason: { code: 'UNAVAILABLE' } } : { value: 'v1' })
  expect(get).toHaveBeenCalledTimes(calls)
})
