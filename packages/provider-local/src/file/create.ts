import {
  chmodSync,
  type BigIntStats,
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  lstatSync,
  openSync,
  readdirSync,
  renameSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { SecretsError } from '@finchat/secrets-core'
import { fileFailure, loadCrypto } from '@finchat/secrets-core/provider'
import { fileError, invalidPath, missingFolder, quotedPath } from '../shared/file-errors.ts'
import { remove, statsOf } from './identity.ts'
import { ownerOnly } from './owner-only.ts'

/*
 * Never open the store's file here: closing any descriptor of a file drops all POSIX fcntl locks
 * that the process holds on it, SQLite's included.
 */

/** Throws if no store can be at `path`. */
export function fileExists(path: string): boolean {
  const stats = statsOf(path) ?? statsUnlessFree(path)
  if (stats && !stats.isFile())
    throw new SecretsError('CONFIGURATION', `\`path\` is not a file: ${quotedPath(path)}`, { remedy: 'name a file; a write creates it' })
  if (stats?.size === 0n) {
    throw new SecretsError('INTEGRITY', `the store's file ${quotedPath(path)} is empty`, {
      remedy: 'restore a backup, or remove the file to begin a new store',
    })
  }
  return stats !== undefined
}

/** The file, if another process has just created it. Throws if something else is in the way. */
function statsUnlessFree(path: string): BigIntStats | undefined {
  const obstacle = obstacleAt(path)
  if (!obstacle) return undefined
  const stats = statsOf(path) // The obstacle may be the new store or its log.
  if (!stats) throw obstacle
  return stats
}

function obstacleAt(path: string): SecretsError | undefined {
  if (!statsOf(dirname(path))?.isDirectory()) return missingFolder(path)
  if (lstatSync(path, { throwIfNoEntry: false })) return invalidPath(path)
  if (!existsSync(`${path}-wal`)) return undefined
  return new SecretsError('INTEGRITY', `the store's file ${quotedPath(path)} is missing, and its log is still there`, {
    // The new store would take the log for its own.
    remedy: 'restore the file, or remove the log to begin a new store',
  })
}

/** Most file systems allow 255 bytes; SQLite appends up to eight. */
const maxNameBytes = 247

/** `new` is removed by whoever opens the store next; `restoring` is not. */
type TemporaryKind = 'new' | 'restoring'

/** An empty file beside `path`, for its owner alone. */
export function makeTemporary(path: string, kind: TemporaryKind = 'new'): string {
  const temporary = `${path}.${loadCrypto().randomBytes(6).toString('hex')}.${kind}`
  if (Buffer.byteLength(basename(temporary)) > maxNameBytes) throw invalidPath(path)
  closeSync(openSync(temporary, 'wx', ownerOnly))
  chmodSync(temporary, ownerOnly) // The umask may have removed the owner's own rights.
  return temporary
}

/** The file and what SQLite put beside it. */
export function removeTemporary(temporary: string): void {
  for (const suffix of suffixes) remove(temporary + suffix)
}

/**
 * Links a complete temporary file to its name. A crash leaves no half-made store, and one of
 * several creators wins.
 */
export function createFile(path: string, fill: (temporary: string) => void): void {
  let temporary: string | undefined
  try {
    temporary = makeTemporary(path)
    fill(temporary)
    linkInPlace(temporary, path)
    syncFolder(dirname(path))
  } catch (error) {
    // Otherwise another process created the store first.
    if (!existsSync(path)) throw fileError(error, path)
  } finally {
    if (temporary !== undefined) removeTemporary(temporary)
  }
}

/** The file and what SQLite puts beside it. */
const suffixes = ['', '-wal', '-shm', '-journal']

/** A creation still in progress has lost the name anyway. */
export function removeUnfinished(path: string, kind: TemporaryKind = 'new'): void {
  const [folder, name] = [dirname(path), basename(path)]
  for (const file of namesIn(folder)) {
    const end = file.startsWith(`${name}.`) ? file.slice(name.length + 1) : ''
    const [, ended] = /^[0-9a-f]{12}\.(new|restoring)(-wal|-shm|-journal)?$/.exec(end) ?? []
    if (ended === kind) remove(join(folder, file))
  }
}

/** A folder may be writable and not listable. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

/** Unlike a rename, a link never replaces a file. Some file systems have no links. False: there is one. */
export function linkInPlace(temporary: string, path: string): boolean {
  try {
    linkSync(temporary, path)
  } catch (error) {
    if (fileFailure(error) === 'exists' || existsSync(path)) return false
    renameSync(temporary, path)
  }
  return true
}

/** Call it while no connection of this process has the file: closing would drop its locks. */
export function syncFile(path: string): void {
  const descriptor = openSync(path, 'r+')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/** Makes the new name survive a power cut. */
export function syncFolder(folder: string): void {
  if (process.platform === 'win32') return // Windows has no such call and needs none.
  const descriptor = openSync(folder, 'r')
  try {
    fsyncSync(descriptor)
  } catch {
    // Some file systems cannot: then a power cut may take the new name.
  } finally {
    closeSync(descriptor)
  }
}
