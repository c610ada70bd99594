import { seal, sealLength } from '@finchat/secrets-core/sealing'
import { loadCrypto } from './builtins.ts'
import { leafOf } from './index-digests.ts'
import { IndexEdit } from './index-edit.ts'
import type { CheckedSecret } from './new-secret.ts'
import { emptyRecord, type SecretRecord, type VersionRecord, versionOf } from './secret-record.ts'
import { type StoreView, valueData, type ViewParts } from './store-view.ts'
import type { Tables } from './tables.ts'
import { timestamp } from './timestamp.ts'

/** A version with its ciphertext, not yet written. */
export interface SealedVersion {
  readonly version: VersionRecord
  readonly sealed: Buffer
}

/** The state of the store inside a transaction that changes it. */
export interface StoreEdit extends StoreView {
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
  const changes = new IndexEdit(parts.index, parts.tables, parts.header)
  const { first } = parts.keyring
  return {
    ...view,
    ...sealing(parts, view),
    find: (path) => changes.find(path),
    save: (next, ...values) => {
      saveVersions(parts.tables, changes.find(next.path) ?? emptyRecord(next.path), next, values)
      changes.change(next)
    },
    retireOtherKeys: () => changes.replaceIndexKey(),
    finish: () => changes.finish(first),
  }
}

function sealing({ keyring: { first }, header }: ViewParts, view: StoreView): Pick<StoreEdit, 'seal' | 'reseal'> {
  const sealed = (path: string, plaintext: Buffer, version: Omit<VersionRecord, 'keyId' | 'seal'>): SealedVersion => {
    const text = seal(first.values, valueData(header, path, version.version, first.id), plaintext)
    return { version: { ...version, keyId: first.id, seal: Buffer.from(text.subarray(0, sealLength)) }, sealed: text }
  }
  return {
    seal: (path, number, { plaintext, kind }, currentSince) => {
      const revision = loadCrypto().randomUUID()
      return sealed(path, plaintext, { version: number, revision, kind, createdAt: timestamp(), currentSince })
    },
    reseal: (path, version) => {
      if (version.keyId === first.id) return undefined
      const plaintext = view.unseal(path, version)
      const again = sealed(path, plaintext, version)
      plaintext.fill(0)
      return again
    },
  }
}

/** Writes what differs between the versions of two records of one secret. */
function saveVersions(tables: Tables, before: SecretRecord, next: SecretRecord, values: readonly SealedVersion[]): void {
  const { path } = next
  const leaf = leafOf(path)
  for (const { version } of before.versions) if (!versionOf(next, version)) tables.dropVersion(leaf, path, version)
  for (const version of next.versions) {
    const known = versionOf(before, version.version)
    if (known === version) continue
    const value = values.find((each) => each.version.version === version.version)
    if (!known && value) tables.addVersion(leaf, path, version, value.sealed)
    else if (value) tables.setSealed(leaf, path, version, value.sealed)
    else tables.setVersion(leaf, path, version)
  }
}
