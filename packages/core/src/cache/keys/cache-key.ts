import type { SecretsErrorCode } from '../../contract/error-codes.ts'
import type { SecretBytes } from '../../value/secret-bytes.ts'

/** `undefined`: the current one. */
export type VersionSelector = number | 'previous' | undefined

/** Paths hold no line feeds (the route sees to it), so that no path is another one's version. */
export function keyOf(path: string, version: VersionSelector): string {
  return version === undefined ? path : `${path}\n${version}`
}

/** The cache key of what a store says of a path beside reads: paths hold no line feeds, and no version has this name. */
export function describeKeyOf(path: string): string {
  return `${path}\ndescribe`
}

export function pathOf(key: string): string {
  const end = key.indexOf('\n')
  return end === -1 ? key : key.slice(0, end)
}

/**
 * How a read treats what is held. `fresh`: nothing that is held will do, and a lease is replaced. `volatile`
 * (`autoCleanup`): what was held or read is handed out and kept nowhere.
 */
export type ReadMode = 'cached' | 'fresh' | 'volatile' | 'fresh volatile'

export function isFresh(mode: ReadMode): boolean {
  return mode === 'fresh' || mode === 'fresh volatile'
}

export function isVolatile(mode: ReadMode): boolean {
  return mode === 'volatile' || mode === 'fresh volatile'
}

export interface Found {
  /** Readable in this turn of the event loop; take from it what is needed before waiting for anything else. */
  readonly held: SecretBytes
  readonly from: 'memory' | 'shared' | 'store'
  readonly stale: boolean
  /** Why the store could not be asked: with every stale answer. */
  readonly outage?: SecretsErrorCode | undefined
}
