import { createHmac, randomInt, timingSafeEqual } from 'node:crypto'
import type { SealingKey } from '@finchat/secrets-core/sealing'

/** The characters of a decoy; its last ones are a MAC of those before them, of 64 bits or more. */
interface Alphabet {
  readonly characters: string
  readonly nonceLength: number
  readonly macLength: number
}

const digits = '0123456789'
const hex: Alphabet = { characters: `${digits}abcdef`, nonceLength: 16, macLength: 16 }
const letters: Alphabet = {
  characters: `${digits}ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz`,
  nonceLength: 12,
  macLength: 12,
}

/** What tells the service of a token, and nothing of its value. */
const prefixes = ['sk_live_', 'sk_test_', 'rk_live_', 'whsec_', 'ghp_', 'gho_', 'github_pat_', 'glpat-', 'npm_', 'xoxb-', 'AKIA']

/** Those of stores and servers; another one may be a part of a password. */
const schemes: readonly string[] = [
  'http https ws wss ftp sftp ssh smtp smtps ldap ldaps mqtt mqtts amqp amqps nats tls s3 gs',
  'postgres postgresql mysql mariadb sqlserver clickhouse sqlite jdbc mongodb mongodb+srv redis rediss valkey valkeys',
].flatMap((line) => line.split(' '))

/** A value without an end, such as a certificate, is not imitated to its full length. */
const mostCharacters = 256

/**
 * A value that nothing takes, in the form of the real one: its alphabet, its length and a
 * well-known prefix; of a URL the scheme. It is recognised by the key alone: no list is kept.
 */
export function makeDecoy(key: SealingKey, real: string): string {
  const scheme = real.includes('://') ? (URL.parse(real)?.protocol.slice(0, -1) ?? '') : ''
  if (schemes.includes(scheme)) return `${scheme}://app:${body(key, letters, 0)}@db.internal/app`
  if (scheme === 'file') return `file:///app/${body(key, letters, 0)}` // which has no password
  const prefix = prefixes.find((each) => real.startsWith(each)) ?? ''
  const rest = real.slice(prefix.length)
  return prefix + body(key, Array.from(rest).every((each) => hex.characters.includes(each)) ? hex : letters, rest.length)
}

/** Whether the text, or the password in a URL, is a decoy of this key. */
export function isDecoy(key: SealingKey, text: string): boolean {
  const password = text.length <= 2 * mostCharacters ? URL.parse(text)?.password : undefined
  return [text, password ?? ''].some((each) => endsInMac(key, letters, each) || endsInMac(key, hex, each))
}

function body(key: SealingKey, alphabet: Alphabet, length: number): string {
  const { characters, nonceLength, macLength } = alphabet
  const random = Math.max(nonceLength, Math.min(length, mostCharacters) - macLength)
  const text = Array.from({ length: random }, () => characters[randomInt(characters.length)]).join('')
  return text + macOf(key, alphabet, text.slice(-nonceLength))
}

function endsInMac(key: SealingKey, alphabet: Alphabet, text: string): boolean {
  const end = text.slice(-alphabet.nonceLength - alphabet.macLength)
  const expected = Buffer.from(macOf(key, alphabet, end.slice(0, alphabet.nonceLength)))
  const given = Buffer.from(end.slice(alphabet.nonceLength))
  return given.length === expected.length && timingSafeEqual(given, expected)
}

function macOf(key: SealingKey, { characters, macLength }: Alphabet, nonce: string): string {
  let number = BigInt(`0x${createHmac('sha256', key).update(`finchat decoy ${characters.length} ${nonce}`).digest('hex')}`)
  const base = BigInt(characters.length)
  let text = ''
  for (let at = 0; at < macLength; at++) {
    text += characters[Number(number % base)]
    number /= base
  }
  return text
}
