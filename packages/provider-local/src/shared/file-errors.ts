import { statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import { SecretsError } from '@finchat/secrets-core'
import { type FileFailure, fileFailure } from '@finchat/secrets-core/provider'

/** JSON quotes keep a line break out of the message. */
export function quotedPath(path: string): string {
  return JSON.stringify(path)
}

export function missingFolder(path: string): SecretsError {
  return new SecretsError('CONFIGURATION', `the folder ${quotedPath(dirname(path))} of the store does not exist`, {
    remedy: 'create it, or correct `path`',
  })
}

export function invalidPath(path: string): SecretsError {
  return new SecretsError('CONFIGURATION', `\`path\` does not lead to a file: ${quotedPath(path)}`, {
    remedy: 'name a file, by at most 230 bytes, in an existing folder; a link must lead to a file',
  })
}

function notWritable(path: string): SecretsError {
  return new SecretsError('PERMISSION_DENIED', `the folder ${quotedPath(dirname(path))} of the store cannot be read or written`, {
    remedy: 'give this process the right, or choose another `path`',
  })
}

/** `path` is undefined for a store in memory. */
export function diskFull(path?: string): SecretsError {
  const where = path === undefined ? '' : ` in ${quotedPath(dirname(path))}, where the store and its log lie`
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

const table: Partial<Readonly<Record<FileFailure, (path: string) => SecretsError>>> = {
  missing: missingFolder,
  'not-a-folder': missingFolder,
  'name-too-long': invalidPath,
  'link-loop': invalidPath,
  denied: notWritable,
  'read-only': notWritable,
  'disk-full': diskFull,
  'quota-used-up': diskFull,
  'input-output': diskFailed,
}

/** Our error for a file system error at `path`; any other error unchanged. */
export function fileError(error: unknown, path: string): unknown {
  const failure = fileFailure(error)
  return (failure && table[failure]?.(path)) ?? error
}

/** `next` is what the caller does after the error's own remedy. */
export function withEffect(error: SecretsError, effect: 'done' | 'unknown', next: string, problem: string = error.problem): SecretsError {
  return new SecretsError(error.code, problem, { effect, remedy: error.remedy === undefined ? next : `${error.remedy}; ${next}` })
}
