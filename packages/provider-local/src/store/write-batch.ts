import { seal, sealLength } from '@finchat/secrets-core/sealing'
import { loadCrypto } from '../shared/builtins.ts'
import { leafOf } from '../record/tree-shape.ts'
import { IndexEdit } from '../merkle/index-edit.ts'
import { withVersionKey } from '../keys/keyring.ts'
import type { CheckedSecret } from '../record/input.ts'
import { type VersionRow, versionRowOf } from '../sqlite/row-codecs.ts'
import { emptyRecord, type SecretRecord, type VersionRecord, timestamp } from '../record/secret-record.ts'
import { type StoreView, valueData, type ViewParts } from './read-view.ts'
import { emptyNode } from '../record/version-node.ts'

/** A version with its ciphertext, not yet written. */
interface SealedVersion {
  readonly version: VersionRecord
  readonly sealed: Buffer
}

/** What becomes of a secret's versions. */
export interface VersionChanges {
  /** New, or sealed again. */
  readonly sealed?: readonly SealedVersion[]
  /** Changed, but with the same value. */
  readonly changed?: readonly VersionRecord[]
  readonly dropped?: readonly number[] | 'all' | undefined
}

/** The state of the store inside a transaction that changes it. */
export interface StoreEdit extends StoreView {
  /** Seals a new value with the first key. `currentSince` is absent for a version that is pending. */
  readonly seal: (path: string, number: number, secret: CheckedSecret, currentSince: number | undefined) => SealedVersion
  /** Seals an old value with the first key; `undefined` if it is so already. */
  readonly reseal: (path: string, version: VersionRecord) => SealedVersion | undefined
  /** Saves `next` with these changes of its versions; its count and root are computed here. */
  readonly save: (next: SecretRecord, versions?: VersionChanges) => void
  /** From then on the first key alone opens the store. */
  readonly retireOtherKeys: () => void
  /**
   * Has the store remember that the whole file is to be written anew, also where this process ends
   * before that.
   */
  readonly leavesResidue: () => void
  /** Writes the index. Returns what is to be called after the commit. */
  readonly finish: () => () => void
}

export function storeEdit(parts: ViewParts, view: StoreView): StoreEdit {
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
    leavesResidue: () => parts.tables.addResidue(),
    finish: () => changes.finish(),
  }
}

function sealing({ keyring: { first }, header }: ViewParts, view: StoreView): Pick<StoreEdit, 'seal' | 'reseal'> {
  const sealed = (path: string, plaintext: Buffer, version: Omit<VersionRecord, 'keyId' | 'seal'>): SealedVersion => {
    const place = valueData(header, path, version.version, first.id)
    const text = withVersionKey(first, place, (key) => seal(key, place, plaintext))
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

function withoutVersions({ tables }: ViewParts, next: SecretRecord): SecretRecord {
  tables.dropVersions(leafOf(next.path), next.path)
  return { ...next, count: 0, root: emptyNode }
}

/** Writes the versions that changed, and the nodes above them. */
function withVersions(
  { tables, held, index: { digests } }: ViewParts,
  before: SecretRecord,
  next: SecretRecord,
  { sealed = [], changed = [], dropped = [] }: VersionChanges & { readonly dropped?: readonly number[] | undefined },
): SecretRecord {
  const { path } = next
  const leaf = leafOf(path)
  const tree = held.takeTree(before)
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
  held.adopt(before, saved, tree, [...sealed.map(({ version }) => version), ...changed])
  return saved
}
