import type { KeyObject } from 'node:crypto'
import type { AuthenticatedIndex, VerifiedState } from './authenticated-index.ts'
import { Bucket } from './bucket.ts'
import { newIndexKey, retiredKey, type StoreKey, wrapIndexKey, type WrappedKey } from './keyring.ts'
import { bucketCount, bucketOf, type IndexMacs, indexMacs, macOfBucket } from './record-macs.ts'
import type { SecretRecord } from './secret-record.ts'
import type { StoreHeader } from './store-header.ts'
import type { Tables } from './tables.ts'

/** The changes of one transaction, gathered, and written into the index at its end in one go. */
export class IndexEdit {
  readonly #index: AuthenticatedIndex
  readonly #tables: Tables
  readonly #header: StoreHeader
  readonly #changed = new Map<string, SecretRecord>()
  #newIndexKey: KeyObject | undefined

  constructor(index: AuthenticatedIndex, tables: Tables, header: StoreHeader) {
    this.#index = index
    this.#tables = tables
    this.#header = header
  }

  find(path: string): SecretRecord | undefined {
    return this.#changed.get(path) ?? this.#index.find(path)
  }

  change(record: SecretRecord): void {
    this.#changed.set(record.path, record)
  }

  /** A new key for the whole index, sealed for the first key alone: no other key opens the store from then on, or seals. */
  replaceIndexKey(): void {
    for (const path of this.#index.paths()) {
      const record = this.find(path)
      if (record) this.change(record)
    }
    this.#newIndexKey = newIndexKey()
  }

  /** Writes MACs and root. Returns what is to be called once that is committed: until then memory must not know of it. */
  finish(first: StoreKey): () => void {
    if (this.#changed.size === 0 && !this.#newIndexKey) return () => {}
    const before = this.#index.refreshed()
    const indexKey = this.#newIndexKey ?? before.indexKey
    const macs = indexMacs(indexKey, this.#header)
    const keys = this.#writeKeys(before, first, indexKey)
    const buckets = this.#changedBuckets(macs)
    const bucketMacs = this.#writeBucketMacs(before, buckets, macs)
    const changes = before.changes + 1
    const root = macs.root(changes, keys, bucketMacs)
    this.#tables.setRoot(changes, root)
    return () => this.#index.adopt({ ...before, changes, root, keys, indexKey, macs, bucketMacs }, buckets, this.#changed)
  }

  /**
   * The key that seals must be able to open the index, or its holder could not read what it has written. Throws
   * `CONFIGURATION` if it was retired.
   */
  #writeKeys(before: VerifiedState, first: StoreKey, indexKey: KeyObject): readonly WrappedKey[] {
    const own = before.keys.find(({ keyId }) => keyId === first.id)
    if (own && !own.wrapped) throw retiredKey()
    if (own && !this.#newIndexKey) return before.keys
    const others = before.keys.filter((key) => key !== own).map((key) => (this.#newIndexKey ? { ...key, wrapped: undefined } : key))
    const keys = [...others, wrapIndexKey(indexKey, first, this.#header)].toSorted((one, other) => (one.keyId < other.keyId ? -1 : 1))
    this.#tables.setKeys(keys)
    return keys
  }

  #changedBuckets(macs: IndexMacs): Map<number, Bucket> {
    const changes = new Map<number, Map<string, Buffer>>()
    if (this.#newIndexKey) for (let number = 0; number < bucketCount; number++) changes.set(number, new Map())
    for (const [path, record] of this.#changed) {
      const number = bucketOf(path)
      const mac = macs.record(record)
      this.#tables.setRecord(record, number, mac)
      changes.set(number, (changes.get(number) ?? new Map<string, Buffer>()).set(path, mac))
    }
    return new Map([...changes].map(([number, macsByPath]) => [number, this.#changedBucket(number, macsByPath)]))
  }

  #changedBucket(number: number, macsByPath: ReadonlyMap<string, Buffer>): Bucket {
    return this.#newIndexKey ? Bucket.of(macsByPath) : this.#index.bucket(number).with(macsByPath)
  }

  #writeBucketMacs(before: VerifiedState, buckets: ReadonlyMap<number, Bucket>, macs: IndexMacs): Buffer {
    const bucketMacs = Buffer.from(before.bucketMacs)
    for (const [number, bucket] of buckets) {
      const mac = macs.bucket(number, bucket)
      macOfBucket(bucketMacs, number).set(mac)
      this.#tables.setBucketMac(number, mac)
    }
    return bucketMacs
  }
}
