import { loadCrypto } from '../kit/builtins.ts'
import type { KeyObject } from 'node:crypto'
import { SecretsError } from '../errors/secrets-error.ts'

const algorithm = 'aes-256-gcm'
const keyLength = 32
const nonceLength = 12
/** Node.js would accept a tag of four bytes unless told the length. */
const tag = { authTagLength: 16 }

/**
 * 28: the bytes of nonce and tag, which stand before the ciphertext; it is as long as the
 * plaintext. Who has no key finds no other sealed text with the same; who has it can make one.
 *
 * @example
 * import { createSecretKey, randomBytes } from 'node:crypto'
 * import { seal, sealLength } from '@finchat/secrets-core/sealing'
 *
 * const sealed = seal(createSecretKey(randomBytes(32)), Buffer.from('where it lies'), Buffer.from('hunter2'))
 * console.log(sealed.length - sealLength) // 7
 */
export const sealLength: number = nonceLength + tag.authTagLength

/**
 * AES-256-GCM (NIST SP 800-38D) under a fresh random nonce of 96 bits: nonce, tag of 128 bits,
 * ciphertext. `associatedData` is authenticated and not stored: make it with `lengthPrefixed` of
 * what the text is and where it lies, so that it opens nowhere else. Random nonces allow 2^32
 * sealed texts under one key (section 8.3): count them, take another key in time, or one for each
 * text with `deriveSealKey`. GCM does not commit to its key: who knows two keys can make a text
 * that both open. The key is 32 bytes or a `KeyObject` of as many. Node.js keeps no copy of bytes,
 * so that overwriting them ends the key; a `KeyObject` stays in memory until it is collected.
 * Throws `INVALID_ARGUMENT` for another key, and unless the rest are bytes.
 *
 * @example
 * import { createSecretKey, randomBytes } from 'node:crypto'
 * import { lengthPrefixed, seal, unseal } from '@finchat/secrets-core/sealing'
 *
 * const key = createSecretKey(randomBytes(32)) // where it is kept, and when it is replaced, is yours to decide
 * const place = (name: string, version: number) => lengthPrefixed(['my-store', 1, name, version])
 *
 * const sealed = seal(key, place('database', 2), Buffer.from('hunter2'))
 * console.log(unseal(key, place('database', 2), sealed)?.toString()) // hunter2
 * console.log(unseal(key, place('database', 1), sealed)) // undefined
 */
export function seal(key: SealingKey, associatedData: Uint8Array, plaintext: Uint8Array): Buffer {
  assertSealable(key, associatedData, plaintext)
  const { createCipheriv, randomBytes } = loadCrypto()
  const nonce = randomBytes(nonceLength)
  const cipher = withRawKey(() => createCipheriv(algorithm, key, nonce, tag)).setAAD(associatedData)
  const ciphertext = cipher.update(plaintext)
  cipher.final()
  return Buffer.concat([nonce, cipher.getAuthTag(), ciphertext])
}

/**
 * The plaintext in memory of its own, to be overwritten when it is done with; or `undefined` if
 * this is not what `seal` made with this key and these data, and nothing tells which of them is
 * another. What was decrypted of such a text is overwritten. Throws `INVALID_ARGUMENT` as `seal`
 * does.
 *
 * @example
 * import { createSecretKey, randomBytes } from 'node:crypto'
 * import { seal, unseal } from '@finchat/secrets-core/sealing'
 *
 * const [key, data] = [createSecretKey(randomBytes(32)), Buffer.from('where it lies')]
 * const sealed = seal(key, data, Buffer.from('hunter2'))
 * const plaintext = unseal(key, data, sealed)
 * console.log(plaintext?.toString()) // hunter2
 * plaintext?.fill(0)
 * console.log(unseal(key, data, sealed.subarray(1))) // undefined
 */
export function unseal(key: SealingKey, associatedData: Uint8Array, sealed: Uint8Array): Buffer | undefined {
  assertSealable(key, associatedData, sealed)
  if (sealed.length < sealLength) return undefined
  const decipher = withRawKey(() => loadCrypto().createDecipheriv(algorithm, key, sealed.subarray(0, nonceLength), tag))
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

/** What Node.js says of a key is not ours to let out. */
export function assertSealingKey(key: unknown): void {
  if (isKey(key)) return
  throw new SecretsError('INVALID_ARGUMENT', `the key is neither ${keyLength} bytes nor a secret KeyObject of as many`, {
    remedy: 'pass a Uint8Array of random bytes, or `createSecretKey` of one',
  })
}

/** Node.js would take texts as well, and encode them in its own way. */
export function assertSealable(key: unknown, ...texts: readonly unknown[]): void {
  assertSealingKey(key)
  if (texts.every((text) => text instanceof Uint8Array)) return
  throw new SecretsError('INVALID_ARGUMENT', 'what is sealed, opened or authenticated, or its associated data, is not a Uint8Array', {
    remedy: 'encode text with `Buffer.from`, fields with `lengthPrefixed`',
  })
}

function isKey(key: unknown): key is SealingKey {
  if (key instanceof Uint8Array) return key.length === keyLength
  return key instanceof loadCrypto().KeyObject && key.type === 'secret' && key.symmetricKeySize === keyLength
}

/** A key as bytes, which whoever holds them can overwrite, or as Node.js's object. */
export type SealingKey = Uint8Array | KeyObject

/**
 * Runs what gives raw bytes to Node.js as a key. Node.js 24 throws and catches two errors to tell
 * them from a `KeyObject`, and their stack traces cost three times as much as the call. It fails
 * where nothing may be set, such as with frozen intrinsics, and then it is merely slow.
 */
function withRawKey<T>(use: () => T): T {
  const limit = Error.stackTraceLimit
  Reflect.set(Error, 'stackTraceLimit', 0)
  try {
    return use()
  } finally {
    Reflect.set(Error, 'stackTraceLimit', limit)
  }
}
