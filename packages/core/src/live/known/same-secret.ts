import type { WriteReceipt } from '../../contract/provider.ts'
import type { SecretValue } from '../../value/secret-value.ts'

/**
 * Whether one value is the other's version. Without version numbers the content decides: files that
 * are mounted anew get another revision with the same content.
 */
export function isSameVersion(one: SecretValue, other: SecretValue): boolean {
  if (one === other) return true
  if (one.provider !== other.provider || one.version !== other.version) return false
  if (one.version === undefined) return isSameCredential(one, other)
  return one.revision === other.revision
}

export function hasIdentity({ version, revision }: WriteReceipt): boolean {
  return version !== undefined || revision !== undefined
}

/** Whether both hold the same content, whatever their versions: a login cannot tell them apart. */
export function isSameCredential(one: SecretValue, other: SecretValue): boolean {
  if (one === other) return true
  const [content, otherContent] = [contentOf(one), contentOf(other)]
  const isSame = Buffer.compare(content, otherContent) === 0
  content.fill(0)
  otherContent.fill(0)
  return isSame
}

/** Of several fields, their JSON text. */
function contentOf(value: SecretValue): Uint8Array {
  try {
    return value.bytes()
  } catch {
    return Buffer.from(JSON.stringify(value.json()))
  }
}
