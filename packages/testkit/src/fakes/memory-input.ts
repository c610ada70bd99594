import type { NewSecret } from '@finchat/secrets-core'
import { assertValue, assertVersionNumber, invalidArgument, type ProviderManifest } from '@finchat/secrets-core/provider'

/** At most 65,536 bytes, as in AWS Secrets Manager. */
export const valueLimits: ProviderManifest['values'] = { minBytes: 0, maxBytes: 65_536, binary: true }

/** Any well-formed text of 1 to 2,048 characters without control characters. */
export function canHoldPath(path: string): boolean {
  return typeof path === 'string' && path.length > 0 && path.length <= 2048 && path.isWellFormed() && !/\p{Cc}/u.test(path)
}

export function assertPath(path: string): void {
  if (!canHoldPath(path))
    throw invalidArgument('this path cannot be held', 'use 1 to 2,048 characters of well-formed text without control characters')
}

export function assertVersion(version: number | 'previous' | undefined): void {
  if (version !== undefined && version !== 'previous') assertVersionNumber(version)
}

export function assertNewSecret({ value, version }: NewSecret): void {
  assertVersion(version)
  assertValue(value, valueLimits)
}
