import { SecretsError, type NewSecret } from '@finchat/secrets-core'

/** The limit of AWS Secrets Manager. */
export const maxValueBytes = 65_536

/** Any well-formed text of 1 to 2,048 characters without control characters. */
export function canHoldPath(path: string): boolean {
  return typeof path === 'string' && path.length > 0 && path.length <= 2048 && path.isWellFormed() && !/\p{Cc}/u.test(path)
}

export function assertPath(path: string): void {
  if (!canHoldPath(path))
    throw invalid('this path cannot be held', 'use 1 to 2,048 characters of well-formed text without control characters')
}

export function assertVersion(version: number | 'previous' | undefined): void {
  if (version === undefined || version === 'previous' || (Number.isSafeInteger(version) && version > 0)) return
  throw invalid('this is no version number', 'use a positive integer')
}

export function assertNewSecret({ value, version }: NewSecret): void {
  assertVersion(version)
  if (typeof value === 'string' && !value.isWellFormed()) throw invalid('the value is not well-formed Unicode', 'pass its bytes instead')
  if (typeof value !== 'string' && !(value instanceof Uint8Array))
    throw invalid('the value is neither text nor bytes', 'pass a string or a Uint8Array')
  if (Buffer.byteLength(value) > maxValueBytes)
    throw invalid(`the value is longer than ${maxValueBytes} bytes`, 'store a key to it instead')
}

function invalid(problem: string, remedy: string): SecretsError {
  return new SecretsError('INVALID_ARGUMENT', problem, { remedy })
}
