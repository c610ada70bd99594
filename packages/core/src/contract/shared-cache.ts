import type { Call, CallContext, StoredSecret } from './provider.ts'
import type { SharedUsage } from './shared-usage.ts'
import type { SharedCacheStats } from './status.ts'

/**
 * A cache that processes share (L2). It holds one store's answers under that store's paths, never
 * under logical names.
 */
export interface SharedKey {
  readonly sharedAs: string
  readonly path: string
  readonly version?: number | 'previous' | undefined
}
/** Every version of one path. */
export interface SharedPath extends Omit<SharedKey, 'version'> {
  /**
   * For a while no lower version may be served as current. The greatest wins. Absent: unchanged. 0:
   * no bound, since the number may have gone down.
   */
  readonly leastVersion?: number | undefined
}

/** What a shared cache keeps for one path. Times are epoch milliseconds. */
export interface SharedEntry {
  readonly secret: StoredSecret
  /** Never served after this time. */
  readonly until: number
  /** When the store was asked, so that each reader applies its own TTL. Absent: unknown. */
  readonly askedAt?: number | undefined
}

/** The context of one read of the shared cache. */
export interface SharedReadContext extends CallContext {
  /** Answers that the store gave to earlier requests count as a gap. */
  readonly notBefore?: number | undefined
  /**
   * The reader has a value that is fresh, and looks for a newer one. A gap gives no fill lease, and
   * the read waits for no other process.
   */
  readonly isRecheck?: boolean | undefined
  /** The reader has a value that it may go on with, so that a gap may make it `wait`. */
  readonly canWait?: boolean | undefined
}
/** What a shared cache knows of the changes of a path. */
export interface SharedChanges {
  /**
   * When the path was last invalidated, by the clock of that process, and later than each time
   * before. 0: no invalidation is known. Absent: it cannot tell, so a gap may follow one.
   */
  readonly invalidatedAt?: number | undefined
  /** Lower versions are not current, by `leastVersion` of an invalidation. */
  readonly leastVersion?: number | undefined
}
/**
 * Opaque to the core: the state at the miss that `fill` needs, such as a generation and a fill
 * lease.
 */
export type LeaseToken = Readonly<Record<string, string | number>>
/** A gap. */
export interface SharedGap extends SharedChanges {
  readonly leaseToken: LeaseToken
  /** The shared cache could not be asked, so a gap is not certain. */
  readonly unavailable?: boolean | undefined
  /**
   * For a reader that can wait: another process could not ask the store just now, by `markOutage`,
   * or holds the fill lease and did not fill in time.
   */
  readonly wait?: boolean | undefined
}
/** What an entry is, and how old. */
export interface SharedHit extends SharedChanges {
  readonly hit: StoredSecret
  readonly until: number
  readonly askedAt?: number | undefined
}
export type SharedRead = SharedHit | SharedGap

/** A part of a secret that a fleet verifies with `acceptPreviousForSeconds`. */
export interface FormerKey extends Omit<SharedKey, 'version'> {
  /** Names the part; empty for the whole secret. */
  readonly part: string
  /** The grace, in milliseconds. */
  readonly graceMs: number
}

/**
 * Digests of the values that a store gave lately, so that each process knows the direct predecessor
 * of the value that it has. Never a value. Calls reject if the cache failed.
 */
export interface SharedFormers {
  /** A digest under a key of the fleet, bound to store, path and part. */
  readonly digest: (key: FormerKey, value: Uint8Array) => Uint8Array
  /**
   * The store gave this value at most `ageMs` ago, or it has none. A value that differs from the one
   * seen before it has that one as predecessor.
   */
  readonly saw: Call<[key: FormerKey, digest: Uint8Array | undefined, ageMs: number], void>
  /**
   * Whether the candidate is the value seen directly before `current`, which the store still gave
   * less than `graceMs` ago. Compares in constant time. Nothing empty and no malformed UTF-16
   * matches. The candidate is overwritten later: read it at once.
   */
  readonly matches: Call<[key: FormerKey, current: Uint8Array, candidate: string | Uint8Array], boolean>
}

/** The contract of a cache that a fleet shares. */
export interface SharedCache {
  readonly specificationVersion: 'v1'
  /**
   * A hit, or a lease token to fill the gap. May wait briefly for another process's fill. Never
   * rejects because the cache failed.
   */
  readonly read: (key: SharedKey, context: SharedReadContext) => Promise<SharedRead>
  /**
   * Fills the gap unless the path was invalidated after the lease token was given. `undefined`: the
   * store gave no answer; let others ask.
   */
  readonly fill: Call<[key: SharedKey, leaseToken: LeaseToken, entry: SharedEntry | undefined], void>
  /**
   * The store could not be asked for this gap. Releases the fill lease of the token. For some
   * seconds readers that can wait are made to. A token without a lease marks nothing.
   * Absent: each process finds out by itself.
   */
  readonly markOutage?: Call<[key: SharedKey, leaseToken: LeaseToken], void> | undefined
  /**
   * Every version of the path, now; earlier lease tokens are void. Rejects on failure, because the
   * writer must know.
   */
  readonly invalidate: Call<[path: SharedPath], void>
  /**
   * Calls back with paths that other processes invalidated, and when they did, by their clocks: no
   * answer to an earlier request is taken any more. Without a time, none from before the call. Returns
   * the function that ends it.
   */
  readonly subscribe?: ((listener: (key: Omit<SharedKey, 'version'>, invalidatedAt?: number) => void) => () => void) | undefined
  /** Absent: each process knows only the former values that it saw. */
  readonly formers?: SharedFormers | undefined
  /** Absent: it cannot tell who still uses a former version. */
  readonly usage?: SharedUsage | undefined
  /** Counts for metrics. It must not throw. */
  readonly stats?: (() => SharedCacheStats) | undefined
  /** The longest read that waits for another process's fill, in milliseconds. Absent: 250. */
  readonly longestReadMs?: number | undefined
  /** If the cache is unavailable, reads fail instead of asking the provider. Absent: they ask. */
  readonly failClosed?: boolean | undefined
  readonly close?: ((context: CallContext) => Promise<void>) | undefined
}
