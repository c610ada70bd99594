import { type BigIntStats, lstatSync, readdirSync, realpathSync, statSync, unlinkSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { SecretsError } from '@finchat/secrets-core'
import { fileError, quotedPath } from '../shared/file-errors.ts'
import { Folder } from './folder.ts'
import { restrictToOwner } from './owner-only.ts'

/*
 * SQLite finds the log by the file's name, but its locks belong to the inode. Writes to a replaced
 * file would be lost.
 */

/** The files of an open store, as they were when it was opened. */
export interface StoreFile {
  readonly path: string
  readonly log: string
  /** The folder of all files; undefined if `path` is a link. */
  readonly folder: Folder | undefined
  readonly parts: readonly { readonly file: string; readonly dev: bigint; readonly ino: bigint }[]
}

/** SQLite keeps the log beside the real file, wherever a link to it lies. */
export function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch (error) {
    throw fileError(error, path)
  }
}

/**
 * Call after opening: some file systems (overlayfs) change the inode when a file is opened for
 * writing.
 */
export function identifyFile(path: string): StoreFile {
  const real = realPath(path)
  restrictToOwner(real) // Only now is the file known to be a store; its log may be older.
  const parts = [path, `${real}-wal`, `${real}-shm`].map((file) => {
    const stats = statsOf(file, path)
    if (!stats) throw replaced(path)
    return { file, dev: stats.dev, ino: stats.ino }
  })
  const folder = real === join(realPath(dirname(path)), basename(path)) ? new Folder(dirname(path)) : undefined
  return { path, log: `${real}-wal`, folder, parts }
}

/** Throws `UNAVAILABLE`: reads would return old state, and writes would be lost. */
export function assertSameFile(file: StoreFile): void {
  if (file.folder) file.folder.unlessUnchanged(() => assertSameParts(file))
  else assertSameParts(file)
}

function assertSameParts({ path, parts }: StoreFile): void {
  for (const { file, dev, ino } of parts) {
    const stats = statsOf(file, path)
    if (stats?.ino !== ino || stats.dev !== dev) throw replaced(path)
  }
}

/** A removed file does not count. */
export function isReplaced({ path, parts }: StoreFile): boolean {
  return parts.some(({ file, dev, ino }) => {
    const stats = statsOf(file, path)
    return stats !== undefined && (stats.ino !== ino || stats.dev !== dev)
  })
}

/** As `assertSameFile`, after a commit, which may have reached the store or an unlinked file. */
export function assertSameFileAfterCommit(file: StoreFile): void {
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

/**
 * Throws `CONFIGURATION` for a hard link: a file with two names has two logs, and each overwrites
 * the other's writes.
 */
export function assertOneName(path: string): void {
  const stats = statsOf(path)
  if (!stats || stats.nlink <= 1n) return
  // An unfinished creation may remove the name itself at this moment.
  for (const name of secondNames(path, stats.ino, (end) => end.endsWith('.new'))) remove(name)
  // A restore gives the second name before it takes the first; a killed one leaves both.
  const former = secondNames(path, stats.ino, isFormer).length
  if ((statsOf(path)?.nlink ?? 1n) <= 1n + BigInt(former)) return
  throw new SecretsError('CONFIGURATION', `the store's file ${quotedPath(path)} has another name, a hard link`, {
    remedy: 'remove the other name; to copy a store use `backup`',
  })
}

/** Names of the same file that begin as the store's, and go on so. */
function secondNames(path: string, ino: bigint, isWanted: (end: string) => boolean): string[] {
  const real = realPath(path)
  const begin = `${basename(real)}.`
  return readdirSync(dirname(real))
    .filter((name) => name.startsWith(begin) && isWanted(name.slice(begin.length - 1)))
    .map((name) => join(dirname(real), name))
    .filter((name) => lstatSync(name, { bigint: true, throwIfNoEntry: false })?.ino === ino)
}

const isFormer = (end: string): boolean => end.startsWith(`.${beforeRestore}`)

/** What a killed restore left. Call it while nobody else can open the store. */
export function removeSecondNames(real: string): void {
  const stats = statsOf(real)
  if (stats) for (const name of secondNames(real, stats.ino, isFormer)) remove(name)
}

/** How the name of a store that a restore put aside goes on. */
export const beforeRestore = 'before-restore-'

/** Ignores failures: an earlier error is what the caller must know. */
export function remove(file: string): void {
  try {
    unlinkSync(file)
  } catch {
    // Removed by another process, or harmless.
  }
}

/**
 * Throws `INTEGRITY` for a file that no store makes: SQLite would follow a link and block on a
 * FIFO.
 */
export function assertNoForeignFiles(real: string): void {
  for (const suffix of ['-journal', '-wal', '-shm']) {
    const stats = lstatSync(real + suffix, { throwIfNoEntry: false })
    // nlink 0: the file is being removed.
    if (!stats || (suffix !== '-journal' && stats.isFile() && stats.nlink <= 1)) continue
    throw new SecretsError('INTEGRITY', `beside the store's file is ${quotedPath(basename(real) + suffix)}, which no store creates`, {
      remedy: 'find out who put it there, and remove it',
    })
  }
}

/** `path` is the store's, for the message. */
export function statsOf(file: string, path: string = file): BigIntStats | undefined {
  try {
    return statSync(file, { bigint: true, throwIfNoEntry: false })
  } catch (error) {
    throw fileError(error, path)
  }
}

function replaced(path: string): SecretsError {
  return new SecretsError(
    'UNAVAILABLE',
    `the store's file ${quotedPath(path)}, or its log, was moved, replaced or removed while it was open`,
    {
      remedy: 'make a new provider, or restart; and leave the `-wal` and `-shm` files alone',
    },
  )
}
