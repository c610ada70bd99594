import { SecretsError } from '@finchat/secrets-core'
import { loadCrypto, ownMemory } from '@finchat/secrets-core/provider'
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

export interface KeyRing {
  readonly first: StoreKey
  readonly byId: ReadonlyMap<string, StoreKey>
}

/** Derives keys one by one, since stretching a passphrase takes 128 MiB. */
export async function deriveKeyRing(sources: readonly KeySource[], header: StoreHeader): Promise<KeyRing> {
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
export function subkey(root: Uint8Array, { salt }: StoreHeader, purpose: string): Buffer {
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

export function wipeSources(sources: readonly KeySource[]): void {
  for (const source of sources) if (source.kind === 'raw') source.key.wipe()
}

export function wipeKeyRing({ first, byId }: KeyRing): void {
  wipeKey(first)
  for (const key of byId.values()) wipeKey(key)
}

export function wipeKey({ values, wrapping }: StoreKey, refusal?: () => SecretsError): void {
  values.wipe(refusal)
  wrapping.wipe(refusal)
}
