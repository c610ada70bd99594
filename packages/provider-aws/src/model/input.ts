import { type NewSecret, SecretsError } from '@finchat/secrets-core'
import { canHoldPath, limits } from './limits.ts'

/** Throws `INVALID_ARGUMENT` unless AWS can hold this path. */
export function assertPath(path: unknown): asserts path is string {
  if (canHoldPath(path)) return
  throw invalid('the path cannot be held by AWS Secrets Manager', 'use 1 to 512 of A-Z a-z 0-9 / _ + = . @ - (or an ARN of a secret)')
}

/** A number as the contract wants it: a positive integer. Throws `INVALID_ARGUMENT` otherwise. */
export function assertVersion(version: unknown): asserts version is number {
  if (typeof version === 'number' && Number.isSafeInteger(version) && version > 0) return
  throw invalid('a version is a positive integer', `use 1 to ${Number.MAX_SAFE_INTEGER}`)
}

/** Throws `INVALID_ARGUMENT` unless every tag can be held; `null` is allowed where it drops a tag. */
export function assertTags(tags: Readonly<Record<string, string | null>>): void {
  const entries = Object.entries(tags)
  if (entries.length > limits.tags) throw invalid('there are too many tags', `a secret has at most ${limits.tags}`)
  for (const [key, value] of entries) {
    if (isTagText(key, 1, limits.tagKeyLength) && !/^aws:/i.test(key) && (value === null || isTagText(value, 0, limits.tagValueLength)))
      continue
    const lengths = `keys have 1 to ${limits.tagKeyLength} characters and do not begin with aws:, values at most ${limits.tagValueLength}`
    throw invalid('a tag cannot be held', lengths)
  }
}

/** A write whose every part was checked before AWS is asked. The value is as the SDK takes it: a copy, which the caller does not change. */
export interface CheckedSecret extends Pick<NewSecret, 'version' | 'ifCurrent'> {
  readonly content: { readonly SecretString: string } | { readonly SecretBinary: Uint8Array }
  readonly tags: Readonly<Record<string, string>>
}

/** Throws `INVALID_ARGUMENT` for what AWS cannot hold, or could not give back exactly. */
export function checkedSecret({ value, version, ifCurrent, tags = {} }: NewSecret): CheckedSecret {
  if (version !== undefined) assertVersion(version)
  assertTags(tags)
  if (typeof value !== 'string' && !(value instanceof Uint8Array)) throw invalid('a value is text or bytes')
  if (typeof value === 'string' && !value.isWellFormed()) {
    throw invalid('the value has a lone surrogate, which no encoding gives back', 'store it as bytes')
  }
  const bytes = Buffer.byteLength(value)
  if (bytes === 0) throw invalid('the value is empty, which AWS does not store', 'store at least one byte')
  if (bytes > limits.valueBytes) throw invalid('the value is too large', `keep it within ${limits.valueBytes} bytes`)
  const content = typeof value === 'string' ? { SecretString: value } : { SecretBinary: Uint8Array.from(value) }
  return { content, version, ifCurrent, tags }
}

export function invalid(problem: string, remedy?: string): SecretsError {
  return new SecretsError('INVALID_ARGUMENT', problem, { remedy })
}

function isTagText(text: unknown, shortest: number, longest: number): boolean {
  return typeof text === 'string' && text.length >= shortest && text.length <= longest && text.isWellFormed()
}
