import { KeyBytes } from '../keys/key-bytes.ts'
import { type KeyRing } from '../keys/derive-keys.ts'
import { type KeyTable, openRetired, sealRetired, unwrapIndexKey, wipeRetired, wrapIndexKey } from '../keys/key-table.ts'
import type { StoreHeader } from '../keys/store-header.ts'
import type { SecretRecord } from '../record/secret-record.ts'
import { bucketOf, digestAt, leafOf } from '../record/tree-shape.ts'
import { rowOf } from '../sqlite/row-codecs.ts'
import type { Tables } from '../sqlite/tables.ts'
import type { AuthenticatedIndex } from './authenticated-index.ts'
import type { Leaf } from './leaf.ts'

export interface IndexParts {
  readonly index: AuthenticatedIndex
  readonly tables: Tables
  readonly keyRing: KeyRing
  readonly header: StoreHeader
}

/** Collects the changes of one transaction. */
export class IndexEdit {
  readonly #parts: IndexParts
  readonly #changed = new Map<string, SecretRecord>()
  #replaces = false

  constructor(parts: IndexParts) {
    this.#parts = parts
  }

  find(path: string): SecretRecord | undefined {
    return this.#changed.get(path) ?? this.#index.find(path)
  }

  change(record: SecretRecord): void {
    this.#changed.set(record.path, record)
  }

  /** Gives the index a new key, wrapped for the first key alone. */
  replaceIndexKey(): void {
    this.#replaces = true
  }

  /** Returns a function that updates memory, to call after the commit. */
  finish(): () => void {
    if (this.#replaces) return this.#finishWithNewKey()
    if (this.#changed.size === 0) return () => {}
    const { indexKey, keys } = this.#index.refreshed()
    const adopt = this.#write(indexKey, this.#keysForWriter(keys, indexKey))
    return () => adopt(indexKey)
  }

  /** Unwraps the key again after the commit, so that a failed commit leaves no copy. */
  #finishWithNewKey(): () => void {
    const { keyRing, header } = this.#parts
    const indexKey = KeyBytes.random()
    try {
      const [keys, retired] = this.#keysOfFirst(indexKey)
      const adopt = this.#write(indexKey, keys)
      return () => {
        adopt(unwrapIndexKey(keys.wrapped, keyRing, header))
        wipeRetired(keyRing, retired)
      }
    } finally {
      indexKey.wipe()
    }
  }

  get #index(): AuthenticatedIndex {
    return this.#parts.index
  }

  #write(indexKey: KeyBytes, keys: KeyTable): (indexKey: KeyBytes) => void {
    const [before, adopt] = [this.#index.refreshed(), this.#index.changing()]
    const { tables } = this.#parts
    if (keys !== before.keys) tables.setKeys(keys)
    const leaves = this.#changedLeaves()
    const bucketDigests = this.#bucketDigests(before.bucketDigests, leaves)
    const changes = before.changes + 1
    const root = this.#index.digests.root(indexKey, changes, keys, bucketDigests)
    tables.setRoot(changes, root, bucketDigests)
    return (ownKey) => adopt({ ...before, changes, root, keys, indexKey: ownKey, bucketDigests }, leaves, this.#changed)
  }

  /** The key that seals must open the index too. Throws `CONFIGURATION` for a retired key. */
  #keysForWriter(keys: KeyTable, indexKey: KeyBytes): KeyTable {
    const { keyRing, header } = this.#parts
    const { first } = keyRing
    if (keys.wrapped.some(({ keyId }) => keyId === first.id)) return keys
    const wrapped = [...keys.wrapped, wrapIndexKey(indexKey, first, header)]
    return { ...keys, wrapped: wrapped.toSorted((one, other) => (one.keyId < other.keyId ? -1 : 1)) }
  }

  /** A table for the first key alone, and the ids that this retires. */
  #keysOfFirst(indexKey: KeyBytes): [KeyTable, readonly string[]] {
    const { keyRing, header } = this.#parts
    const { first } = keyRing
    const { keys, indexKey: before } = this.#index.refreshed()
    const others = keys.wrapped.map(({ keyId }) => keyId).filter((keyId) => keyId !== first.id)
    const retired = [...openRetired(keys.retired, before, header), ...others]
    return [{ wrapped: [wrapIndexKey(indexKey, first, header)], retired: sealRetired(retired, indexKey, header) }, others]
  }

  #changedLeaves(): Map<number, Leaf> {
    const leaves = new Map<number, Leaf>()
    for (const [path, record] of this.#changed) {
      const number = leafOf(path)
      const row = rowOf(record)
      const digest = this.#index.digests.record(path, row)
      this.#parts.tables.setRecord(number, path, row, digest)
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
