import { SecretsError } from '@finchat/secrets-core'
import { lengthPrefixed, seal, unseal } from '@finchat/secrets-core/sealing'
import { KeyBytes, keyLength } from './key-bytes.ts'
import { type KeyRing, type StoreKey, subkey, wipeKey } from './derive-keys.ts'
import { sealingVersion, type StoreHeader } from './store-header.ts'

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

export function wrapIndexKey(indexKey: KeyBytes, key: StoreKey, header: StoreHeader): WrappedKey {
  return { keyId: key.id, wrapped: seal(key.wrapping.bytes, wrapData(key.id, header), indexKey.bytes) }
}

/** Throws `CONFIGURATION` for a wrong key, `INTEGRITY` if the row was altered. */
export function unwrapIndexKey(rows: readonly WrappedKey[], { byId }: Pick<KeyRing, 'byId'>, header: StoreHeader): KeyBytes {
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
export function wipeRetired({ byId }: KeyRing, ids: readonly string[]): void {
  for (const id of ids) {
    const key = byId.get(id)
    if (key) wipeKey(key, retiredKey)
  }
}

function alteredKeys(): SecretsError {
  return new SecretsError('INTEGRITY', "the store's key table was altered", { remedy: 'restore a backup' })
}

function wrongKey(): SecretsError {
  return new SecretsError('CONFIGURATION', 'the encryption key does not open this store', {
    remedy:
      "give the key that sealed it last: that of its day for a backup, the new one after `reencrypt`; the guide has it under 'Replace the key'",
  })
}

function retiredKey(): SecretsError {
  return new SecretsError('CONFIGURATION', 'the encryption key was replaced, and `reencrypt` has retired it', {
    remedy: 'give the new key, and make it the first of `keys`',
  })
}
