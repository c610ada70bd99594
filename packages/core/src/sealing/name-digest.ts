import type { KeyObject } from 'node:crypto'
import { loadCrypto } from '../kit/builtins.ts'
import { configurationError } from '../options/check-option.ts'
import { parseKey } from './encryption-key.ts'

/**
 * Returns the function that hides names: `hmac:` and 32 hex digits of a name's HMAC-SHA256. Without
 * the key nobody can reverse that, or try names. Throws `CONFIGURATION` unless `key`, the value of
 * this option, is 32 random bytes or more.
 *
 * @example
 * import { randomBytes } from 'node:crypto'
 * import { nameDigest } from '@finchat/secrets-core/sealing'
 *
 * const digest = nameDigest('nameKey', randomBytes(32))
 * console.log(digest('db/password').length, digest('db/password') === digest('db/password')) // 37 true
 */
export function nameDigest(option: string, key: unknown): (name: string) => string {
  const secret = randomKey(option, key)
  return (name) => `hmac:${loadCrypto().createHmac('sha256', secret).update(name).digest('hex').slice(0, 32)}`
}

function randomKey(option: string, key: unknown): KeyObject {
  if (key instanceof Uint8Array && key.byteLength >= 32 && isRandom(key.subarray(0, 32))) return loadCrypto().createSecretKey(key)
  throw configurationError(
    `\`${option}\` is not a random key`,
    'pass 32 random bytes or more, the same for every process; randomBytes(32) of node:crypto makes some, once',
  )
}

/** A key that is text can be guessed. */
function isRandom(key: Uint8Array): boolean {
  try {
    const parsed = parseKey(key)
    if (parsed.kind === 'raw') parsed.bytes.fill(0)
    return true
  } catch {
    return false
  }
}
