import type { KeyObject } from 'node:crypto'
import { SecretsError } from '@finchat/secrets-core'
import { lengthPrefixed, seal, unseal } from '@finchat/secrets-core/sealing'
import { loadCrypto } from './builtins.ts'
import type { KeyMaterial } from './key.ts'
import { sealingVersion, type StoreHeader } from './store-header.ts'

/** One of the user's keys, as this store uses it. */
export interface StoreKey {
  /** Derived from the key and the store's salt: the same in every process, and no help in guessing a raw key. */
  readonly id: string
  /** Seals values. */
  readonly values: KeyObject
  /** Seals the key of the authenticated index, which every key of the store must be able to open. */
  readonly wrapping: KeyObject
}

/** The user's keys: the first seals, all of them open. */
export interface Keyring {
  readonly first: StoreKey
  readonly byId: ReadonlyMap<string, StoreKey>
}

/** The index's key, sealed for one of the store's keys. Opening it is the check that a key is the right one. */
export interface WrappedKey {
  readonly keyId: string
  /** Absent: the key was retired by a re-encryption, and is remembered so that it does not come back. */
  readonly wrapped: Buffer | undefined
}

/** Derives every key once, one after the other, since stretching a passphrase takes 128 MiB. */
export async function deriveKeyring(materials: readonly KeyMaterial[], header: StoreHeader): Promise<Keyring> {
  const keys: StoreKey[] = []
  for (const material of materials) keys.push(await deriveKey(material, header))
  const [first] = keys
  if (!first) throw new SecretsError('CONFIGURATION', 'no encryption key is given')
  return { first, byId: new Map(keys.map((key) => [key.id, key])) }
}

async function deriveKey(material: KeyMaterial, header: StoreHeader): Promise<StoreKey> {
  const root = material.kind === 'raw' ? Buffer.from(material.bytes) : await stretched(material.text, header)
  const values = subkey(root, header, 'values')
  const wrapping = subkey(root, header, 'wrapping')
  const id = subkey(root, header, 'id').export().toString('hex', 0, 8)
  root.fill(0)
  return { id, values, wrapping }
}

/** HKDF-SHA256 (RFC 5869) under the store's salt, for one purpose. */
function subkey(root: Buffer, { salt }: StoreHeader, purpose: string): KeyObject {
  const { createSecretKey, hkdfSync } = loadCrypto()
  const bytes = Buffer.from(hkdfSync('sha256', root, salt, `finchat-secrets/local/${sealingVersion}/${purpose}`, 32))
  const key = createSecretKey(bytes)
  bytes.fill(0)
  return key
}

/** scrypt (RFC 7914) on a thread of its own. */
function stretched(passphrase: string, { salt, scrypt: cost }: StoreHeader): Promise<Buffer> {
  const parameters = { N: 2 ** cost.log2N, r: cost.r, p: cost.p, maxmem: 2 ** (cost.log2N + 8) * cost.r }
  return new Promise((resolve, reject) => {
    loadCrypto().scrypt(passphrase, salt, 32, parameters, (error, derived) => {
      if (!error) return resolve(derived)
      reject(new SecretsError('UNAVAILABLE', 'the passphrase could not be stretched', { remedy: 'scrypt needs 128 MiB of memory or more' }))
    })
  })
}

export function newIndexKey(): KeyObject {
  const bytes = loadCrypto().randomBytes(32)
  const key = loadCrypto().createSecretKey(bytes)
  bytes.fill(0)
  return key
}

export function wrapIndexKey(indexKey: KeyObject, key: StoreKey, header: StoreHeader): Required<WrappedKey> {
  const bytes = indexKey.export()
  const wrapped = seal(key.wrapping, wrapData(key.id, header), bytes)
  bytes.fill(0)
  return { keyId: key.id, wrapped }
}

/**
 * The index's key. Throws `CONFIGURATION` if none of the user's keys is one of the store's, and `INTEGRITY` if one of
 * them is but what it sealed was altered.
 */
export function unwrapIndexKey(rows: readonly WrappedKey[], keyring: Keyring, header: StoreHeader): KeyObject {
  const known = rows.filter(({ keyId }) => keyring.byId.has(keyId))
  const row = known.find(({ wrapped }) => wrapped)
  const key = row && keyring.byId.get(row.keyId)
  if (!key || !row.wrapped) throw known.length > 0 ? retiredKey() : foreignKey()
  const bytes = unseal(key.wrapping, wrapData(key.id, header), row.wrapped)
  if (bytes?.length !== 32) throw new SecretsError('INTEGRITY', "the store's key table was altered", { remedy: 'restore a backup' })
  const indexKey = loadCrypto().createSecretKey(bytes)
  bytes.fill(0)
  return indexKey
}

function wrapData(keyId: string, { storeId }: StoreHeader): Buffer {
  return lengthPrefixed(['finchat-secrets/local/index-key', sealingVersion, storeId, keyId])
}

function foreignKey(): SecretsError {
  return new SecretsError('CONFIGURATION', 'the encryption key is not the key of this store', {
    remedy: "give the key that the store was made with; for a change of key see the README, 'Replacing the key'",
  })
}

/** A key that was replaced, so that what it had sealed is sealed again, must not seal anything more. */
export function retiredKey(): SecretsError {
  return new SecretsError('CONFIGURATION', 'the encryption key was replaced, and `reencrypt` has retired it', {
    remedy: 'give the new key, and make it the first of `keys`',
  })
}
