import { SecretsError, type StoredSecret } from '@finchat/secrets-core'
import { lengthPrefixed, sealLength, unseal } from '@finchat/secrets-core/sealing'
import { openRetired } from '../keys/key-table.ts'
import { withVersionKey } from '../keys/derive-keys.ts'
import { sealingVersion, type StoreHeader } from '../keys/store-header.ts'
import type { IndexParts } from '../merkle/index-edit.ts'
import type { VersionIndex } from '../merkle/version-index.ts'
import { binaryKind, mapKind, type SecretRecord, type VersionRecord } from '../record/secret-record.ts'
import { leafOf } from '../record/tree-shape.ts'
import { altered } from '../sqlite/columns.ts'

/** A verified state of the store, valid during one transaction. */
export interface ReadView {
  /** Undefined if there is no store yet. */
  readonly storeId: Buffer | undefined
  readonly find: (path: string) => SecretRecord | undefined
  /** Every path ever stored. */
  readonly paths: () => string[]
  readonly versions: Pick<VersionIndex, 'version' | 'size' | 'ascending' | 'descending'>
  /**
   * The value of one version. Throws `INTEGRITY` if it was altered, `CONFIGURATION` if its key is
   * not among `keys`.
   */
  readonly unseal: (path: string, version: VersionRecord) => Buffer
  /** Ids of keys; undefined if there is no store yet. */
  readonly keys: () => KeyIds | undefined
  /** Whether the current version can be read without a statement. */
  readonly isCached: (path: string) => boolean
  /** Whether the current version is known without a statement, its value apart. */
  readonly isKnown: (path: string) => boolean
}

/** Ids tell whether a key is the same, and nothing of it. */
interface KeyIds {
  readonly first: string
  /** The others of `keys`. */
  readonly others: readonly string[]
  /** Those that open the store. */
  readonly opening: readonly string[]
  readonly retired: readonly string[]
}

/** Longer ciphertexts are not cached: there may be one for each record in memory. */
const maxCachedBytes = 1_024

export interface StoreParts extends IndexParts {
  readonly versions: VersionIndex
}

/** A sealed value and its associated data. */
interface SealedValue {
  readonly sealed: Buffer
  readonly data: Buffer
}

export function readView({ index, tables, keyRing, header, versions }: StoreParts): ReadView {
  /** Verified values, valid until another connection commits. */
  const cache = new WeakMap<VersionRecord, SealedValue & { readonly seenAt: number | undefined }>()
  const cachedValue = (version: VersionRecord | undefined): SealedValue | undefined => {
    const known = version && cache.get(version)
    return known?.seenAt === index.seenAt ? known : undefined
  }
  const readValue = (path: string, version: VersionRecord): SealedValue => {
    const sealed = tables.sealed(leafOf(path), path, version.version)
    if (!sealed || !sealed.subarray(0, sealLength).equals(version.seal)) throw altered()
    return { sealed, data: valueData(header, path, version.version, version.keyId) }
  }
  const knownVersion = (path: string): VersionRecord | undefined => {
    const record = index.known(path)
    return record && versions.known(record, record.current)
  }
  return {
    storeId: header.storeId,
    find: (path) => index.find(path),
    paths: () => index.paths(),
    versions,
    keys: () => keyIdsOf({ index, keyRing, header }),
    unseal: (path, version) => {
      const cached = cachedValue(version)
      const { sealed, data } = cached ?? readValue(path, version)
      const key = keyRing.byId.get(version.keyId)
      if (!key) throw unknownKey()
      const plaintext = withVersionKey(key, data, (own) => unseal(own, data, sealed))
      if (!plaintext) throw altered()
      if (!cached && sealed.length <= maxCachedBytes) cache.set(version, { sealed, data, seenAt: index.seenAt })
      return plaintext
    },
    isCached: (path) => cachedValue(knownVersion(path)) !== undefined,
    isKnown: (path) => knownVersion(path) !== undefined,
  }
}

function keyIdsOf({ index, keyRing: { first, byId }, header }: Pick<StoreParts, 'index' | 'keyRing' | 'header'>): KeyIds {
  const { keys, indexKey } = index.refreshed()
  const others = [...byId.keys()].filter((id) => id !== first.id)
  const opening = keys.wrapped.map(({ keyId }) => keyId)
  return { first: first.id, others, opening, retired: openRetired(keys.retired, indexKey, header) }
}

/** The view before the store exists. */
export const emptyView: ReadView = {
  storeId: undefined,
  find: () => undefined,
  paths: () => [],
  versions: { version: () => undefined, size: () => 0, ascending: () => [], descending: () => [] },
  unseal: () => {
    throw altered()
  },
  keys: () => undefined,
  isCached: () => false,
  isKnown: () => false,
}

/** Moved to another name, version, key or store, a value does not open. */
export function valueData({ storeId }: StoreHeader, path: string, version: number, keyId: string): Buffer {
  return lengthPrefixed(['finchat-secrets/local/value', sealingVersion, storeId, path, version, keyId])
}

/** The version as the contract returns it. */
export function storedSecret(view: ReadView, path: string, version: VersionRecord): StoredSecret {
  const plaintext = view.unseal(path, version)
  const { kind, revision, currentSince } = version
  const shape = kind & mapKind ? ({ shape: 'map' } as const) : {}
  return { value: valueFrom(plaintext, kind), ...shape, version: version.version, revision, currentSince, currentNotBefore: currentSince }
}

function valueFrom(plaintext: Buffer, kind: number): string | Uint8Array {
  if (kind & binaryKind) return new Uint8Array(plaintext.buffer, plaintext.byteOffset, plaintext.length)
  const text = plaintext.toString()
  plaintext.fill(0)
  return text
}

function unknownKey(): SecretsError {
  return new SecretsError('CONFIGURATION', 'the secret was sealed with a key that is not among `keys`', {
    remedy: 'add the new key everywhere before making it first',
  })
}
