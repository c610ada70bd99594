import type { Call, CallContext, StoredSecret } from './provider.ts'

/**
 * A cache that processes share (L2), below the chain: it holds one store's answers under that
 * store's own paths, never under logical names.
 */
export interface SharedKey {
  readonly sharedAs: string
  readonly path: string
  readonly version?: number | 'previous' | undefined
}
/** Every version of one path. */
export interface SharedPath extends Omit<SharedKey, 'version'> {
  /**
   * Seen just now: for a while nothing with a lower number is to be served as current, whoever
   * brings it. Of several the greatest counts. Absent: the former least stands. 0: it is lifted,
   * since the current number may have gone down.
   */
  readonly leastVersion?: number | undefined
}
/** One answer of a store. */
export interface SharedEntry {
  readonly secret: StoredSecret
  /** Worthless from then on. */
  readonly until: number
  /**
   * When the store was asked for it, so that each reader can apply a TTL of its own. Absent: not
   * known.
   */
  readonly askedAt?: number | undefined
}
export interface SharedReadContext extends CallContext {
  /** What was asked of the store before then is of no use to this reader: a gap. */
  readonly notBefore?: number | undefined
}
/**
 * Opaque to the core: what `fill` needs to know about the moment of the miss (a generation; a turn
 * to ask for the whole fleet).
 */
export type LeaseToken = Readonly<Record<string, string | number>>
/**
 * `unavailable`: the level could not be asked, so that there is no telling whether there is a gap.
 */
export type SharedRead =
  | { readonly hit: StoredSecret; readonly until: number; readonly askedAt?: number | undefined }
  | { readonly leaseToken: LeaseToken; readonly unavailable?: boolean | undefined }
export interface SharedCache {
  readonly specificationVersion: 'v1'
  /**
   * A hit, or a lease token to fill the gap. May wait briefly for another process's fill. Never rejects
   * for a reason of the level's own.
   */
  readonly read: (key: SharedKey, context: SharedReadContext) => Promise<SharedRead>
  /**
   * Fills the gap unless the path was invalidated since the lease token was given. `undefined`: no
   * answer came, let others ask.
   */
  readonly fill: Call<[key: SharedKey, leaseToken: LeaseToken, entry: SharedEntry | undefined], void>
  /**
   * Every version of the path, now; outstanding lease tokens are worth nothing. Rejects if it could not:
   * the writer must know.
   */
  readonly invalidate: Call<[path: SharedPath], void>
  /** Paths that other processes invalidated; returns its own end. */
  readonly subscribe?: ((listener: (key: Omit<SharedKey, 'version'>) => void) => () => void) | undefined
  /**
   * How long a read may take where it waits for another process's fill, milliseconds. Absent: 250.
   */
  readonly longestReadMs?: number | undefined
  /**
   * A read that finds the level unavailable fails, rather than ask the provider behind the fleet's
   * back. Absent: it asks.
   */
  readonly failClosed?: boolean | undefined
  readonly close?: ((context: CallContext) => Promise<void>) | undefined
}
