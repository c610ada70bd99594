import type { KeyObject } from 'node:crypto'
import { loadCrypto } from './builtins.ts'

const algorithm = 'aes-256-gcm'
const nonceLength = 12
/** Node.js would accept a tag of four bytes unless told the length. */
const tag = { authTagLength: 16 }

/** The nonce and the tag, which stand before the ciphertext. Together they name one sealed text and no other. */
export const sealLength: number = nonceLength + tag.authTagLength

// The local provider seals alike. Neither package may import the other, and core loads no cryptography for those who need none.

/**
 * AES-256-GCM (NIST SP 800-38D) under a fresh random nonce: nonce, tag, ciphertext. Random nonces allow 2^32 sealed
 * texts under one key (section 8.3).
 */
export function seal(key: KeyObject, associatedData: Uint8Array, plaintext: Uint8Array): Buffer {
  const { createCipheriv, randomBytes } = loadCrypto()
  const nonce = randomBytes(nonceLength)
  const cipher = createCipheriv(algorithm, key, nonce, tag).setAAD(associatedData)
  const ciphertext = cipher.update(plaintext)
  cipher.final()
  return Buffer.concat([nonce, cipher.getAuthTag(), ciphertext])
}

/** The plaintext in memory of its own, or `undefined` if this is not what `seal` made with this key and these data. */
export function unseal(key: KeyObject, associatedData: Uint8Array, sealed: Uint8Array): Buffer | undefined {
  if (sealed.length < sealLength) return undefined
  const decipher = loadCrypto().createDecipheriv(algorithm, key, sealed.subarray(0, nonceLength), tag)
  decipher.setAAD(associatedData).setAuthTag(sealed.subarray(nonceLength, sealLength))
  const plaintext = decipher.update(sealed.subarray(sealLength))
  try {
    decipher.final()
    return plaintext
  } catch {
    plaintext.fill(0)
    return undefined
  }
}
