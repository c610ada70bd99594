import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { SharedCache } from '../../contract/shared-cache.ts'
import type { StoredSecret } from '../../contract/provider.ts'
import { SecretsError } from '../../errors/secrets-error.ts'
import { emptyAnswer as none, unavailable } from './shared-answer.ts'
import { SharedCacheClient, type SharedCacheClientOptions } from './shared-cache-client.ts'

const now = 1_000_000
const lifeMs = 200_000
const leaseToken = { generation: 3 }

beforeEach(() => void vi.useFakeTimers({ now }))
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

function clientOver(
  members: Partial<SharedCache>,
  deadlineMs: number = 5_000,
  options: Partial<SharedCacheClientOptions> = {},
): SharedCacheClient {
  const cache: SharedCache = {
    specificationVersion: 'v1',
    read: async () => ({ leaseToken }),
    fill: async () => {},
    invalidate: async () => {},
    ...members,
  }
  const never = new AbortController().signal
  return new SharedCacheClient(cache, 'eu', { deadlineMs, lifeMs, recheckMs: 5_000, closing: never, closingFills: never, ...options })
}

/** A shared cache that answers every read with this, whatever it is. */
function answering(answer: unknown, members: Partial<SharedCache> = {}): SharedCacheClient {
  return clientOver({ read: (async () => answer) as unknown as SharedCache['read'], ...members }) // what a broken shared cache could answer
}

function hung(): Promise<never> {
  return new Promise(() => {})
}

async function hungUp(): Promise<never> {
  throw new Error('the connection ended')
}

