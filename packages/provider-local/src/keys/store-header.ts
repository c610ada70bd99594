import { loadCrypto } from '@finchat/secrets-core/provider'

/** RFC 7914's N (as its logarithm), r and p. */
interface ScryptCost {
  readonly log2N: number
  readonly r: number
  readonly p: number
}

/** Readable without a key. Never changes. */
export interface StoreHeader {
  /** Random. Binds everything sealed to this store. */
  readonly storeId: Buffer
  /** Random. Makes the derived keys unique to this store. */
  readonly salt: Buffer
  readonly scrypt: ScryptCost
}

/** Format of the file and its index; SQLite's `user_version`. */
export const formatVersion = 3
/** A new index format does not reseal values. */
export const sealingVersion = 2

export const idLength = 16
export const saltLength = 32

/** OWASP Password Storage Cheat Sheet: 128 MiB, about a third of a second. */
const scrypt: ScryptCost = { log2N: 17, r: 8, p: 1 }

/**
 * A header read from a file must neither make guessing cheap nor exhaust the machine. At least 64
 * MiB (N · r · 128 bytes), at most 1 GiB and N · p = 2^20.
 */
export const scryptBounds = { log2N: [16, 20], r: [8, 8], p: [1, 16], maxNTimesP: 1_048_576 } as const

export function newStoreHeader(): StoreHeader {
  const { randomBytes } = loadCrypto()
  return { storeId: randomBytes(idLength), salt: randomBytes(saltLength), scrypt }
}
