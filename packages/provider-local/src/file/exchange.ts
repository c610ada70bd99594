import { createReadStream, createWriteStream, existsSync, linkSync, renameSync } from 'node:fs'
import { dirname } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { SecretsError } from '@finchat/secrets-core'
import { configurationError, invalidArgument } from '@finchat/secrets-core/provider'
import { fileError, quotedPath } from '../shared/file-errors.ts'
import { storeError } from '../sqlite/sqlite-errors.ts'
import { linkInPlace, makeTemporary, removeTemporary, syncFile, syncFolder } from './create.ts'
import { beforeRestore, realPath, remove, removeSecondNames, statsOf } from './identity.ts'

/** Throws unless a backup may get this name. `store` is the file that it is of. */
export function assertBackupName(to: string, overwrite: boolean, store: string | undefined): void {
  if (!statsOf(dirname(to))?.isDirectory())
    throw configurationError(`the folder ${quotedPath(dirname(to))} of the backup does not exist`, 'create it, or name another file')
  const [there, own] = [statsOf(to), store === undefined ? undefined : statsOf(store)]
  if (existsSync(`${to}-wal`) || (there !== undefined && there.ino === own?.ino && there.dev === own.dev))
    throw invalidArgument(`${quotedPath(to)} is a store in use`, 'give the backup a name of its own')
  if (there !== undefined && !overwrite) throw nameTaken(to)
  // A rename would put the backup in the place of a device, such as /dev/null.
  if (there?.isFile() === false) throw invalidArgument(`${quotedPath(to)} is no regular file`, 'give the backup a name of its own')
}

function nameTaken(to: string): SecretsError {
  return invalidArgument(`there is already a file ${quotedPath(to)}`, 'give the backup another name, or let it be overwritten')
}

/** Gives a complete file its name, which survives a power cut. */
export function nameFile(temporary: string, to: string, overwrite: boolean): void {
  syncFile(temporary)
  if (overwrite) renameSync(temporary, to)
  else if (!linkInPlace(temporary, to)) throw nameTaken(to)
  syncFolder(dirname(to))
}

/** Copies a backup beside the store, where it can be verified before it takes the store's place. */
export async function copyBackup(from: string, store: string): Promise<string> {
  assertBackup(from, store)
  const temporary = makeTemporaryFor(store)
  try {
    await pipeline(createReadStream(from), createWriteStream(temporary, { flags: 'r+' }))
    return temporary
  } catch (error) {
    removeTemporary(temporary)
    const failed = fileError(error, store)
    if (SecretsError.isInstance(failed) && failed.code !== 'PERMISSION_DENIED') throw failed
    throw new SecretsError('PERMISSION_DENIED', `the backup ${quotedPath(from)} cannot be read`, { remedy: 'let this user read it' })
  }
}

function makeTemporaryFor(store: string): string {
  try {
    return makeTemporary(store, 'restoring')
  } catch (error) {
    throw storeError(fileError(error, store), store)
  }
}

function assertBackup(from: string, store: string): void {
  const [backup, own] = [statsOf(from), statsOf(store)]
  if (backup === undefined || !backup.isFile())
    throw new SecretsError('CONFIGURATION', `there is no backup ${quotedPath(from)}`, { remedy: 'name the file of a backup' })
  if (backup.ino === own?.ino && backup.dev === own.dev)
    throw new SecretsError('CONFIGURATION', 'the backup is the store itself', { remedy: 'name the file of a backup' })
  if ((statsOf(`${from}-wal`)?.size ?? 0n) > 0n)
    throw new SecretsError('CONFIGURATION', `${quotedPath(from)} is a store in use: a part of it is in its log`, {
      remedy: 'make a backup of it, and restore that',
    })
}

/**
 * Puts `next` in the place of the store, which stays under another name. The store's own name is
 * never free, since a reader would find an empty store. Returns that other name.
 */
export function exchangeFile(real: string, next: string): string | undefined {
  const former = existsSync(real) ? formerName(real) : undefined
  syncFile(next)
  if (former !== undefined) putAside(real, former)
  renameSync(next, real)
  syncFolder(dirname(real))
  return former
}

function formerName(real: string): string {
  return `${real}.${beforeRestore}${new Date().toISOString().replaceAll(/[:.]/g, '-')}`
}

/** A damaged store may still have its log, which would be applied to the next file of that name. */
function putAside(real: string, former: string): void {
  removeSecondNames(real)
  try {
    linkSync(real, former)
  } catch (error) {
    if (existsSync(former)) throw fileError(error, real)
    renameSync(real, former) // Some file systems have no links.
  }
  for (const suffix of ['-wal', '-shm', '-journal']) {
    const stats = statsOf(real + suffix, real)
    if (stats?.size === 0n) remove(real + suffix)
    else if (stats !== undefined) renameSync(real + suffix, former + suffix)
  }
}

/** The file itself, wherever a link to it lies; the path if there is none. */
export function realPathIfAny(path: string): string {
  return existsSync(path) ? realPath(path) : path
}
