import type { ServerName, TcpProxy } from '@finchat/secrets-test-servers'
import type { KeyvCacheOptions } from '../../options.ts'
import type { RedisClient, RedisSubscriber } from '../../store/redis-client.ts'

export interface Connections extends Pick<KeyvCacheOptions, 'store'> {
  readonly client: RedisClient
  readonly subscriber: RedisSubscriber
}

/** The connections of one process. */
export interface Process {
  readonly connections: Connections
  readonly close: () => Promise<void>
}

/** `least`: the rights of docs/shared-cache.md. `reader`: without the right to write. */
export type EngineUser = 'least' | 'reader'

/** A server that grants fill leases and announces invalidations. */
export interface Engine {
  /** Between the server and all processes. */
  readonly proxy: TcpProxy
  /** By a user with all rights unless another is named. */
  readonly open: (user?: EngineUser) => Promise<Process>
  readonly empty: () => Promise<void>
  /** All names and texts that the server holds. */
  readonly contents: () => Promise<Buffer>
  readonly setFull: (isFull: boolean) => Promise<unknown>
  readonly stop: () => Promise<void>
}

export type EngineFault<E extends Engine> = readonly [
  what: string,
  begin: (engine: E) => Promise<unknown>,
  end: (engine: E) => Promise<unknown>,
]

export interface EngineKind<E extends Engine> {
  readonly name: ServerName
  readonly title: string
  readonly start: () => Promise<E>
  /** Beside those of the network. */
  readonly faults: readonly EngineFault<E>[]
}

const nothing = async (): Promise<void> => {}

export const networkFaults: readonly EngineFault<Engine>[] = [
  ['refuses connections', ({ proxy }) => proxy.refuse(), ({ proxy }) => proxy.accept()],
  ['resets them', async ({ proxy }) => proxy.cut(), nothing],
  ['is slower than the deadline', async ({ proxy }) => proxy.delayReplies(300), async ({ proxy }) => proxy.delayReplies(0)],
  ['cuts its answers', async ({ proxy }) => cutReplies(proxy, 3), async ({ proxy }) => cutReplies(proxy, undefined)],
]

function cutReplies(proxy: TcpProxy, bytes: number | undefined): void {
  proxy.cutReplies(bytes)
  proxy.cut()
}
