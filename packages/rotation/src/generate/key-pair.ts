import type { KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { configurationError, knownOptions, loadCrypto } from '@finchat/secrets-core/provider'

/** Options of `generateKeyPair` and `keyPairGenerator`. */
export interface KeyPairOptions {
  /** Default `ed25519`. `ec` is NIST's curve P-256. */
  readonly type?: 'ed25519' | 'ec' | 'rsa' | undefined
  /** Bits of an RSA key. Default 3072, the equal of 128 bits. */
  readonly modulusLength?: 2048 | 3072 | 4096 | undefined
  /** Default `pem`: PKCS #8 and SPKI. */
  readonly format?: 'pem' | 'jwk' | undefined
}

/** Both keys as text. They can be written as the fields of one secret. */
export interface KeyPair {
  /** PKCS #8, or a private JWK. */
  readonly privateKey: string
  /** SPKI, or a public JWK. */
  readonly publicKey: string
}

/**
 * Makes a key pair. Throws `CONFIGURATION` for options that make no sense.
 *
 * @example
 * import { generateKeyPair } from '@finchat/secrets-rotation'
 *
 * const { publicKey } = await generateKeyPair()
 * console.log(publicKey.split('\n')[0]) // -----BEGIN PUBLIC KEY-----
 */
export async function generateKeyPair(options: KeyPairOptions = {}): Promise<KeyPair> {
  return pairOf(checkedOptions(options))
}

/**
 * Returns a function that makes the private key of a pair. Its public key follows from it.
 *
 * @example
 * import { createPublicKey } from 'node:crypto'
 * import { keyPairGenerator } from '@finchat/secrets-rotation'
 *
 * const privateKey = await keyPairGenerator({ type: 'ec' })()
 * console.log(createPublicKey(privateKey).asymmetricKeyType) // ec
 */
export function keyPairGenerator(options: KeyPairOptions = {}): () => Promise<string> {
  const checked = checkedOptions(options)
  return async () => (await pairOf(checked)).privateKey
}

type Checked = { readonly [member in keyof KeyPairOptions]-?: NonNullable<KeyPairOptions[member]> }

function checkedOptions(options: KeyPairOptions): Checked {
  const known = knownOptions(options, { type: 'string', modulusLength: 'number', format: 'string' })
  const { type = 'ed25519', modulusLength = 3072, format = 'pem' } = known
  if (!['ed25519', 'ec', 'rsa'].includes(type)) throw configurationError('`type` is not known', 'use ed25519, ec or rsa')
  if (![2048, 3072, 4096].includes(modulusLength)) throw configurationError('`modulusLength` is not known', 'use 2048, 3072 or 4096')
  if (known.modulusLength !== undefined && type !== 'rsa')
    throw configurationError('`modulusLength` is an option of RSA keys alone', 'leave it out')
  if (format !== 'pem' && format !== 'jwk') throw configurationError('`format` is not known', 'use pem or jwk')
  return { type, modulusLength, format }
}

async function pairOf({ type, modulusLength, format }: Checked): Promise<KeyPair> {
  const { privateKey, publicKey } = await keysOf(type, modulusLength)
  if (format === 'jwk') return { privateKey: jwkOf(privateKey), publicKey: jwkOf(publicKey) }
  return {
    privateKey: String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
    publicKey: String(publicKey.export({ type: 'spki', format: 'pem' })),
  }
}

/** Generates the keys outside of the event loop: RSA takes a second. */
export function keysOf(type: Checked['type'], modulusLength: number): Promise<{ privateKey: KeyObject; publicKey: KeyObject }> {
  const generate = promisify(loadCrypto().generateKeyPair)
  if (type === 'rsa') return generate('rsa', { modulusLength })
  return type === 'ec' ? generate('ec', { namedCurve: 'P-256' }) : generate('ed25519')
}

function jwkOf(key: KeyObject): string {
  return JSON.stringify(key.export({ format: 'jwk' }))
}
