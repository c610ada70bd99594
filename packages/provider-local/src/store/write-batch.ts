import { loadCrypto } from '@finchat/secrets-core/provider'
import { seal, sealLength } from '@finchat/secrets-core/sealing'
import { withVersionKey } from '../keys/derive-keys.ts'
import { IndexEdit } from '../merkle/index-edit.ts'
import type { CheckedSecret } from '../record/input.ts'
import { emptyRecord, type SecretRecord, type VersionRecord, timestamp } from '../record/secret-record.ts'
import { leafOf } from '../record/tree-shape.ts'
import { emptyNode } from '../record/version-node.ts'
import { type VersionRow, versionRowOf } from '../sqlite/row-codecs.ts'
import { type ReadView, valueData, type StoreParts } from './read-view.ts'

/** A version with its ciphertext, not yet written. */
interface SealedVersion {
  readonly version: VersionRecord
  readonly sealed: Buffer
}

/** Changes of a secret's versions. */
export interface VersionChanges {
  /** New or resealed. */
  readonly sealed?: readonly SealedVersion[]
  /** Changed without the value. */
  readonly changed?: readonly VersionRecord[]
  readonly dropped?: readonly number[] | 'all' | undefined
}

/** A transaction that changes the store. */
export interface WriteBatch extends ReadView {
  /** `currentSince` is undefined for a pending version. */
  readonly seal: (path: string, number: number, secret: CheckedSecret, currentSince: number | undefined) => SealedVersion
  /** Seals a value again with the first key; undefined if that key sealed it. */
  readonly reseal: (path: string, version: VersionRecord) => SealedVersion | undefined
  /** Saves `next` and these changes; computes `count` and `root`. */
  readonly save: (next: SecretRecord, versions?: VersionChanges) => void
  /** From then on only the first key opens the store. */
  readonly retireOtherKeys: () => void
  /** Records in the file that it may hold residue, in case this process ends first. */
  readonly addResidue: () => void
  /** Writes the index. Returns a function to call after the commit. */
  readonly finish: () => () => void
}

export function writeBatch(parts: StoreParts, view: ReadView): WriteBatch {
  const changes = new IndexEdit(parts)
  return {
    ...view,
    ...sealing(parts, view),
    find: (path) => changes.find(path),
    save: (next, versions = {}) => {
      const before = changes.find(next.path) ?? emptyRecord(next.path)
      const { dropped } = versions
      changes.change(dropped === 'all' ? withoutVersions(parts, next) : withVersions(parts, before, next, { ...versions, dropped }))
    },
    retireOtherKeys: () => changes.replaceIndexKey(),
    addResidue: () => parts.tables.addResidue(),
    finish: () => changes.finish(),
  }
}

function sealing({ keyRing: { first }, header }: StoreParts, view: ReadView): Pick<WriteBatch, 'seal' | 'reseal'> {
  const sealed = (path: string, plaintext: Uint8Array, version: Omit<VersionRecord, 'keyId' | 'seal'>): SealedVersion => {
    const data = valueData(header, path, version.version, first.id)
    const text = withVersionKey(first, data, (key) => seal(key, data, plaintext))
    return { version: { ...version, keyId: first.id, seal: Buffer.from(text.subarray(0, sealLength)) }, sealed: text }
  }
  return {
    seal: (path, number, { plaintext, kind, note }, currentSince) => {
      const revision = loadCrypto().randomUUID()
      return sealed(path, plaintext, { version: number, revision, kind, createdAt: timestamp(), currentSince, note })
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

function withoutVersions({ tables }: StoreParts, next: SecretRecord): SecretRecord {
  tables.dropVersions(leafOf(next.path), next.path)
  return { ...next, count: 0, root: emptyNode }
}

function withVersions(
  { tables, versions, index: { digests } }: StoreParts,
  before: SecretRecord,
  next: SecretRecord,
  { sealed = [], changed = [], dropped = [] }: VersionChanges & { readonly dropped?: readonly number[] | undefined },
): SecretRecord {
  const { path } = next
  const leaf = leafOf(path)
  const tree = versions.takeTree(before)
  tree.growTo(next.lastVersion)
  const put = (version: VersionRecord, write: (row: VersionRow) => void): void => {
    const row = versionRowOf(version)
    write(row)
    tree.set(version.version, digests.version(path, row))
  }
  let count = before.count - dropped.length
  for (const number of dropped) {
    tables.dropVersion(leaf, path, number)
    tree.set(number, undefined)
  }
  for (const { version, sealed: text } of sealed) {
    const isNew = tree.digestOf(version.version) === undefined
    if (isNew) count++
    put(version, (row) => (isNew ? tables.addVersion : tables.setSealed)(leaf, path, row, text))
  }
  for (const version of changed) put(version, (row) => tables.setVersion(leaf, path, row))
  const saved = { ...next, count, root: tree.write() }
  versions.adopt(before, saved, tree, [...sealed.map(({ version }) => version), ...changed])
  return saved
}
