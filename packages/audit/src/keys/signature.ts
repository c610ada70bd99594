import type { KeyObject } from 'node:crypto'
import { configurationError, loadCrypto } from '@finchat/secrets-core/provider'
import { isPrivateKey, privateGiven } from './key-kind.ts'

/** Signs with the operator's key. */
export type Signer = (text: Uint8Array) => Buffer

/** Takes the signature as base64url. */
export type SignatureVerifier = (signed: string, signature: unknown) => boolean

/** `option` names the key in an error. Throws `CONFIGURATION` for anything but a private Ed25519 key. */
export function signerOf(option: string, key: unknown): Signer {
  const own = keyOf(key, loadCrypto().createPrivateKey)
  if (own?.type !== 'private' || own.asymmetricKeyType !== 'ed25519')
    throw configurationError(`\`${option}\` is not a private Ed25519 key`, 'pass its PEM text (PKCS #8), or a KeyObject')
  return (text) => loadCrypto().sign(null, text, own)
}

/**
 * Throws `CONFIGURATION` for anything but a public Ed25519 key: the private one stays where it signs.
 */
export function signatureVerifier(option: string, key: unknown): SignatureVerifier {
  if (isPrivateKey(key)) throw privateGiven(option, 'signing')
  const own = keyOf(key, loadCrypto().createPublicKey)
  if (own?.type !== 'public' || own.asymmetricKeyType !== 'ed25519')
    throw configurationError(`\`${option}\` is not a public Ed25519 key`, 'pass its PEM text (SPKI), or a KeyObject')
  return (signed, signature) => typeof signature === 'string' && isSignature(Buffer.from(signed), signature, own)
}

/** Rejects other encodings of the same bytes. */
function isSignature(signed: Buffer, text: string, key: KeyObject): boolean {
  const signature = Buffer.from(text, 'base64url')
  return signature.toString('base64url') === text && loadCrypto().verify(null, signed, key, signature)
}

function keyOf(key: unknown, parse: (text: string) => KeyObject): KeyObject | undefined {
  if (key instanceof loadCrypto().KeyObject) return key
  try {
    return typeof key === 'string' ? parse(key) : undefined
  } catch {
    return undefined
  }
}
