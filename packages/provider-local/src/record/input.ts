import { type NewSecret, SecretsError, type WriteReceipt } from '@finchat/secrets-core'
import { ownMemory } from '../keys/key-bytes.ts'
import { canHoldPath, limits } from '../shared/limits.ts'
import { binaryKind, mapKind } from './secret-record.ts'

/** Throws `INVALID_ARGUMENT`. */
export function assertPath(path: unknown): asserts path is string {
  if (canHoldPath(path)) return
  throw invalid('the path cannot be held by the local store', `use 1 to ${limits.pathLength} characters, none of them a control character`)
}

/** Throws `INVALID_ARGUMENT` unless it is a positive integer. */
export function assertVersion(version: unknown): asserts version is number {
  if (typeof version === 'number' && Number.isSafeInteger(version) && version > 0) return
  throw invalid('a version is a positive integer', `use 1 to ${limits.version}`)
}

/** Throws `INVALID_ARGUMENT`. */
export function assertObject(value: unknown, what: string): asserts value is Readonly<Record<string, unknown>> {
  if (isObject(value)) return
  throw invalid(`${what} is not an object`)
}

/** Copies tag changes; `null` removes a tag. Throws `INVALID_ARGUMENT`. */
export function checkedTagChanges(tags: unknown): Record<string, string | null> {
  return checkedTags(tags, (value): value is string | null => value === null || isTagValue(value))
}

function checkedTags<Value>(tags: unknown, isValue: (value: unknown) => value is Value): Record<string, Value> {
  assertObject(tags, 'the value of `tags`')
  const entries = Object.entries(tags).map(([key, value]) => {
    if (isTagKey(key) && isValue(value)) return [key, value] as const
    throw invalid(
      'a tag cannot be held',
      `keys have 1 to ${limits.tagKeyLength} characters, values are text of at most ${limits.tagValueLength}`,
    )
  })
  return Object.fromEntries(entries)
}

/** Applies the changes; `null` removes a tag. */
export function mergedTags(
  tags: Readonly<Record<string, string>>,
  changes: Readonly<Record<string, string | null>>,
): Record<string, string> {
  const merged = Object.entries({ ...tags, ...changes }).filter((entry): entry is [string, string] => entry[1] !== null)
  if (merged.length > limits.tags) throw invalid('the secret would have too many tags', `keep at most ${limits.tags}`)
  return Object.fromEntries(merged.toSorted(([one], [other]) => (one < other ? -1 : 1)))
}

/** A validated copy of a write. The caller wipes `plaintext`. */
export interface CheckedSecret extends Omit<NewSecret, 'value' | 'shape'> {
  readonly plaintext: Buffer
  readonly kind: number
}

/** Throws `INVALID_ARGUMENT` for a value that the store could not return exactly. */
export function checkedSecret(secret: NewSecret): CheckedSecret {
  assertObject(secret, 'the secret to store')
  const { value, shape, version, ifCurrent, tags } = secret
  if (version !== undefined) assertVersion(version)
  assertValue(value)
  return {
    plaintext: inOwnMemory(value),
    kind: (typeof value === 'string' ? 0 : binaryKind) | (shape === 'map' ? mapKind : 0),
    version,
    ifCurrent: ifCurrent && checkedReceipt(ifCurrent),
    tags: tags === undefined ? undefined : checkedTags(tags, isTagValue),
  }
}

/** A pooled buffer of `Buffer.from` would share memory with others. */
function inOwnMemory(value: string | Uint8Array): Buffer {
  const copy = ownMemory(Buffer.byteLength(value))
  if (typeof value === 'string') copy.write(value)
  else copy.set(value)
  return copy
}

function assertValue(value: unknown): asserts value is string | Uint8Array {
  if (typeof value !== 'string' && !(value instanceof Uint8Array)) throw invalid('a value is text or bytes')
  if (typeof value === 'string' && !value.isWellFormed()) {
    throw invalid('the value has a lone surrogate, which no encoding gives back', 'store it as bytes')
  }
  if (Buffer.byteLength(value) > limits.valueBytes) throw invalid('the value is too large', `keep it within ${limits.valueBytes} bytes`)
}

/** Throws `INVALID_ARGUMENT`. */
export function checkedReceipt(receipt: WriteReceipt): WriteReceipt {
  assertObject(receipt, 'the receipt')
  return { version: receipt.version, revision: receipt.revision }
}

function invalid(problem: string, remedy?: string): SecretsError {
  return new SecretsError('INVALID_ARGUMENT', problem, { remedy })
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isTagKey(key: string): boolean {
  return key.length >= 1 && key.length <= limits.tagKeyLength && key.isWellFormed()
}

function isTagValue(value: unknown): value is string {
  return typeof value === 'string' && value.length <= limits.tagValueLength && value.isWellFormed()
}
