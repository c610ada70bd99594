import type { NewSecret } from '@finchat/secrets-core'
import { assertValue, assertVersionNumber, checkedTags, invalidArgument, type TagRules } from '@finchat/secrets-core/provider'
import { awsManifest, canHoldPath, limits } from './limits.ts'

/** Throws `INVALID_ARGUMENT` unless AWS can hold this path. */
export function assertPath(path: unknown): asserts path is string {
  if (canHoldPath(path)) return
  throw invalidArgument(
    'the path cannot be held by AWS Secrets Manager',
    'use 1 to 512 of A-Z a-z 0-9 / _ + = . @ - (or an ARN of a secret)',
  )
}

export const tagRules: TagRules = {
  most: limits.tags,
  isKey: (key) => key.length >= 1 && key.length <= limits.tagKeyLength && !/^aws:/i.test(key),
  isValue: (value) => value.length <= limits.tagValueLength,
  remedy: `use keys of 1 to ${limits.tagKeyLength} characters without aws: in front, and values of at most ${limits.tagValueLength}`,
}

/** A write that was checked before AWS is asked, with a copy of the value as the SDK takes it. */
export interface CheckedSecret extends Pick<NewSecret, 'version' | 'ifCurrent'> {
  readonly content: { readonly SecretString: string } | { readonly SecretBinary: Uint8Array }
  readonly tags: Readonly<Record<string, string | null>>
}

/** Throws `INVALID_ARGUMENT` for what AWS cannot hold, or could not return exactly. */
export function checkSecret({ value, version, ifCurrent, tags = {} }: NewSecret): CheckedSecret {
  if (version !== undefined) assertVersionNumber(version)
  const checked = checkedTags(tags, tagRules)
  assertValue(value, awsManifest.values)
  const content = typeof value === 'string' ? { SecretString: value } : { SecretBinary: Uint8Array.from(value) }
  return { content, version, ifCurrent, tags: checked }
}
