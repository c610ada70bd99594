import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  lstatSync,
  openSync,
  readdirSync,
  renameSync,
  type Stats,
  statSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { SecretsError } from '@finchat/secrets-core'
import { loadCrypto } from '../shared/builtins.ts'
import { errorCode, fileError, leadsNowhere, noFolder, shown } from '../shared/file-errors.ts'
import { remove } from './identity.ts'

/*
 * The store's file is never opened here: closing any descriptor of it would drop the locks that this process's other
 * connections hold on it (POSIX fcntl), and SQLite could then lose data.
 */

/** Whether a file is there. Throws for all that can be no store, and for a place where there can be none. */
export function examineFile(path: string): boolean {
  const stats = statsOf(path) ?? statsUnlessFree(path)
  if (stats && !stats.isFile())
    throw new SecretsError('CONFIGURATION', `\`path\` is not a file: ${shown(path)}`, { remedy: 'name a file; a write creates it' })
  if (stats?.size === 0) {
    throw new SecretsError('INTEGRITY', `the store's file ${shown(path)} is empty`, {
      remedy: 'restore a backup, or remove the file to begin a new store',
    })
  }
  return stats !== undefined
}

/** Undefined where a store may be created. Throws for a place that is taken, unless another process has just created the store there. */
function statsUnlessFree(path: string): Stats | undefined {
  const obstacle = obstacleAt(path)
  if (!obstacle) return undefined
  const stats = statsOf(path) // the obstacle may be the new store, or its log
  if (!stats) throw obstacle
  return stats
}

function obstacleAt(path: string): SecretsError | undefined {
  if (!statsOf(dirname(path))?.isDirectory()) return noFolder(path)
  if (lstatSync(path, { throwIfNoEntry: false })) return leadsNowhere(path)
  if (!existsSync(`${path}-wal`)) return undefined
  return new SecretsError('INTEGRITY', `the store's file ${shown(path)} is missing, and its log is still there`, {
    remedy: 'restore the file, or remove the log to begin a new store', // the log would be taken for the new one's
  })
}

/** File systems hold names of 255 bytes as a rule; SQLite adds up to eight. */
const longestName = 247

/**
 * Creates the file whole or not at all: `fill` writes a temporary file beside it, which is then linked to its name. A
 * crash in between leaves no half-made store, and of two processes that begin one, one wins and the other opens it.
 */
export function createFile(path: string, fill: (temporary: string) => void): void {
  const temporary = `${path}.${loadCrypto().randomBytes(6).toString('hex')}.new`
  if (Buffer.byteLength(basename(temporary)) > longestName) throw leadsNowhere(path)
  try {
    closeSync(openSync(temporary, 'wx', 0o600))
    chmodSync(temporary, 0o600) // the umask may have taken more away than others' rights
    fill(temporary)
    giveName(temporary, path)
    syncFolder(dirname(path))
  } catch (error) {
    if (!existsSync(path)) throw fileError(error, path) // else another was faster, and has cleared ours away
  } finally {
    for (const suffix of companions) remove(temporary + suffix)
  }
}

/** A file and what SQLite puts beside it. */
const companions = ['', '-wal', '-shm', '-journal']

/**
 * Removes what creations that were killed have left beside the store. One that is still under way comes too late for the
 * name, and does not need its file either.
 */
export function removeUnfinished(path: string): void {
  const [folder, name] = [dirname(path), basename(path)]
  for (const file of namesIn(folder)) {
    const end = file.startsWith(`${name}.`) ? file.slice(name.length + 1) : ''
    if (/^[0-9a-f]{12}\.new(-wal|-shm|-journal)?$/.test(end)) remove(join(folder, file))
  }
}

/** Nothing for a folder that may be written but not listed. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
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
    throw fileError(error, path)
  }
}
