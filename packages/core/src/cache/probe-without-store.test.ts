import { describe, expect, it } from 'vitest'
import type { SharedHit } from '../contract/shared-cache.ts'
import { cached, fail, onCacheClock, pass, second, seen, shared, slow } from '../testing/cache-trial.ts'

onCacheClock()

const gap = { leaseToken: { generation: 1 }, invalidatedAt: 0, leastVersion: 0 }
const recheckSeconds = 5

/** What another process wrote and filled just now. */
function written(): SharedHit {
  const now = Date.now()
  return { hit: { value: 'v2' }, until: now + 192 * second, askedAt: now, invalidatedAt: now, leastVersion: 0 }
}

/** Holds a value whose refresh is due. The store has throttled this process for ten minutes. */
async function throttled(): Promise<ReturnType<typeof shared> & ReturnType<typeof cached>> {
  const cache = shared()
  const one = cached({}, { shared: cache.client })
  cache.read.mockImplementation(async () => gap)
  await seen(one.store)
  await pass(240)
  one.get.mockImplementation(async () => fail('RATE_LIMITED', { retryAt: Date.now() + 600 * second }))
  await seen(one.store)
  one.get.mockClear()
  cache.read.mockClear()
  return { ...cache, ...one }
}

/** Reads once a second until the written value shows. */
async function shownAfter(store: ReturnType<typeof cached>['store'], path = 'a'): Promise<number> {
  for (let seconds = 1; seconds <= 60; seconds += 1) {
    await pass(1)
    if ((await seen(store, { path })) === 'v2') return seconds
  }
  return Infinity
}

describe('while this process may not ask the store, a write of another one shows', () => {
  it('within `recheckSeconds`, without a call', async () => {
    const { store, get, read } = await throttled()
    read.mockImplementation(async () => written())
    expect([await shownAfter(store), get.mock.calls.length]).toEqual([recheckSeconds, 0])
  })

  it('within `recheckSeconds` after many failures, whose back-off is a minute', async () => {
    const cache = shared()
    const { store, get } = cached({}, { shared: cache.client })
    cache.read.mockImplementation(async () => gap)
    await seen(store)
    get.mockImplementation(async () => fail('UNAVAILABLE'))
    for (let seconds = 0; seconds < 440; seconds += 1) {
      await pass(1)
      await seen(store)
    }
    cache.read.mockImplementation(async () => written())
    expect(await shownAfter(store)).toBeLessThanOrEqual(recheckSeconds)
  })

  it('within `recheckSeconds` while a call hangs', async () => {
    const cache = shared()
    const { store, get } = cached({}, { shared: cache.client, deadlineMs: 60 * second, patientMs: 15 * second })
    cache.read.mockImplementation(async () => gap)
    await seen(store)
    await pass(310)
    slow(get)
    void seen(store)
    await pass(20)
    cache.read.mockImplementation(async () => written())
    expect([await shownAfter(store), get.mock.calls.length]).toEqual([1, 2])
  })

  it.each([
    ['of others', true],
    ['of its own', false],
  ])('within seconds, by a call, if none has filled it, though a minute of back-off follows failures %s', async (_, wait) => {
    const cache = shared()
    const { store, get } = cached({}, { shared: cache.client })
    cache.read.mockImplementation(async () => gap)
    await seen(store)
    get.mockImplementation(async () => fail('UNAVAILABLE'))
    for (let seconds = 0; seconds < 380; seconds += 1) {
      if (seconds === 370) cache.read.mockImplementation(async () => ({ ...gap, wait }))
      await pass(1)
      await seen(store)
    }
    get.mockImplementation(async () => ({ value: 'v2' }))
    const invalidatedAt = Date.now()
    cache.read.mockImplementation(async () => ({ ...gap, invalidatedAt }))
    expect(await shownAfter(store)).toBeLessThanOrEqual(2 * recheckSeconds)
  })

  it('to a process that has no value', async () => {
    const { store, get, read } = await throttled()
    expect(await seen(store, { path: 'b' })).toBe('RATE_LIMITED')
    get.mockClear()
    read.mockImplementation(async () => written())
    expect([await shownAfter(store, 'b'), get.mock.calls.length]).toEqual([recheckSeconds, 0])
  })

  it('not to a process that was denied it', async () => {
    const { store, get, read } = await throttled()
    await store.askBeside('a', () => fail('PERMISSION_DENIED'), 'read').catch(() => {})
    read.mockImplementation(async () => written())
    expect([await shownAfter(store), await seen(store), get.mock.calls.length]).toEqual([Infinity, 'PERMISSION_DENIED', 0])
  })
})

describe('a probe of a process that may not ask the store', () => {
  it('comes once in `recheckSeconds`, and gets no fill lease', async () => {
    const { store, read, fill } = await throttled()
    fill.mockClear()
    for (let seconds = 0; seconds < 20; seconds += 1) {
      await pass(1)
      expect(await Promise.all([seen(store), seen(store)])).toEqual(['v1', 'v1'])
    }
    expect(read.mock.calls.map(([, { isRecheck }]) => isRecheck)).toEqual([true, true, true, true])
    expect(fill.mock.calls.map(([, , entry]) => entry)).toEqual([undefined, undefined, undefined, undefined])
  })

  it('is none of a read that has waited for the store, and so for the shared cache before', async () => {
    const { store, get, read } = await throttled()
    get.mockImplementation(async () => {
      await new Promise((resolve) => void setTimeout(resolve, 6 * second))
      return fail('DEADLINE_EXCEEDED')
    })
    const reading = seen(store, { path: 'b' })
    await pass(6)
    expect([await reading, read.mock.calls.map(([, { isRecheck }]) => isRecheck)]).toEqual(['DEADLINE_EXCEEDED', [false]])
  })

  it('is none of a fresh read, whose failures do not put it off', async () => {
    const { store, read } = await throttled()
    const modes: unknown[] = []
    read.mockImplementation(async (_, { isRecheck }) => (modes.push(isRecheck), gap))
    for (let seconds = 0; seconds < 5; seconds += 1) {
      await pass(1)
      expect(await seen(store, { mode: 'fresh' })).toBe('RATE_LIMITED')
    }
    expect([await seen(store), modes]).toEqual(['v1', [true]])
  })

  it.each([true, false])('that fails leaves the held value, whether the cache fails closed: %s', async (failClosed) => {
    const cache = shared({ failClosed })
    const { store, get } = cached({}, { shared: cache.client })
    await seen(store)
    get.mockImplementation(async () => fail('RATE_LIMITED', { retryAt: Date.now() + 600 * second }))
    await pass(240)
    await seen(store)
    cache.read.mockImplementation(async () => Promise.reject(new Error('down')))
    await pass(recheckSeconds)
    expect([await seen(store), await seen(store, { path: 'a' })]).toEqual(['v1', 'v1'])
  })

  it('leaves a call under way that later reads join', async () => {
    const cache = shared()
    const { store, get } = cached({}, { shared: cache.client, deadlineMs: 60 * second, patientMs: 15 * second })
    cache.read.mockImplementation(async () => gap)
    await seen(store)
    await pass(310)
    const landings = slow(get)
    const first = seen(store)
    await pass(20)
    expect(await seen(store)).toBe('v1 (stale)')
    landings[0]?.({ value: 'v2' })
    expect([await first, await seen(store), get.mock.calls.length]).toEqual(['v2', 'v2', 2])
  })
})
