import { statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import { SecretsError } from '@finchat/secrets-core'

/** A path as it stands in a message: in quotes, and without a line break. */
export function shown(path: string): string {
  return JSON.stringify(path)
}

export function noFolder(path: string): SecretsError {
  return new SecretsError('CONFIGURATION', `the folder ${shown(dirname(path))} of the store does not exist`, {
    remedy: 'create it, or correct `path`',
  })
}

export function leadsNowhere(path: string): SecretsError {
  return new SecretsError('CONFIGURATION', `\`path\` leads nowhere: ${shown(path)}`, {
    remedy: 'name a file, by at most 230 bytes, in an existing folder; a link must lead to a file',
  })
}

function notWritable(path: string): SecretsError {
  return new SecretsError('PERMISSION_DENIED', `the folder ${shown(dirname(path))} of the store cannot be read or written`, {
    remedy: 'give this process the right, or choose another `path`',
  })
}

/** `path` is absent for a store in memory. */
export function diskFull(path?: string): SecretsError {
  const where = path === undefined ? '' : ` in ${shown(dirname(path))}, where the store and its log lie`
  return new SecretsError('UNAVAILABLE', 'the disk is full', { remedy: `make room${where}` })
}

/** With less than 32 KiB free, SQLite reports an I/O error when it opens a store. */
const leastFreeBytes = 65_536

export function isDiskFull(path: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(dirname(path))
    return bavail * bsize < leastFreeBytes
  } catch {
    return false
  }
}

export function diskFailed(): SecretsError {
  return new SecretsError('UNAVAILABLE', 'the disk reported an input or output error', { remedy: 'look at the disk' })
}

/** The system's error codes in our terms; never the system's own message. */
const table: Readonly<Record<string, (path: string) => SecretsError>> = {
  ENOENT: noFolder,
  ENOTDIR: noFolder,
  ENAMETOOLONG: leadsNowhere,
  ELOOP: leadsNowhere,
  EACCES: notWritable,
  EPERM: notWritable,
  EROFS: notWritable,
  ERR_ACCESS_DENIED: notWritable, // by `node --permission`
  ENOSPC: diskFull,
  EDQUOT: diskFull,
  EIO: diskFailed,
}

/** Our own error for what the file system said of the store at `path`. */
export function fileError(error: unknown, path: string): unknown {
  const code = errorCode(error)
  return (typeof code === 'string' && Object.hasOwn(table, code) ? table[code]?.(path) : undefined) ?? error
}

export function errorCode(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
