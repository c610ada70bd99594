import { closeSync, constants, fstatSync, openSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { SecretsError } from '@finchat/secrets-core/provider'
import { shownPath } from './folder-errors.ts'

/** Windows has no such flag. */
const withoutWaiting = constants.O_NONBLOCK ?? 0
export const readWithoutWaiting: number = constants.O_RDONLY | withoutWaiting

/** Opens a regular file to read. A FIFO may have no writer, and a device no end. */
export async function openRegular(path: string): Promise<FileHandle> {
  const file = await open(path, readWithoutWaiting)
  if ((await file.stat()).isFile()) return file
  await file.close()
  throw notRegular(path)
}

export async function regularContent(path: string): Promise<Buffer> {
  const file = await openRegular(path)
  try {
    return await file.readFile()
  } finally {
    await file.close()
  }
}

/** The same to write, at any place. */
export async function openRegularToWrite(path: string): Promise<FileHandle> {
  const file = await open(path, constants.O_RDWR | withoutWaiting)
  if ((await file.stat()).isFile()) return file
  await file.close()
  throw notRegular(path)
}

/** Without a trip to the thread pool. Returns a descriptor. */
export function openRegularAtOnce(path: string): number {
  return regularAtOnce(path, openSync(path, readWithoutWaiting))
}

/** To read and to append; made if it is not there, for this user alone. */
export function openToAppendAtOnce(path: string): number {
  const flags = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | withoutWaiting
  return regularAtOnce(path, openSync(path, flags, 0o600))
}

function regularAtOnce(path: string, file: number): number {
  if (fstatSync(file).isFile()) return file
  closeSync(file)
  throw notRegular(path)
}

function notRegular(path: string): SecretsError {
  return new SecretsError('AUDIT_FAILED', `this is not a regular file: ${shownPath(path)}`, {
    remedy: 'name a regular file; if it is in the folder of a trail, find out who put it there',
  })
}
