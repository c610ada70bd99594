import { type NewSecret, SecretsError } from '@finchat/secrets-core'
import { canHoldPath, limits } from './limits.ts'
import { binaryKind, mapKind } from './secret-record.ts'

/** Throws `INVALID_ARGUMENT` unless the store can hold this path. */
export function assertPath(path: unknown): asserts path is string {
  if (canHoldPath(path)) return
  throw invalid('the path cannot be held by the local store', `use 1 to ${limits.pathLength} characters, none of them a control character`)
}

/** A number as the contract wants it: a positive integer. Throws `INVALID_ARGUMENT` otherwise. */
export function assertVersion(version: unknown): asserts version is number {
  if (typeof version === 'number' && Number.isSafeInteger(version) && version > 0) return
  throw invalid('a version is a positive integer', `use 1 to ${limits.version}`)
}

/** Throws `INVALID_ARGUMENT` unless every tag can be held; `null` is allowed where it drops a tag. */
export function assertTags(tags: Readonly<Record<string, string | null>>): void {
  for (const [key, value] of Object.entries(tags)) {
    if (isTagText(key, 1, limits.tagKeyLength) && (value === null || isTagText(value, 0, limits.tagValueLength))) continue
    throw invalid('a tag cannot be held', `keys have 1 to ${limits.tagKeyLength} characters, values at most ${limits.tagValueLength}`)
  }
}

/** The tags that a secret has after these were set and those given as `null` dropped. */
export function mergedTags(
  tags: Readonly<Record<string, string>>,
  changes: Readonly<Record<string, string | null>>,
): Record<string, string> {
  const merged = Object.entries({ ...tags, ...changes }).filter((entry): entry is [string, string] => entry[1] !== null)
  if (merged.length > limits.tags) throw invalid('the secret would have too many tags', `keep at most ${limits.tags}`)
  return Object.fromEntries(merged.toSorted(([one], [other]) => (one < other ? -1 : 1)))
}

/** A write whose every part was checked before the store is touched. The plaintext is the caller's to overwrite. */
export interface CheckedSecret extends NewSecret {
  readonly plaintext: Buffer
  readonly kind: number
}

/** Throws `INVALID_ARGUMENT` for what the store cannot hold, or could not give back exactly. */
export function checkedSecret(secret: NewSecret): CheckedSecret {
  const { value, shape, version, tags } = secret
  if (version !== undefined) assertVersion(version)
  if (tags) assertTags(tags)
  if (typeof value !== 'string' && !(value instanceof Uint8Array)) throw invalid('a value is text or bytes')
  if (typeof value === 'string' && !value.isWellFormed()) {
    throw invalid('the value has a lone surrogate, which no encoding gives back', 'store it as bytes')
  }
  if (Buffer.byteLength(value) > limits.valueBytes) throw invalid('the value is too large', `keep it within ${limits.valueBytes} bytes`)
  const kind = (typeof value === 'string' ? 0 : binaryKind) | (shape === 'map' ? mapKind : 0)
  return { ...secret, plaintext: typeof value === 'string' ? Buffer.from(value) : Buffer.from(value), kind }
}

function invalid(problem: string, remedy?: string): SecretsError {
  return new SecretsError('INVALID_ARGUMENT', problem, { remedy })
}

function isTagText(text: unknown, shortest: number, longest: number): boolean {
  return typeof text === 'string' && text.length >= shortest && text.length <= longest && text.isWellFormed()
}
