import { isUtf8 } from 'node:buffer'
import { copyOutsideHeap } from '../value/off-heap-bytes.ts'
import { loadCrypto } from '../kit/builtins.ts'
import { SecretsError } from '../errors/secrets-error.ts'

/** 32 random bytes, their text, or a passphrase of at least 32 bytes. */
export type EncryptionKey = string | Uint8Array

/** 32 random bytes to use as they are, or a passphrase to stretch first. */
export type KeyMaterial = { readonly kind: 'raw'; readonly bytes: Uint8Array } | { readonly kind: 'passphrase'; readonly text: string }

const keyBytes = 32
/** Random keys have about 30 distinct bytes, practically never fewer than 8. */
const leastDistinctBytes = 8
/** Random keys have about 8 letters, digits and spaces; fewer than one in 10^10 has 26. */
const leastOfWords = 26
/** Sentences of 32 characters have about 15. */
const leastDistinctCharacters = 8
/** A passphrase that repeats is as weak as its repeated part. */
const leastPeriod = 16

// No regular expression may see a key: `RegExp.input` keeps the last matched text.
const lowerCase = 'abcdefghijklmnopqrstuvwxyz'
const upperCase = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'
const decimalDigits = '0123456789'
const hexDigits = `${decimalDigits}abcdefABCDEF`
const base64Digits = `${upperCase}${lowerCase}${decimalDigits}+/`
const base64urlDigits = `${upperCase}${lowerCase}${decimalDigits}-_`
const eitherBase64 = `${base64Digits}-_`
const ofWords = Buffer.from(`${base64Digits} `)

const copyAgain = 'copy it again, all of it'

/**
 * Returns a new random key: `key:` and 32 bytes in base64url, safe in a variable and a shell.
 *
 * @example
 * import { generateKey } from '@finchat/secrets-core/sealing'
 *
 * console.log(generateKey().length) // 47
 */
export function generateKey(): string {
  return `key:${loadCrypto().randomBytes(keyBytes).toString('base64url')}`
}

/**
 * A raw key is `Uint8Array(32)`, 64 hex digits, 44 characters of padded base64, or `key:` and
 * base64url. It is returned in memory of its own, to overwrite after use. Any other text of at
 * least 32 bytes is a passphrase.
 *
 * Throws `CONFIGURATION` for anything else, and never quotes the key. That includes bytes that are
 * not random, damaged encoded keys, and passphrases that repeat.
 *
 * @example
 * import { generateKey, parseKey } from '@finchat/secrets-core/sealing'
 *
 * console.log(parseKey(generateKey()).kind) // raw
 * console.log(parseKey('correct horse battery staple and more').kind) // passphrase
 */
export function parseKey(key: EncryptionKey): KeyMaterial {
  if (key instanceof Uint8Array) return rawKey(copyOutsideHeap(key))
  if (typeof key !== 'string')
    throw malformed('the encryption key is neither text nor a Uint8Array', 'give its 32 bytes as a Uint8Array, or its text')
  if (key.startsWith('key:')) refuseSurroundings(key)
  if (key.startsWith('key:')) return rawKey(decoded(key.slice(4, key.endsWith('=') ? -1 : undefined), 'base64url'))
  if (Buffer.byteLength(key) < keyBytes) throw tooShort()
  refuseSurroundings(key)
  if (key.length === 64 && consistsOf(hexDigits, key)) return rawKey(decoded(key, 'hex'))
  if (key.length === 44 && key.endsWith('=') && consistsOf(base64Digits, key.slice(0, -1))) {
    return rawKey(decoded(key.slice(0, -1), 'base64'))
  }
  refuseNearMiss(key)
  refuseWeakPassphrase(key)
  return { kind: 'passphrase', text: key }
}

/**
 * Parses several keys in order. If one is refused, the others are overwritten.
 *
 * @example
 * import { generateKey, parseKeys } from '@finchat/secrets-core/sealing'
 *
 * console.log(parseKeys([generateKey(), generateKey()]).length) // 2
 */
export function parseKeys(keys: readonly EncryptionKey[]): KeyMaterial[] {
  const parsed: KeyMaterial[] = []
  try {
    for (const key of keys) parsed.push(parseKey(key))
    return parsed
  } catch (error) {
    for (const key of parsed) if (key.kind === 'raw') key.bytes.fill(0)
    throw error
  }
}

/** Overwrites bytes that it refuses. */
function rawKey(bytes: Uint8Array): KeyMaterial {
  try {
    if (bytes.length < keyBytes) throw tooShort()
    if (bytes.length > keyBytes) {
      const problem = `a raw encryption key has exactly ${keyBytes} bytes, not ${bytes.length}`
      throw malformed(problem, 'give the 32 bytes alone, or a key that was read as text as a string')
    }
    if (new Set(bytes).size < leastDistinctBytes) throw malformed('the encryption key is not random: few of its bytes differ')
    if (isText(bytes)) throw malformed('the 32 bytes of the encryption key are text, not random bytes')
    return { kind: 'raw', bytes }
  } catch (error) {
    bytes.fill(0)
    throw error
  }
}

