import type { SecretsError } from '@finchat/secrets-core'
import { assertWithin, configurationError, knownOptions, type MembersOf } from '@finchat/secrets-core/provider'
import type { RedisClient, RedisSubscriber } from '../store/redis-client.ts'
import type { KeyvStore } from '../store/text-store.ts'
import { type MessageListener, NatsChannels } from './channels.ts'
import {
  assertBucket,
  assertBuckets,
  assertConnection,
  type NatsBuckets,
  type NatsConnection,
  type NatsStreamConfig,
  type NatsStreamInfo,
  usualBucket,
} from './client.ts'
import { NatsTexts } from './texts.ts'

/** What `natsConnections` takes. */
export interface NatsOptions {
  /** Of `createCacheBucket`. Default: `finchat_secrets_cache`. */
  readonly bucket?: string | undefined
}

/** What `createCacheBucket` takes. */
export interface BucketOptions extends NatsOptions {
  /** On so many servers of a cluster: 1, 3 or 5. Default: 1. */
  readonly replicas?: number | undefined
}

/** What `keyvCache` takes of a NATS server. */
export interface NatsConnections {
  readonly store: KeyvStore
  /** Grants fill leases by a write that compares, and announces invalidations by a subject. */
  readonly client: RedisClient
  /** Receives them. */
  readonly subscriber: RedisSubscriber
}

const members: MembersOf<NatsOptions> = { bucket: 'string' }
const bucketMembers: MembersOf<BucketOptions> = { bucket: 'string', replicas: 'number' }
/** Code of JetStream: there is a stream of this name with another configuration. */
const existsOtherwise = 10_058

/** As of Redis: with `NX`, only a text that is new is written. */
interface SetOptions {
  readonly PX: number
  readonly NX?: boolean
}

/**
 * A shared cache over a NATS server with JetStream that a fleet already has: spread the result into
 * the options of `keyvCache`. Calls nothing by itself. Throws `CONFIGURATION` for an invalid option.
 * The connection stays yours: close it after the cache.
 *
 * @example
 * import { generateKey, keyvCache } from '@finchat/secrets-cache-keyv'
 * import { createCacheBucket, natsConnections } from '@finchat/secrets-cache-keyv/nats'
 * import { Kvm } from '@nats-io/kv'
 * import { connect } from '@nats-io/transport-node'
 *
 * const openCache = async () => {
 *   const connection = await connect({ servers: 'nats.example', maxReconnectAttempts: -1 })
 *   const buckets = new Kvm(connection)
 *   await createCacheBucket(buckets) // or once, by an administrator
 *   return keyvCache({ ...natsConnections(connection, buckets), encryptionKey: process.env['CACHE_KEY'] ?? generateKey() })
 * }
 * console.log(typeof openCache) // function
 */
export function natsConnections(connection: NatsConnection, buckets: NatsBuckets, options: NatsOptions = {}): NatsConnections {
  const { bucket = usualBucket } = knownOptions(options, members)
  assertConnection(connection)
  assertBuckets(buckets)
  assertBucket(bucket)
  const [texts, channels] = [new NatsTexts(buckets, bucket), new NatsChannels(connection)]
  return { store: storeOf(texts), client: clientOf(texts, channels), subscriber: subscriberOf(channels) }
}

function storeOf(texts: NatsTexts): KeyvStore & { readonly getMany: (keys: readonly string[]) => Promise<(string | undefined)[]> } {
  return {
    get: async (key) => (await texts.getMany([key]))[0],
    getMany: (keys) => texts.getMany(keys),
    set: (key, text, ttl = 1) => texts.set(key, text, ttl),
    delete: (key) => texts.delete(key),
  }
}

/**
 * Without `info`: a server writes to its disk every two minutes, and tells no client that it lost
 * the last of them. So usage marks are never known to be complete.
 */
function clientOf(texts: NatsTexts, channels: NatsChannels): RedisClient {
  return {
    get: async (key) => (await texts.getMany([key]))[0] ?? null,
    set: async (key: string, text: string, { PX, NX }: SetOptions) =>
      (await (NX ? texts.add(key, text, PX) : texts.set(key, text, PX))) ? 'OK' : null,
    del: async (key) => Number(await texts.delete(key)),
    publish: (channel, message) => channels.publish(channel, message),
  }
}

function subscriberOf(channels: NatsChannels): RedisSubscriber {
  return {
    subscribe: (channel: string, listener: MessageListener) => channels.subscribe(channel, listener),
    unsubscribe: (channel: string, listener?: MessageListener) => channels.unsubscribe(channel, listener),
  }
}

/**
 * Creates the cache's bucket unless there is one, on the server's disk, with a time to live for
 * each key. Throws `CONFIGURATION` for an invalid option, and if there is a bucket without times to
 * live or with markers of ended keys. Rejects with the error of `@nats-io/jetstream`.
 */
export async function createCacheBucket(buckets: NatsBuckets, options: BucketOptions = {}): Promise<void> {
  const { bucket = usualBucket, replicas = 1 } = knownOptions(options, bucketMembers)
  assertBuckets(buckets)
  assertBucket(bucket)
  assertWithin('replicas', replicas, 1, 5)
  const { config } = await streamOf(buckets, streamConfig(bucket, replicas))
  if (config.allow_msg_ttl !== true) throw unusable('whose keys have no time to live')
  if ((config.subject_delete_marker_ttl ?? 0) > 0) throw unusable('with markers of ended keys, which may remove newer texts')
}

/**
 * Not by `create` of a `Kvm`, whose times to live come with markers. On several servers the marker of
 * an ended key arrives late, and NATS 2.15 then removes what was written meanwhile.
 */
function streamConfig(bucket: string, replicas: number): NatsStreamConfig {
  return {
    name: `KV_${bucket}`,
    subjects: [`$KV.${bucket}.>`],
    max_msgs_per_subject: 1,
    num_replicas: replicas,
    discard: 'new',
    storage: 'file',
    allow_direct: false,
    allow_msg_ttl: true,
    allow_rollup_hdrs: true,
    deny_delete: true,
  }
}

async function streamOf({ js }: NatsBuckets, config: NatsStreamConfig): Promise<NatsStreamInfo> {
  const { streams } = await js.jetstreamManager()
  try {
    return await streams.add(config)
  } catch (error) {
    if (!(error instanceof Error) || Reflect.get(error, 'code') !== existsOtherwise) throw error
    return streams.info(config.name)
  }
}

function unusable(how: string): SecretsError {
  return configurationError(`there is a bucket of this name ${how}`, 'give another `bucket`, or delete that one')
}
