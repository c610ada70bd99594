import { loadCrypto } from '../shared/builtins.ts'

/** How costly a passphrase is to guess: RFC 7914's N (as its logarithm), r and p. */
interface ScryptCost {
  readonly log2N: number
  readonly r: number
  readonly p: number
}

/** What a store says of itself before any key is known. It never changes. */
export interface StoreHeader {
  /** Random; stands in all associated data, so that nothing sealed can be moved to another store. */
  readonly storeId: Buffer
  /** Random; makes the derived keys this store's own. */
  readonly salt: Buffer
  readonly scrypt: ScryptCost
}

/** The format of the file and of its index; `user_version` in the file. */
export const formatVersion = 3
/** The format of keys and of sealed values: a new index does not seal them again. */
export const sealingVersion = 2

export const idLength = 16
export const saltLength = 32

/** OWASP's recommendation for scrypt (Password Storage Cheat Sheet): 128 MiB, about a third of a second. */
const scrypt: ScryptCost = { log2N: 17, r: 8, p: 1 }

/**
 * A file must neither make guessing cheap nor exhaust the machine that opens it: 64 MiB (N · r · 128 bytes) at least, and
 * at most the time and the 1 GiB of N · p = 2^20.
 */
export const scryptBounds = { log2N: [16, 20], r: [8, 8], p: [1, 16], mostNTimesP: 1_048_576 } as const

export function newStoreHeader(): StoreHeader {
  const { randomBytes } = loadCrypto()
  return { storeId: randomBytes(idLength), salt: randomBytes(saltLength), scrypt }
}
