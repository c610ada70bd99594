import { resolve } from 'node:path'
import { SecretsError } from '@finchat/secrets-core'

const table: Readonly<Record<string, readonly [problem: string, remedy: string]>> = {
  ENOENT: ['the folder of the audit trail, or a file in it, does not exist', 'name a folder that initAuditFolder made ready'],
  ENOTDIR: ['the folder of the audit trail is no folder', 'correct the path'],
  EACCES: ['this process may not read or write the folder of the audit trail', 'give it the right'],
  EPERM: ['this process may not read or write the folder of the audit trail', 'give it the right'],
  EROFS: ['the file system of the audit trail is read-only', 'mount it writable'],
  ENOSPC: ['the disk of the audit trail is full', 'make room'],
  EDQUOT: ['the disk quota of the audit trail is used up', 'make room'],
  EFBIG: ['a file of the audit trail is larger than this process may write', 'raise the limit, or lower `maxSegmentBytes`'],
  EIO: ['the disk of the audit trail reported an input or output error', 'look at the disk'],
  EMFILE: ['this process has too many files open', 'raise the limit'],
  EEXIST: ['a file that the audit trail would create is already there', 'name another folder, or look at who put it there'],
}

/** Our own error for what the file system said of this folder, or of what is in it; never its own message. */
export function folderError(error: unknown, folder: string): SecretsError {
  if (SecretsError.isInstance(error)) return error
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
  const known = Object.hasOwn(table, code) ? table[code] : undefined
  const [problem, remedy] = known ?? ['the audit trail could not be read or written, for an unknown reason']
  return new SecretsError('AUDIT_FAILED', `${problem}: ${shownPath(folder)}`, { remedy })
}

/** From the root on: in another working directory than somebody thinks, the path as it was written would look right. */
export function shownPath(path: string): string {
  return JSON.stringify(resolve(path))
}
