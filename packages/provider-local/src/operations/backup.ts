import { resolve } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { type CallContext, SecretsError, type SecretsErrorCode } from '@finchat/secrets-core'
import { configurationError, knownOptions, type MembersOf } from '@finchat/secrets-core/provider'
import { fileExists, makeTemporary, removeTemporary, removeUnfinished } from '../file/create.ts'
import { assertBackupName, copyBackup, exchangeFile, nameFile, realPathIfAny } from '../file/exchange.ts'
import { statsOf } from '../file/identity.ts'
import { KeyCache } from '../keys/key-cache.ts'
import { fileError } from '../shared/file-errors.ts'
import { storeError } from '../sqlite/sqlite-errors.ts'
import { readRootMac } from '../sqlite/tables.ts'
import { type Inventory, inventoryOf, type StoreContents } from '../store/inventory.ts'
import { closeStore, holdAlone, openStore } from '../store/open.ts'
import type { StoreOptions } from '../store/options.ts'
import type { Store } from '../store/store.ts'

/** What `backup` writes. */
export interface BackupRequest {
  /** The file of the backup, in a folder that exists. */
  readonly to: string
  /** Replace a file of that name. Default: false. */
  readonly overwrite?: boolean | undefined
}

/** What `restoreBackup` reads. */
export interface RestoreRequest {
  /** The file of the backup, which stays as it is. */
  readonly from: string
  /** Is asked before anything is changed; `false` ends the call. Default: nobody is asked. */
  readonly confirm?: ((found: BackupComparison) => boolean | Promise<boolean>) | undefined
}

/** A backup beside the store whose place it is to take. */
export interface BackupComparison {
  readonly backup: StoreContents
  /** Undefined if there is no store, or none that can be read. */
  readonly present: StoreContents | undefined
  /** Why the store cannot be read. */
  readonly problem: SecretsError | undefined
  /** How many versions the store has and the backup has not. Undefined if the store cannot be read. */
  readonly lost: number | undefined
  /** The first of `keys` does not open all of the backup, so that the others stay needed. */
  readonly needsOtherKeys: boolean
}

/** What `restoreBackup` did. */
export interface RestoreReport extends BackupComparison {
  /** `false`: `confirm` said no. */
  readonly restored: boolean
  /** Where the file that was replaced is now. */
  readonly former: string | undefined
}

const backupMembers: MembersOf<BackupRequest> = { to: 'string', overwrite: 'boolean' }
const restoreMembers: MembersOf<RestoreRequest> = { from: 'string', confirm: 'any' }

/** Copies the store, verifies the copy, and only then gives it its name. */
export async function backup(store: Store, path: string | undefined, request: BackupRequest, context: CallContext): Promise<StoreContents> {
  const { to: given, overwrite = false } = knownOptions(request, backupMembers)
  const to = resolve(given)
  assertBackupName(to, overwrite, path)
  removeUnfinished(to)
  const temporary = inFolderOf(to, () => makeTemporary(to))
  try {
    const { contents } = await store.copy(temporary, context, async (copy) => inventoryOf(copy, context))
    inFolderOf(to, () => nameFile(temporary, to, overwrite))
    return contents
  } finally {
    removeTemporary(temporary)
  }
}

function inFolderOf<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw fileError(error, path)
  }
}

/** Verifies a copy of the backup, and puts that copy in the place of the store. */
export async function restoreBackup(options: StoreOptions, request: RestoreRequest, context: CallContext): Promise<RestoreReport> {
  const { from, confirm = () => true } = knownOptions(request, restoreMembers)
  if (options.path === undefined) throw configurationError('a store in memory cannot be restored', 'name a file by `path`')
  const real = realPathIfAny(options.path)
  removeUnfinished(real, 'restoring')
  const next = await copyBackup(resolve(from), real)
  try {
    const { found, present } = await compared(options, options.path, next, context)
    if (!(await confirm(found))) return { ...found, restored: false, former: undefined }
    const lock = await holdAlone(real, { ...context, lockTimeoutMs: options.lockTimeoutMs })
    return { ...found, restored: true, former: exchanged({ real, next, present }, lock) }
  } finally {
    removeTemporary(next)
  }
}

/** The store beside the backup; undefined if there is none, an error if it cannot be read. */
type Present = Inventory | SecretsError | undefined

async function compared(
  options: StoreOptions,
  path: string,
  next: string,
  context: CallContext,
): Promise<{ readonly found: BackupComparison; readonly present: Present }> {
  const keys = new KeyCache(options.keys)
  try {
    const backedUp = await read({ ...options, path: next }, keys, context).catch(asOfBackup)
    const present = await presentOf({ ...options, path, storeId: undefined }, keys, context)
    return { found: comparison(backedUp, present), present }
  } finally {
    keys.close()
  }
}

function comparison({ contents, revisions, needsOtherKeys }: Inventory, present: Present): BackupComparison {
  const backedUp = { backup: contents, needsOtherKeys }
  if (present === undefined || SecretsError.isInstance(present))
    return { ...backedUp, present: undefined, problem: present, lost: present === undefined ? 0 : undefined }
  const lost = [...present.revisions].filter((revision) => !revisions.has(revision)).length
  return { ...backedUp, present: present.contents, problem: undefined, lost }
}

async function read(options: StoreOptions, keys: KeyCache, context: CallContext): Promise<Inventory> {
  const store = await openStore({ ...options, mustExist: true }, keys, { ...context, lockTimeoutMs: options.lockTimeoutMs })
  try {
    return await inventoryOf(store, context)
  } finally {
    closeStore(store)
  }
}

/** Damage is why a backup is restored; a lock that is held ends the call. */
async function presentOf(options: StoreOptions & { readonly path: string }, keys: KeyCache, context: CallContext): Promise<Present> {
  try {
    if (!fileExists(options.path)) return undefined
    return await read(options, keys, context)
  } catch (error) {
    const problem = storeError(error, options.path)
    if (problem.code === 'INTEGRITY' || problem.code === 'CONFIGURATION') return problem
    throw problem
  }
}

function asOfBackup(error: unknown): never {
  const { code, problem, remedy } = storeError(error)
  throw new SecretsError(code, `the backup cannot be restored: ${problem}`, { remedy: remedyOfBackup(code, problem) ?? remedy })
}

function remedyOfBackup(code: SecretsErrorCode, problem: string): string | undefined {
  if (code === 'INTEGRITY') return 'use another backup, and find out who changed this one'
  return problem.startsWith('the encryption key') ? 'give the key that the store had when the backup was made, too' : undefined
}

interface Exchange {
  readonly real: string
  readonly next: string
  readonly present: Present
}

function exchanged({ real, next, present }: Exchange, lock: DatabaseSync | undefined): string | undefined {
  try {
    if (!isAsCompared({ real, next, present }, lock)) throw changed()
    return exchangeFile(real, next)
  } catch (error) {
    throw storeError(fileError(error, real), real)
  } finally {
    lock?.close()
  }
}

/** Somebody may have written, or restored too, while `confirm` was asked. */
function isAsCompared({ real, next, present }: Exchange, lock: DatabaseSync | undefined): boolean {
  if (statsOf(next) === undefined) return false
  if (present === undefined) return statsOf(real) === undefined
  return SecretsError.isInstance(present) || (lock !== undefined && readRootMac(lock).equals(present.rootMac))
}

function changed(): SecretsError {
  return new SecretsError('UNAVAILABLE', 'the store was written to after it was compared with the backup', {
    remedy: 'end every program that uses the store, and restore the backup again',
  })
}
