import { chmodSync, statSync } from 'node:fs'
import { SecretsError } from '@finchat/secrets-core'
import { quotedPath } from '../shared/file-errors.ts'

/** The mode of the store's files: only its owner reads and writes. */
export const ownerOnly = 0o600
const ofOthers = 0o077

/** Takes the rights of group and others from the store's files. */
export function restrictToOwner(real: string): void {
  if (process.platform === 'win32') return
  for (const suffix of ['', '-wal', '-shm']) {
    const stats = statSync(real + suffix, { throwIfNoEntry: false })
    if (stats && (stats.mode & ofOthers) !== 0) restrictFile(real + suffix)
  }
}

/** Only the owner may change the mode, so another user is refused. */
function restrictFile(file: string): void {
  try {
    chmodSync(file, ownerOnly)
  } catch {
    throw new SecretsError('PERMISSION_DENIED', `the store's file ${quotedPath(file)} is open to other users`, {
      remedy: 'chmod 600 the file',
    })
  }
}
