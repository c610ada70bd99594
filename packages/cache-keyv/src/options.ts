import { assertWithin, configurationError, knownOptions, type MembersOf } from '@finchat/secrets-core/provider'
import { type EncryptionKey, generateKey, givenKeys, missingKey } from '@finchat/secrets-core/sealing'
import { rawKey } from './sealed/key-ring.ts'
import { assertClient, type RedisClient, type RedisSubscriber } from './store/redis-client.ts'
import { assertStore, isInProcess, type KeyvStore } from './store/text-store.ts'

/** What `keyvCache` takes. */
export interface KeyvCacheOptions {
  /** A Keyv over an adapter, an adapter itself, or a Map for tests. Never closed by the cache. */
  readonly store: KeyvStore
  /**
   * Seals entries: 32 random bytes or their text, the same for the whole fleet. Optional only for
   * a store in this process.
   */
  readonly encryptionKey?: EncryptionKey | undefined
  /**
   * Instead of `encryptionKey`, a ring: the first key seals, all of them open. Append a new key
   * in every process before any process puts it first.
   */
  readonly keys?: readonly EncryptionKey[] | undefined
  /**
   * Hashes the key names. Default: the only key. Required with several keys: the fleet's first
   * key, for good.
   */
  readonly indexKey?: EncryptionKey | undefined
  /** Separates caches in one store with one key: any text. Default: the empty text. */
  readonly namespace?: string | undefined
  /** Begins every key in the store: up to 64 letters, digits and . : _ -. Default: `fs1:`. */
  readonly keyPrefix?: string | undefined
  /**
   * Deadline of one call to the store, milliseconds. In the first 10 s, 20 times that, up to 1,000.
   * Default: 50.
   */
  readonly timeoutMs?: number | undefined
  /** Pause after three failures in a row, milliseconds. Default: 5,000. */
  readonly coolDownMs?: number | undefined
  /**
   * How long a read waits for another process, milliseconds. A fill lease lasts half of it.
   * Default: 1,000.
   */
  readonly waitMs?: number | undefined
  /** How long a claim to the fill lease must stand without `client`, milliseconds. Default: 25. */
  readonly settleMs?: number | undefined
  /**
   * Reads fail with `UNAVAILABLE` while the store is unavailable, instead of asking the provider.
   * Default: false.
   */
  readonly failClosed?: boolean | undefined
  /**
   * A client (node-redis, ioredis, iovalkey) of the same server: it grants fill leases and
   * publishes invalidations.
   */
  readonly client?: RedisClient | undefined
  /** A separate connection that receives other processes' invalidations. */
  readonly subscriber?: RedisSubscriber | undefined
}

const members: MembersOf<KeyvCacheOptions> = {
  store: 'any',
  encryptionKey: 'any',
  keys: 'any',
  indexKey: 'any',
  namespace: 'string',
  keyPrefix: 'string',
  timeoutMs: 'number',
  coolDownMs: 'number',
  waitMs: 'number',
  settleMs: 'number',
  failClosed: 'boolean',
  client: 'any',
  subscriber: 'any',
}

export interface CheckedOptions {
  readonly store: KeyvStore
  readonly ring: readonly [Uint8Array, ...Uint8Array[]]
  readonly indexRoot: Uint8Array
  readonly namespace: string
  readonly keyPrefix: string
  readonly timeoutMs: number
  readonly coolDownMs: number
  readonly waitMs: number
  readonly settleMs: number
  readonly failClosed: boolean
  readonly client: RedisClient | undefined
  readonly subscriber: RedisSubscriber | undefined
  /** A key is given, but the store is in this process. */
  readonly isUnshared: boolean
}

const longestMs = 600_000

/** Throws `CONFIGURATION` for an invalid option. Does not call the store. */
export function checkedOptions(given: KeyvCacheOptions): CheckedOptions {
  const options = knownOptions(given, members)
  const { store, namespace = '', keyPrefix = 'fs1:', failClosed = false, client, subscriber } = options
  assertStore(store)
  if (!namespace.isWellFormed()) throw configurationError('`namespace` is not well-formed text', 'remove unpaired surrogates')
  if (!/^[\w.:-]{0,64}$/.test(keyPrefix))
    throw configurationError('`keyPrefix` cannot be used', 'give up to 64 letters, digits and . : _ -')
  if (client !== undefined) assertClient('client', client, ['set', 'get', 'del', 'publish'])
  if (subscriber !== undefined) assertClient('subscriber', subscriber, ['subscribe', 'unsubscribe'])
  if (subscriber !== undefined && client === undefined)
    throw configurationError('`subscriber` is given without `client`', 'give the client too, which announces invalidations')
  const checked = {
    store,
    namespace,
    keyPrefix,
    failClosed,
    client,
    subscriber,
    timeoutMs: milliseconds('timeoutMs', options.timeoutMs ?? 50, 1),
    coolDownMs: milliseconds('coolDownMs', options.coolDownMs ?? 5_000, 0),
    waitMs: milliseconds('waitMs', options.waitMs ?? 1_000, 0),
    settleMs: milliseconds('settleMs', options.settleMs ?? 25, 0),
    isUnshared: isInProcess(store) && (options.encryptionKey ?? options.keys) !== undefined,
  }
  // Last: an error after this would leave the parsed keys in memory.
  return { ...checked, ...keysOf(options) }
}

function keysOf({ store, encryptionKey, keys, indexKey }: KeyvCacheOptions): Pick<CheckedOptions, 'ring' | 'indexRoot'> {
  if (encryptionKey === '') throw missingKey('encryptionKey') // a variable that is set, and empty
  const [first, ...others] = givenKeys('encryptionKey', encryptionKey, keys) ?? [processKey(store)]
  if (others.length > 0 && indexKey === undefined)
    throw configurationError('several keys are given without `indexKey`', 'give as `indexKey` the key that the fleet began with, for good')
  const [indexRoot, ...ring] = rawKeys([indexKey ?? first, first, ...others])
  return { ring, indexRoot }
}

/** If one is invalid, overwrites those already parsed. */
function rawKeys(keys: readonly [EncryptionKey, EncryptionKey, ...EncryptionKey[]]): [Uint8Array, Uint8Array, ...Uint8Array[]] {
  const parsed: Uint8Array[] = []
  try {
    for (const key of keys) parsed.push(rawKey(key))
  } catch (error) {
    for (const bytes of parsed) bytes.fill(0)
    throw error
  }
  return parsed as [Uint8Array, Uint8Array, ...Uint8Array[]] // one of each
}

function processKey(store: KeyvStore): EncryptionKey {
  if (isInProcess(store)) return generateKey()
  throw missingKey('encryptionKey')
}

function milliseconds(option: string, value: number, least: number): number {
  assertWithin(option, value, least, longestMs)
  return value
}
