import { SecretsError } from '@finchat/secrets-core'
import { parseKey } from '@finchat/secrets-core/sealing'

/** The key that makes decoys and recognises them. */
export function decoyKey(text: string): Uint8Array {
  const key = parseKey(text)
  if (key.kind === 'raw') return key.bytes
  throw new SecretsError('CONFIGURATION', 'the key of the decoys is a passphrase, not 32 random bytes', {
    remedy: 'make one: openssl rand -base64 32',
  })
}
