import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { RedisClient, RedisSubscriber } from '../store/redis-client.ts'
import { context, fleetOver, key } from '../testing/fleet.ts'

beforeEach(() => void vi.spyOn(process, 'emitWarning').mockReturnValue())
afterEach(() => void vi.restoreAllMocks())

const path = { sharedAs: key.sharedAs, path: key.path }

/** A server that delivers messages to clients of both families. */
function server(): {
  readonly client: RedisClient
  readonly nodeRedis: () => RedisSubscriber
  readonly ioredis: () => RedisSubscriber
  readonly published: (readonly [channel: string, message: string])[]
  readonly listeners: Set<(channel: string, message: string) => void>
} {
  const listeners = new Set<(channel: string, message: string) => void>()
  const published: (readonly [string, string])[] = []
  const client: RedisClient = {
    get: async () => null,
    set: async () => 'OK',
    del: async () => 0,
    publish: async (channel, message) => {
      published.push([channel, message])
      for (const listener of listeners) listener(channel, message)
      return listeners.size
    },
  }
  const nodeRedis = (): RedisSubscriber => {
    let deliver: ((channel: string, message: string) => void) | undefined
    return {
      subscribe: async (...[channel, listener]: [string, (message: string) => void]) => {
        deliver = (from, message) => (from === channel ? listener(message) : undefined)
        listeners.add(deliver)
      },
      unsubscribe: async () => deliver && listeners.delete(deliver),
    }
  }
  const ioredis = (): RedisSubscriber => {
    const own = new Set<(channel: string, message: string) => void>()
    const pass = (channel: string, message: string): void => own.forEach((each) => each(channel, message))
    return Object.assign(
      {
        subscribe: async () => listeners.add(pass),
        unsubscribe: async () => listeners.delete(pass),
      },
      {
        call: () => {},
        on: (_: string, each: (channel: string, message: string) => void) => own.add(each),
        off: (_: string, each: (channel: string, message: string) => void) => own.delete(each),
      },
    )
  }
  return { client, nodeRedis, ioredis, published, listeners }
}

test.each(['nodeRedis', 'ioredis'] as const)(
  'an invalidation reaches other processes through a client like %s, until the listener is removed',
  async (family) => {
    const { client, published, listeners, ...families } = server()
    const { another } = fleetOver(undefined, { client })
    const [heard, own]: unknown[][] = [[], []]
    const listening = another({ subscriber: families[family]() })
    const writer = another({ subscriber: families[family]() })
    const end = listening.subscribe?.((each) => heard?.push(each))
    writer.subscribe?.((each) => own?.push(each))
    await writer.invalidate(key, context)
    // A process does not hear its own messages.
    expect([heard, own]).toEqual([[path], []])
    end?.()
    await writer.invalidate(key, context)
    expect(heard).toEqual([path])
    expect(published).toHaveLength(2)
    await writer.close()
    expect(listeners.size).toBe(0)
  },
)

test('a message reveals no path, store or namespace', async () => {
  const { client, published } = server()
  await fleetOver(undefined, { client, namespace: 'payments' }).another().invalidate(key, context)
  const [channel, message] = published[0] ?? ['', '']
  expect(channel).toMatch(/^fs1:[\w-]{32}$/)
  expect(Buffer.from(message, 'base64url').toString('latin1') + message).not.toMatch(/database|aws:1:eu|payments/)
})

test('messages have one length for every path of up to 100 characters and more', async () => {
  const { client, published } = server()
  const cache = fleetOver(undefined, { client }).another()
  for (const name of ['a', 'a'.repeat(100), 'ä'.repeat(50)]) await cache.invalidate({ ...key, path: name }, context)
  expect(new Set(published.map(([, message]) => message.length)).size).toBe(1)
  await cache.invalidate({ ...key, path: 'a'.repeat(250) }, context)
  expect(new Set(published.map(([, message]) => message.length)).size).toBe(2)
})

test('forged, truncated, foreign and replayed messages are dropped without an error', async () => {
  const { client, nodeRedis, published, listeners } = server()
  const { another } = fleetOver(undefined, { client })
  const heard: unknown[] = []
  another({ subscriber: nodeRedis() }).subscribe?.((each) => heard.push(each))
  await another().invalidate(key, context)
  const [channel, message] = published[0] ?? ['', '']
  const foreign = fleetOver(undefined, { client, namespace: 'other' }).another()
  await foreign.invalidate(key, context)
  for (const each of ['', 'nonsense', message.slice(1), `${message.slice(0, -2)}AA`, published[1]?.[1] ?? ''])
    for (const listener of listeners) listener(channel, each)
  expect(heard).toEqual([path])
  for (const again of [message, `${message}=`, `${message}\n`]) for (const listener of listeners) listener(channel, again)
  expect(heard).toEqual([path])
})

test.each([59_000, 61_000, -61_000])('a message is accepted once, and within a minute: %d ms later', async (later) => {
  vi.useFakeTimers()
  const { client, nodeRedis, published, listeners } = server()
  const { another } = fleetOver(undefined, { client })
  await another().invalidate(key, context)
  const heard: unknown[] = []
  another({ subscriber: nodeRedis() }).subscribe?.((each) => heard.push(each))
  vi.setSystemTime(Date.now() + later)
  for (let times = 0; times < 3; times += 1) for (const listener of listeners) listener(...(published[0] ?? ['', '']))
  expect(heard).toHaveLength(later === 59_000 ? 1 : 0)
  vi.useRealTimers()
})

