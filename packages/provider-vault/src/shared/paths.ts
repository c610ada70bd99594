import { SecretsError } from '@finchat/secrets-core'

/**
 * Vault takes printable characters (letters, marks, numbers, punctuation, symbols) and the space.
 */
const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]+$/u
const longest = 512

/** Most paths, which are encoded as themselves. */
const plain = /^[\w-]+(?:\/[\w-]+)*$/

/** A staged version lies beside its secret, at a path that no secret can have. */
const stagedSuffix = '.finchat-staged'

/** Whether KV can hold it: 1 to 512 printable characters, no segment empty, `.` or `..`. */
export function canHoldPath(path: unknown): path is string {
  return isPath(path) && !path.endsWith(stagedSuffix)
}

/** Whether a path can begin with this folder, which ends in a slash. */
export function canHoldFolder(folder: string): boolean {
  return folder.endsWith('/') && isPath(folder.slice(0, -1))
}

/** Throws `INVALID_ARGUMENT` unless KV can hold a secret at this path. */
export function assertPath(path: unknown): asserts path is string {
  if (canHoldPath(path)) return
  throw new SecretsError('INVALID_ARGUMENT', 'the path cannot be held by Vault', {
    remedy: `use 1 to ${longest} printable characters, in segments that are neither empty nor '.' nor '..'`,
  })
}

export function stagedPath(path: string): string {
  return `${path}${stagedSuffix}`
}

/** Encodes each segment, so that `..`, `?` and `#` have no meaning in the URL. */
export function encodedPath(...parts: readonly string[]): string {
  const path = parts.join('/')
  return plain.test(path) ? path : path.split('/').map(encodeURIComponent).join('/')
}

function isPath(path: unknown): path is string {
  if (typeof path !== 'string' || path.length > longest) return false
  return plain.test(path) || (printable.test(path) && !/(^|\/)\.{0,2}(\/|$)/.test(path))
}
