import { createSecretsManager, type SecretsManager } from '@finchat/secrets-core'
import { registerUse } from '@finchat/secrets-core/live'
import { memoryProvider, memorySharedCache } from '@finchat/secrets-testkit'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { RedisClient } from './store/redis-client.ts'
import { ScheduledRedis } from './testing/scheduled-redis.ts'
import { timelessUsage } from './testing/timeless-usage.ts'

beforeEach(() => {
  vi.useFakeTimers({ now: Date.UTC(2026, 0, 1), toFake: ['Date', 'performance', 'setTimeout', 'clearTimeout'] })
  vi.spyOn(process, 'emitWarning').mockReturnValue()
  let state = 1
  // The same pauses in each run: the numbers of Park and Miller.
  vi.spyOn(Math, 'random').mockImplementation(() => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647)
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

const size = 200
const secondMs = 1_000
/** In both directions. */
const latencyMs = 4

/** A busy server: it takes commands one after the other. */
class Server {
  readonly #redis = new ScheduledRedis({ isImmediate: true })
  readonly #commandMs: number
  readonly #startedAt = Date.now()
  #busyUntil = 0
  isDown = false
  /** Commands that came in each second since the start. */
  readonly #perSecond: number[] = []

  constructor(commandMs: number) {
    this.#commandMs = commandMs
  }

  get client(): RedisClient {
    const redis = this.#redis.client(0)
    const set = redis.set as (...args: unknown[]) => Promise<unknown> // the options differ by family
    return {
      get: (key) => this.#pass(() => redis.get(key)),
      set: (...args: unknown[]) => this.#pass(() => set(...args)),
      del: (key) => this.#pass(() => redis.del(key)),
      publish: (channel, message) => this.#pass(() => redis.publish(channel, message)),
      info: () => this.#pass(() => redis.info?.('server') ?? Promise.resolve()),
    }
  }

  async #pass(command: () => Promise<unknown>): Promise<unknown> {
    const second = Math.floor((Date.now() - this.#startedAt) / secondMs)
    this.#perSecond[second] = (this.#perSecond[second] ?? 0) + 1
    this.#busyUntil = Math.max(this.#busyUntil, Date.now()) + this.#commandMs
    const { isDown } = this
    await new Promise((resolve) => setTimeout(resolve, this.#busyUntil - Date.now() + latencyMs))
    if (isDown) throw new Error('the connection was closed')
    return command()
  }

  /** The number of commands in these seconds. */
  commands(from: number, to: number): number {
    return Array.from({ length: to - from }, (_, n) => this.#perSecond[from + n] ?? 0).reduce((sum, each) => sum + each, 0)
  }

  /** The most commands in one of these seconds. */
  most(from: number, to: number): number {
    return Math.max(...Array.from({ length: to - from }, (_, n) => this.#perSecond[from + n] ?? 0))
  }

  async registered(): Promise<number> {
    const reading = timelessUsage(this.#redis.client(0)).read({ sharedAs: 'store', path: 'db' }, { signal: new AbortController().signal })
    return (await reading)?.marks.length ?? 0
  }
}

/** All begin at once, as after a deployment. */
function start(server: Server): readonly SecretsManager[] {
  const store = memoryProvider({ sharedAs: 'store', secrets: { db: 'one' } })
  return Array.from({ length: size }, () => {
    const shared = { ...memorySharedCache(), usage: timelessUsage(server.client) }
    const secrets = createSecretsManager({ providers: [store], cache: { shared } })
    const use = registerUse(secrets, 'db')
    void secrets
      .getSecretValue('db')
      .then(use.uses)
      .catch(() => {})
    return secrets
  })
}

async function until(server: Server, count: number, second: number): Promise<number> {
  for (let n = 1; n <= second; n += 1) {
    await vi.advanceTimersByTimeAsync(secondMs)
    if ((await server.registered()) === count) return n
  }
  return Infinity
}

describe('200 processes that register at once', { timeout: 120_000 }, () => {
  test('are all registered within 20 s by a busy server, with no burst afterwards', async () => {
    const server = new Server(0.5)
    start(server)
    const second = await until(server, size, 20)
    expect(second).toBeLessThan(20)
    expect(server.commands(0, second)).toBeLessThan(30_000) // 94,000 if each tries whenever it can
    await vi.advanceTimersByTimeAsync(60 * secondMs)
    expect(server.most(second + 1, second + 60)).toBeLessThan(2 * size) // signs of life
  })

  test('ask less and less while the server is down, and are registered within a minute once it is back', async () => {
    const server = new Server(0.1)
    server.isDown = true
    start(server)
    await vi.advanceTimersByTimeAsync(60 * secondMs)
    expect(server.most(20, 60)).toBeLessThan(size / 2)
    server.isDown = false
    expect(await until(server, size, 60)).toBeLessThan(60)
    expect(server.most(60, 120)).toBeLessThan(3 * size)
  })
})