describe('a read of the shared cache', () => {
  it("asks for the store's own path and version under the store's identity", async () => {
    const read = vi.fn<SharedCache['read']>(async () => ({ leaseToken }))
    expect(await clientOver({ read }).read('a', 'previous')).toMatchObject({ leaseToken })
    expect(read.mock.calls[0]?.[0]).toEqual({ sharedAs: 'eu', path: 'a', version: 'previous' })
  })

  it('accepts a hit until it expires, and knows when its store was asked', async () => {
    const hit = { value: 'v' }
    expect(await answering({ hit, until: now + 1 }).read('a', undefined)).toMatchObject({
      holds: hit,
      hit: { secret: hit, askedAt: now + 1 - lifeMs, givenAt: { wall: now - lifeMs, monotonic: expect.any(Number) } },
    })
    expect((await answering({ hit, until: now }).read('a', undefined)).hit).toBeUndefined()
    expect((await answering({ hit: { ...hit, expiresAt: now }, until: now + 1 }).read('a', undefined)).hit).toBeUndefined()
  })

  it("applies its own TTL to the time of the store's answer, and passes that bound to the shared cache", async () => {
    const read = vi.fn<SharedCache['read']>(async () => ({ hit: { value: 'v' }, until: now + 10 * lifeMs, askedAt: now - lifeMs + 1 }))
    const client = clientOver({ read })
    expect((await client.read('a', undefined)).hit?.askedAt).toBe(now - lifeMs + 1)
    expect(read.mock.calls[0]?.[1].notBefore).toBe(now - lifeMs)
    await vi.advanceTimersByTimeAsync(1)
    expect((await client.read('a', undefined)).hit).toBeUndefined()
  })

  it.each([
    [now + 5_000, now],
    [now + 5_001, undefined],
    [now + 60_000, undefined],
  ])('takes no entry of the future, beyond what clocks differ by: asked at %s', async (askedAt, taken) => {
    const { hit } = await answering({ hit: { value: 'v' }, until: now + lifeMs, askedAt }).read('a', undefined)
    expect(hit?.askedAt).toBe(taken)
  })

  it.each([NaN, -1, '5', now + 5_000])('never makes an answer look too young: asked at %s', async (askedAt) => {
    const { hit } = await answering({ hit: { value: 'v' }, until: now + 5, askedAt }).read('a', undefined)
    expect(hit?.askedAt).toBe(typeof askedAt === 'number' && askedAt > now ? now : now + 5 - lifeMs)
  })

  it.each([Infinity, 1e18, now + lifeMs + 1])('lets no entry outlive those of this process: until %d', async (until) => {
    const { hit } = await answering({ hit: { value: 'v' }, until }).read('a', undefined)
    expect(hit?.askedAt).toBe(now)
  })

  it.each([
    undefined,
    null,
    5,
    {},
    { leaseToken: 5 },
    { hit: null, until: now + 1 },
    { hit: {}, until: now + 1 },
    { hit: { value: 5 }, until: now + 1 },
    { hit: { value: 'v' } },
    { hit: { value: 'v' }, until: NaN },
    { hit: { value: 'v' }, until: '9999999999999' },
    { hit: { value: "somebody's lease", exclusive: true }, until: now + 1 },
  ])('takes nothing of %j', async (answer) => {
    const read = await answering(answer).read('a', undefined)
    expect([read.hit, read.leaseToken]).toEqual([undefined, undefined])
  })

  it('accepts only the requested version', async () => {
    const client = answering({ hit: { value: 'v', version: 9 }, until: now + 1 })
    expect((await client.read('a', 1)).hit).toBeUndefined()
    expect((await client.read('a', 9)).hit).toBeDefined()
    expect((await client.read('a', 'previous')).hit).toBeDefined()
  })

  it.each<[string, unknown, unknown]>([
    ['hit', { value: 'planted' }, { until: now + 1 }],
    ['until', now + 1, { hit: { value: 'v' } }],
    ['value', 'planted', { hit: {}, until: now + 1 }],
    ['leaseToken', { generation: 0 }, {}],
  ])('takes no %s that somebody put on the prototype of every object', async (member, value, answer) => {
    const everyObject: object = Object.getPrototypeOf({})
    Object.defineProperty(everyObject, member, { value, configurable: true })
    try {
      const { hit, leaseToken: given } = await answering(answer).read('a', undefined)
      expect([hit, given]).toEqual([undefined, undefined])
    } finally {
      Reflect.deleteProperty(everyObject, member)
    }
  })

  it('never fails because the shared cache fails', async () => {
    expect(await clientOver({ read: async () => Promise.reject(new Error('down')) }).read('a', undefined)).toEqual(unavailable)
    const trap = Object.defineProperty({}, 'hit', { enumerable: true, get: () => expect.fail('read') })
    expect(await answering(trap).read('a', undefined)).toEqual(unavailable)
  })

  it.each([
    [5_000, 250],
    [100, 100],
  ])('with a deadline of %d ms costs at most %d ms', async (deadlineMs, ms) => {
    const read = vi.fn<(answer: unknown) => void>()
    void clientOver({ read: hung }, deadlineMs).read('a', undefined).then(read)
    await vi.advanceTimersByTimeAsync(ms - 1)
    expect(read).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    expect(read).toHaveBeenCalledWith(unavailable)
  })

  it.each([
    [1_500, 1_500],
    [60_000, 5_000],
    [NaN, 250],
  ])('may take %d ms if the shared cache declares that: %d', async (longestReadMs, ms) => {
    const read = vi.fn<(answer: unknown) => void>()
    void clientOver({ read: hung, longestReadMs }).read('a', undefined).then(read)
    await vi.advanceTimersByTimeAsync(ms - 1)
    expect(read).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    expect(read).toHaveBeenCalledWith(unavailable)
  })

  it('is no gap if the shared cache is unavailable', async () => {
    expect(await answering({ leaseToken, unavailable: true }).read('a', undefined)).toEqual(unavailable)
    expect(await answering({ leaseToken, unavailable: 'no' }).read('a', undefined)).toMatchObject({ leaseToken })
  })

  it('fails if the shared cache is unavailable and fails closed', async () => {
    const failing = expect.objectContaining({ code: 'UNAVAILABLE' })
    await expect(answering({ leaseToken, unavailable: true }, { failClosed: true }).read('a', undefined)).rejects.toThrow(failing)
    await expect(clientOver({ read: hungUp, failClosed: true }).read('a', undefined)).rejects.toThrow(failing)
    expect(await answering({ leaseToken }, { failClosed: true }).read('a', undefined)).toMatchObject({ leaseToken })
  })

  it.each<[string, SharedCache['read'], boolean]>([
    ['hangs', hung, false],
    ['rejects', hungUp, false],
    ['says that it is unavailable', async () => ({ leaseToken, unavailable: true }), false],
    ['hangs, and fails closed', hung, true],
  ])('is skipped after three failures in a row on one path, until a single probe succeeds: it %s', async (_, failing, failClosed) => {
    const read = vi.fn<SharedCache['read']>(failing)
    const client = clientOver({ read, failClosed })
    const outcome = async (path: string): Promise<unknown> => {
      const reading = client.read(path, undefined).catch(() => unavailable)
      await vi.advanceTimersByTimeAsync(250)
      return reading
    }
    for (let count = 0; count < 3; count += 1) expect(await outcome('a')).toEqual(unavailable)
    expect([await outcome('b'), read.mock.calls.length]).toEqual([unavailable, 3])
    await vi.advanceTimersByTimeAsync(10_000)
    read.mockImplementation(async () => ({ leaseToken }))
    const answers = await Promise.all([client.read('a', undefined), client.read('b', undefined).catch(() => unavailable)])
    // Only a cache that fails closed has a reader wait for the probe.
    expect([answers, read.mock.calls.length]).toMatchObject([failClosed ? [{ leaseToken }, unavailable] : [unavailable, unavailable], 4])
    await client.drain()
    expect(await client.read('b', undefined)).toMatchObject({ leaseToken })
  })

  it('is asked again after many reads have failed together', async () => {
    const read = vi.fn<SharedCache['read']>(hung)
    const client = clientOver({ read })
    for (const calls of [10, 20, 30, 30]) {
      const reading = Promise.all(Array.from({ length: 10 }, (_, count) => client.read(`path-${count}`, undefined)))
      await vi.advanceTimersByTimeAsync(250)
      await reading
      expect(read).toHaveBeenCalledTimes(calls)
    }
  })

  it('starts a probe for no reader to wait for, as a recheck, and gives back a lease token', async () => {
    const [read, fill] = [vi.fn<SharedCache['read']>(hungUp), vi.fn<SharedCache['fill']>(async () => {})]
    const client = clientOver({ read, fill })
    for (let count = 0; count < 3; count += 1) await client.read('a', undefined)
    await vi.advanceTimersByTimeAsync(10_000)
    read.mockImplementation(async () => ({ leaseToken }))
    expect(await client.read('a', 2)).toEqual(unavailable)
    await client.drain()
    expect(read.mock.calls.at(-1)).toMatchObject([{ path: 'a', version: 2 }, { isRecheck: true }])
    expect(fill).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({ path: 'a', version: 2 }),
      leaseToken,
      undefined,
      expect.anything(),
    )
  })
})

