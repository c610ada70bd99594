import { statSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { SecretsError } from '@finchat/secrets-core'
import { AuthenticatedIndex } from '../merkle/authenticated-index.ts'
import { Bucket } from '../merkle/bucket.ts'
import { type Patience, whileBusy } from '../sqlite/lock-retry.ts'
import { connect, emptyLog, makeDurable, type Transaction, transactions } from '../sqlite/connection.ts'
import { leadsNowhere, shown } from '../shared/file-errors.ts'
import { Forgetting } from './secure-erase.ts'
import { indexDigests } from '../merkle/index-digests.ts'
import { bucketCount } from '../record/tree-shape.ts'
import { heldVersions } from '../merkle/version-index.ts'
import { KeyBytes } from '../keys/key-bytes.ts'
import { type Keyring, sealRetired, wrapIndexKey } from '../keys/keyring.ts'
import { warnOfNetworkFileSystem } from '../file/network-file-system.ts'
import { assertOneName, isReplaced, openedFile, realPath, refuseStrangeCompanions, type StoreFile } from '../file/identity.ts'
import type { StoreOptions } from './options.ts'
import { assertSchema, createSchema, schemaGuard } from '../sqlite/schema.ts'
import { createFile, examineFile, removeUnfinished } from '../file/create.ts'
import { newStoreHeader, type StoreHeader } from '../keys/store-header.ts'
import type { StoreKeys } from '../keys/key-cache.ts'
import { storeView, type StoreView, type ViewParts } from './read-view.ts'
import { prepareTables, readHeader, writeHeader } from '../sqlite/tables.ts'

/** A store whose key was checked and whose index is verified. */
export interface OpenStore extends ViewParts {
  readonly sqlite: DatabaseSync
  readonly transaction: Transaction
  readonly view: StoreView
  /** Absent for a store in memory. */
  readonly file: StoreFile | undefined
  readonly forgetting: Forgetting
}

/** Whether there is a file to open. Throws for what can be no store, and for none where there must be one. */
export function storeExists({ path, mustExist, storeId }: StoreOptions): boolean {
  if (path === undefined || examineFile(path)) return true
  if (!mustExist && storeId === undefined) return false
  throw new SecretsError('CONFIGURATION', `the store's file ${shown(path)} does not exist`, {
    remedy: `check \`path\`; to begin a new store, leave ${storeId === undefined ? '`mustExist`' : '`storeId`'} out`,
  })
}

/** Another store under the same key would be as authentic as this one. */
function assertStoreId({ storeId }: StoreHeader, options: StoreOptions): void {
  if (options.storeId === undefined || storeId.equals(options.storeId)) return
  throw new SecretsError('INTEGRITY', 'the store is another one than `storeId` names', {
    remedy:
      'put the right file back, and find out who changed it; if you did, give its id: `storeId()` of a provider without the option returns it',
  })
}

/** Opens the store, which it creates if there is none. Every failure is a `SecretsError` or an error of SQLite's. */
export async function openStore(options: StoreOptions, keys: StoreKeys, patience: Patience): Promise<OpenStore> {
  const { path } = options
  if (path === undefined) return openInMemory(keys, patience)
  if (!storeExists(options)) await createStore(path, keys, patience)
  const sqlite = await whileBusy(() => connectTo(path), patience)
  try {
    removeUnfinished(path)
    const header = await whileBusy(() => readHeader(sqlite), patience)
    assertStoreId(header, options)
    const keyring = await keys.keyring(header, patience.signal)
    return await whileBusy(() => unlocked(sqlite, header, keyring, path), patience)
  } catch (error) {
    sqlite.close()
    throw error
  }
}

/** Connections whose files are others' by now, kept from the garbage collector, which would close them. */
const abandoned = new Set<DatabaseSync>()

/**
 * Closes the connection, unless others have put files of theirs in the place of its own: SQLite would then copy a log that
 * nobody else sees over what they have written since, and remove theirs.
 */
export function closeStore({ sqlite, file, index }: OpenStore): void {
  index.close()
  if (file && isReplaced(file)) abandoned.add(sqlite)
  else sqlite.close()
}

async function openInMemory(keys: StoreKeys, { signal }: Patience): Promise<OpenStore> {
  const header = newStoreHeader()
  const keyring = await keys.keyring(header, signal)
  const sqlite = connect(':memory:')
  initialise(sqlite, header, keyring)
  return unlocked(sqlite, header, keyring, undefined)
}

async function createStore(path: string, keys: StoreKeys, { signal }: Patience): Promise<void> {
  const header = keys.newHeader()
  const keyring = await keys.keyring(header, signal)
  keys.headerIsUsed()
  createFile(path, (temporary) => {
    const sqlite = connect(temporary)
    try {
      makeDurable(sqlite)
      initialise(sqlite, header, keyring)
      emptyLog(sqlite) // closing does it too, but does not say if it could not: then half a store would get the name
    } finally {
      sqlite.close()
    }
  })
  if (!examineFile(path)) throw leadsNowhere(path)
}

/** An empty store, in one transaction. */
function initialise(sqlite: DatabaseSync, header: StoreHeader, keyring: Keyring): void {
  const indexKey = KeyBytes.random()
  try {
    initialiseWith(sqlite, header, keyring, indexKey)
  } finally {
    indexKey.wipe()
  }
}

function initialiseWith(sqlite: DatabaseSync, header: StoreHeader, { first }: Keyring, indexKey: KeyBytes): void {
  sqlite.exec('BEGIN IMMEDIATE')
  createSchema(sqlite)
  const tables = prepareTables(sqlite)
  const keys = { wrapped: [wrapIndexKey(indexKey, first, header)], retired: sealRetired([], indexKey, header) }
  const digests = indexDigests(header)
  const digest = new Bucket(digests, new Map()).digest()
  const bucketDigests = Buffer.concat(Array.from({ length: bucketCount }, () => digest))
  writeHeader(sqlite, header)
  tables.setKeys(keys)
  tables.setRoot(0, digests.root(indexKey, 0, keys, bucketDigests), bucketDigests)
  sqlite.exec('COMMIT')
}

function connectTo(path: string): DatabaseSync {
  const real = realPath(path)
  assertOneName(path)
  refuseStrangeCompanions(real)
  warnOfNetworkFileSystem(real)
  const existing = pathToFileURL(real)
  existing.searchParams.set('mode', 'rw') // a file that is gone by now is not created anew
  const sqlite = connect(existing)
  try {
    assertSchema(sqlite, path)
    makeDurable(sqlite) // only now that the file is known to be a store
    return sqlite
  } catch (error) {
    sqlite.close()
    throw error
  }
}

function unlocked(sqlite: DatabaseSync, header: StoreHeader, keyring: Keyring, path: string | undefined): OpenStore {
  const transaction = transactions(sqlite, schemaGuard(sqlite, path), path)
  const tables = prepareTables(sqlite)
  const index = new AuthenticatedIndex(tables, keyring, header)
  try {
    const residue = transaction('read', (dataVersion) => {
      index.refresh(dataVersion)
      return tables.residue()
    })
    const parts = { tables, header, keyring, index, held: heldVersions(tables, index.digests) }
    const file = path === undefined ? undefined : openedFile(path)
    return { ...parts, sqlite, transaction, view: storeView(parts), file, forgetting: whatIsLeft(file, residue) }
  } catch (error) {
    index.close()
    throw error
  }
}

/**
 * A process that was killed may have left in the log, or in gaps of the file, what it had removed.
 */
function whatIsLeft(file: StoreFile | undefined, residue: number): Forgetting {
  const forgetting = new Forgetting()
  if (residue > 0) forgetting.inherit('file')
  if (file && (statSync(file.log, { throwIfNoEntry: false })?.size ?? 0) > 0) forgetting.inherit('log')
  return forgetting
}
