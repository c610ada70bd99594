import type { SecretsErrorCode } from '../../contract/error-codes.ts'
import type { SecretBytes } from '../../value/secret-bytes.ts'

/** `undefined`: the current version. */
export type VersionSelector = number | 'previous' | undefined

/** Paths hold no line feeds (`routing` checks that), so no path equals another one's version. */
export function keyOf(path: string, version: VersionSelector): string {
  return version === undefined ? path : `${path}\n${version}`
}

/** The key of describing calls: no version has this name. */
export function describeKeyOf(path: string): string {
  return `${path}\ndescribe`
}

/** The key of reads of the staged version. */
export function pendingKeyOf(path: string): string {
  return `${path}\npending`
}

export function pathOf(key: string): string {
  const end = key.indexOf('\n')
  return end === -1 ? key : key.slice(0, end)
}

/**
 * How a read uses the cache. `fresh`: asks the store, and replaces a lease. `volatile`
 * (`autoCleanup`): keeps no value.
 */
export type ReadMode = 'cached' | 'fresh' | 'volatile' | 'fresh volatile'

export function isFresh(mode: ReadMode): boolean {
  return mode === 'fresh' || mode === 'fresh volatile'
}

export function isVolatile(mode: ReadMode): boolean {
  return mode === 'volatile' || mode === 'fresh volatile'
}

export interface Found {
  /** Readable only in this turn of the event loop. */
  readonly held: SecretBytes
  readonly from: 'memory' | 'shared' | 'store'
  readonly stale: boolean
  /** Why the store was unreachable; with every stale answer. */
  readonly outage?: SecretsErrorCode | undefined
}
