import { SecretsError } from '@finchat/secrets-core'
import { loadCrypto, ownMemory } from '@finchat/secrets-core/provider'
import { lengthPrefixed, seal, unseal } from '@finchat/secrets-core/sealing'
import { KeyBytes, keyLength } from './key-bytes.ts'
import { sealingVersion, type StoreHeader } from './store-header.ts'

/** A user's key: random bytes, or a passphrase to stretch. */
export type KeySource = { readonly kind: 'raw'; readonly key: KeyBytes } | { readonly kind: 'passphrase'; readonly text: string }

/** The keys derived from one user key for this store. */
export interface StoreKey {
  /**
   * Derived from the key and the salt. 256 bits, so that no two keys share an id: AES-GCM alone
   * does not commit to its key.
   */
  readonly id: string
  /** Parent of each version's own key. */
  readonly values: KeyBytes
  /** Seals the index key. */
  readonly wrapping: KeyBytes
}

export interface Keyring {
  readonly first: StoreKey
  readonly byId: ReadonlyMap<string, StoreKey>
}

/** Unwrapping it proves that a user's key is the right one. */
export interface WrappedKey {
  readonly keyId: string
  readonly wrapped: Buffer
}

/** Keys that open the index, and the sealed ids of retired keys. */
export interface KeyTable {
  readonly wrapped: readonly WrappedKey[]
  readonly retired: Buffer
}

/** Derives keys one by one, since stretching a passphrase takes 128 MiB. */
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
  const root = await stretch(source.text, header)
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
 * HKDF-SHA256 (RFC 5869) salted with the store's salt. `hkdfSync` would make a `KeyObject` of the
 * root, which stays in memory until it is collected.
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

/** scrypt (RFC 7914) on a thread of the pool. */
function stretch(passphrase: string, { salt, scrypt: cost }: StoreHeader): Promise<Buffer> {
  const parameters = { N: 2 ** cost.log2N, r: cost.r, p: cost.p, maxmem: 2 ** (cost.log2N + 8) * cost.r }
  return new Promise((resolve, reject) => {
    loadCrypto().scrypt(passphrase, salt, keyLength, parameters, (error, derived) => {
      if (!error) return resolve(derived)
      reject(new SecretsError('UNAVAILABLE', 'the passphrase could not be stretched', { remedy: 'scrypt needs 128 MiB of memory or more' }))
    })
  })
}

/**
 * Runs `use` with the key of one version, then wipes it. One-step derivation of NIST SP 800-56C:
 * SHA-256 of a counter, the key and the associated data. HMAC would take three times as long. Each
 * key seals once, so random nonces never near their limit.
 */
export function withVersionKey<T>({ values }: StoreKey, data: Uint8Array, use: (key: Uint8Array) => T): T {
  const text = ownMemory(counter.length + keyLength + data.length)
  text.set(counter)
  text.set(values.bytes, counter.length)
  text.set(data, counter.length + keyLength)
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

/** Throws `CONFIGURATION` for a wrong key, `INTEGRITY` if the row was altered. */
export function unwrapIndexKey(rows: readonly WrappedKey[], { byId }: Pick<Keyring, 'byId'>, header: StoreHeader): KeyBytes {
  const row = rows.find(({ keyId }) => byId.has(keyId))
  const key = row && byId.get(row.keyId)
  if (!key) throw wrongKey()
  const bytes = unseal(key.wrapping.bytes, wrapData(key.id, header), row.wrapped)
  if (bytes?.length !== keyLength) throw alteredKeys()
  return new KeyBytes(bytes)
}

function wrapData(keyId: string, { storeId }: StoreHeader): Buffer {
  return lengthPrefixed(['finchat-secrets/local/index-key', sealingVersion, storeId, keyId])
}

/** The newest retired keys that the store remembers. */
export const maxRetired = 1_024

/** The ids would let a reader of the file test guesses of an old passphrase. */
export function sealRetired(ids: readonly string[], indexKey: KeyBytes, header: StoreHeader): Buffer {
  const text = Buffer.concat(ids.slice(-maxRetired).map((id) => Buffer.from(id, 'base64url')))
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

/** Wipes the user's keys that a re-encryption has retired. */
export function wipeRetired({ byId }: Keyring, ids: readonly string[]): void {
  for (const id of ids) {
    const key = byId.get(id)
    if (key) wipeKey(key, retiredKey)
  }
}

function alteredKeys(): SecretsError {
  return new SecretsError('INTEGRITY', "the store's key table was altered", { remedy: 'restore a backup' })
}

function wrongKey(): SecretsError {
  return new SecretsError('CONFIGURATION', 'the encryption key is not the key of this store, or `reencrypt` has retired it', {
    remedy: "give the key that the store was made with, or the one that replaced it; the guide has it under 'Replace the key'",
  })
}

function retiredKey(): SecretsError {
  return new SecretsError('CONFIGURATION', 'the encryption key was replaced, and `reencrypt` has retired it', {
    remedy: 'give the new key, and make it the first of `keys`',
  })
}
