import { loadCrypto } from '@finchat/secrets-core/provider'

/** Length of SHA-256 and HMAC-SHA256. */
export const digestLength = 32

export const bucketCount = 64
export const leavesPerBucket = 64
export const leafCount: number = bucketCount * leavesPerBucket

/**
 * One of 4,096 leaves by the path's hash. A write hashes a few KiB, however many secrets there are.
 */
export function leafOf(path: string): number {
  return Number.parseInt(loadCrypto().hash('sha256', path, 'hex').slice(0, 3), 16)
}

export function bucketOf(leaf: number): number {
  return Math.floor(leaf / leavesPerBucket)
}

/** One digest of a concatenation. */
export function digestAt(digests: Buffer, at: number): Buffer {
  return digests.subarray(at * digestLength, (at + 1) * digestLength)
}

/** A secret's digest and the number of its leaf. */
export interface LeafEntry {
  readonly leaf: number
  readonly digest: Uint8Array
}
