import { ownMemory } from '@finchat/secrets-core/provider'

const prefix = Buffer.from('audit-key:')
const alphabet = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_')
const valueOf = new Int8Array(256).fill(-1)
for (const [value, character] of alphabet.entries()) valueOf[character] = value

export const keyBytes = 32
const digits = 43
export const keyTextBytes: number = prefix.length + digits

/** `audit-key:` and base64url, as bytes: a string could not be overwritten. */
export function encodedKey(key: Uint8Array): Buffer {
  const text = ownMemory(keyTextBytes)
  text.set(prefix)
  for (let digit = 0; digit < digits; digit++) text[prefix.length + digit] = alphabet[sixBits(key, digit)] ?? 0
  return text
}

/** `undefined` for anything but what `encodedKey` returns. */
export function decodedKey(text: Uint8Array): Buffer | undefined {
  if (text.length !== keyTextBytes || prefix.compare(text, 0, prefix.length) !== 0) return undefined
  const key = ownMemory(keyBytes)
  for (let digit = 0; digit < digits; digit++) {
    const value = valueOf[text[prefix.length + digit] ?? 0] ?? -1
    if (value < 0 || (digit === digits - 1 && (value & 3) !== 0)) {
      key.fill(0)
      return undefined
    }
    addSixBits(key, digit, value)
  }
  return key
}

function sixBits(key: Uint8Array, digit: number): number {
  const [at, shift] = placeOf(digit)
  return ((((key[at] ?? 0) << 8) | (key[at + 1] ?? 0)) >> shift) & 63
}

function addSixBits(key: Uint8Array, digit: number, value: number): void {
  const [at, shift] = placeOf(digit)
  const bits = value << shift
  key[at] = (key[at] ?? 0) | (bits >> 8)
  if (at + 1 < keyBytes) key[at + 1] = (key[at + 1] ?? 0) | (bits & 255)
}

/** Where a digit's bits are in two bytes. */
function placeOf(digit: number): readonly [at: number, shift: number] {
  const bit = 6 * digit
  return [bit >> 3, 10 - (bit & 7)]
}
