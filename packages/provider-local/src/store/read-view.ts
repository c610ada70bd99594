import { SecretsError, type StoredSecret } from '@finchat/secrets-core'
import { lengthPrefixed, sealLength, unseal } from '@finchat/secrets-core/sealing'
import { altered } from '../sqlite/columns.ts'
import { withVersionKey } from '../keys/keyring.ts'
import { leafOf } from '../record/tree-shape.ts'
import { binaryKind, mapKind, type SecretRecord, type VersionRecord } from '../record/secret-record.ts'
import { sealingVersion, type StoreHeader } from '../keys/store-header.ts'
import type { IndexParts } from '../merkle/index-edit.ts'
import type { HeldVersions } from '../merkle/version-index.ts'

/** One verified state of the store, for the time of one transaction. */
export interface StoreView {
  /** Absent where there is no store yet. */
  readonly storeId: Buffer | undefined
  readonly find: (path: string) => SecretRecord | undefined
  /** Every path that the store has ever held. */
  readonly paths: () => string[]
  readonly versions: Pick<HeldVersions, 'version' | 'size' | 'ascending' | 'descending'>
  /** The value of one version. Throws `INTEGRITY` if it is not what was sealed, `CONFIGURATION` if its key is not among `keys`. */
  readonly unseal: (path: string, version: VersionRecord) => Buffer
  /** Whether `find` of the path, and `unseal` of its current version, take no statement: they are in memory, as they were verified. */
  readonly remembers: (path: string) => boolean
}

/** Ciphertext longer than this is read again each time: there may be as many as there are records in memory. */
const longestRemembered = 1_024

export interface ViewParts extends IndexParts {
  readonly held: HeldVersions
}

/** A value as it is in the file, and what it is tied to. */
interface SealedValue {
  readonly sealed: Buffer
  readonly data: Buffer
}

export function storeView({ index, tables, keyring, header, held }: ViewParts): StoreView {
  /** As it was verified, and when: it is good until another connection commits something. */
  const remembered = new WeakMap<VersionRecord, SealedValue & { readonly seenAt: number | undefined }>()
  const rememberedOf = (version: VersionRecord | undefined): SealedValue | undefined => {
    const known = version && remembered.get(version)
    return known?.seenAt === index.seenAt ? known : undefined
  }
  const valueOf = (path: string, version: VersionRecord): SealedValue => {
    const sealed = tables.sealed(leafOf(path), path, version.version)
    if (!sealed || !sealed.subarray(0, sealLength).equals(version.seal)) throw altered()
    return { sealed, data: valueData(header, path, version.version, version.keyId) }
  }
  return {
    storeId: header.storeId,
    find: (path) => index.find(path),
    paths: () => index.paths(),
    versions: held,
    unseal: (path, version) => {
      const { sealed, data } = rememberedOf(version) ?? valueOf(path, version)
      const key = keyring.byId.get(version.keyId)
      if (!key) throw unknownKey()
      const plaintext = withVersionKey(key, data, (own) => unseal(own, data, sealed))
      if (!plaintext) throw altered()
      if (sealed.length <= longestRemembered && !rememberedOf(version)) remembered.set(version, { sealed, data, seenAt: index.seenAt })
      return plaintext
    },
    remembers: (path) => {
      const record = index.known(path)
      return record !== undefined && rememberedOf(held.known(record, record.current)) !== undefined
    },
  }
}

/** The view of a store that does not exist yet. */
export const emptyView: StoreView = {
  storeId: undefined,
  find: () => undefined,
  paths: () => [],
  versions: { version: () => undefined, size: () => 0, ascending: () => [], descending: () => [] },
  unseal: () => {
    throw altered()
  },
  remembers: () => false,
}

/**
 * What a sealed value is tied to, and what its own key is derived from: moved to another name,
 * version, key or store, it does not open.
 */
export function valueData({ storeId }: StoreHeader, path: string, version: number, keyId: string): Buffer {
  return lengthPrefixed(['finchat-secrets/local/value', sealingVersion, storeId, path, version, keyId])
}

/** The version as callers see it. */
export function storedSecret(view: StoreView, path: string, version: VersionRecord): StoredSecret {
  const plaintext = view.unseal(path, version)
  const { kind, revision, currentSince } = version
  const shape = kind & mapKind ? ({ shape: 'map' } as const) : {}
  return { value: valueFrom(plaintext, kind), ...shape, version: version.version, revision, currentSince }
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
