import { wrongOption } from './wrong-option.ts'

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

/** `SET key text NX PX ttlMs`: resolves to whether it was not there. */
export async function setIfAbsent(client: RedisClient, key: string, text: string, ttlMs: number): Promise<boolean> {
  const set: Send = client.set.bind(client) as Send // its options are those of one of the two families
  const answer = isIoredis(client) ? await set(key, text, 'PX', ttlMs, 'NX') : await set(key, text, { PX: ttlMs, NX: true })
  return answer !== null && answer !== undefined
}

/** Calls `heard` with each message, until the function that it returns is called. Failures are the client's own events. */
export function listen(subscriber: RedisSubscriber, channel: string, heard: (message: string) => void): () => void {
  const subscribe: Send = subscriber.subscribe.bind(subscriber) as Send // takes a listener in one family only
  const on: unknown = Reflect.get(subscriber, 'on')
  const off: unknown = Reflect.get(subscriber, 'off')
  const onMessage = (from: unknown, message: unknown): void => {
    if (from === channel && typeof message === 'string') heard(message)
  }
  const isFamily = isIoredis(subscriber)
  if (isFamily && typeof on === 'function') on.call(subscriber, 'message', onMessage)
  const begun = isFamily ? subscribe(channel) : subscribe(channel, (message: unknown) => onMessage(channel, message))
  begun.catch(() => {})
  return () => {
    if (isFamily && typeof off === 'function') off.call(subscriber, 'message', onMessage)
    void subscriber.unsubscribe(channel).catch(() => {})
  }
}

/**
 * A connection that is lost is an event, which ends the process where nobody listens to it. The cache goes on without, and tells what then
 * fails; so it listens where the user does not.
 */
export function outlive(connection: RedisClient | RedisSubscriber | undefined): void {
  if (connection === undefined) return
  const [on, listenerCount]: unknown[] = [Reflect.get(connection, 'on'), Reflect.get(connection, 'listenerCount')]
  const isHeard = typeof listenerCount === 'function' && listenerCount.call(connection, 'error') > 0
  if (typeof on === 'function' && !isHeard) on.call(connection, 'error', () => {})
}

/** Throws `CONFIGURATION` for what is no client. */
export function assertClient(option: string, client: unknown, methods: readonly string[]): void {
  const isClient =
    typeof client === 'object' && client !== null && methods.every((method) => typeof Reflect.get(client, method) === 'function')
  if (!isClient) throw wrongOption(`\`${option}\` is no client of Redis`, 'pass one of node-redis, ioredis or iovalkey')
}
