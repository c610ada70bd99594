import { loadCrypto } from '../shared/builtins.ts'

/** Of a digest (SHA-256) and of the root's MAC (HMAC-SHA256) alike. */
export const digestLength = 32

export const bucketCount = 64
export const leavesPerBucket = 64
export const leafCount: number = bucketCount * leavesPerBucket

/** The leaf that a secret belongs to, of 4,096 by its path's hash: one change hashes a few KiB anew, however many secrets there are. */
export function leafOf(path: string): number {
  return Number.parseInt(loadCrypto().hash('sha256', path, 'hex').slice(0, 3), 16)
}

export function bucketOf(leaf: number): number {
  return Math.floor(leaf / leavesPerBucket)
}

/** One digest among many that stand one after the other. */
export function digestAt(digests: Buffer, at: number): Buffer {
  return digests.subarray(at * digestLength, (at + 1) * digestLength)
}

/** A secret's digest, and the leaf that it belongs to. */
export interface Placed {
  readonly leaf: number
  readonly digest: Uint8Array
}
