import { SecretsError } from '@finchat/secrets-core'
import { loadCrypto } from '@finchat/secrets-core/provider'
import type { KeyBytes } from '../keys/key-bytes.ts'
import { type KeyRing } from '../keys/derive-keys.ts'
import { type KeyTable, openRetired, unwrapIndexKey, wipeRetired, type WrappedKey } from '../keys/key-table.ts'
import type { StoreHeader } from '../keys/store-header.ts'
import type { SecretRecord } from '../record/secret-record.ts'
import { bucketCount, bucketOf, digestAt, leafOf } from '../record/tree-shape.ts'
import { altered } from '../sqlite/columns.ts'
import { recordOf } from '../sqlite/row-codecs.ts'
import type { Tables } from '../sqlite/tables.ts'
import { Bucket } from './bucket.ts'
import { type IndexDigests, indexDigests } from './index-digests.ts'
import type { Leaf } from './leaf.ts'

/** A verified state of the store, as far as it was read. */
export interface VerifiedState {
  readonly changes: number
  readonly root: Buffer
  readonly keys: KeyTable
  readonly indexKey: KeyBytes
  readonly bucketDigests: Buffer
  /** Buckets read so far. */
  readonly buckets: Map<number, Bucket>
  readonly records: Map<string, SecretRecord>
}

/** Records in memory, without values. */
const maxRecords = 10_000

/**
 * The store's content, authenticated by a hash tree: root MAC, bucket, leaf, secret. Verified parts
 * stay in memory while the root is unchanged. Call `refresh` first, in a transaction; only
 * `seenAt`, `isCurrent` and `known` work outside one.
 */
export class AuthenticatedIndex {
  readonly #tables: Tables
  readonly #keyRing: KeyRing
  readonly #header: StoreHeader
  readonly digests: IndexDigests
  #state: VerifiedState | undefined
  #seenAt: number | undefined

  constructor(tables: Tables, keyRing: KeyRing, header: StoreHeader) {
    this.#tables = tables
    this.#keyRing = keyRing
    this.#header = header
    this.digests = indexDigests(header)
  }

  /** Throws `INTEGRITY` if no key holder wrote this state, or if it is older than the last one. */
  refresh(dataVersion: number): void {
    if (this.#seenAt === dataVersion) return
    this.#seenAt = undefined
    const { changes, mac } = this.#tables.root()
    const known = this.#state
    if (!known || known.changes !== changes || !known.root.equals(mac)) {
      if (known && changes <= known.changes) throw rolledBack()
      this.#adopt(this.#verified(changes, mac, known))
    }
    this.#seenAt = dataVersion
  }

  /** The data version at which the file last matched memory. */
  get seenAt(): number | undefined {
    return this.#seenAt
  }

  /** Whether no other connection has committed since `refresh`; needs no transaction. */
  isCurrent(): boolean {
    return this.#seenAt !== undefined && this.#tables.dataVersion() === this.#seenAt
  }

  /** The record if it is in memory; runs no statement. */
  known(path: string): SecretRecord | undefined {
    return this.#state?.records.get(path)
  }

  /**
   * Returns a function that adopts the new state after the commit. Otherwise the file is read
   * again.
   */
  changing(): (state: VerifiedState, leaves: ReadonlyMap<number, Leaf>, records: VerifiedState['records']) => void {
    const seenAt = this.#seenAt
    this.#seenAt = undefined
    return (state, leaves, records) => {
      for (const [number, leaf] of leaves) state.buckets.get(bucketOf(number))?.adopt(number, leaf)
      for (const record of records.values()) remember(state, record)
      this.#adopt(state)
      this.#seenAt = seenAt
    }
  }

  /** The secret's record. `undefined` is authenticated: there is no such secret. */
  find(path: string): SecretRecord | undefined {
    const state = this.refreshed()
    const known = state.records.get(path)
    if (known) return known
    const leaf = leafOf(path)
    const digest = this.bucket(bucketOf(leaf)).leaf(leaf).digestOf(path)
    if (!digest) return undefined
    const row = this.#tables.record(leaf, path)
    if (!row || !this.digests.record(path, row).equals(digest)) throw altered()
    const record = recordOf(path, row)
    remember(state, record)
    return record
  }

  /** Every path ever stored. */
  paths(): string[] {
    return Array.from({ length: bucketCount }, (_, bucket) => this.bucket(bucket).paths).flat()
  }

  bucket(number: number): Bucket {
    const { buckets, bucketDigests } = this.refreshed()
    const known = buckets.get(number)
    if (known) return known
    const bucket = new Bucket(this.digests, this.#tables.bucket(number))
    if (!bucket.digest().equals(digestAt(bucketDigests, number))) throw altered()
    buckets.set(number, bucket)
    return bucket
  }

  refreshed(): VerifiedState {
    if (this.#state) return this.#state
    throw new SecretsError('INTERNAL', "the store's index was used before it was read")
  }

  /** Wipes the index key. The index cannot be used afterwards. */
  close(): void {
    this.#state?.indexKey.wipe()
  }

  #verified(changes: number, root: Buffer, known: VerifiedState | undefined): VerifiedState {
    const keys = this.#tables.keys()
    const isKnown = known !== undefined && sameKeys(known.keys, keys)
    const indexKey = isKnown ? known.indexKey : unwrapIndexKey(keys.wrapped, this.#keyRing, this.#header)
    try {
      const bucketDigests = this.#tables.bucketDigests()
      if (!sameMac(this.digests.root(indexKey, changes, keys, bucketDigests), root)) throw altered()
      if (!isKnown) wipeRetired(this.#keyRing, openRetired(keys.retired, indexKey, this.#header))
      return { changes, root, keys: isKnown ? known.keys : keys, indexKey, bucketDigests, ...stillValid(known, bucketDigests) }
    } catch (error) {
      if (!isKnown) indexKey.wipe()
      throw error
    }
  }

  #adopt(state: VerifiedState): void {
    const before = this.#state?.indexKey
    if (before !== state.indexKey) before?.wipe()
    this.#state = state
  }
}

function remember({ records }: VerifiedState, record: SecretRecord): void {
  if (records.size >= maxRecords) records.clear()
  records.set(record.path, record)
}

/** Buckets, with their records, whose digest has not changed. */
function stillValid(known: VerifiedState | undefined, bucketDigests: Buffer): Pick<VerifiedState, 'buckets' | 'records'> {
  const buckets = new Map(known?.buckets)
  const records = new Map(known?.records)
  for (const [number, bucket] of buckets) {
    if (known && digestAt(known.bucketDigests, number).equals(digestAt(bucketDigests, number))) continue
    buckets.delete(number)
    for (const path of bucket.paths) records.delete(path)
  }
  return { buckets, records }
}

function sameKeys(some: KeyTable, others: KeyTable): boolean {
  if (some.wrapped.length !== others.wrapped.length || !some.retired.equals(others.retired)) return false
  return some.wrapped.every((key, at) => sameKey(key, others.wrapped[at]))
}

function sameKey(one: WrappedKey, other: WrappedKey | undefined): boolean {
  return one.keyId === other?.keyId && one.wrapped.equals(other.wrapped)
}

function sameMac(one: Buffer, other: Buffer): boolean {
  return loadCrypto().timingSafeEqual(one, other)
}

function rolledBack(): SecretsError {
  return new SecretsError('INTEGRITY', 'the store was rolled back to an earlier state while it was open', {
    remedy: 'restart with the file that you trust, and find out who could write it',
  })
}
