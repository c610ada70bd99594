import { SecretsError } from '@finchat/secrets-core'
import { loadCrypto } from './builtins.ts'

/** An encryption key as users hold it: 32 bytes, their text, or a passphrase of at least 32 bytes. */
export type EncryptionKey = string | Uint8Array

/** What a key turned out to be: 32 bytes that are used as they are, or a passphrase that must first be stretched. */
export type KeyMaterial = { readonly kind: 'raw'; readonly bytes: Uint8Array } | { readonly kind: 'passphrase'; readonly text: string }

// No regular expression may see a key: the text that one last matched stays in `RegExp.input`, where a heap snapshot shows it.
const hexDigits = '0123456789abcdefABCDEF'
const base64Digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/** AES-256 and HKDF-SHA256 want 32 bytes; a shorter passphrase is refused too, as it always was. */
const keyBytes = 32

/**
 * A new random key as text, `key:` and 32 bytes in base64url: safe in an environment variable and in a shell.
 *
 * @example
 * import { generateKey } from '@finchat/secrets-provider-local'
 *
 * console.log(generateKey().length) // 47
 */
export function generateKey(): string {
  return `key:${loadCrypto().randomBytes(keyBytes).toString('base64url')}`
}

/**
 * `Uint8Array(32)`, 64 hex digits, 44 characters of padded base64, or `key:` and base64url is a raw key; every other
 * text of at least 32 bytes is a passphrase. Throws `CONFIGURATION` for all else, without ever quoting the key.
 */
export function parseKey(key: EncryptionKey): KeyMaterial {
  if (key instanceof Uint8Array) return rawKey(key)
  if (typeof key !== 'string') throw malformed('the encryption key is neither text nor a Uint8Array')
  if (key.startsWith('key:')) refuseSurroundings(key)
  if (key.startsWith('key:')) return rawKey(whole(decoded(key.slice(4, key.endsWith('=') ? -1 : undefined), 'base64url')))
  if (Buffer.byteLength(key) < keyBytes) throw tooShort()
  refuseSurroundings(key)
  if (key.length === 64 && consistsOf(hexDigits, key)) return rawKey(Buffer.from(key, 'hex'))
  if (key.length === 44 && key.endsWith('=') && consistsOf(base64Digits, key.slice(0, -1))) return rawKey(decoded(key, 'base64'))
  if (!key.isWellFormed()) throw malformed('the passphrase is not well-formed text')
  return { kind: 'passphrase', text: key }
}

/** A copy, so that neither side's overwriting of its bytes is seen by the other. */
function rawKey(bytes: Uint8Array): KeyMaterial {
  if (bytes.length < keyBytes) throw tooShort()
  if (bytes.length > keyBytes) throw malformed(`a raw encryption key has exactly ${keyBytes} bytes, not ${bytes.length}`)
  return { kind: 'raw', bytes: Uint8Array.from(bytes) }
}

/** Strict: a mistyped character must not silently become another key. */
function decoded(text: string, encoding: 'base64' | 'base64url'): Uint8Array {
  const bytes = Buffer.from(text, encoding)
  if (bytes.toString(encoding) === text) return bytes
  throw malformed(`the encryption key is damaged: it looks like ${encoding} and is not`, 'copy it again, all of it')
}

/** A text that was cut, or pasted with more, may decode all the same. */
function whole(bytes: Uint8Array): Uint8Array {
  if (bytes.length === keyBytes) return bytes
  if (bytes.length < keyBytes / 2) throw tooShort()
  throw malformed(`the encryption key is damaged: it holds ${bytes.length} bytes, not ${keyBytes}`, 'copy it again, all of it')
}

/** A newline of a file or the quotes of a shell would make another key out of the same text, silently. */
function refuseSurroundings(key: string): void {
  if (key.trim() !== key) throw malformed('the encryption key begins or ends with whitespace', 'remove it')
  if (isQuote(key.at(0)) && isQuote(key.at(-1))) throw malformed('the encryption key stands in quotes', 'remove them')
}

function isQuote(character: string | undefined): boolean {
  return character === '"' || character === "'" || character === '`'
}

/** `Buffer.from` does not tell: it takes `š` for `a`. */
function consistsOf(digits: string, text: string): boolean {
  for (const character of text) if (!digits.includes(character)) return false
  return true
}

function tooShort(): SecretsError {
  return new SecretsError('CONFIGURATION', 'Encryption key must be at least 32 bytes long')
}

/** Whoever has a key that is nearly right must not make a new one: it opens nothing. */
function malformed(problem: string, remedy = 'give 32 bytes, their text, or a passphrase; generateKey() makes one'): SecretsError {
  return new SecretsError('CONFIGURATION', problem, { remedy })
}
