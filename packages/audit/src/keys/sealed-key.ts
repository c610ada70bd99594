import type { KeyObject } from 'node:crypto'
import { configurationError, loadCrypto, ownMemory, SecretsError } from '@finchat/secrets-core/provider'
import { canonicalLine } from '../record/canonical.ts'
import { parsedKey } from './key-chain.ts'
import { isPrivateKey, privateGiven } from './key-kind.ts'

/** A public or private key: PEM text, or a `KeyObject`. */
export type AuditorKeyPart = string | KeyObject

/** An X25519 key, or that and an ML-KEM-768 key: then both must be broken to open what was sealed. */
export type AuditorKeyPair = AuditorKeyPart | readonly [x25519: AuditorKeyPart, mlKem: AuditorKeyPart]

/** What the file of a sealed key holds; all but numbers and the folder is base64url. */
interface SealedKey {
  readonly v: 1
  readonly folder: string
  /** The public key of one sealing, DER (SPKI). */
  readonly ephemeral: string
  /** The ciphertext of ML-KEM-768 (FIPS 203). */
  readonly kem?: string
  /** Nonce, ciphertext and tag of AES-256-GCM. */
  readonly sealed: string
}

interface Parts {
  readonly x25519: KeyObject
  readonly mlKem: KeyObject | undefined
}

const [nonceBytes, tagBytes] = [12, 16]

/** Seals the text of a key for its folder, as one line of JSON. The caller overwrites the text. */
export type SealKey = (folder: string, keyText: Uint8Array) => string

/** Throws `CONFIGURATION` for anything but public keys of the two kinds. */
export function keySealer(auditor: unknown): SealKey {
  const parts = partsOf('auditor', 'public', auditor)
  return (folder, keyText) => sealedKeyLine(folder, keyText, parts)
}

/** Throws `CONFIGURATION` for anything but private keys of the two kinds. */
export function privateParts(keys: unknown): Parts {
  return partsOf('privateKey', 'private', keys)
}

function sealedKeyLine(folder: string, keyText: Uint8Array, { x25519, mlKem }: Parts): string {
  const { createCipheriv, diffieHellman, encapsulate, generateKeyPairSync, randomBytes } = loadCrypto()
  const own = generateKeyPairSync('x25519')
  const ephemeral = own.publicKey.export({ type: 'spki', format: 'der' })
  const kem = mlKem && encapsulate(mlKem)
  const key = wrappingKey([diffieHellman({ privateKey: own.privateKey, publicKey: x25519 }), kem?.sharedKey], [ephemeral, kem?.ciphertext])
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes }).setAAD(Buffer.from(folder))
  const sealed = Buffer.concat([nonce, cipher.update(keyText), cipher.final(), cipher.getAuthTag()])
  key.fill(0)
  const text = (bytes: Buffer): string => bytes.toString('base64url')
  return canonicalLine({ v: 1, folder, ephemeral: text(ephemeral), kem: kem && text(kem.ciphertext), sealed: text(sealed) })
}

/** The text of the key, for the caller to overwrite. Throws `INTEGRITY` if it is not what was sealed, or for another auditor. */
export function openedKey(line: string, parts: Parts): Buffer {
  const sealed = parsed(line)
  if (sealed === undefined) throw damaged()
  if (sealed.kem !== undefined && parts.mlKem === undefined)
    throw configurationError('the key was sealed for two private keys', 'pass both: [x25519, mlKem]')
  try {
    return opened(sealed, parts)
  } catch {
    throw damaged()
  }
}

