import type { CallContext } from '@finchat/secrets-core'
import { throwIfAborted } from '@finchat/secrets-core/provider'
import type { SecretRecord, VersionRecord } from '../record/secret-record.ts'
import { altered } from '../sqlite/columns.ts'
import type { OpenStore } from './open.ts'
import type { ReadView } from './read-view.ts'

/** What a store holds, as far as all of it was verified. */
export interface StoreContents {
  readonly storeId: string
  /** Deleted secrets included, since they can be restored. */
  readonly secrets: number
  readonly versions: number
  /** The time of the newest version or deletion, epoch milliseconds. */
  readonly changedAt: number | undefined
}

/** The contents of a store, and which versions they are. */
export interface Inventory {
  readonly contents: StoreContents
  /** Each version's revision, which is unique. */
  readonly revisions: ReadonlySet<string>
  /** That of the root when the reading began: a later write changes it. */
  readonly rootMac: Buffer
  /** The first of `keys` does not open all of it. */
  readonly needsOtherKeys: boolean
}

/** Bound of one transaction: writers and the event loop run in between. */
const secretsAtOnce = 16

/** Opens every value of the store. Throws `INTEGRITY` if one was altered, or the file is damaged. */
export async function inventoryOf(store: OpenStore, { signal }: CallContext): Promise<Inventory> {
  if (store.sqlite.prepare('PRAGMA integrity_check(1)').get()?.['integrity_check'] !== 'ok') throw altered()
  const read = <T>(work: (view: ReadView) => T): T =>
    store.transaction('read', (dataVersion) => {
      store.index.refresh(dataVersion)
      return work(store.view)
    })
  const { paths, rootMac } = read((view) => ({ paths: view.paths(), rootMac: store.tables.root().mac }))
  const count = new Count()
  for (let start = 0; start < paths.length; start += secretsAtOnce) {
    throwIfAborted(signal)
    read((view) => paths.slice(start, start + secretsAtOnce).forEach((path) => count.add(path, view)))
    await new Promise((resolve) => setImmediate(resolve))
  }
  const keys = read((view) => view.keys())
  const needsOtherKeys = [...count.keyIds].some((id) => id !== keys?.first) || !(keys?.opening.includes(keys.first) ?? false)
  return { ...count.inventory(store.header.storeId.toString('hex')), rootMac, needsOtherKeys }
}

class Count {
  #secrets = 0
  #changedAt: number | undefined
  readonly #revisions = new Set<string>()
  readonly keyIds: Set<string> = new Set()

  add(path: string, view: ReadView): void {
    const record = view.find(path)
    if (record === undefined || record.count === 0) return
    this.#secrets++
    this.#note(record.deletedAt)
    for (const number of view.versions.ascending(record)) this.#addVersion(record, view.versions.version(record, number), view)
  }

  inventory(storeId: string): Pick<Inventory, 'contents' | 'revisions'> {
    const [secrets, revisions] = [this.#secrets, this.#revisions]
    return { contents: { storeId, secrets, versions: revisions.size, changedAt: this.#changedAt }, revisions }
  }

  #addVersion({ path }: SecretRecord, version: VersionRecord | undefined, view: ReadView): void {
    if (version === undefined) return
    view.unseal(path, version).fill(0)
    this.#revisions.add(version.revision)
    this.keyIds.add(version.keyId)
    this.#note(version.createdAt)
    this.#note(version.currentSince)
  }

  #note(time: number | undefined): void {
    if (time !== undefined) this.#changedAt = Math.max(this.#changedAt ?? time, time)
  }
}
