import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { RedisClient, RedisSubscriber } from '../store/redis-client.ts'
import { context, fleetOver, key } from '../testing/fleet.ts'

beforeEach(() => void vi.spyOn(process, 'emitWarning').mockReturnValue())
afterEach(() => void vi.restoreAllMocks())

const path = { sharedAs: key.sharedAs, path: key.path }

/** A server that passes messages on, to clients of either family. */
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
    let heard: ((channel: string, message: string) => void) | undefined
    return {
      subscribe: async (...[channel, listener]: [string, (message: string) => void]) => {
        heard = (from, message) => (from === channel ? listener(message) : undefined)
        listeners.add(heard)
      },
      unsubscribe: async () => heard && listeners.delete(heard),
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
  'what others invalidate is heard through a client like %s, until the listener ends',
  async (family) => {
    const { client, published, listeners, ...families } = server()
    const { another } = fleetOver(undefined, { client })
    const [heard, own]: unknown[][] = [[], []]
    const listening = another({ subscriber: families[family]() })
    const telling = another({ subscriber: families[family]() })
    const end = listening.subscribe?.((each) => heard?.push(each))
    telling.subscribe?.((each) => own?.push(each))
    await telling.invalidate(key, context)
    // Who told it knows.
    expect([heard, own]).toEqual([[path], []])
    end?.()
    await telling.invalidate(key, context)
    expect(heard).toEqual([path])
    expect(published).toHaveLength(2)
    await telling.close()
    expect(listeners.size).toBe(0)
  },
)

test('a message shows neither name nor store nor namespace', async () => {
  const { client, published } = server()
  await fleetOver(undefined, { client, namespace: 'payments' }).another().invalidate(key, context)
  const [channel, message] = published[0] ?? ['', '']
  expect(channel).toMatch(/^fs1:[\w-]{32}$/)
  expect(Buffer.from(message, 'base64url').toString('latin1') + message).not.toMatch(/database|aws|payments/)
})

test('the length of a message tells nothing of the length of a name, up to 100 characters and more', async () => {
  const { client, published } = server()
  const cache = fleetOver(undefined, { client }).another()
  for (const name of ['a', 'a'.repeat(100), 'ä'.repeat(50)]) await cache.invalidate({ ...key, path: name }, context)
  expect(new Set(published.map(([, message]) => message.length)).size).toBe(1)
  await cache.invalidate({ ...key, path: 'a'.repeat(250) }, context)
  expect(new Set(published.map(([, message]) => message.length)).size).toBe(2)
})

test('forged, cut, foreign and replayed messages throw nothing, and are not heard', async () => {
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

test.each([59_000, 61_000, -61_000])('a message is heard once, and within a minute: %d ms later', async (later) => {
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

test('what is told again when it is forgotten here is too old to be heard', async () => {
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

test('who cannot be told does not fail the invalidation, which is done', async () => {
  const { client } = server()
  const cache = fleetOver(undefined, { client: { ...client, publish: async () => Promise.reject(new Error('down')) } }).another()
  await cache.invalidate(key, context)
  expect(cache.stats()).toMatchObject({ invalidations: 1, failures: { failed: 1 } })
})

test.each([
  ['down', 'failed'],
  ["NOPERM this user has no permissions to run the 'subscribe' command", 'denied'],
])('a subscription that fails harms nobody, and is told: %s', async (message, reason) => {
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
  'a subscription that was refused to a client like %s is tried again, later each time, until it stands',
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
    }) as RedisSubscriber // and what the other family has beside
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

test('a subscription that was refused is not tried again by who has ended it, and keeps no process alive', async () => {
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

test("a connection that is closed in the middle is nobody's failure", async () => {
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

test('without a subscriber there is nothing to listen to', () => {
  expect(fleetOver().another()).not.toHaveProperty('subscribe')
})
