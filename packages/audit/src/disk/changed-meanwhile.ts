import { existsSync } from 'node:fs'
import { fileFailure } from '@finchat/secrets-core/provider'
import { folderError, type Holder } from './folder-errors.ts'

/** A file was removed, renamed or moved while the trail was read: it is to be read again. Never leaves this package. */
export class ChangedMeanwhile extends Error {}

/** What a reader of this folder or file throws for what its file system said. */
export function readerError(error: unknown, path: string, of?: Holder): Error {
  if (error instanceof ChangedMeanwhile) return error
  return fileFailure(error) === 'missing' && existsSync(path) ? new ChangedMeanwhile() : folderError(error, path, of)
}
