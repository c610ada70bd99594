import { emitterCall } from './error-events.ts'
import { jittered } from './lifecycle.ts'
import { wrongOption } from './errors.ts'

/** What is used of a client of node-redis, ioredis or iovalkey, a cluster's too. */
export interface RedisClient {
  readonly set: (...args: never[]) => Promise<unknown>
  readonly get: (key: string) => Promise<unknown>
  readonly del: (key: string) => Promise<unknown>
  readonly publish: (channel: string, message: string) => Promise<unknown>
}

/** A connection of its own, which does nothing else: one that listens cannot ask. */
export interface RedisSubscriber {
  readonly subscribe: (...args: never[]) => Promise<unknown>
  readonly unsubscribe: (channel: string) => Promise<unknown>
}

type Send = (...args: unknown[]) => Promise<unknown>

/** Those of the ioredis family take options one by one, and tell of messages by an event. */
function isIoredis(client: object): boolean {
  return typeof Reflect.get(client, 'call') === 'function'
}

/** `SET key text NX PX ttlMs`, which takes whole milliseconds: resolves to whether it was not there. */
export async function setIfAbsent(client: RedisClient, key: string, text: string, ttlMs: number): Promise<boolean> {
  const set: Send = client.set.bind(client) as Send // its options are those of one of the two families
  const ttl = Math.ceil(ttlMs)
  const answer = isIoredis(client) ? await set(key, text, 'PX', ttl, 'NX') : await set(key, text, { PX: ttl, NX: true })
  return answer !== null && answer !== undefined
}

export interface ListenCalls {
  readonly heard: (message: string) => void
  /** The subscription was refused. */
  readonly failed: (error: unknown) => void
}

const firstRetryMs = 1_000
const longestRetryMs = 60_000

/**
 * Calls `heard` with each message, until the function that it returns is called, which resolves when the subscription is over.
 * Others may listen over the same connection, to the same channel. A subscription that is refused is tried again, later
 * each time; one that stood is the client's to renew.
 */
export function listen(subscriber: RedisSubscriber, channel: string, { heard, failed }: ListenCalls): () => Promise<unknown> {
  const [subscribe, unsubscribe] = [subscriber.subscribe.bind(subscriber), subscriber.unsubscribe.bind(subscriber)] as [Send, Send] // take a listener in one family only
  const onMessage = (from: unknown, message: unknown): void => {
    if (from === channel && typeof message === 'string') heard(message)
  }
  const listener = isIoredis(subscriber) ? undefined : (message: unknown): void => onMessage(channel, message)
  let isOver = false
  const begin = async (): Promise<unknown> => (listener === undefined ? subscribe(channel) : subscribe(channel, listener))
  const end = async (): Promise<unknown> => (listener === undefined ? unsubscribe(channel) : unsubscribe(channel, listener))
  if (listener === undefined) emitterCall(subscriber, 'on', 'message', onMessage)
  let retry: NodeJS.Timeout | undefined
  const tryToBegin = (retryMs: number): void => {
    begin().catch((error: unknown) => {
      if (isOver) return
      failed(error)
      retry = setTimeout(() => tryToBegin(Math.min(2 * retryMs, longestRetryMs)), jittered(retryMs)).unref()
    })
  }
  tryToBegin(firstRetryMs)
  return async () => {
    isOver = true
    clearTimeout(retry)
    if (listener === undefined) emitterCall(subscriber, 'off', 'message', onMessage)
    // The subscription is the connection's, in that family.
    const isLast = listener !== undefined || !emitterCall(subscriber, 'listenerCount', 'message')
    return isLast ? end().catch(() => {}) : undefined
  }
}

/** Throws `CONFIGURATION` for what is no client. */
export function assertClient(option: string, client: unknown, methods: readonly string[]): void {
  const isClient =
    typeof client === 'object' && client !== null && methods.every((method) => typeof Reflect.get(client, method) === 'function')
  if (!isClient) throw wrongOption(`\`${option}\` is no client of Redis`, 'pass one of node-redis, ioredis or iovalkey')
}