function opened({ folder, ephemeral, kem, sealed }: SealedKey, { x25519, mlKem }: Parts): Buffer {
  const { createDecipheriv, createPublicKey, decapsulate, diffieHellman } = loadCrypto()
  const [point, ciphertext, bytes] = [ephemeral, kem ?? '', sealed].map((text) => Buffer.from(text, 'base64url')) as [
    Buffer,
    Buffer,
    Buffer,
  ]
  const publicKey = createPublicKey({ key: point, type: 'spki', format: 'der' })
  const hidden = kem === undefined || mlKem === undefined ? undefined : decapsulate(mlKem, ciphertext)
  const key = wrappingKey([diffieHellman({ privateKey: x25519, publicKey }), hidden], [point, hidden && ciphertext])
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, nonceBytes), { authTagLength: tagBytes })
    decipher.setAAD(Buffer.from(folder)).setAuthTag(bytes.subarray(-tagBytes))
    const plain = decipher.update(bytes.subarray(nonceBytes, -tagBytes))
    const text = ownMemory(plain.length)
    text.set(plain)
    plain.fill(0)
    decipher.final()
    parsedKey(text).wipe()
    return text
  } finally {
    key.fill(0)
  }
}

/**
 * The one-step key derivation of NIST SP 800-56C, revision 2: SHA-256 over a counter, the shared
 * secrets, and what they were made for. Overwrites the secrets.
 */
function wrappingKey(secrets: readonly (Buffer | undefined)[], madeOf: readonly (Buffer | undefined)[]): Buffer {
  const parts = [Buffer.from([0, 0, 0, 1]), ...secrets, Buffer.from('finchat audit key v1\0'), ...madeOf].filter(
    (part) => part !== undefined,
  )
  const input = ownMemory(parts.reduce((sum, { length }) => sum + length, 0))
  let end = 0
  for (const part of parts) end += (input.set(part, end), part.length)
  const key = loadCrypto().hash('sha256', input, 'buffer')
  for (const secret of [...secrets, input]) secret?.fill(0)
  return key
}

function partsOf(option: string, kind: 'public' | 'private', keys: unknown): Parts {
  const [x25519, mlKem, ...more] = (Array.isArray(keys) ? keys : [keys]) as unknown[]
  const parts = { x25519: keyOf(x25519, kind, 'x25519'), mlKem: mlKem === undefined ? undefined : keyOf(mlKem, kind, 'ml-kem-768') }
  if (parts.x25519 !== undefined && more.length === 0 && (mlKem === undefined || parts.mlKem !== undefined))
    return { x25519: parts.x25519, mlKem: parts.mlKem }
  if (kind === 'public' && [x25519, mlKem].some(isPrivateKey)) throw privateGiven(option, 'auditor')
  throw configurationError(
    `\`${option}\` is not a ${kind} X25519 key, nor that and an ML-KEM-768 key`,
    'pass the PEM text that `openssl genpkey -algorithm x25519` makes, or both in a list; ML-KEM needs Node.js 24.7 or later',
  )
}

function keyOf(key: unknown, kind: 'public' | 'private', type: string): KeyObject | undefined {
  const { createPrivateKey, createPublicKey, KeyObject: Key } = loadCrypto()
  try {
    const found =
      key instanceof Key
        ? key
        : typeof key !== 'string' || isPrivateKey(key) !== (kind === 'private')
          ? undefined
          : (kind === 'private' ? createPrivateKey : createPublicKey)(key)
    return found?.type === kind && (found.asymmetricKeyType as string) === type ? found : undefined
  } catch {
    return undefined
  }
}

function parsed(line: string): SealedKey | undefined {
  try {
    const { v, folder, ephemeral, kem, sealed } = JSON.parse(line) as Partial<Record<keyof SealedKey, unknown>> // each is looked at
    const areTexts = [folder, ephemeral, kem ?? '', sealed].every((text) => typeof text === 'string')
    return v === 1 && areTexts ? ({ v, folder, ephemeral, kem, sealed } as SealedKey) : undefined // looked at
  } catch {
    return undefined
  }
}

function damaged(): SecretsError {
  return new SecretsError('INTEGRITY', 'the sealed key of the audit trail was sealed for another auditor, or altered', {
    remedy: 'use the private key of the public one that initAuditFolder was given, and the file as it was written',
  })
}
