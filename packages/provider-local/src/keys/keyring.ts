import { SecretsError } from '@finchat/secrets-core'
import { lengthPrefixed, seal, unseal } from '@finchat/secrets-core/sealing'
import { loadCrypto } from '../shared/builtins.ts'
import { KeyBytes, keyLength, ownMemory } from './key-bytes.ts'
import { sealingVersion, type StoreHeader } from './store-header.ts'

/** One of the user's keys: random bytes, or a passphrase that must first be stretched. */
export type KeySource = { readonly kind: 'raw'; readonly key: KeyBytes } | { readonly kind: 'passphrase'; readonly text: string }

/** One of the user's keys, as this store uses it. */
export interface StoreKey {
  /**
   * Derived from the key and the store's salt: the same in every process. As long as a digest, so
   * that no two keys have the same: GCM alone does not commit to its key.
   */
  readonly id: string
  /** Each version's own key is derived from it. */
  readonly values: KeyBytes
  /** Seals the key of the authenticated index, which every key of the store must be able to open. */
  readonly wrapping: KeyBytes
}

/** The user's keys: the first seals, all of them open. */
export interface Keyring {
  readonly first: StoreKey
  readonly byId: ReadonlyMap<string, StoreKey>
}

/** The index's key, sealed for one of the store's keys. Opening it is the check that a key is the right one. */
export interface WrappedKey {
  readonly keyId: string
  readonly wrapped: Buffer
}

/** Who may open the index, and, sealed, who must not any more. */
export interface KeyTable {
  readonly wrapped: readonly WrappedKey[]
  readonly retired: Buffer
}

/** Derives every key once, one after the other, since stretching a passphrase takes 128 MiB. */
export async function deriveKeyring(sources: readonly KeySource[], header: StoreHeader): Promise<Keyring> {
  const keys: StoreKey[] = []
  try {
    for (const source of sources) keys.push(await deriveKey(source, header))
  } catch (error) {
    keys.forEach((key) => wipeKey(key))
    throw error
  }
  const [first] = keys
  if (!first) throw new SecretsError('CONFIGURATION', 'no encryption key is given')
  return { first, byId: new Map(keys.map((key) => [key.id, key])) }
}

export function wipeSources(sources: readonly KeySource[]): void {
  for (const source of sources) if (source.kind === 'raw') source.key.wipe()
}

export function wipeKeyring({ first, byId }: Keyring): void {
  wipeKey(first)
  for (const key of byId.values()) wipeKey(key)
}

function wipeKey({ values, wrapping }: StoreKey, refusal?: () => SecretsError): void {
  values.wipe(refusal)
  wrapping.wipe(refusal)
}

async function deriveKey(source: KeySource, header: StoreHeader): Promise<StoreKey> {
  if (source.kind === 'raw') return storeKey(source.key.bytes, header)
  const root = await stretched(source.text, header)
  try {
    return storeKey(root, header)
  } finally {
    root.fill(0)
  }
}

function storeKey(root: Uint8Array, header: StoreHeader): StoreKey {
  const derived = (purpose: string): Buffer => subkey(root, header, purpose)
  return {
    id: derived('id').toString('base64url'),
    values: new KeyBytes(derived('values')),
    wrapping: new KeyBytes(derived('wrapping')),
  }
}

/**
 * HKDF-SHA256 (RFC 5869) under the store's salt, for one purpose. `hkdfSync` makes a `KeyObject` of
 * the root, which stays until it is collected.
 */
function subkey(root: Uint8Array, { salt }: StoreHeader, purpose: string): Buffer {
  const { createHmac } = loadCrypto()
  const extracted = createHmac('sha256', salt).update(root).digest()
  const info = `finchat-secrets/local/${sealingVersion}/${purpose}`
  const derived = createHmac('sha256', extracted).update(info).update(lastBlock).digest()
  extracted.fill(0)
  return derived
}

const lastBlock = Uint8Array.of(1)

/** scrypt (RFC 7914) on a thread of its own. */
function stretched(passphrase: string, { salt, scrypt: cost }: StoreHeader): Promise<Buffer> {
  const parameters = { N: 2 ** cost.log2N, r: cost.r, p: cost.p, maxmem: 2 ** (cost.log2N + 8) * cost.r }
  return new Promise((resolve, reject) => {
    loadCrypto().scrypt(passphrase, salt, keyLength, parameters, (error, derived) => {
      if (!error) return resolve(derived)
      reject(new SecretsError('UNAVAILABLE', 'the passphrase could not be stretched', { remedy: 'scrypt needs 128 MiB of memory or more' }))
    })
  })
}

