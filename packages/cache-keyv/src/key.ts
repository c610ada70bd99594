import { SecretsError } from '@finchat/secrets-core'
import { loadCrypto } from './builtins.ts'

/** An encryption key as users hold it: 32 random bytes, or their text. */
export type EncryptionKey = string | Uint8Array

/** AES-256 and HKDF-SHA256 want 32 bytes. */
const keyBytes = 32

// No regular expression may see a key: the text that one last matched stays in `RegExp.input`, where a heap snapshot shows it.
const hexDigits = '0123456789abcdefABCDEF'

/**
 * A new random key as text, `key:` and 32 bytes in base64url: safe in an environment variable and in a shell.
 *
 * @example
 * import { generateKey } from '@finchat/secrets-cache-keyv'
 *
 * console.log(generateKey().length) // 47
 */
export function generateKey(): string {
  return `key:${loadCrypto().randomBytes(keyBytes).toString('base64url')}`
}

/**
 * `Uint8Array(32)`, 64 hex digits, 44 characters of padded base64, or `key:` and base64url; a copy. Throws `CONFIGURATION` for all else, without
 * ever quoting the key. A passphrase is none: the cache server has all the time of the world to guess it, and a salt has no place there.
 */
export function parseKey(key: EncryptionKey): Buffer {
  if (key instanceof Uint8Array) return ofLength(Buffer.from(Uint8Array.from(key).buffer))
  if (typeof key !== 'string') throw malformed('the encryption key is neither text nor a Uint8Array')
  if (Buffer.byteLength(key) < keyBytes) throw tooShort()
  if (key.startsWith('key:')) return ofLength(decoded(key.slice(4, key.endsWith('=') ? -1 : undefined), 'base64url'))
  if (key.length === 64 && consistsOf(hexDigits, key)) return Buffer.from(key, 'hex')
  if (key.length === 44 && key.endsWith('=')) return ofLength(decoded(key, 'base64'))
  throw malformed('the encryption key is a passphrase, or is damaged')
}

/** Strict: a mistyped character must not silently become another key. */
function decoded(text: string, encoding: 'base64' | 'base64url'): Buffer {
  const bytes = Buffer.from(text, encoding)
  if (bytes.toString(encoding) === text) return bytes
  throw malformed(`the encryption key is damaged: it looks like ${encoding} and is not`)
}

function ofLength(bytes: Buffer): Buffer {
  if (bytes.length < keyBytes) throw tooShort()
  if (bytes.length > keyBytes) throw malformed(`an encryption key has exactly ${keyBytes} bytes, not ${bytes.length}`)
  return bytes
}

/** `Buffer.from` does not tell: it stops at what is no digit. */
function consistsOf(digits: string, text: string): boolean {
  for (const character of text) if (!digits.includes(character)) return false
  return true
}

function tooShort(): SecretsError {
  return new SecretsError('CONFIGURATION', 'Encryption key must be at least 32 bytes long', { remedy: 'generateKey() makes one' })
}

function malformed(problem: string): SecretsError {
  return new SecretsError('CONFIGURATION', problem, {
    remedy: 'give 32 random bytes or their text; generateKey() makes one, once for the fleet',
  })
}