test('a replay of a message that was dropped from memory is too old to be accepted', async () => {
  vi.useFakeTimers()
  const { client, nodeRedis, published, listeners } = server()
  const { another } = fleetOver(undefined, { client })
  const heard: unknown[] = []
  another({ subscriber: nodeRedis() }).subscribe?.((each) => heard.push(each))
  await another().invalidate(key, context)
  for (let seconds = 0; seconds < 130; seconds += 10) {
    vi.setSystemTime(Date.now() + 10_000)
    await another().invalidate(key, context)
    for (const message of published) for (const listener of listeners) listener(...message)
  }
  expect(heard).toHaveLength(published.length)
  vi.useRealTimers()
})

test('an invalidation succeeds though its announcement fails', async () => {
  const { client } = server()
  const cache = fleetOver(undefined, { client: { ...client, publish: async () => Promise.reject(new Error('down')) } }).another()
  await cache.invalidate(key, context)
  expect(cache.stats()).toMatchObject({ invalidations: 1, failures: { failed: 1 } })
})

test.each([
  ['down', 'failed'],
  ["NOPERM this user has no permissions to run the 'subscribe' command", 'denied'],
])('a refused subscription is counted as a failure, and nothing else fails: %s', async (message, reason) => {
  const { client } = server()
  const refuse = async (): Promise<never> => {
    throw new Error(message)
  }
  const subscriber: RedisSubscriber = { subscribe: refuse, unsubscribe: refuse }
  const cache = fleetOver(undefined, { client, subscriber }).another()
  const end = cache.subscribe?.(() => {})
  await vi.waitFor(() => expect(cache.stats().failures).toMatchObject({ [reason]: 1 }))
  expect(() => end?.()).not.toThrow()
  await cache.close()
})

test.each(['nodeRedis', 'ioredis'] as const)(
  'a refused subscription of a client like %s is retried with a back-off until it succeeds',
  async (family) => {
    vi.useFakeTimers()
    vi.spyOn(Math, 'random').mockReturnValue(1)
    const { client, ...families } = server()
    const subscriber = families[family]()
    const tries: number[] = []
    const isRefused = { now: true }
    const refusing = Object.assign(Object.create(subscriber), {
      subscribe: async (...given: never[]) => {
        tries.push(Date.now())
        if (isRefused.now) throw new Error('NOPERM no permission to run the subscribe command')
        return subscriber.subscribe(...given)
      },
    }) as RedisSubscriber // the prototype has the other methods
    const { another } = fleetOver(undefined, { client })
    const cache = another({ subscriber: refusing })
    const heard: unknown[] = []
    cache.subscribe?.((each) => heard.push(each))
    await vi.advanceTimersByTimeAsync(600_000)
    const waits = tries.slice(1).map((at, index) => (at - (tries[index] ?? 0)) / 1_000)
    expect(waits.slice(0, 8)).toEqual([1, 2, 4, 8, 16, 32, 60, 60])
    expect(cache.stats().failures.denied).toBe(tries.length)
    await another().invalidate(key, context)
    expect(heard).toEqual([])

    isRefused.now = false
    await vi.advanceTimersByTimeAsync(60_000)
    await another().invalidate(key, context)
    expect(heard).toEqual([path])
    const { length } = tries
    await vi.advanceTimersByTimeAsync(600_000)
    expect(tries).toHaveLength(length)
    await cache.close()
    vi.useRealTimers()
  },
)

test('a refused subscription is not retried after its listener is removed, and keeps no process alive', async () => {
  vi.useFakeTimers()
  const { client } = server()
  const subscribe = vi.fn<() => Promise<never>>(async () => Promise.reject(new Error('down')))
  const { another } = fleetOver(undefined, { client, subscriber: { subscribe, unsubscribe: async () => {} } })
  const [one, other] = [another(), another()]
  const end = one.subscribe?.(() => {})
  other.subscribe?.(() => {})
  await vi.advanceTimersByTimeAsync(0)
  end?.()
  await other.close()
  await vi.advanceTimersByTimeAsync(600_000)
  expect([subscribe.mock.calls.length, vi.getTimerCount()]).toEqual([2, 0])
  vi.useRealTimers()
})

test('a connection that is closed during the subscription counts as no failure', async () => {
  const { client } = server()
  const gone = (): never => {
    throw new Error('the client is closed')
  }
  const late = Promise.withResolvers<never>()
  const cache = fleetOver(undefined, { client, subscriber: { subscribe: () => late.promise, unsubscribe: gone } }).another()
  cache.subscribe?.(() => {})
  await cache.close()
  late.reject(new Error('closed'))
  await new Promise(setImmediate)
  expect(cache.stats().failures).toEqual({ timeout: 0, denied: 0, full: 0, failed: 0 })
})

test('without a subscriber the cache has no subscribe method', () => {
  expect(fleetOver().another()).not.toHaveProperty('subscribe')
})