describe('what this process has seen', () => {
  const until = now + lifeMs / 2
  const askedAt = until - lifeMs

  it('bars older answers of the shared cache', async () => {
    const client = answering({ hit: { value: 'old' }, until })
    client.saw('a', undefined, askedAt + 1)
    expect((await client.read('a', undefined)).hit).toBeUndefined()
    expect((await client.read('a', 1)).hit).toBeUndefined()
    client.saw('b', undefined, askedAt)
    expect((await client.read('b', undefined)).hit).toBeDefined()
  })

  it('may come from the shared cache', async () => {
    const read = vi.fn<SharedCache['read']>(async () => ({ hit: { value: 'new' }, until }))
    const client = clientOver({ read })
    await client.read('a', undefined)
    read.mockImplementation(async () => ({ hit: { value: 'old' }, until: until - 1 }))
    expect((await client.read('a', undefined)).hit).toBeUndefined()
  })
})

describe('what the store answered', () => {
  const stored: StoredSecret = { value: 'v' }
  const gap = { ...none, leaseToken }

  it('fills a gap in the background: only drain waits, and no reader sees a failure', async () => {
    const fill = vi.fn<SharedCache['fill']>(async () => Promise.reject(new Error('down')))
    const client = clientOver({ fill })
    client.publish('a', 2, gap, stored, now)
    const entry = { secret: stored, until: now + lifeMs, askedAt: now }
    expect(fill).toHaveBeenCalledWith({ sharedAs: 'eu', path: 'a', version: 2 }, leaseToken, entry, expect.anything())
    await client.drain()
  })

  it('is kept no longer where the clock was set back while the store was asked', () => {
    const fill = vi.fn<SharedCache['fill']>(async () => {})
    clientOver({ fill }).publish('a', undefined, gap, stored, now + 3_600_000)
    expect(fill.mock.calls.map(([, , entry]) => entry)).toEqual([{ secret: stored, until: now + lifeMs, askedAt: now }])
  })

  it('still fills after close() has ended the reads, until its time is up', async () => {
    const [reads, fills] = [new AbortController(), new AbortController()]
    const [fill, invalidate] = [vi.fn<SharedCache['fill']>(hung), vi.fn<SharedCache['invalidate']>(hung)]
    const signals = { closing: reads.signal, closingFills: fills.signal }
    const client = clientOver({ fill, invalidate }, 5_000, signals)
    reads.abort()
    client.publish('a', undefined, gap, stored, now)
    client.publish('b', undefined, { ...gap, holds: { value: 'wrong' } }, stored, now)
    const drained = vi.fn<() => void>()
    void client.drain().then(drained)
    await vi.advanceTimersByTimeAsync(1_000)
    expect([fill.mock.calls.length, invalidate.mock.calls.length, drained.mock.calls.length]).toEqual([1, 1, 0])
    fills.abort()
    await vi.advanceTimersByTimeAsync(0)
    expect(drained).toHaveBeenCalledTimes(1)
    expect(vi.getTimerCount()).toBe(0)
    client.releaseLease('a', undefined, gap)
    await client.drain()
    expect(fill).toHaveBeenCalledTimes(1)
  })

  it('ends a fill at the deadline', async () => {
    const client = clientOver({ fill: hung })
    client.publish('a', undefined, gap, stored, now)
    const drained = vi.fn<() => void>()
    void client.drain().then(drained)
    await vi.advanceTimersByTimeAsync(4_999)
    expect(drained).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    expect(drained).toHaveBeenCalled()
  })

  it('fills nothing without a leaseToken, and releases the fill lease if the answer may not be shared', () => {
    const fill = vi.fn<SharedCache['fill']>(async () => {})
    const client = clientOver({ fill })
    client.publish('a', undefined, none, stored, now)
    expect(fill).not.toHaveBeenCalled()
    client.releaseLease('a', undefined, gap)
    for (const each of [undefined, { ...stored, exclusive: true }, { ...stored, expiresAt: now }])
      client.publish('a', undefined, gap, each, now)
    client.publish('a', undefined, gap, stored, now - lifeMs)
    expect(fill.mock.calls.map(([, , entry]) => entry)).toEqual([undefined, undefined, undefined, undefined, undefined])
  })

  it.each<[string, unknown, StoredSecret | undefined]>([
    ['another value', { value: 'old' }, stored],
    ['other bytes', { value: Uint8Array.of(1) }, { value: Uint8Array.of(2) }],
    ['text instead of bytes', { value: 'v' }, { value: Uint8Array.of(118) }],
    ['another revision', { value: 'v', revision: 'a' }, { value: 'v', revision: 'b' }],
    ['text instead of fields', { value: '{}' }, { value: '{}', shape: 'map' }],
    ['what is gone', { value: 'v' }, undefined],
    ['what is now a lease', { value: 'v' }, { value: 'v', exclusive: true }],
    ['what is no secret', { value: 5 }, stored],
  ])('invalidates a different value in the shared cache: %s', async (_, holds, answer) => {
    const invalidate = vi.fn<SharedCache['invalidate']>(async () => {})
    const client = clientOver({ invalidate })
    client.publish('a', undefined, { ...none, holds }, answer, now)
    await client.drain()
    expect(invalidate.mock.calls.map(([key]) => key)).toEqual([{ sharedAs: 'eu', path: 'a' }])
  })

  it.each<[string, StoredSecret, StoredSecret | undefined]>([
    ['a later version', { value: 'v', version: 1 }, { value: 'v', version: 2 }],
    ['an earlier version, as of a replica that lags behind', { value: 'v', version: 2 }, { value: 'v', version: 1 }],
    ['nothing, as of such a replica', { value: 'v', version: 2 }, undefined],
  ])("invalidates a different value in the shared cache with the store's version: %s", async (_, holds, answer) => {
    const invalidate = vi.fn<SharedCache['invalidate']>(async () => {})
    const client = clientOver({ invalidate })
    client.publish('a', undefined, { ...none, holds }, answer, now)
    await client.drain()
    expect(invalidate.mock.calls.map(([key]) => key)).toEqual([{ sharedAs: 'eu', path: 'a', leastVersion: 2 }])
  })

  it.each<StoredSecret>([
    stored,
    { value: Uint8Array.of(1), version: 2, revision: 'r' },
    { value: '{}', shape: 'map', expiresAt: now + 1 },
  ])('leaves the shared cache alone if it holds the same value: %j', async (secret) => {
    const [invalidate, fill] = [vi.fn<SharedCache['invalidate']>(async () => {}), vi.fn<SharedCache['fill']>(async () => {})]
    const client = clientOver({ invalidate, fill })
    const { expiresAt: _, ...same } = secret
    client.publish('a', undefined, { ...none, holds: same }, secret, now)
    await client.drain()
    expect([invalidate.mock.calls.length, fill.mock.calls.length]).toEqual([0, 0])
  })
})

