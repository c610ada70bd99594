import { chmodSync, lstatSync, readdirSync, realpathSync, statSync, unlinkSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { SecretsError } from '@finchat/secrets-core'
import { fileError, shown } from '../shared/file-errors.ts'
import { Folder } from './folder.ts'

/*
 * SQLite finds a store's log by the name of its file, and knows who else has them open by locks that belong to the file
 * itself. A file, log or link that somebody else puts in a place would be written over, or written to in vain.
 */

/** The files that a store consists of while it is open, as they were when it was opened. */
export interface StoreFile {
  readonly path: string
  readonly log: string
  /** Where all of them lie; absent where a link leads to the file. */
  readonly folder: Folder | undefined
  readonly parts: readonly { readonly file: string; readonly dev: bigint; readonly ino: bigint }[]
}

/** The file's own path: SQLite keeps the log beside that, wherever a link to it lies. */
export function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch (error) {
    throw fileError(error, path)
  }
}

/** The files that were just opened. Asked only then, since some file systems make another file of one on that occasion (overlayfs). */
export function openedFile(path: string): StoreFile {
  const real = realPath(path)
  closeToOthers(real) // only now that it is known to be a store; its log may have been there before
  const parts = [path, `${real}-wal`, `${real}-shm`].map((file) => {
    const stats = bigStats(file, path)
    if (!stats) throw replaced(path)
    return { file, dev: stats.dev, ino: stats.ino }
  })
  const folder = real === join(realPath(dirname(path)), basename(path)) ? new Folder(dirname(path)) : undefined
  return { path, log: `${real}-wal`, folder, parts }
}

/**
 * Throws `UNAVAILABLE` if the file or its log is no longer the one that was opened: what is read would be the past, and
 * what is written would go to a file without a name.
 */
export function assertSameFile(file: StoreFile): void {
  if (file.folder) file.folder.unlessUnchanged(() => assertSameParts(file))
  else assertSameParts(file)
}

function assertSameParts({ path, parts }: StoreFile): void {
  for (const { file, dev, ino } of parts) {
    const stats = bigStats(file, path)
    if (stats?.ino !== ino || stats.dev !== dev) throw replaced(path)
  }
}

/** Whether somebody else has made one of the files since; one that is merely gone nobody has used. */
export function isReplaced({ path, parts }: StoreFile): boolean {
  return parts.some(({ file, dev, ino }) => {
    const stats = bigStats(file, path)
    return stats !== undefined && (stats.ino !== ino || stats.dev !== dev)
  })
}

/** As `assertSameFile`, after a commit: whether that reached the store or a file without a name cannot be told. */
export function assertKept(file: StoreFile): void {
  try {
    assertSameFile(file)
  } catch (error) {
    if (!SecretsError.isInstance(error)) throw error
    throw new SecretsError(error.code, error.problem, {
      effect: 'unknown',
      remedy: 'make a new provider and read the current version to see whether it was written',
    })
  }
}

/** Throws `CONFIGURATION` for a file with a second name: who opens it there has another log, and each overwrites what the other wrote. */
export function assertOneName(path: string): void {
  const stats = bigStats(path, path)
  if (!stats || stats.nlink <= 1n) return
  finishCreation(path, stats.ino)
  if ((bigStats(path, path)?.nlink ?? 1n) <= 1n) return
  throw new SecretsError('CONFIGURATION', `the store's file ${shown(path)} has another name, a hard link`, {
    remedy: 'remove the other name; to copy a store use VACUUM INTO',
  })
}

/** Removes the temporary name of a creation that has not come, or never came, to that; it may do so itself at this moment. */
function finishCreation(path: string, ino: bigint): void {
  const real = realPath(path)
  const temporary = readdirSync(dirname(real))
    .filter((name) => name.startsWith(`${basename(real)}.`) && name.endsWith('.new'))
    .find((name) => lstatSync(join(dirname(real), name), { bigint: true, throwIfNoEntry: false })?.ino === ino)
  if (temporary !== undefined) remove(join(dirname(real), temporary))
}

/** As far as it is there and can be: what failed before this, if anything did, is what the caller must know. */
export function remove(file: string): void {
  try {
    unlinkSync(file)
  } catch {
    // Somebody else was first, or it stays; it does no harm.
  }
}

/** Throws `INTEGRITY` for anything beside the file that is no log of a store: SQLite would follow a link, and wait for a pipe. */
export function refuseStrangeCompanions(real: string): void {
  for (const suffix of ['-journal', '-wal', '-shm']) {
    const stats = lstatSync(real + suffix, { throwIfNoEntry: false })
    if (!stats || (suffix !== '-journal' && stats.isFile() && stats.nlink <= 1)) continue // 0: it is being removed
    throw new SecretsError('INTEGRITY', `beside the store's file lies ${shown(basename(real) + suffix)}, which no store has made`, {
      remedy: 'find out who put it there, and remove it',
    })
  }
}

/** Makes the files of a store accessible to their owner alone. */
function closeToOthers(real: string): void {
  if (process.platform === 'win32') return
  for (const suffix of ['', '-wal', '-shm']) {
    const stats = statSync(real + suffix, { throwIfNoEntry: false })
    if (stats && (stats.mode & 0o077) !== 0) closeFile(real + suffix)
  }
}

function closeFile(file: string): void {
  try {
    chmodSync(file, 0o600)
  } catch {
    throw new SecretsError('PERMISSION_DENIED', `the store's file ${shown(file)} is open to other users`, { remedy: 'chmod 600 the file' })
  }
}

function bigStats(file: string, path: string): { dev: bigint; ino: bigint; nlink: bigint } | undefined {
  try {
    return statSync(file, { bigint: true, throwIfNoEntry: false })
  } catch (error) {
    throw fileError(error, path)
  }
}

function replaced(path: string): SecretsError {
  return new SecretsError('UNAVAILABLE', `the store's file ${shown(path)}, or its log, was moved, replaced or removed while it was open`, {
    remedy: 'make a new provider, or restart; and leave the `-wal` and `-shm` files alone',
  })
}
