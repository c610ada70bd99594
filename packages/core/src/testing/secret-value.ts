import { SecretValue, type SecretMetadata } from '../value/secret-value.ts'

/** Copies of its bytes that were handed out. */
export const copies: WeakMap<SecretValue, Uint8Array[]> = new WeakMap()

/** A text as a store named `store` would answer it. */
export function secretValue(text: string, metadata: Partial<SecretMetadata> = {}): SecretValue {
  const made: Uint8Array[] = []
  const part = {
    text: () => text,
    bytes: () => {
      made.push(new TextEncoder().encode(text))
      return made.at(-1) ?? new Uint8Array()
    },
  }
  const value = new SecretValue(
    { metadata: { provider: 'store', askedAt: 0, ...metadata }, part: () => part, json: () => text },
    false,
    false,
  )
  copies.set(value, made)
  return value
}
