import { chmodSync, closeSync, existsSync, fsyncSync, linkSync, openSync, renameSync, type Stats, statSync, unlinkSync } from 'node:fs'
import { dirname } from 'node:path'
import { SecretsError } from '@finchat/secrets-core'
import { loadCrypto } from './builtins.ts'

/*
 * The store's file is never opened here: closing any descriptor of it would drop the locks that this process's other
 * connections hold on it (POSIX fcntl), and SQLite could then lose data.
 */

/** A path and the file that it named when it was opened, so that another file in its place is noticed. */
export interface StoreFile {
  readonly path: string
  readonly identity: string
}

/** Whether a file is there, which is made accessible to its owner alone. Throws for all that can be no store. */
export function examineFile(path: string): boolean {
  const stats = statsOf(path)
  if (!stats) return false
  if (!stats.isFile())
    throw new SecretsError('CONFIGURATION', '`path` is not a file', { remedy: 'name a file; it is created if it does not exist' })
  if (stats.size === 0) {
    throw new SecretsError('INTEGRITY', "the store's file is empty", {
      remedy: 'restore a backup, or remove the file to begin a new store',
    })
  }
  if (process.platform !== 'win32' && (stats.mode & 0o077) !== 0) closeToOthers(path)
  return true
}

/** The file that was just opened. Asked only then, since some file systems make another file of it on that occasion (overlayfs). */
export function openedFile(path: string): StoreFile {
  const stats = statsOf(path)
  return { path, identity: stats ? identityOf(stats) : 'removed already' }
}

/** Throws `UNAVAILABLE` if `path` no longer names the file that was opened: what is written would go to a file without a name. */
export function assertSameFile({ path, identity }: StoreFile): void {
  const stats = statsOf(path)
  if (stats && identityOf(stats) === identity) return
  throw new SecretsError('UNAVAILABLE', "the store's file was moved, replaced or removed while it was open", {
    remedy: 'make a new provider, or restart',
  })
}

/**
 * Creates the file whole or not at all: `fill` writes a temporary file beside it, which is then linked to its name. A
 * crash in between leaves no half-made store, and of two processes that begin one, one wins and the other opens it.
 */
export function createFile(path: string, fill: (temporary: string) => void): void {
  refuseOrphanedLog(path)
  const temporary = `${path}.${loadCrypto().randomBytes(6).toString('hex')}.new`
  try {
    closeSync(openSync(temporary, 'wx', 0o600))
    chmodSync(temporary, 0o600) // the umask may have taken more away than others' rights
    fill(temporary)
    giveName(temporary, path)
    syncFolder(dirname(path))
  } catch (error) {
    throw fileError(error)
  } finally {
    for (const suffix of ['', '-wal', '-shm', '-journal']) remove(temporary + suffix)
  }
}

/** The log of a store whose file is gone would be taken for the new one's. */
function refuseOrphanedLog(path: string): void {
  if (!existsSync(`${path}-wal`) || existsSync(path)) return
  throw new SecretsError('INTEGRITY', "the store's file is missing, and its log is still there", {
    remedy: 'restore the file, or remove the log to begin a new store',
  })
}

/** As far as it is there and can be. */
function remove(file: string): void {
  try {
    unlinkSync(file)
  } catch {
    // What failed before this, if anything did, is what the caller must know.
  }
}

/** A link never replaces what is there already, as a rename would; some file systems have no links. */
function giveName(temporary: string, path: string): void {
  try {
    linkSync(temporary, path)
  } catch (error) {
    if (errorCode(error) === 'EEXIST' || existsSync(path)) return
    renameSync(temporary, path)
  }
}

/** The new name must survive a power cut too. */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return // has no such call, and needs none
  const descriptor = openSync(folder, 'r')
  try {
    fsyncSync(descriptor)
  } catch {
    // Not every file system can. What is at stake is a store that is new, and empty.
  } finally {
    closeSync(descriptor)
  }
}

function statsOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch (error) {
    throw fileError(error)
  }
}

function closeToOthers(path: string): void {
  try {
    chmodSync(path, 0o600)
  } catch {
    throw new SecretsError('PERMISSION_DENIED', "the store's file is open to other users", { remedy: 'chmod 600 the file' })
  }
}

function identityOf({ dev, ino }: Stats): string {
  return `${dev}:${ino}`
}

const noFolder = (): SecretsError => new SecretsError('CONFIGURATION', "the store's folder does not exist", { remedy: 'create the folder' })
const leadsNowhere = (): SecretsError =>
  new SecretsError('CONFIGURATION', '`path` leads nowhere', { remedy: 'name a file in an existing folder' })
const notWritable = (): SecretsError =>
  new SecretsError('PERMISSION_DENIED', "the store's folder cannot be read or written", {
    remedy: 'give this process the right, or choose another `path`',
  })
const diskFull = (): SecretsError => new SecretsError('UNAVAILABLE', 'the disk is full')

/** The system's error codes in our terms; never the system's own message. */
const table: Readonly<Record<string, () => SecretsError>> = {
  ENOENT: noFolder,
  ENOTDIR: noFolder,
  ENAMETOOLONG: leadsNowhere,
  ELOOP: leadsNowhere,
  EACCES: notWritable,
  EPERM: notWritable,
  EROFS: notWritable,
  ENOSPC: diskFull,
  EDQUOT: diskFull,
  EIO: () => new SecretsError('UNAVAILABLE', 'the disk reported an input or output error'),
}

function fileError(error: unknown): unknown {
  const code = errorCode(error)
  return (typeof code === 'string' && Object.hasOwn(table, code) ? table[code]?.() : undefined) ?? error
}

function errorCode(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
