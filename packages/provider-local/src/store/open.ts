import { statSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { SecretsError } from '@finchat/secrets-core'
import { createFile, fileExists, removeUnfinished } from '../file/create.ts'
import { assertOneName, isReplaced, identifyFile, realPath, assertNoForeignFiles, statsOf, type StoreFile } from '../file/identity.ts'
import { warnOfNetworkFileSystem } from '../file/network-file-system.ts'
import { KeyBytes } from '../keys/key-bytes.ts'
import type { KeyCache } from '../keys/key-cache.ts'
import { type KeyRing } from '../keys/derive-keys.ts'
import { sealRetired, wrapIndexKey } from '../keys/key-table.ts'
import { newStoreHeader, type StoreHeader } from '../keys/store-header.ts'
import { AuthenticatedIndex } from '../merkle/authenticated-index.ts'
import { Bucket } from '../merkle/bucket.ts'
import { indexDigests } from '../merkle/index-digests.ts'
import { VersionIndex } from '../merkle/version-index.ts'
import { bucketCount } from '../record/tree-shape.ts'
import { invalidPath, quotedPath } from '../shared/file-errors.ts'
import { connect, connectAlone, emptyLog, makeDurable, type Transaction, transactions } from '../sqlite/connection.ts'
import { type LockWait, retryWhileBusy } from '../sqlite/lock-retry.ts'
import { lockedError, LockHeld, storeError } from '../sqlite/sqlite-errors.ts'
import { assertSchema, createSchema, schemaGuard } from '../sqlite/schema.ts'
import { prepareTables, readHeader, writeHeader } from '../sqlite/tables.ts'
import type { StoreOptions } from './options.ts'
import { readView, type ReadView, type StoreParts } from './read-view.ts'
import { SecureErase } from './secure-erase.ts'

/** An open store with verified keys and index. */
export interface OpenStore extends StoreParts {
  readonly sqlite: DatabaseSync
  readonly transaction: Transaction
  readonly view: ReadView
  /** Undefined for a store in memory. */
  readonly file: StoreFile | undefined
  readonly secureErase: SecureErase
}

/**
 * Throws if the file cannot be a store, or is missing although `mustExist` or `storeId` requires
 * it.
 */
export function storeExists({ path, mustExist, storeId }: StoreOptions): boolean {
  if (path === undefined || fileExists(path)) return true
  if (!mustExist && storeId === undefined) return false
  throw new SecretsError('CONFIGURATION', `the store's file ${quotedPath(path)} does not exist`, {
    remedy: `check \`path\`; to begin a new store, leave ${storeId === undefined ? '`mustExist`' : '`storeId`'} out`,
  })
}

/** Every store under the same key is authentic. */
function assertStoreId({ storeId }: StoreHeader, options: StoreOptions): void {
  if (options.storeId === undefined || storeId.equals(options.storeId)) return
  throw new SecretsError('INTEGRITY', '`path` holds another store than `storeId` names', {
    remedy: 'restore the right file, and find out who changed it; if you did, pass the id that `storeId()` returns without the option',
  })
}

/** Rejects with a `SecretsError` or an error of SQLite's. */
export async function openStore(options: StoreOptions, keys: KeyCache, wait: LockWait): Promise<OpenStore> {
  const { path } = options
  if (path === undefined) return openInMemory(keys, wait)
  if (!storeExists(options)) await createStore(path, keys, wait)
  const sqlite = await retryWhileBusy(() => connectTo(path), wait)
  try {
    removeUnfinished(path)
    const header = await retryWhileBusy(() => readHeader(sqlite), wait)
    assertStoreId(header, options)
    const keyRing = await keys.keyRing(header, wait.signal)
    return await retryWhileBusy(() => prepareStore(sqlite, header, keyRing, path), wait)
  } catch (error) {
    sqlite.close()
    throw error
  }
}

/** Referenced here because the garbage collector would close them. */
const leftOpen = new Set<DatabaseSync>()

/**
 * Does not close a connection whose files were replaced: SQLite would copy its log over the new
 * file and remove the new log.
 */
export function closeStore({ sqlite, file, index }: OpenStore): void {
  index.close()
  if (file && isReplaced(file)) leftOpen.add(sqlite)
  else sqlite.close()
}

/** Opens a copy with the keys of its store. */
export function openCopy(path: string, { keyRing, header: { storeId } }: StoreParts): OpenStore {
  const sqlite = connectTo(path)
  try {
    const header = readHeader(sqlite)
    if (!header.storeId.equals(storeId)) throw new SecretsError('INTERNAL', 'the copy is of another store')
    return prepareStore(sqlite, header, keyRing, path)
  } catch (error) {
    sqlite.close()
    throw error
  }
}

/**
 * Keeps everybody else from the store until the connection is closed. Undefined if there is no
 * file, or one that SQLite cannot read. Throws `UNAVAILABLE` if another program has it open.
 */
export async function holdAlone(real: string, wait: LockWait): Promise<DatabaseSync | undefined> {
  if (statsOf(real) === undefined) return undefined
  const existing = pathToFileURL(real)
  existing.searchParams.set('mode', 'rw')
  try {
    return await retryWhileBusy(() => connectAlone(existing), wait)
  } catch (error) {
    const failed = storeError(error, real)
    if (failed.code === 'INTEGRITY' || failed.code === 'CONFIGURATION') return undefined
    if (failed.problem !== lockedError().problem) throw failed
    throw new SecretsError('UNAVAILABLE', 'another program has the store open', {
      remedy: 'end every program that uses the store, and try again: they would go on with the file that is replaced',
    })
  }
}

async function openInMemory(keys: KeyCache, { signal }: LockWait): Promise<OpenStore> {
  const header = newStoreHeader()
  const keyRing = await keys.keyRing(header, signal)
  const sqlite = connect(':memory:')
  initialise(sqlite, header, keyRing)
  return prepareStore(sqlite, header, keyRing, undefined)
}

async function createStore(path: string, keys: KeyCache, { signal }: LockWait): Promise<void> {
  const header = keys.newHeader()
  const keyRing = await keys.keyRing(header, signal)
  keys.headerIsUsed()
  createFile(path, (temporary) => {
    const sqlite = connect(temporary)
    try {
      makeDurable(sqlite)
      initialise(sqlite, header, keyRing)
      // Closing empties the log too, but reports no failure: half a store would then get the name.
      emptyLog(sqlite)
    } finally {
      sqlite.close()
    }
  })
  if (!fileExists(path)) throw invalidPath(path)
}

/** Writes an empty store in one transaction. */
function initialise(sqlite: DatabaseSync, header: StoreHeader, keyRing: KeyRing): void {
  const indexKey = KeyBytes.random()
  try {
    initialiseWith(sqlite, header, keyRing, indexKey)
  } finally {
    indexKey.wipe()
  }
}

function initialiseWith(sqlite: DatabaseSync, header: StoreHeader, { first }: KeyRing, indexKey: KeyBytes): void {
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
  assertNoForeignFiles(real)
  warnOfNetworkFileSystem(real)
  const before = statsOf(real)?.ino
  const existing = pathToFileURL(real)
  existing.searchParams.set('mode', 'rw') // A file removed by now is not created again.
  const sqlite = connect(existing)
  try {
    assertSchema(sqlite, path)
    makeDurable(sqlite) // Only now is the file known to be a store.
    // A restore replaced the file meanwhile: the next attempt opens the new one.
    if (statsOf(real)?.ino !== before) throw new LockHeld()
    return sqlite
  } catch (error) {
    sqlite.close()
    throw error
  }
}

function prepareStore(sqlite: DatabaseSync, header: StoreHeader, keyRing: KeyRing, path: string | undefined): OpenStore {
  const transaction = transactions(sqlite, schemaGuard(sqlite, path), path)
  const tables = prepareTables(sqlite)
  const index = new AuthenticatedIndex(tables, keyRing, header)
  try {
    const residue = transaction('read', (dataVersion) => {
      index.refresh(dataVersion)
      return tables.residue()
    })
    const parts = { tables, header, keyRing, index, versions: new VersionIndex(tables, index.digests) }
    const file = path === undefined ? undefined : identifyFile(path)
    return { ...parts, sqlite, transaction, view: readView(parts), file, secureErase: inheritedResidue(file, residue) }
  } catch (error) {
    index.close()
    throw error
  }
}

/** A killed process may have left residue in the log or in page gaps. */
function inheritedResidue(file: StoreFile | undefined, residue: number): SecureErase {
  const secureErase = new SecureErase()
  if (residue > 0) secureErase.inherit('file')
  if (file && (statSync(file.log, { throwIfNoEntry: false })?.size ?? 0) > 0) secureErase.inherit('log')
  return secureErase
}
