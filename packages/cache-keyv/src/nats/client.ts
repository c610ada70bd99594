import { configurationError } from '@finchat/secrets-core/provider'

/** What this package uses of a message of `@nats-io/transport-node`. */
export interface NatsMessage {
  readonly string: () => string
}

export interface NatsSubscription {
  readonly unsubscribe: () => void
}

/** What this package uses of a connection of `@nats-io/transport-node`. */
export interface NatsConnection {
  readonly publish: (subject: string, payload: string) => void
  readonly subscribe: (
    subject: string,
    options: { readonly callback: (error: Error | null, message: NatsMessage) => void },
  ) => NatsSubscription
  readonly flush: () => Promise<void>
}

/** What this package uses of an entry of `@nats-io/kv`. */
export interface NatsEntry {
  /** An ended key is an entry too, with `PURGE` and no bytes. */
  readonly operation: 'PUT' | 'DEL' | 'PURGE'
  readonly string: () => string
}

/** What this package uses of a bucket of `@nats-io/kv`. */
export interface NatsBucket {
  readonly get: (key: string) => Promise<NatsEntry | null>
  readonly create: (key: string, text: string, ttl: string) => Promise<number>
  readonly purge: (key: string, options: { ttl: string }) => Promise<void>
  readonly status: () => Promise<{ readonly markerTTL: number }>
}

/** What this package uses of a `Kvm` of `@nats-io/kv`. */
export interface NatsBuckets {
  readonly js: { readonly publish: (subject: string, text: string, options: { ttl: string }) => Promise<unknown> }
  readonly open: (bucket: string, options: { allow_direct: boolean }) => Promise<NatsBucket>
  readonly create: (
    bucket: string,
    options: { allow_direct: boolean; history: number; markerTTL: number; replicas: number },
  ) => Promise<NatsBucket>
}

/** Of a cache without a bucket of another name. */
export const usualBucket = 'finchat_secrets_cache'

export function assertBucket(bucket: string): void {
  if (typeof bucket === 'string' && /^[\w-]{1,200}$/.test(bucket)) return
  throw configurationError('`bucket` is no name of a bucket', 'give up to 200 letters, digits and _ -')
}

export function assertConnection(connection: unknown): asserts connection is NatsConnection {
  if (hasMethods(connection, ['publish', 'subscribe', 'flush'])) return
  throw configurationError('the connection is none of NATS', 'pass `await connect({ servers })` of `@nats-io/transport-node`')
}

export function assertBuckets(buckets: unknown): asserts buckets is NatsBuckets {
  if (hasMethods(buckets, ['open', 'create']) && hasMethods(Reflect.get(buckets, 'js'), ['publish'])) return
  throw configurationError('the buckets are none of NATS', 'pass `new Kvm(connection)` of `@nats-io/kv`')
}

function hasMethods(given: unknown, methods: readonly string[]): given is object {
  return typeof given === 'object' && given !== null && methods.every((method) => typeof Reflect.get(given, method) === 'function')
}
