import type { RedisClient } from './redis-client.ts'

/** Redis makes a run id of 40 hexadecimal digits at each start. Zeros are of a service that hides it. */
const runIdLine = /^run_id:(?!0{40})([0-9a-f]{40})\r?$/m
/** The command itself is refused. A proxy or a full server tells its own trouble by `ERR` too. */
const refusal = /^(NOPERM|ERR) /
/** Each denial stands in the ACL log, and a right may be granted meanwhile. */
const askedAgainMs = 300_000
/** A cluster client sends a command without a key to any node. */
const infoScript = "return redis.call('INFO', 'server')"

type Send = (...args: unknown[]) => Promise<unknown>

/** Tells the starts of a server apart: one that starts again may have forgotten what it acknowledged. */
export class ServerRun {
  readonly #client: RedisClient
  readonly #onRefusal: () => void
  #refusedAt = -Infinity

  /** `onRefusal`: the server refuses to tell, for the first time since it told. */
  constructor(client: RedisClient, onRefusal: () => void) {
    this.#client = client
    this.#onRefusal = onRefusal
  }

  /** The run id of the server that holds this key; `undefined` if it is not told. */
  async id(key: string): Promise<string | undefined> {
    if (performance.now() - this.#refusedAt < askedAgainMs) return undefined
    try {
      const text = await this.#info(key)
      this.#refusedAt = -Infinity
      return typeof text === 'string' ? runIdLine.exec(text)?.[1] : undefined
    } catch (error) {
      if (!(error instanceof Error) || !refusal.test(error.message)) throw error
      if (this.#refusedAt === -Infinity) this.#onRefusal()
      this.#refusedAt = performance.now()
      return undefined
    }
  }

  async #info(key: string): Promise<unknown> {
    const client = this.#client
    const isCluster = Reflect.get(client, 'isCluster') === true // of ioredis and iovalkey
    if (isCluster) return this.#send('eval', infoScript, 1, key)
    const isNodeRedisCluster = typeof Reflect.get(client, 'nodeClient') === 'function'
    return isNodeRedisCluster ? this.#send('eval', infoScript, { keys: [key] }) : this.#send('info', 'server')
  }

  /** A wrapper around a client may not have the method. */
  async #send(method: 'eval' | 'info', ...args: unknown[]): Promise<unknown> {
    const send: unknown = Reflect.get(this.#client, method)
    return typeof send === 'function' ? (send as Send).apply(this.#client, args) : undefined // as these clients have it
  }
}
