import { statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import { SecretsError } from '@finchat/secrets-core'

/** JSON quotes keep a line break out of the message. */
export function quoted(path: string): string {
  return JSON.stringify(path)
}

export function missingFolder(path: string): SecretsError {
  return new SecretsError('CONFIGURATION', `the folder ${quoted(dirname(path))} of the store does not exist`, {
    remedy: 'create it, or correct `path`',
  })
}

export function invalidPath(path: string): SecretsError {
  return new SecretsError('CONFIGURATION', `\`path\` does not lead to a file: ${quoted(path)}`, {
    remedy: 'name a file, by at most 230 bytes, in an existing folder; a link must lead to a file',
  })
}

function notWritable(path: string): SecretsError {
  return new SecretsError('PERMISSION_DENIED', `the folder ${quoted(dirname(path))} of the store cannot be read or written`, {
    remedy: 'give this process the right, or choose another `path`',
  })
}

/** `path` is undefined for a store in memory. */
export function diskFull(path?: string): SecretsError {
  const where = path === undefined ? '' : ` in ${quoted(dirname(path))}, where the store and its log lie`
  return new SecretsError('UNAVAILABLE', 'the disk is full', { remedy: `make room${where}` })
}

/** SQLite reports an I/O error on opening when less than 32 KiB is free. */
const minFreeBytes = 65_536

export function isDiskFull(path: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(dirname(path))
    return bavail * bsize < minFreeBytes
  } catch {
    return false
  }
}

export function diskFailed(): SecretsError {
  return new SecretsError('UNAVAILABLE', 'the disk reported an input or output error', { remedy: 'check the disk' })
}

/** Never the system's own message, which quotes paths. */
const table: Readonly<Record<string, (path: string) => SecretsError>> = {
  ENOENT: missingFolder,
  ENOTDIR: missingFolder,
  ENAMETOOLONG: invalidPath,
  ELOOP: invalidPath,
  EACCES: notWritable,
  EPERM: notWritable,
  EROFS: notWritable,
  ERR_ACCESS_DENIED: notWritable, // `node --permission`
  ENOSPC: diskFull,
  EDQUOT: diskFull,
  EIO: diskFailed,
}

/** Our error for a file system error at `path`; any other error unchanged. */
export function fileError(error: unknown, path: string): unknown {
  const code = errorCode(error)
  return (typeof code === 'string' && Object.hasOwn(table, code) ? table[code]?.(path) : undefined) ?? error
}

export function errorCode(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
