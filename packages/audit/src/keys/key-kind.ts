import { configurationError, loadCrypto, type SecretsError } from '@finchat/secrets-core/provider'

/** Node makes a public key of a private one without a word. */
export function isPrivateKey(key: unknown): boolean {
  return key instanceof loadCrypto().KeyObject ? key.type === 'private' : typeof key === 'string' && key.includes('PRIVATE KEY')
}

/** `option` takes the public key of a pair; `pair` is how its files are usually called. */
export function privateGiven(option: string, pair: 'auditor' | 'signing'): SecretsError {
  return configurationError(
    `\`${option}\` is a private key, which must not be on this host`,
    `where the private key belongs, make the public one, and give that: openssl pkey -in ${pair}.pem -pubout -out ${pair}.pub`,
  )
}