describe('invalidating the shared cache', () => {
  it('covers every version of the path', async () => {
    const invalidate = vi.fn<SharedCache['invalidate']>(async () => {})
    await clientOver({ invalidate }).invalidate('a')
    expect(invalidate).toHaveBeenCalledWith({ sharedAs: 'eu', path: 'a' }, expect.anything())
  })

  it('passes on the written version', async () => {
    const invalidate = vi.fn<SharedCache['invalidate']>(async () => {})
    await clientOver({ invalidate }).invalidate('a', 7)
    expect(invalidate).toHaveBeenCalledWith({ sharedAs: 'eu', path: 'a', leastVersion: 7 }, expect.anything())
  })

  it('reports its failure to the writer, with the write as done', async () => {
    const failing = clientOver({ invalidate: async () => Promise.reject(new Error('canary-0b3c')) }).invalidate('a')
    await expect(failing).rejects.toThrow(expect.objectContaining({ code: 'UNAVAILABLE', effect: 'done' }))
    await expect(failing).rejects.not.toThrow('canary')
    const late = clientOver({ invalidate: hung })
      .invalidate('a')
      .catch((error: unknown) => error)
    await vi.advanceTimersByTimeAsync(5_000)
    expect(SecretsError.isInstance(await late)).toBe(true)
  })
})

