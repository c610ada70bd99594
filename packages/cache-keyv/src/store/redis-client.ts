import { configurationError, jittered } from '@finchat/secrets-core/provider'
import { emitterCall } from './error-events.ts'

/** A client or cluster client of node-redis, ioredis or iovalkey. */
export interface RedisClient {
  readonly set: (...args: never[]) => Promise<unknown>
  readonly get: (key: string) => Promise<unknown>
  readonly del: (key: string) => Promise<unknown>
  readonly publish: (channel: string, message: string) => Promise<unknown>
  /** Absent: it is never known that usage marks are complete. */
  readonly info?: ((section: string) => Promise<unknown>) | undefined
}

/** A connection of its own: while it subscribes, it cannot send other commands. */
export interface RedisSubscriber {
  readonly subscribe: (...args: never[]) => Promise<unknown>
  readonly unsubscribe: (channel: string) => Promise<unknown>
}

type Send = (...args: unknown[]) => Promise<unknown>

/** The ioredis family takes options one by one, and delivers messages as an event. */
function isIoredis(client: object): boolean {
  return typeof Reflect.get(client, 'call') === 'function'
}

/** `SET key text NX PX ttlMs` */
export async function setIfAbsent(client: RedisClient, key: string, text: string, ttlMs: number): Promise<boolean> {
  const set: Send = client.set.bind(client) as Send // the options differ by family
  const ttl = Math.ceil(ttlMs)
  const answer = isIoredis(client) ? await set(key, text, 'PX', ttl, 'NX') : await set(key, text, { PX: ttl, NX: true })
  return answer !== null && answer !== undefined
}

/** `SET key text PX ttlMs` */
export async function setFor(client: RedisClient, key: string, text: string, ttlMs: number): Promise<void> {
  const set: Send = client.set.bind(client) as Send // the options differ by family
  await (isIoredis(client) ? set(key, text, 'PX', ttlMs) : set(key, text, { PX: ttlMs }))
}

/** `GET key`; `undefined` if there is none. */
export async function getText(client: RedisClient, key: string): Promise<string | undefined> {
  const text = await client.get(key)
  return typeof text === 'string' ? text : undefined
}

export interface SubscriptionEvents {
  readonly onMessage: (message: string) => void
  readonly onFailure: (error: unknown) => void
}

const firstRetryMs = 1_000
const longestRetryMs = 60_000

/**
 * Returns a function that unsubscribes. Other code may use the same connection and channel. A
 * refused subscription is retried with a back-off; the client renews a lost one.
 */
export function subscribe(subscriber: RedisSubscriber, channel: string, events: SubscriptionEvents): () => Promise<unknown> {
  const [send, unsend] = [subscriber.subscribe.bind(subscriber), subscriber.unsubscribe.bind(subscriber)] as [Send, Send] // the arguments differ by family
  const deliver = (from: unknown, message: unknown): void => {
    if (from === channel && typeof message === 'string') events.onMessage(message)
  }
  const listener = isIoredis(subscriber) ? undefined : (message: unknown): void => deliver(channel, message)
  const args = listener === undefined ? [channel] : [channel, listener]
  if (listener === undefined) emitterCall(subscriber, 'on', 'message', deliver)
  let isOver = false
  let retry: NodeJS.Timeout | undefined
  const begin = async (): Promise<unknown> => send(...args)
  const tryToBegin = (retryMs: number): void => {
    begin().catch((error: unknown) => {
      if (isOver) return
      events.onFailure(error)
      retry = setTimeout(() => tryToBegin(Math.min(2 * retryMs, longestRetryMs)), jittered(retryMs)).unref()
    })
  }
  tryToBegin(firstRetryMs)
  return async () => {
    isOver = true
    clearTimeout(retry)
    if (listener === undefined) emitterCall(subscriber, 'off', 'message', deliver)
    // In the ioredis family the connection is subscribed for all its listeners.
    const isLast = listener !== undefined || !emitterCall(subscriber, 'listenerCount', 'message')
    const end = async (): Promise<unknown> => unsend(...args)
    return isLast ? end().catch(() => {}) : undefined
  }
}

export function assertClient(option: string, client: unknown, methods: readonly string[]): void {
  const isClient =
    typeof client === 'object' && client !== null && methods.every((method) => typeof Reflect.get(client, method) === 'function')
  if (!isClient) throw configurationError(`\`${option}\` is not a Redis client`, 'pass one of node-redis, ioredis or iovalkey')
}
