import type { NewSecret, StagedSecret, WriteReceipt } from '@finchat/secrets-core'
import {
  assertValue,
  assertVersionNumber,
  checkedTags,
  copyOutsideHeap,
  invalidArgument,
  isJsonObject,
  isStorePath,
  type TagRules,
} from '@finchat/secrets-core/provider'
import { limits, localManifest } from '../shared/limits.ts'
import { binaryKind, mapKind } from './secret-record.ts'

/** Throws `INVALID_ARGUMENT`. */
export function assertPath(path: unknown): asserts path is string {
  if (isStorePath(path)) return
  throw invalidArgument(
    'the path cannot be held by the local store',
    `use 1 to ${limits.pathLength} characters, none of them a control character`,
  )
}

/** Throws `INVALID_ARGUMENT`. */
export function assertObject(value: unknown, what: string): asserts value is Readonly<Record<string, unknown>> {
  if (isJsonObject(value)) return
  throw invalidArgument(`${what} is not an object`)
}

const tagRemedy = `keys have 1 to ${limits.tagKeyLength} characters, values are text of at most ${limits.tagValueLength}`

const tagRules: TagRules = {
  most: Number.POSITIVE_INFINITY, // counted when merged
  isKey: (key) => key.length >= 1 && key.length <= limits.tagKeyLength,
  isValue: (value) => value.length <= limits.tagValueLength,
  remedy: tagRemedy,
}

/** Copies tag changes; `null` removes a tag. Throws `INVALID_ARGUMENT`. */
export function checkedTagChanges(tags: unknown): Record<string, string | null> {
  return checkedTags(tags, tagRules)
}

function checkedNewTags(tags: unknown): Record<string, string> {
  const checked = Object.entries(checkedTags(tags, tagRules))
  return Object.fromEntries(
    checked.map(([key, value]) => {
      if (value === null) throw invalidArgument('a tag cannot be held', tagRemedy)
      return [key, value] as const
    }),
  )
}

/** Applies the changes; `null` removes a tag. */
export function mergedTags(
  tags: Readonly<Record<string, string>>,
  changes: Readonly<Record<string, string | null>>,
): Record<string, string> {
  const merged = Object.entries({ ...tags, ...changes }).filter((entry): entry is [string, string] => entry[1] !== null)
  if (merged.length > limits.tags) throw invalidArgument('the secret would have too many tags', `keep at most ${limits.tags}`)
  return Object.fromEntries(merged.toSorted(([one], [other]) => (one < other ? -1 : 1)))
}

/** A validated copy of a write. The caller wipes `plaintext`. */
export interface CheckedSecret extends Omit<NewSecret, 'value' | 'shape'>, Pick<StagedSecret, 'note'> {
  readonly plaintext: Uint8Array
  readonly kind: number
}

/** Throws `INVALID_ARGUMENT` for a value that the store could not return exactly. */
export function checkedSecret(secret: NewSecret): CheckedSecret {
  assertObject(secret, 'the secret to store')
  const { value, shape, version, ifCurrent, tags } = secret
  if (version !== undefined) assertVersionNumber(version)
  assertValue(value, localManifest.values)
  return {
    plaintext: copyOutsideHeap(value),
    kind: (typeof value === 'string' ? 0 : binaryKind) | (shape === 'map' ? mapKind : 0),
    version,
    ifCurrent: ifCurrent && checkedReceipt(ifCurrent),
    tags: tags === undefined ? undefined : checkedNewTags(tags),
  }
}

/** Throws `INVALID_ARGUMENT`. */
export function checkedReceipt(receipt: WriteReceipt): WriteReceipt {
  assertObject(receipt, 'the receipt')
  return { version: receipt.version, revision: receipt.revision }
}