describe('a path whose invalidation the shared cache did not acknowledge', () => {
  const hit = { value: 'old' }

  function failing(): {
    client: SharedCacheClient
    invalidate: ReturnType<typeof vi.fn<SharedCache['invalidate']>>
    acknowledged: () => Promise<boolean>
  } {
    const invalidate = vi.fn<SharedCache['invalidate']>(async () => Promise.reject(new Error('down')))
    const client = clientOver({ read: async () => ({ hit, until: Date.now() + lifeMs }), invalidate })
    const acknowledged = (): Promise<boolean> =>
      client.invalidate('a').then(
        () => true,
        () => false,
      )
    return { client, invalidate, acknowledged }
  }

  it('is not read there, whatever TTL other processes use', async () => {
    const { client, acknowledged } = failing()
    expect([await acknowledged(), await client.read('a', undefined), await client.read('a', 1)]).toEqual([false, unavailable, unavailable])
    expect((await client.read('b', undefined)).hit).toBeDefined()
    await vi.advanceTimersByTimeAsync(86_400_000)
    expect(await client.read('a', undefined)).toEqual(unavailable)
  })

  it.each(['acknowledged', 'refused', 'hung'])('is invalidated once more by close(), until its time is up: %s', async (answer) => {
    const answers = { acknowledged: async () => {}, refused: () => Promise.reject(new Error('down')), hung }
    const [reads, fills] = [new AbortController(), new AbortController()]
    const invalidate = vi.fn<SharedCache['invalidate']>(async () => Promise.reject(new Error('down')))
    const client = clientOver({ invalidate }, 5_000, { closing: reads.signal, closingFills: fills.signal })
    await client.invalidate('a', 7).catch(() => {})
    invalidate.mockReset().mockImplementation(answers[answer as keyof typeof answers])
    reads.abort()
    const drained = client.drain()
    await vi.advanceTimersByTimeAsync(1_000)
    fills.abort()
    await drained
    expect(invalidate.mock.calls.map(([key]) => key)).toEqual([{ sharedAs: 'eu', path: 'a', leastVersion: 7 }])
    expect([client.status.pendingInvalidations, vi.getTimerCount()]).toEqual([answer === 'acknowledged' ? 0 : 1, 0])
  })

  it("is invalidated again with the store's next answer, and read from then on", async () => {
    const { client, invalidate, acknowledged } = failing()
    await acknowledged()
    client.publish('a', undefined, none, { value: 'new' }, now)
    await client.drain()
    expect([await client.read('a', undefined), invalidate.mock.calls.length]).toEqual([unavailable, 2])
    invalidate.mockImplementation(async () => {})
    client.publish('a', undefined, none, { value: 'new' }, now)
    await client.drain()
    expect((await client.read('a', undefined)).hit).toBeDefined()
    client.publish('a', undefined, none, { value: 'new' }, now)
    await client.drain()
    expect(invalidate).toHaveBeenCalledTimes(3)
  })

  it('is invalidated again by itself, without a read or a write, and read from then on', async () => {
    const { client, invalidate, acknowledged } = failing()
    await acknowledged()
    await client.invalidate('b', 7).catch(() => {})
    await vi.advanceTimersByTimeAsync(600_000)
    expect([await client.read('a', undefined), client.health]).toEqual([unavailable, expect.objectContaining({ status: 'failed' })])
    invalidate.mockClear()
    invalidate.mockImplementation(async () => {})
    await vi.advanceTimersByTimeAsync(60_000)
    const told = invalidate.mock.calls.map(([{ path, leastVersion }]) => [path, leastVersion] as const)
    expect(new Map(told)).toEqual(new Map(Object.entries({ a: undefined, b: 7 })))
    expect(client.health).toEqual({ status: 'ok' })
    expect((await client.read('a', undefined)).hit).toBeDefined()
    await vi.advanceTimersByTimeAsync(600_000)
    expect(invalidate).toHaveBeenCalledTimes(2)
  })

  it('is invalidated again at growing intervals, up to a minute, one attempt at a time', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(1)
    const { client, invalidate, acknowledged } = failing()
    await acknowledged()
    await client.invalidate('b').catch(() => {})
    await vi.advanceTimersByTimeAsync(600_000)
    expect(invalidate.mock.calls.length).toBeLessThan(40)
    let [underWay, most] = [0, 0]
    invalidate.mockImplementation((_, { signal }) => {
      most = Math.max(most, (underWay += 1))
      signal.addEventListener('abort', () => (underWay -= 1))
      return hung()
    })
    await vi.advanceTimersByTimeAsync(130_000)
    expect(most).toBe(1)
  })

  it('is not invalidated again after the close', async () => {
    const [closing, invalidate] = [new AbortController(), vi.fn<SharedCache['invalidate']>(async () => Promise.reject(new Error('down')))]
    const client = clientOver({ invalidate }, 5_000, { closing: closing.signal })
    await client.invalidate('a').catch(() => {})
    closing.abort()
    await vi.advanceTimersByTimeAsync(600_000)
    expect([invalidate.mock.calls.length, vi.getTimerCount()]).toEqual([1, 0])
  })

  it('is invalidated again with the written version, whatever a replica of the store says', async () => {
    const { client, invalidate } = failing()
    await client.invalidate('a', 7).catch(() => {})
    client.publish('a', undefined, none, { value: 'lagging', version: 6 }, now)
    await client.drain()
    invalidate.mockImplementation(async () => {})
    await vi.advanceTimersByTimeAsync(1_000)
    await client.read('a', undefined)
    await client.drain()
    await client.invalidate('a', 8)
    expect(invalidate.mock.calls.map(([{ leastVersion }]) => leastVersion)).toEqual([7, 7, 7, 8])
    client.publish('a', undefined, { ...none, holds: { value: 'x' } }, { value: 'restored', version: 3 }, now)
    await client.drain()
    expect(invalidate.mock.lastCall?.[0].leastVersion, 'nothing is pending after an acknowledgement').toBe(3)
  })

  it('stays unread if only an earlier invalidation was acknowledged', async () => {
    const { client, invalidate, acknowledged } = failing()
    const slow = Promise.withResolvers<void>()
    invalidate.mockReturnValueOnce(slow.promise)
    const both = [acknowledged(), acknowledged()]
    slow.resolve()
    expect([await Promise.all(both), await client.read('a', undefined)]).toEqual([[true, false], unavailable])
  })

  it('keeps the least version of a write that begins while an earlier lift is sent again', async () => {
    const { client, invalidate } = failing()
    await client.invalidate('a', 0).catch(() => {})
    await client.invalidate('a', 7).catch(() => {})
    invalidate.mockClear()
    const slow = Promise.withResolvers<void>()
    invalidate.mockImplementation(async () => slow.promise)
    await vi.advanceTimersByTimeAsync(500)
    const written = client.invalidate('a', 8)
    await vi.advanceTimersByTimeAsync(1_000)
    slow.resolve()
    await written
    expect(invalidate.mock.calls.map(([{ leastVersion }]) => leastVersion)).toEqual([0, 7, 8])
  })

  it('is not invalidated once more beside an attempt under way, neither by its timer nor by an answer of the store', async () => {
    const { client, invalidate, acknowledged } = failing()
    await acknowledged()
    invalidate.mockClear()
    const slow = Promise.withResolvers<void>()
    invalidate.mockImplementation(async () => slow.promise)
    const writing = acknowledged()
    await vi.advanceTimersByTimeAsync(1_000)
    client.publish('a', undefined, none, { value: 'new' }, now)
    slow.resolve()
    expect(await writing).toBe(true)
    await vi.advanceTimersByTimeAsync(60_000)
    expect([invalidate.mock.calls.length, (await client.read('a', undefined)).hit]).toEqual([1, expect.anything()])
  })

  it('keeps the written version if a later failure knows none', async () => {
    const { client, invalidate } = failing()
    await client.invalidate('a', 7).catch(() => {})
    await client.invalidate('a').catch(() => {})
    invalidate.mockImplementation(async () => {})
    await client.invalidate('a')
    expect(invalidate.mock.calls.map(([{ leastVersion }]) => leastVersion)).toEqual([7, 7, 7])
    await client.invalidate('a')
    expect(invalidate.mock.lastCall?.[0].leastVersion).toBeUndefined()
  })

  it('gets a failed lift acknowledged before later writes', async () => {
    const { client, invalidate } = failing()
    await client.invalidate('a', 7).catch(() => {})
    await client.invalidate('a', 0).catch(() => {})
    await client.invalidate('a', 1).catch(() => {})
    invalidate.mockClear()
    invalidate.mockImplementation(async () => {})
    await client.invalidate('a', 2)
    expect(invalidate.mock.calls.map(([{ leastVersion }]) => leastVersion)).toEqual([0, 2])
  })
})

