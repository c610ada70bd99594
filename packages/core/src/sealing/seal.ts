import { loadCrypto } from '../kit/builtins.ts'
import type { KeyObject } from 'node:crypto'
import { SecretsError } from '../errors/secrets-error.ts'

const algorithm = 'aes-256-gcm'
const keyLength = 32
const nonceLength = 12
/** Without the length, Node.js accepts tags of four bytes. */
const tag = { authTagLength: 16 }

/**
 * 28: the bytes of nonce and tag before the ciphertext, which is as long as the plaintext. Only
 * with the key can another text with the same nonce and tag be made.
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
 * AES-256-GCM (NIST SP 800-38D). Returns a random 96-bit nonce, the 128-bit tag and the ciphertext.
 * `associatedData` is authenticated, not stored: encode the kind and the place of the text with
 * `lengthPrefixed`. Then it opens nowhere else.
 *
 * One key may seal 2^32 texts (section 8.3): count them, or use `deriveSealKey`. GCM does not
 * commit to its key: with two known keys, one text can open under both. The key is 32 bytes or a
 * `KeyObject` of 32. Overwriting bytes ends the key; a `KeyObject` stays in memory until it is
 * collected. Throws `INVALID_ARGUMENT` for any other key, data or plaintext.
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
 * Returns the plaintext in memory of its own: overwrite it after use. Returns `undefined` if key,
 * data or text differ from what was sealed, without saying which. Throws `INVALID_ARGUMENT` as
 * `seal` does.
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

/** Node.js's own error may describe the key. */
export function assertSealingKey(key: unknown): void {
  if (isKey(key)) return
  throw new SecretsError('INVALID_ARGUMENT', `the key is neither ${keyLength} bytes nor a secret KeyObject of as many`, {
    remedy: 'pass a Uint8Array of random bytes, or `createSecretKey` of one',
  })
}

/** Node.js would also take text, in its own encoding. */
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

/** Bytes, which can be overwritten, or Node.js's object. */
export type SealingKey = Uint8Array | KeyObject

/**
 * For a raw key, Node.js 24 throws and catches two errors, whose stack traces cost three times as
 * much as the call. With frozen intrinsics the limit stays, and the call is only slow.
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