/**
 * Runs `use` with the key of one version, and wipes it: the one-step derivation of NIST SP 800-56C,
 * SHA-256 of a counter, the key and the place, which is sealed with it too. A version is sealed
 * once under each key, so that nonces, which are random, never come near their limit. HMAC would
 * take three times as long.
 */
export function withVersionKey<T>({ values }: StoreKey, place: Uint8Array, use: (key: Uint8Array) => T): T {
  const text = ownMemory(counter.length + keyLength + place.length)
  text.set(counter)
  text.set(values.bytes, counter.length)
  text.set(place, counter.length + keyLength)
  const key = loadCrypto().hash('sha256', text, 'buffer')
  text.fill(0)
  try {
    return use(key)
  } finally {
    key.fill(0)
  }
}

const counter = Uint8Array.of(0, 0, 0, 1)

export function wrapIndexKey(indexKey: KeyBytes, key: StoreKey, header: StoreHeader): WrappedKey {
  return { keyId: key.id, wrapped: seal(key.wrapping.bytes, wrapData(key.id, header), indexKey.bytes) }
}

/**
 * The index's key. Throws `CONFIGURATION` if none of the user's keys is one of the store's, and `INTEGRITY` if one of
 * them is but what it sealed was altered.
 */
export function unwrapIndexKey(rows: readonly WrappedKey[], { byId }: Pick<Keyring, 'byId'>, header: StoreHeader): KeyBytes {
  const row = rows.find(({ keyId }) => byId.has(keyId))
  const key = row && byId.get(row.keyId)
  if (!key) throw foreignKey()
  const bytes = unseal(key.wrapping.bytes, wrapData(key.id, header), row.wrapped)
  if (bytes?.length !== keyLength) throw alteredKeys()
  return new KeyBytes(bytes)
}

function wrapData(keyId: string, { storeId }: StoreHeader): Buffer {
  return lengthPrefixed(['finchat-secrets/local/index-key', sealingVersion, storeId, keyId])
}

/** So many changes of key are remembered. */
export const mostRetired = 1_024

/**
 * The names of retired keys, which tell a guess of the passphrase from a wrong one: so they are
 * sealed too, with what follows from the index's key.
 */
export function sealRetired(ids: readonly string[], indexKey: KeyBytes, header: StoreHeader): Buffer {
  const text = Buffer.concat(ids.slice(-mostRetired).map((id) => Buffer.from(id, 'base64url')))
  return withRetiredKey(indexKey, header, (key) => seal(key, retiredData(header), text))
}

export function openRetired(sealed: Buffer, indexKey: KeyBytes, header: StoreHeader): readonly string[] {
  const text = withRetiredKey(indexKey, header, (key) => unseal(key, retiredData(header), sealed))
  if (text === undefined || text.length % keyLength !== 0) throw alteredKeys()
  return Array.from({ length: text.length / keyLength }, (_, at) => text.toString('base64url', at * keyLength, (at + 1) * keyLength))
}

function withRetiredKey<T>(indexKey: KeyBytes, header: StoreHeader, use: (key: Uint8Array) => T): T {
  const key = subkey(indexKey.bytes, header, 'retired')
  try {
    return use(key)
  } finally {
    key.fill(0)
  }
}

function retiredData({ storeId }: StoreHeader): Buffer {
  return lengthPrefixed(['finchat-secrets/local/retired-keys', sealingVersion, storeId])
}

/**
 * Wipes the user's keys that a re-encryption has retired: they seal nothing more, and there is
 * nothing that they open.
 */
export function wipeRetired({ byId }: Keyring, ids: readonly string[]): void {
  for (const id of ids) {
    const key = byId.get(id)
    if (key) wipeKey(key, retiredKey)
  }
}

function alteredKeys(): SecretsError {
  return new SecretsError('INTEGRITY', "the store's key table was altered", { remedy: 'restore a backup' })
}

function foreignKey(): SecretsError {
  return new SecretsError('CONFIGURATION', 'the encryption key is not the key of this store, or `reencrypt` has retired it', {
    remedy: "give the key that the store was made with, or the one that replaced it; see the README, 'Replacing the key'",
  })
}

/** A key that was replaced, so that what it had sealed is sealed again, must not seal anything more. */
function retiredKey(): SecretsError {
  return new SecretsError('CONFIGURATION', 'the encryption key was replaced, and `reencrypt` has retired it', {
    remedy: 'give the new key, and make it the first of `keys`',
  })
}