describe('more unacknowledged paths than can be remembered', () => {
  const written = 10_001

  async function overflown(invalidate: SharedCache['invalidate'], askedAt: () => number): Promise<SharedCacheClient> {
    const client = clientOver({ read: async () => ({ hit: { value: 'v' }, until: askedAt() + lifeMs, askedAt: askedAt() }), invalidate })
    for (let count = 0; count < written; count += 1) await client.invalidate(`path-${count}`).catch(() => {})
    return client
  }

  beforeEach(() => void vi.spyOn(process, 'emitWarning').mockReturnValue())

  it('cost other paths nothing, and the earliest path only its older answers', async () => {
    let askedAt = now
    const down = async (): Promise<void> => Promise.reject(new Error('down'))
    const client = await overflown(down, () => askedAt)
    expect((await client.read('another', undefined)).hit).toBeDefined()
    expect(await client.read('path-1', undefined)).toEqual(unavailable)
    for (const version of [undefined, 1, 'previous'] as const) expect((await client.read('path-0', version)).hit).toBeUndefined()
    await vi.advanceTimersByTimeAsync(1)
    askedAt = now + 1
    expect((await client.read('path-0', undefined)).hit).toBeDefined()
  })

  it('do not renew the generation with each answer', async () => {
    const invalidate = vi.fn<SharedCache['invalidate']>(async () => Promise.reject(new Error('down')))
    const client = await overflown(invalidate, () => now)
    invalidate.mockReset().mockResolvedValue()
    for (const path of ['path-0', 'another']) client.publish(path, undefined, { ...none, leaseToken }, { value: 'v' }, now)
    await vi.advanceTimersByTimeAsync(0)
    expect(invalidate).not.toHaveBeenCalled()
  })

  it('are all invalidated again, as far as they are remembered', async () => {
    const invalidate = vi.fn<SharedCache['invalidate']>(async () => Promise.reject(new Error('down')))
    const client = await overflown(invalidate, () => now)
    invalidate.mockReset().mockResolvedValue()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(invalidate).toHaveBeenCalledTimes(10_000)
    expect((await client.read('path-10000', undefined)).hit).toBeDefined()
  })

  it('cause one warning, until an invalidation is acknowledged', async () => {
    const invalidate = vi.fn<SharedCache['invalidate']>(async () => Promise.reject(new Error('down')))
    const client = await overflown(invalidate, () => now)
    await client.invalidate('one more').catch(() => {})
    const message = expect.stringMatching(/^the shared cache did not acknowledge more than 10000 invalidations/)
    expect(process.emitWarning).toHaveBeenCalledExactlyOnceWith(message, { type: 'SecretsWarning', code: 'FINCHAT_SECRETS_SHARED_CACHE' })
    invalidate.mockResolvedValueOnce()
    await client.invalidate('acknowledged')
    for (const path of ['x', 'y']) await client.invalidate(path).catch(() => {})
    expect(process.emitWarning).toHaveBeenCalledTimes(2)
  })
})

