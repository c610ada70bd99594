import { closeSync, constants, fstatSync, openSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { SecretsError } from '@finchat/secrets-core/provider'
import { shownPath } from './folder-errors.ts'

/** Windows has no such flag. */
export const readWithoutWaiting: number = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)

/** Opens a regular file to read. A FIFO may have no writer, and a device no end. */
export async function openRegular(path: string): Promise<FileHandle> {
  const file = await open(path, readWithoutWaiting)
  if ((await file.stat()).isFile()) return file
  await file.close()
  throw notRegular(path)
}

/** The same without a trip to the thread pool. Returns a descriptor. */
export function openRegularAtOnce(path: string): number {
  const file = openSync(path, readWithoutWaiting)
  if (fstatSync(file).isFile()) return file
  closeSync(file)
  throw notRegular(path)
}

function notRegular(path: string): SecretsError {
  return new SecretsError('AUDIT_FAILED', `this is not a regular file: ${shownPath(path)}`, {
    remedy: 'name a regular file; if it is in the folder of a trail, find out who put it there',
  })
}
