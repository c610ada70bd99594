import type { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { SecretsError } from '@finchat/secrets-core'
import { AuthenticatedIndex } from './authenticated-index.ts'
import { type Patience, unlessAborted, whileBusy } from './busy.ts'
import { connect, makeDurable, type Transaction, transactions } from './database.ts'
import { deriveKeyring, type Keyring, newIndexKey, wrapIndexKey } from './keyring.ts'
import type { StoreOptions } from './options.ts'
import { bucketCount, indexMacs } from './record-macs.ts'
import { assertSchema, createSchema } from './schema.ts'
import { createFile, examineFile, openedFile, type StoreFile } from './store-file.ts'
import { newStoreHeader, type StoreHeader } from './store-header.ts'
import { storeView, type StoreView, type ViewParts } from './store-view.ts'
import { prepareTables, readHeader, writeHeader } from './tables.ts'

/** A store whose key was checked and whose index is verified. */
export interface OpenStore extends ViewParts {
  readonly sqlite: DatabaseSync
  readonly transaction: Transaction
  readonly view: StoreView
  /** Absent for a store in memory. */
  readonly file: StoreFile | undefined
}

interface CreatedStore {
  readonly header: StoreHeader
  readonly keyring: Keyring
}

/** Opens the store, which it creates if there is none. Every failure is a `SecretsError` or an error of SQLite's. */
export async function openStore(options: StoreOptions, patience: Patience): Promise<OpenStore> {
  const { path } = options
  if (path === undefined) return openInMemory(options, patience)
  const created = examineFile(path) ? undefined : await createStore(path, options, patience)
  const sqlite = await whileBusy(() => connectTo(path), patience)
  try {
    const header = await whileBusy(() => readHeader(sqlite), patience)
    // The same store, unless another process was first to create it.
    const keyring = created?.header.salt.equals(header.salt) ? created.keyring : await derive(options, header, patience)
    return await whileBusy(() => unlocked(sqlite, header, keyring, openedFile(path)), patience)
  } catch (error) {
    sqlite.close()
    throw error
  }
}

async function openInMemory(options: StoreOptions, patience: Patience): Promise<OpenStore> {
  const header = newStoreHeader()
  const keyring = await derive(options, header, patience)
  const sqlite = connect(':memory:')
  initialise(sqlite, header, keyring)
  return unlocked(sqlite, header, keyring, undefined)
}

async function createStore(path: string, options: StoreOptions, patience: Patience): Promise<CreatedStore> {
  if (options.mustExist)
    throw new SecretsError('CONFIGURATION', "the store's file does not exist", { remedy: 'check `path`, or leave `mustExist` out' })
  const header = newStoreHeader()
  const keyring = await derive(options, header, patience)
  createFile(path, (temporary) => {
    const sqlite = connect(temporary)
    try {
      makeDurable(sqlite)
      initialise(sqlite, header, keyring)
    } finally {
      sqlite.close()
    }
  })
  if (examineFile(path)) return { header, keyring }
  throw new SecretsError('CONFIGURATION', '`path` leads nowhere', { remedy: 'it may be a link to a file that does not exist' })
}

function derive({ keys }: StoreOptions, header: StoreHeader, { signal }: Patience): Promise<Keyring> {
  return unlessAborted(deriveKeyring(keys, header), signal, 'the key was being derived')
}

/** An empty store, in one transaction. */
function initialise(sqlite: DatabaseSync, header: StoreHeader, { first }: Keyring): void {
  sqlite.exec('BEGIN IMMEDIATE')
  createSchema(sqlite)
  const tables = prepareTables(sqlite)
  const indexKey = newIndexKey()
  const macs = indexMacs(indexKey, header)
  const keys = [wrapIndexKey(indexKey, first, header)]
  const bucketMacs = Array.from({ length: bucketCount }, (_, bucket) => macs.bucket(bucket, new Map()))
  writeHeader(sqlite, header)
  tables.setKeys(keys)
  bucketMacs.forEach((mac, bucket) => tables.setBucketMac(bucket, mac))
  tables.setRoot(0, macs.root(0, keys, Buffer.concat(bucketMacs)))
  sqlite.exec('COMMIT')
}

function connectTo(path: string): DatabaseSync {
  const existing = pathToFileURL(path)
  existing.searchParams.set('mode', 'rw') // a file that is gone by now is not created anew
  const sqlite = connect(existing)
  try {
    assertSchema(sqlite)
    makeDurable(sqlite) // only now that the file is known to be a store
    return sqlite
  } catch (error) {
    sqlite.close()
    throw error
  }
}

function unlocked(sqlite: DatabaseSync, header: StoreHeader, keyring: Keyring, file: StoreFile | undefined): OpenStore {
  const tables = prepareTables(sqlite)
  const transaction = transactions(sqlite)
  const index = new AuthenticatedIndex(tables, keyring, header)
  transaction('read', () => index.refresh())
  const parts = { tables, header, keyring, index }
  return { ...parts, sqlite, transaction, view: storeView(parts), file }
}
