import {
  SecretsError,
  type CallContext,
  type SharedCache,
  type SharedEntry,
  type SharedKey,
  type SharedPath,
  type SharedRead,
  type StoredSecret,
} from '@finchat/secrets-core'
import { hang } from './faulty-provider.ts'

type Path = Omit<SharedKey, 'version'>

/** The calls that can be made to fail. */
export type SharedCacheCall = 'read' | 'fill' | 'invalidate'

/**
 * How a call fails. `fail`: as the contract demands of a shared cache that is down: a read is a miss, a fill is lost, an
 * invalidation rejects. `hang`: hangs until the call's signal is aborted. `throw`: rejects with a foreign error, which the
 * contract forbids.
 */
export type SharedCacheFault = 'fail' | 'hang' | 'throw'

/** Options of `memorySharedCache`. */
export interface MemorySharedCacheOptions {
  /** Decides for each call; `undefined` lets it pass. */
  readonly plan?: ((call: SharedCacheCall, key: SharedKey) => SharedCacheFault | undefined) | undefined
}

/** A shared cache in the memory of one process. */
export interface MemorySharedCache extends SharedCache {
  /** The number of these calls, or of all. */
  readonly calls: (call?: SharedCacheCall) => number
  /** The number of entries of all processes. */
  readonly size: () => number
  /** Another process's view: it has the same entries, and each gets the other's invalidations. */
  readonly anotherProcess: (options?: MemorySharedCacheOptions) => MemorySharedCache
}

interface HeldPath {
  generation: number
  /** Lower versions are not served as the current one. */
  leastVersion: number
  readonly versions: Map<SharedKey['version'], SharedEntry>
}

interface Shared {
  readonly paths: Map<string, HeldPath>
  readonly listeners: Map<symbol, Set<(key: Path) => void>>
}

/**
 * A shared cache in memory, for tests. A read returns a hit or a lease token. A fill changes nothing if its lease token precedes an
 * invalidation, or its version is below the least version, which stands until it is removed. Values are copied in and out.
 *
 * @example
 * import { memorySharedCache } from '@finchat/secrets-testkit'
 *
 * const cache = memorySharedCache()
 * const key = { sharedAs: 'store', path: 'api_key' }
 * const context = { signal: AbortSignal.timeout(1000) }
 * const miss = await cache.read(key, context)
 * await cache.invalidate(key, context)
 * if ('leaseToken' in miss) await cache.fill(key, miss.leaseToken, { secret: { value: 'v1' }, until: Date.now() + 1000 }, context)
 * console.log(cache.size()) // 0
 */
export function memorySharedCache(options: MemorySharedCacheOptions = {}): MemorySharedCache {
  return processOf({ paths: new Map(), listeners: new Map() }, options)
}

function processOf(shared: Shared, { plan }: MemorySharedCacheOptions): MemorySharedCache {
  const self = Symbol('process')
  const counts: Record<SharedCacheCall, number> = { read: 0, fill: 0, invalidate: 0 }
  const enter = async (call: SharedCacheCall, key: SharedKey, { signal }: CallContext): Promise<boolean> => {
    counts[call] += 1
    const fault = plan?.(call, key)
    if (fault === 'hang') await hang(signal)
    if (fault === 'throw') throw new TypeError('an injected foreign error')
    return fault === undefined
  }
  return {
    specificationVersion: 'v1',
    read: async (key, context) =>
      (await enter('read', key, context)) ? read(shared, key) : { leaseToken: { generation: -1 }, unavailable: true },
    fill: async (key, leaseToken, entry, context) => {
      if ((await enter('fill', key, context)) && entry !== undefined) fill(shared, key, leaseToken['generation'], entry)
    },
    invalidate: async (key, context) => {
      if (!(await enter('invalidate', key, context))) throw new SecretsError('UNAVAILABLE', 'the shared cache could not invalidate')
      invalidate(shared, key, self)
    },
    subscribe: (listener) => subscribe(shared, self, listener),
    close: async () => void shared.listeners.delete(self),
    calls: (call) => (call === undefined ? counts.read + counts.fill + counts.invalidate : counts[call]),
    size: () => [...shared.paths.values()].reduce((sum, { versions }) => sum + versions.size, 0),
    anotherProcess: (others = {}) => processOf(shared, others),
  }
}

function read(shared: Shared, key: SharedKey): SharedRead {
  const { generation, versions } = at(shared, key)
  const entry = versions.get(key.version)
  if (entry === undefined || entry.until <= Date.now()) return { leaseToken: { generation } }
  return { hit: copied(entry.secret), until: entry.until, askedAt: entry.askedAt }
}

function fill(shared: Shared, key: SharedKey, generation: unknown, entry: SharedEntry): void {
  const path = at(shared, key)
  const isOutdated = key.version === undefined && (entry.secret.version ?? Infinity) < path.leastVersion
  if (generation === path.generation && !isOutdated) path.versions.set(key.version, { ...entry, secret: copied(entry.secret) })
}

function invalidate(shared: Shared, { sharedAs, path, leastVersion }: SharedPath, self: symbol): void {
  const held = at(shared, { sharedAs, path })
  if (leastVersion !== undefined) held.leastVersion = leastVersion === 0 ? 0 : Math.max(leastVersion, held.leastVersion)
  held.generation += 1
  held.versions.clear()
  for (const [process, listeners] of shared.listeners) {
    if (process !== self) for (const listener of listeners) listener({ sharedAs, path })
  }
}

function subscribe(shared: Shared, self: symbol, listener: (key: Path) => void): () => void {
  const listeners = shared.listeners.get(self) ?? new Set()
  shared.listeners.set(self, listeners.add(listener))
  return () => void listeners.delete(listener)
}

function at(shared: Shared, { sharedAs, path }: Path): HeldPath {
  const id = JSON.stringify([sharedAs, path]) // unambiguous
  const held = shared.paths.get(id) ?? { generation: 0, leastVersion: 0, versions: new Map() }
  shared.paths.set(id, held)
  return held
}

function copied(secret: StoredSecret): StoredSecret {
  return typeof secret.value === 'string' ? { ...secret } : { ...secret, value: Uint8Array.from(secret.value) }
}
