import type { ProviderManifest } from '../contract/provider.ts'
import { isRecord } from '../errors/own-properties.ts'
import { invalidArgument } from '../options/check-option.ts'
import { isWholeNumber } from './whole-number.ts'

/**
 * Throws `INVALID_ARGUMENT` unless this is a positive integer.
 *
 * @example
 * import { assertVersionNumber } from '@finchat/secrets-core/provider'
 *
 * assertVersionNumber(3) // assertVersionNumber(0) throws
 */
export function assertVersionNumber(version: unknown): asserts version is number {
  if (isWholeNumber(version, 1, Number.MAX_SAFE_INTEGER)) return
  throw invalidArgument('a version is a positive integer', `use 1 to ${Number.MAX_SAFE_INTEGER}`)
}

/**
 * Throws `INVALID_ARGUMENT` unless the store can return the value exactly. It is text without lone
 * surrogates, or bytes, within the manifest's bounds.
 *
 * @example
 * import { assertValue } from '@finchat/secrets-core/provider'
 *
 * const { values } = { values: { minBytes: 1, maxBytes: 65_536, binary: false } }
 * assertValue('hunter2', values) // assertValue('', values) throws
 */
export function assertValue(
  value: unknown,
  { minBytes, maxBytes, binary }: ProviderManifest['values'],
): asserts value is string | Uint8Array {
  if (typeof value !== 'string' && !(value instanceof Uint8Array)) throw invalidArgument('a value is text or bytes')
  if (typeof value !== 'string' && !binary) throw invalidArgument('the store holds text, not bytes', 'encode them, say as base64')
  if (typeof value === 'string' && !value.isWellFormed()) {
    const remedy = binary ? 'store it as bytes' : 'encode it, say as base64'
    throw invalidArgument('the value has a lone surrogate, which no encoding gives back', remedy)
  }
  const bytes = Buffer.byteLength(value)
  if (bytes < minBytes) throw invalidArgument('the value is too short for the store', `store at least ${minBytes} bytes`)
  if (bytes > maxBytes) throw invalidArgument('the value is too large', `keep it within ${maxBytes} bytes`)
}

/** What tags a store can hold. */
export interface TagRules {
  readonly most: number
  readonly isKey: (key: string) => boolean
  readonly isValue: (value: string) => boolean
  readonly remedy: string
}

/**
 * Returns a copy of tags to set; `null` removes a tag. Throws `INVALID_ARGUMENT` for a non-object,
 * for too many tags, and for one that the store cannot hold.
 *
 * @example
 * import { checkedTags } from '@finchat/secrets-core/provider'
 *
 * const isShort = (text: string): boolean => text.length <= 128
 * const rules = { most: 50, isKey: isShort, isValue: isShort, remedy: 'use at most 128 characters' }
 * console.log(checkedTags({ team: 'payments', old: null }, rules)) // { team: 'payments', old: null }
 */
export function checkedTags(tags: unknown, { most, isKey, isValue, remedy }: TagRules): Record<string, string | null> {
  if (!isRecord(tags)) throw invalidArgument('the tags are not an object')
  const entries = Object.entries(tags).map(([key, value]: [string, unknown]): [string, string | null] => {
    const isTag = key.isWellFormed() && isKey(key)
    if (isTag && (value === null || (typeof value === 'string' && value.isWellFormed() && isValue(value)))) return [key, value]
    throw invalidArgument('a tag cannot be held', remedy)
  })
  if (entries.length > most) throw invalidArgument('there are too many tags', `a secret has at most ${most}`)
  return Object.fromEntries(entries)
}