/** Also zero-padded, in UTF-16 or in Latin-1. One random key in 10^10 looks like text. */
function isText(bytes: Uint8Array): boolean {
  const allowed = [0x00, 0x09, 0x0a, 0x0d]
  const isPrintable = bytes.every((byte) => (byte >= 0x20 && byte !== 0x7f) || allowed.includes(byte))
  return isPrintable && (isUtf8(bytes) || bytes.filter((byte) => ofWords.includes(byte)).length >= leastOfWords)
}

const encodings = {
  hex: { digits: hexDigits, bits: 4 },
  base64: { digits: base64Digits, bits: 6 },
  base64url: { digits: base64urlDigits, bits: 6 },
}

/**
 * Strict: a mistyped character must not make another key. Bytes never become a string, which cannot
 * be overwritten.
 */
function decoded(text: string, encoding: keyof typeof encodings): Uint8Array {
  const { digits, bits } = encodings[encoding]
  const length = Math.floor((text.length * bits) / 8)
  const spareBits = text.length * bits - length * 8
  const isWhole = spareBits < bits && digits.indexOf(text.at(-1) ?? '') % 2 ** spareBits === 0
  if (!isWhole || !consistsOf(digits, text)) throw malformed(`the encryption key is damaged: it is not valid ${encoding}`, copyAgain)
  if (length < keyBytes / 2) throw tooShort()
  if (length !== keyBytes) throw malformed(`the encryption key is damaged: it holds ${length} bytes, not ${keyBytes}`, copyAgain)
  const bytes = new ArrayBuffer(keyBytes)
  Buffer.from(bytes).write(text, encoding)
  return new Uint8Array(bytes)
}

/** A file's newline or a shell's quotes would silently make another key. */
function refuseSurroundings(key: string): void {
  if (key.trim() !== key)
    throw malformed('the encryption key begins or ends with whitespace', 'remove it; from the text of a file by .trim()')
  if (isQuote(key.at(0)) && isQuote(key.at(-1))) throw malformed('the encryption key stands in quotes', 'remove them')
}

function isQuote(character: string | undefined): boolean {
  return character === '"' || character === "'" || character === '`'
}

/** A damaged key would pass as a passphrase, and open nothing. */
function refuseNearMiss(key: string): void {
  if (isNearHex(key)) throw malformed('the encryption key is damaged: it is nearly, but not, 64 hex digits', copyAgain)
  if (isNearBase64(key)) {
    throw malformed('the encryption key is damaged: it is nearly, but not, 32 bytes in base64', `${copyAgain}, with \`key:\` or \`=\``)
  }
}

/** Cut, mistyped, grouped, or with more pasted to it. */
function isNearHex(text: string): boolean {
  const digits = Array.from(text).filter((each) => each !== ' ' && each !== ':')
  return Math.abs(digits.length - 64) <= 8 && digits.filter((each) => !hexDigits.includes(each)).length <= 4
}

/** After any prefix: a mistyped `key:`, or a variable's name. */
function isNearBase64(text: string): boolean {
  let end = text.length
  while (text[end - 1] === '=') end -= 1
  let start = end
  while (start > 0 && eitherBase64.includes(text[start - 1] ?? ' ')) start -= 1
  const run = text.slice(start, end)
  return Math.abs(run.length - 43) <= 3 && hasAnyOf(lowerCase, run) && hasAnyOf(upperCase, run) && !areWords(run)
}

/** No digits, and capitals only where words begin: fewer than one random key in 10^6. */
function areWords(run: string): boolean {
  const begins = (at: number): boolean => lowerCase.includes(run[at + 1] ?? ' ')
  return Array.from(run).every((each, at) => !decimalDigits.includes(each) && (!upperCase.includes(each) || begins(at)))
}

function refuseWeakPassphrase(text: string): void {
  if (!text.isWellFormed()) throw malformed('the passphrase is not well-formed text')
  if (new Set(text).size < leastDistinctCharacters) throw malformed('the passphrase has too few different characters')
  for (let period = 1; period < leastPeriod; period += 1) {
    if (text.startsWith(text.slice(period))) throw malformed('the passphrase is a short text, repeated')
  }
}

/** `Buffer.from` takes `š` for `a` without an error. */
function consistsOf(digits: string, text: string): boolean {
  for (const character of text) if (!digits.includes(character)) return false
  return true
}

function hasAnyOf(characters: string, text: string): boolean {
  for (const character of text) if (characters.includes(character)) return true
  return false
}

function tooShort(): SecretsError {
  return new SecretsError('CONFIGURATION', 'Encryption key must be at least 32 bytes long')
}

/** A damaged key needs another remedy, since a new key opens nothing. */
function malformed(problem: string, remedy = 'generateKey() makes a random key'): SecretsError {
  return new SecretsError('CONFIGURATION', problem, { remedy })
}
