import { SecretsError } from '@finchat/secrets-core'
import { type EncryptionKey, parseKey } from '@finchat/secrets-core/sealing'

export { type EncryptionKey, generateKey } from '@finchat/secrets-core/sealing'

/**
 * The bytes of a raw key, in memory of their own. Throws `CONFIGURATION` for all else, without ever quoting the key. A
 * passphrase is no key here: the cache server has all the time of the world to guess it, and a salt has no place there.
 */
export function rawKey(key: EncryptionKey): Uint8Array {
  const parsed = parseKey(key)
  if (parsed.kind === 'raw') return parsed.bytes
  throw new SecretsError('CONFIGURATION', 'the encryption key is a passphrase, or is damaged', {
    remedy: 'give 32 random bytes or their text; generateKey() makes one, once for the fleet',
  })
}
