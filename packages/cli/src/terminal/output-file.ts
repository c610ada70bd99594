import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { type FileHandle, link, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { configurationError, fileFailure, SecretsError } from '@finchat/secrets-core/provider'
import { UsageError } from './failure.ts'

/** A new file for the user alone, which is still empty. */
export interface ReservedFile {
  readonly write: (data: string | Uint8Array) => Promise<void>
  readonly remove: () => Promise<void>
}

/** Throws if there is a file of this name, unless it may be replaced. */
export function assertFree(path: string, force: boolean): void {
  if (existsSync(path) && !force) throw nameTaken(true)
}

function nameTaken(mayForce: boolean): UsageError {
  return new UsageError(
    'there is already a file of this name',
    mayForce ? 'name another one, or replace it by --force' : 'name another one',
  )
}

/** Writes a whole file for the user alone; a kill leaves none, or the former one. */
export async function writeOutput(path: string, data: string | Uint8Array, force: boolean): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.part`
  const file = await reserveOutput(temporary)
  try {
    await file.write(data)
    await (force ? rename(temporary, path) : link(temporary, path))
    await syncFolder(dirname(path))
  } catch (error) {
    throw outputError(error)
  } finally {
    await rm(temporary, { force: true })
  }
}

/** Creates the file before there is anything to write. */
export async function reserveOutput(path: string): Promise<ReservedFile> {
  const file = await open(path, 'wx', 0o600).catch((error: unknown) => {
    throw outputError(error)
  })
  return {
    write: async (data) => written(file, data, path),
    remove: async () => {
      await file.close().catch(() => undefined) // it may be closed
      await rm(path, { force: true })
    },
  }
}

async function written(file: FileHandle, data: string | Uint8Array, path: string): Promise<void> {
  try {
    await file.writeFile(data)
    await file.sync()
    await file.close()
    await syncFolder(dirname(path))
  } catch (error) {
    throw outputError(error)
  }
}

async function syncFolder(folder: string): Promise<void> {
  const opened = await open(folder, 'r')
  await opened.sync().catch(() => undefined) // some file systems cannot
  await opened.close()
}

const problems: Readonly<Record<string, string>> = {
  missing: 'its folder does not exist',
  'not-a-folder': 'its folder is no folder',
  denied: 'this user may not write there',
  'read-only': 'its file system is read-only',
  'disk-full': 'the disk is full',
  'quota-used-up': 'the disk quota is used up',
}

function outputError(error: unknown): Error {
  if (error instanceof UsageError || SecretsError.isInstance(error)) return error
  const failure = fileFailure(error)
  if (failure === 'exists') return nameTaken(false)
  return configurationError(`the file cannot be written: ${problems[failure ?? ''] ?? 'for an unknown reason'}`, 'name another file')
}
