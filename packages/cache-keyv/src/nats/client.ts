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
  /** For a while a deleted key is an entry too, with `PURGE` and no bytes. */
  readonly operation: 'PUT' | 'DEL' | 'PURGE'
  readonly revision: number
  readonly string: () => string
}

/** What this package uses of a bucket of `@nats-io/kv`. */
export interface NatsBucket {
  readonly get: (key: string) => Promise<NatsEntry | null>
  readonly purge: (key: string, options: { ttl: string }) => Promise<void>
}

/** Of a write: `ttl` such as `5s`, and the revision that it replaces, 0 for none. */
export interface NatsWriteOptions {
  readonly ttl: string
  readonly expect?: { readonly lastSubjectSequence: number }
}

/** What this package sets of a stream that is a bucket. */
export interface NatsStreamConfig {
  readonly name: string
  readonly subjects: string[]
  readonly max_msgs_per_subject: number
  readonly num_replicas: number
  readonly discard: 'new'
  readonly storage: 'file'
  readonly allow_direct: boolean
  readonly allow_msg_ttl: boolean
  readonly allow_rollup_hdrs: boolean
  readonly deny_delete: boolean
}

/** What this package reads of a stream. */
export interface NatsStreamInfo {
  readonly config: { readonly allow_msg_ttl?: boolean; readonly subject_delete_marker_ttl?: number }
}

/** What this package uses of a JetStream manager of `@nats-io/jetstream`. */
export interface NatsManager {
  readonly streams: {
    readonly add: (config: NatsStreamConfig) => Promise<NatsStreamInfo>
    readonly info: (name: string) => Promise<NatsStreamInfo>
  }
}

/** What this package uses of a `Kvm` of `@nats-io/kv`. */
export interface NatsBuckets {
  readonly js: {
    /** Other than `$JS.API` for another domain. */
    readonly apiPrefix: string
    readonly publish: (subject: string, text: string, options: NatsWriteOptions) => Promise<unknown>
    readonly jetstreamManager: () => Promise<NatsManager>
  }
  readonly open: (bucket: string, options: { allow_direct: boolean }) => Promise<NatsBucket>
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
  if (hasMethods(buckets, ['open']) && hasMethods(Reflect.get(buckets, 'js'), ['publish', 'jetstreamManager'])) return
  throw configurationError('the buckets are none of NATS', 'pass `new Kvm(connection)` of `@nats-io/kv`')
}

function hasMethods(given: unknown, methods: readonly string[]): given is object {
  return typeof given === 'object' && given !== null && methods.every((method) => typeof Reflect.get(given, method) === 'function')
}
