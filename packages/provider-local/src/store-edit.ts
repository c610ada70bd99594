import { loadCrypto } from './builtins.ts'
import { IndexEdit } from './index-edit.ts'
import type { CheckedSecret } from './new-secret.ts'
import { seal, sealLength } from './seal.ts'
import { emptyRecord, type SecretRecord, type VersionRecord, versionOf } from './secret-record.ts'
import { type StoreView, valueData, type ViewParts } from './store-view.ts'

/** A version with its ciphertext, not yet written. */
export interface SealedVersion {
  readonly version: VersionRecord
  readonly sealed: Buffer
}

/** The state of the store inside a transaction that changes it. */
export interface StoreEdit extends StoreView {
  /** The key that seals. */
  readonly firstKeyId: string
  /** Seals a new value with the first key. `currentSince` is absent for a version that is pending. */
  readonly seal: (path: string, number: number, secret: CheckedSecret, currentSince: number | undefined) => SealedVersion
  /** Seals an old value with the first key; `undefined` if it is so already. */
  readonly reseal: (path: string, version: VersionRecord) => SealedVersion | undefined
  /** Makes `next` what the store holds of its path; `values` has the ciphertext of every version that is new or sealed again. */
  readonly save: (next: SecretRecord, ...values: SealedVersion[]) => void
  /** From then on the first key alone opens the store. */
  readonly retireOtherKeys: () => void
  /** Writes the index. Returns what is to be called after the commit. */
  readonly finish: () => () => void
}

export function storeEdit(parts: ViewParts, view: StoreView): StoreEdit {
  const { index, tables, keyring, header } = parts
  const { first } = keyring
  const changes = new IndexEdit(index, tables, header)
  const sealWith = (path: string, number: number, plaintext: Buffer): Buffer =>
    seal(first.values, valueData(header, path, number, first.id), plaintext)
  return {
    ...view,
    firstKeyId: first.id,
    find: (path) => changes.find(path),
    seal: (path, number, { plaintext, kind }, currentSince) => {
      const sealed = sealWith(path, number, plaintext)
      const revision = loadCrypto().randomUUID()
      const version = {
        version: number,
        revision,
        keyId: first.id,
        kind,
        createdAt: Date.now(),
        currentSince,
        seal: sealed.subarray(0, sealLength),
      }
      return { version, sealed }
    },
    reseal: (path, version) => {
      if (version.keyId === first.id) return undefined
      const plaintext = view.unseal(path, version)
      const sealed = sealWith(path, version.version, plaintext)
      plaintext.fill(0)
      return { version: { ...version, keyId: first.id, seal: sealed.subarray(0, sealLength) }, sealed }
    },
    save: (next, ...values) => {
      const before = changes.find(next.path) ?? emptyRecord(next.path)
      for (const { version } of before.versions) if (!versionOf(next, version)) tables.dropVersion(next.path, version)
      for (const version of next.versions) saveVersion(before, version, values)
      changes.change(next)
    },
    retireOtherKeys: () => changes.replaceIndexKey(),
    finish: () => changes.finish(first),
  }

  function saveVersion(before: SecretRecord, version: VersionRecord, values: readonly SealedVersion[]): void {
    const known = versionOf(before, version.version)
    if (known === version) return
    const value = values.find((each) => each.version.version === version.version)
    if (!known && value) tables.addVersion(before.path, version, value.sealed)
    else if (value) tables.setSealed(before.path, version, value.sealed)
    else tables.setVersion(before.path, version)
  }
}