describe('listening to other processes', () => {
  it('reports only paths of its own store, until it ends', () => {
    let tell: (key: unknown) => void = () => {}
    const end = vi.fn<() => void>()
    const heard: string[] = []
    const unsubscribe = clientOver({ subscribe: (listener) => ((tell = listener as (key: unknown) => void), end) }).subscribe((path) =>
      heard.push(path),
    ) // so as to tell it nonsense
    for (const key of [
      { sharedAs: 'eu', path: 'a' },
      { sharedAs: 'us', path: 'b' },
      null,
      undefined,
      5,
      { sharedAs: 'eu' },
      { sharedAs: 'eu', path: 5 },
    ])
      tell(key)
    unsubscribe()
    tell({ sharedAs: 'eu', path: 'late' })
    expect([heard, end.mock.calls.length]).toEqual([['a'], 1])
  })

  it.each<[string, unknown]>([
    ['there is nothing to listen to', undefined],
    ['it cannot be begun', () => expect.fail('no connection')],
    ['it is begun later', async () => () => {}],
    ['it fails later', async () => Promise.reject(new Error('no connection'))],
    ['it cannot be ended', () => () => expect.fail('no connection')],
    ['its end fails later', () => async () => Promise.reject(new Error('no connection'))],
  ])('does no harm where %s', async (_, subscribe) => {
    const unsubscribe = clientOver({ subscribe: subscribe as SharedCache['subscribe'] }).subscribe(() => {}) // what a broken shared cache could have
    expect(unsubscribe).not.toThrow()
    await vi.advanceTimersByTimeAsync(0)
  })
})
