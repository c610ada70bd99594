import type { JsonWebKey, KeyObject } from 'node:crypto'
import type { SecretValue } from '@finchat/secrets-core'
import { configurationError, invalidArgument, isJsonObject, loadCrypto } from '@finchat/secrets-core/provider'
import { keysOf } from '../../generate/key-pair.ts'

/** How a key signs: RFC 7518 and RFC 8037. */
export type SigningAlgorithm = 'EdDSA' | 'ES256' | 'RS256'

/** One key of a JWKS (RFC 7517). */
export interface RingKey extends JsonWebKey {
  readonly kid: string
  readonly alg: SigningAlgorithm
}

/** The public keys of a ring, as a server publishes them. */
export interface Jwks {
  readonly keys: RingKey[]
}

/** A ring as it is stored: private keys, first the next, then the one that signs, then former ones. */
export interface KeyRing {
  readonly signing: string
  readonly keys: readonly RingKey[]
}

/** What of a key is public, and what its thumbprint is made of, by its type. */
const publicMembers = { OKP: ['crv', 'kty', 'x'], EC: ['crv', 'kty', 'x', 'y'], RSA: ['e', 'kty', 'n'] } as const
const keyTypes = { EdDSA: ['ed25519', 'OKP'], ES256: ['ec', 'EC'], RS256: ['rsa', 'RSA'] } as const

/** Throws `CONFIGURATION` unless the algorithm is known. */
export function assertAlgorithm(algorithm: unknown): asserts algorithm is SigningAlgorithm {
  if (typeof algorithm === 'string' && isAlgorithm(algorithm)) return
  throw configurationError('`algorithm` is not known', `use ${Object.keys(keyTypes).join(', ')}`)
}

function isAlgorithm(algorithm: string): algorithm is SigningAlgorithm {
  return Object.hasOwn(keyTypes, algorithm)
}

/**
 * Makes the first value of a secret of `signingKeys`: one key that signs, and the next, which is
 * published already.
 *
 * @example
 * import { jwksOf, newKeyRing } from '@finchat/secrets-rotation/signing-keys'
 *
 * const ring = await newKeyRing('ES256')
 * console.log(jwksOf(ring).keys.length) // 2
 */
export async function newKeyRing(algorithm: SigningAlgorithm = 'EdDSA'): Promise<string> {
  assertAlgorithm(algorithm)
  const [next, signing] = await Promise.all([newKey(algorithm), newKey(algorithm)])
  return JSON.stringify({ signing: signing.kid, keys: [next, signing] })
}

/** Makes a private key. Its `kid` is its thumbprint (RFC 7638), so that no two keys share one. */
export async function newKey(algorithm: SigningAlgorithm): Promise<RingKey> {
  const { privateKey } = await keysOf(keyTypes[algorithm][0], 3072)
  const jwk = privateKey.export({ format: 'jwk' })
  return { ...jwk, kid: thumbprint(jwk, algorithm), alg: algorithm, use: 'sig' }
}

function thumbprint(jwk: JsonWebKey, algorithm: SigningAlgorithm): string {
  const members = publicMembers[keyTypes[algorithm][1]].map((member) => [member, jwk[member]])
  return loadCrypto()
    .createHash('sha256')
    .update(JSON.stringify(Object.fromEntries(members)))
    .digest('base64url')
}

/** Parses a ring. Throws `INVALID_ARGUMENT`, without its text, if it is none. */
export function ringIn(value: SecretValue | string): KeyRing {
  const ring = parsedText(typeof value === 'string' ? value : value.reveal())
  const { signing, keys } = isJsonObject(ring) ? ring : {}
  if (Array.isArray(keys) && keys.every(isRingKey) && keys.some(({ kid }) => kid === signing)) return { signing: String(signing), keys }
  throw invalidArgument('the secret is no ring of signing keys', 'store what newKeyRing returns')
}

function parsedText(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // the parser's message quotes the text
  }
}

function isRingKey(key: unknown): key is RingKey {
  const { kid, alg, ...members } = isJsonObject(key) ? key : {}
  if (typeof kid !== 'string' || typeof alg !== 'string' || !isAlgorithm(alg)) return false
  // A public member that is an object may hold what is private.
  return ['d', ...publicMembers[keyTypes[alg][1]]].every((member) => typeof members[member] === 'string')
}

/**
 * Returns the public keys of a ring, for verifiers: the next, the one that signs, and former ones.
 * Throws `INVALID_ARGUMENT` if the value is no ring.
 *
 * @example
 * import { createServer } from 'node:http'
 * import { jwksOf, newKeyRing } from '@finchat/secrets-rotation/signing-keys'
 *
 * const ring = await newKeyRing()
 * const server = createServer((_, response) => response.end(JSON.stringify(jwksOf(ring))))
 */
export function jwksOf(value: SecretValue | string): Jwks {
  return { keys: ringIn(value).keys.map(publicJwk) }
}

/** An allowlist: whatever else a key has may be private. */
function publicJwk(key: RingKey): RingKey {
  const members = publicMembers[keyTypes[key.alg][1]].map((member) => [member, key[member]])
  return { ...Object.fromEntries(members), kid: key.kid, alg: key.alg, use: 'sig' }
}

/** The key that signs, for `jose` or `node:crypto`. */
export interface SigningKey {
  readonly kid: string
  readonly alg: SigningAlgorithm
  readonly key: KeyObject
}

/**
 * Returns the key of a ring that signs now. Put its `kid` and `alg` into the token's header. Throws
 * `INVALID_ARGUMENT` if the value is no ring.
 *
 * @example
 * import { newKeyRing, signingKeyOf } from '@finchat/secrets-rotation/signing-keys'
 *
 * const { alg, key } = signingKeyOf(await newKeyRing())
 * console.log(alg, key.type) // EdDSA private
 */
export function signingKeyOf(value: SecretValue | string): SigningKey {
  const { signing, keys } = ringIn(value)
  const found = keys.find(({ kid }) => kid === signing)
  if (!found) throw invalidArgument('the ring has no key that signs', 'store what newKeyRing returns')
  return { kid: found.kid, alg: found.alg, key: privateKeyOf(found) }
}

function privateKeyOf(key: RingKey): KeyObject {
  try {
    return loadCrypto().createPrivateKey({ key, format: 'jwk' })
  } catch {
    throw invalidArgument('a key of the ring is damaged', 'restore the secret, or begin with newKeyRing')
  }
}
