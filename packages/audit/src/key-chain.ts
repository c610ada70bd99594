import { createHmac, createSecretKey, type KeyObject, randomBytes, timingSafeEqual } from 'node:crypto'
import { SecretsError } from '@finchat/secrets-core'

/** What a key is used for: no two uses of one key ever see the same data. */
type Purpose = 'next' | 'index' | 'segment' | 'seal' | 'checkpoint'

const keyBytes = 32
const keyPrefix = 'audit-key:'

/** HMAC-SHA256 (RFC 2104, FIPS 180-4) over purpose, a zero byte and the data. */
export function macOf(key: KeyObject, purpose: Purpose, ...data: readonly (string | Uint8Array)[]): Buffer {
  const mac = createHmac('sha256', key).update(`${purpose}\0`)
  for (const part of data) mac.update(part) // text as UTF-8
  return mac.digest()
}

/** A key that tells nothing about the one that it is derived from. */
export function derivedKey(key: KeyObject, purpose: 'next' | 'index' | 'segment'): KeyObject {
  const bytes = macOf(key, purpose)
  const derived = createSecretKey(bytes)
  bytes.fill(0)
  return derived
}

/** The key so many steps further in its chain. */
export function laterKey(key: KeyObject, steps: number): KeyObject {
  let later = key
  for (let step = 0; step < steps; step++) later = derivedKey(later, 'next')
  return later
}

/**
 * How many keys of what is not there are made to find out who claims that it was: as many as a segment of the default size has groups, four times over, and some four
 * seconds of work. Anybody can write a large number.
 */
export const mostKeysBeyond = 1_000_000

/**
 * The keys that one verification may still make of what is not there: an attacker can ask for them
 * in every segment.
 */
export class KeyBudget {
  #left = mostKeysBeyond

  take(keys: number): boolean {
    if (keys > this.#left) return false
    this.#left -= keys
    return true
  }
}

/** Compares the text, since more than one text stands for the same bytes. */
export function isMac(expected: Buffer, mac: string): boolean {
  const [text, given] = [Buffer.from(expected.toString('base64url')), Buffer.from(mac)]
  return given.length === text.length && timingSafeEqual(given, text)
}

export function randomKey(): KeyObject {
  const bytes = randomBytes(keyBytes)
  const key = createSecretKey(bytes)
  bytes.fill(0)
  return key
}

/** The key as text, for the auditor's safe or the folder's key file. */
export function keyText(key: KeyObject): string {
  return keyPrefix + key.export().toString('base64url')
}

/** Throws `CONFIGURATION` for anything but what `keyText` wrote. */
export function parsedKey(text: unknown): KeyObject {
  const bytes = typeof text === 'string' && text.startsWith(keyPrefix) ? Buffer.from(text.slice(keyPrefix.length), 'base64url') : undefined
  if (bytes?.length === keyBytes) return createSecretKey(bytes)
  throw new SecretsError('CONFIGURATION', 'the audit key is no audit key', { remedy: `pass what initAuditFolder returned, ${keyPrefix}…` })
}
