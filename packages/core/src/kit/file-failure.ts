/** Why a file could not be read or written, whatever the operating system. */
export type FileFailure =
  | 'missing'
  | 'not-a-folder'
  | 'not-a-file'
  | 'name-too-long'
  | 'link-loop'
  | 'denied'
  | 'read-only'
  | 'disk-full'
  | 'quota-used-up'
  | 'too-large'
  | 'input-output'
  | 'too-many-open'
  | 'exists'

const failures: Readonly<Record<string, FileFailure>> = {
  ENOENT: 'missing',
  ENOTDIR: 'not-a-folder',
  EISDIR: 'not-a-file',
  ENXIO: 'not-a-file', // a socket, or a device without hardware, as the next two
  ENODEV: 'not-a-file',
  ENOTSUP: 'not-a-file',
  ERR_INVALID_ARG_VALUE: 'not-a-file', // NUL in the path
  ENAMETOOLONG: 'name-too-long',
  ELOOP: 'link-loop',
  EACCES: 'denied',
  EPERM: 'denied',
  ERR_ACCESS_DENIED: 'denied', // by `node --permission`
  EROFS: 'read-only',
  ENOSPC: 'disk-full',
  EDQUOT: 'quota-used-up',
  EFBIG: 'too-large',
  EIO: 'input-output',
  EMFILE: 'too-many-open',
  ENFILE: 'too-many-open',
  EEXIST: 'exists',
}

/**
 * Returns why a call on a file failed; `undefined` for any other error. The system's message quotes
 * the path, which may hold a secret by mistake.
 *
 * @example
 * import { open } from 'node:fs/promises'
 * import { fileFailure } from '@finchat/secrets-core/provider'
 *
 * const failure = await open('/no/such/file').catch(fileFailure)
 * console.log(failure) // missing
 */
export function fileFailure(error: unknown): FileFailure | undefined {
  const code = systemCode(error)
  return code !== undefined && Object.hasOwn(failures, code) ? failures[code] : undefined
}

/**
 * Returns the short code of a system error, such as `ECONNREFUSED`, for `storeStatus`. `undefined`
 * for anything else, since a library's `code` may hold any text.
 *
 * @example
 * import { systemCode } from '@finchat/secrets-core/provider'
 *
 * console.log(systemCode(Object.assign(new Error('connect ECONNREFUSED 10.0.0.1'), { code: 'ECONNREFUSED' }))) // ECONNREFUSED
 */
export function systemCode(error: unknown): string | undefined {
  // Under Jest an error of Node.js is of another realm: no `instanceof Error`.
  const code: unknown = process.getBuiltinModule('node:util').types.isNativeError(error) && 'code' in error ? error.code : undefined
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,60}$/.test(code) ? code : undefined
}
