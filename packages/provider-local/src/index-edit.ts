import type { KeyObject } from 'node:crypto'
import type { AuthenticatedIndex, VerifiedState } from './authenticated-index.ts'
import { bucketOf, digestAt, leafOf } from './index-digests.ts'
import { newIndexKey, retiredKey, type StoreKey, wrapIndexKey, type WrappedKey } from './keyring.ts'
import type { Leaf } from './leaf.ts'
import { rowOf } from './record-facts.ts'
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

  /** A new key for the index, sealed for the first key alone: no other key opens the store from then on, or seals. */
  replaceIndexKey(): void {
    this.#newIndexKey = newIndexKey()
  }

  /** Writes digests and root. Returns what is to be called once that is committed: until then memory must not know of it. */
  finish(first: StoreKey): () => void {
    if (this.#changed.size === 0 && !this.#newIndexKey) return () => {}
    const [before, adopt] = [this.#index.refreshed(), this.#index.changing()]
    const indexKey = this.#newIndexKey ?? before.indexKey
    const keys = this.#writeKeys(before, first, indexKey)
    const leaves = this.#changedLeaves()
    const bucketDigests = this.#bucketDigests(before.bucketDigests, leaves)
    const changes = before.changes + 1
    const root = this.#index.digests.root(indexKey, changes, keys, bucketDigests)
    this.#tables.setRoot(changes, root, bucketDigests)
    return () => adopt({ ...before, changes, root, keys, indexKey, bucketDigests }, leaves, this.#changed)
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

  #changedLeaves(): Map<number, Leaf> {
    const leaves = new Map<number, Leaf>()
    for (const [path, record] of this.#changed) {
      const number = leafOf(path)
      const row = rowOf(record)
      const digest = this.#index.digests.record(path, row)
      this.#tables.setRecord(number, path, row, digest)
      const leaf = leaves.get(number) ?? this.#index.bucket(bucketOf(number)).leaf(number)
      leaves.set(number, leaf.with(path, digest))
    }
    return leaves
  }

  #bucketDigests(before: Buffer, leaves: ReadonlyMap<number, Leaf>): Buffer {
    const digests = Buffer.from(before)
    const byBucket = Map.groupBy(leaves, ([leaf]) => bucketOf(leaf))
    for (const [number, others] of byBucket) digestAt(digests, number).set(this.#index.bucket(number).digest(others))
    return digests
  }
}
