import type { KeyObject } from 'node:crypto'
import { SecretsError } from '@finchat/secrets-core'
import { Bucket } from './bucket.ts'
import { loadCrypto } from './builtins.ts'
import { altered } from './columns.ts'
import { type Keyring, unwrapIndexKey, type WrappedKey } from './keyring.ts'
import { bucketCount, bucketOf, type IndexMacs, indexMacs, macLength, macOfBucket } from './record-macs.ts'
import type { SecretRecord } from './secret-record.ts'
import type { StoreHeader } from './store-header.ts'
import type { Tables } from './tables.ts'

/** One state of the store that was verified, and as much of it as was asked for. */
export interface VerifiedState {
  readonly changes: number
  readonly root: Buffer
  readonly keys: readonly WrappedKey[]
  readonly indexKey: KeyObject
  readonly macs: IndexMacs
  readonly bucketMacs: Buffer
  /** The secrets of the buckets that were looked into. */
  readonly buckets: Map<number, Bucket>
  readonly records: Map<string, SecretRecord>
}

/** Records in memory are without values; beyond this many they are read and verified again. */
const mostRecords = 10_000

/**
 * What the store holds, authenticated from a root MAC down: root, bucket, secret. What was verified once is remembered
 * and holds as long as the root in the file is the same, so that a read of an unchanged store computes no MAC at all.
 * Every method but
 * `seenAt`, `isCurrent` and `known` runs inside a transaction, after `refresh`.
 */
export class AuthenticatedIndex {
  readonly #tables: Tables
  readonly #keyring: Keyring
  readonly #header: StoreHeader
  #state: VerifiedState | undefined
  #seenAt: number | undefined

  constructor(tables: Tables, keyring: Keyring, header: StoreHeader) {
    this.#tables = tables
    this.#keyring = keyring
    this.#header = header
  }

  /** The state that is in the file now. Throws `INTEGRITY` if it is none that a holder of a key has written, or an older one. */
  refresh(): VerifiedState {
    this.#seenAt = undefined
    const { changes, mac } = this.#tables.root()
    const known = this.#state
    if (!known || known.changes !== changes || !known.root.equals(mac)) {
      if (known && changes <= known.changes) throw rolledBack()
      this.#state = this.#verified(changes, mac, known)
    }
    this.#seenAt = this.#tables.dataVersion()
    return this.refreshed()
  }

  /** The data version at which what is known was last seen in the file. */
  get seenAt(): number | undefined {
    return this.#seenAt
  }

  /** Whether nobody else has committed anything since `refresh`: what is known is true without a transaction. */
  isCurrent(): boolean {
    return this.#seenAt !== undefined && this.#tables.dataVersion() === this.#seenAt
  }

  /** The secret's record if it is known; no statement is run. */
  known(path: string): SecretRecord | undefined {
    return this.#state?.records.get(path)
  }

  /** What a transaction of ours made of it, once that is committed. */
  adopt(state: VerifiedState, buckets: VerifiedState['buckets'], records: VerifiedState['records']): void {
    for (const [number, bucket] of buckets) state.buckets.set(number, bucket.settled())
    for (const record of records.values()) remember(state, record)
    this.#state = state
  }

  /** The secret's record, or `undefined`: authentically, there is none. */
  find(path: string): SecretRecord | undefined {
    const { records, macs } = this.refreshed()
    const known = records.get(path)
    if (known) return known
    const bucket = bucketOf(path)
    const mac = this.bucket(bucket).mac(path)
    if (!mac) return undefined
    const record = this.#tables.record(bucket, path)
    if (!record || !sameMac(macs.record(record), mac)) throw altered()
    remember(this.refreshed(), record)
    return record
  }

  /** Every path that the store has ever held. */
  paths(): string[] {
    return Array.from({ length: bucketCount }, (_, bucket) => this.bucket(bucket).paths).flat()
  }

  bucket(number: number): Bucket {
    const { buckets, bucketMacs, macs } = this.refreshed()
    const known = buckets.get(number)
    if (known) return known
    const bucket = Bucket.of(this.#tables.bucket(number))
    if (!sameMac(macs.bucket(number, bucket), macOfBucket(bucketMacs, number))) throw altered()
    buckets.set(number, bucket)
    return bucket
  }

  refreshed(): VerifiedState {
    return this.#state ?? this.refresh()
  }

  #verified(changes: number, root: Buffer, known: VerifiedState | undefined): VerifiedState {
    const keys = this.#tables.keys()
    const indexKey = known && sameKeys(known.keys, keys) ? known.indexKey : unwrapIndexKey(keys, this.#keyring, this.#header)
    const macs = indexMacs(indexKey, this.#header)
    const bucketMacs = this.#tables.bucketMacs()
    if (bucketMacs.length !== bucketCount * macLength || !sameMac(macs.root(changes, keys, bucketMacs), root)) throw altered()
    return { changes, root, keys, indexKey, macs, bucketMacs, ...stillTrue(known, bucketMacs) }
  }
}

function remember({ records }: VerifiedState, record: SecretRecord): void {
  if (records.size >= mostRecords) records.clear()
  records.set(record.path, record)
}

/** Of what was known, the buckets whose MAC is the same, with their records. */
function stillTrue(known: VerifiedState | undefined, bucketMacs: Buffer): Pick<VerifiedState, 'buckets' | 'records'> {
  const buckets = new Map(known?.buckets)
  const records = new Map(known?.records)
  for (const [number, bucket] of buckets) {
    if (known && macOfBucket(known.bucketMacs, number).equals(macOfBucket(bucketMacs, number))) continue
    buckets.delete(number)
    for (const path of bucket.paths) records.delete(path)
  }
  return { buckets, records }
}

function sameKeys(some: readonly WrappedKey[], others: readonly WrappedKey[]): boolean {
  return some.length === others.length && some.every((key, at) => sameKey(key, others[at]))
}

function sameKey(one: WrappedKey, other: WrappedKey | undefined): boolean {
  if (one.keyId !== other?.keyId) return false
  return one.wrapped && other.wrapped ? one.wrapped.equals(other.wrapped) : one.wrapped === other.wrapped
}

function sameMac(one: Buffer, other: Buffer): boolean {
  return loadCrypto().timingSafeEqual(one, other)
}

function rolledBack(): SecretsError {
  return new SecretsError('INTEGRITY', 'the store was put back to an earlier state while it was open', {
    remedy: 'restart with the file that you trust, and find out who could write it',
  })
}
