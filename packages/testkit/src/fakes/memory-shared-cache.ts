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
import { untilAborted } from './faulty-provider.ts'

type Path = Omit<SharedKey, 'version'>

/** The members of the contract that can be made to fail. */
export type SharedCacheCall = 'read' | 'fill' | 'invalidate'

/**
 * How a call fails. `fail`: as the contract says of a level that is down, so a read is a miss, a fill is lost, and an invalidation rejects.
 * `hang`: never answers, until the call's signal is aborted. `throw`: rejects with a foreign error, which no implementation may.
 */
export type SharedCacheFault = 'fail' | 'hang' | 'throw'

export interface MemorySharedCacheOptions {
  /** Decides for each call; `undefined` lets it pass. */
  readonly plan?: ((call: SharedCacheCall, key: SharedKey) => SharedCacheFault | undefined) | undefined
}

export interface MemorySharedCache extends SharedCache {
  /** How many calls there were, of this member or of all. */
  readonly calls: (call?: SharedCacheCall) => number
  /** How many entries are held, by whichever process. */
  readonly size: () => number
  /** Another process's view of the same cache: it shares the entries, and each hears of what the other invalidates. */
  readonly anotherProcess: (options?: MemorySharedCacheOptions) => MemorySharedCache
}

interface HeldPath {
  generation: number
  /** What has a lower number is not the current version. */
  leastVersion: number
  readonly versions: Map<SharedKey['version'], SharedEntry>
}

interface Level {
  readonly paths: Map<string, HeldPath>
  readonly listeners: Map<symbol, Set<(key: Path) => void>>
}

/**
 * The shared cache's contract in this process, for tests. A read answers a hit or a ticket; a fill with a ticket from before an
 * invalidation, or with a version below the least that was told, changes nothing; a least version stands until it is
 * lifted. Values are copied in and out.
 *
 * @example
 * import { memorySharedCache } from '@finchat/secrets-testkit'
 *
 * const cache = memorySharedCache()
 * const key = { sharedAs: 'store', path: 'api_key' }
 * const context = { signal: AbortSignal.timeout(1000) }
 * const miss = await cache.read(key, context)
 * await cache.invalidate(key, context)
 * if ('ticket' in miss) await cache.fill(key, miss.ticket, { secret: { value: 'v1' }, until: Date.now() + 1000 }, context)
 * console.log(cache.size()) // 0
 */
export function memorySharedCache(options: MemorySharedCacheOptions = {}): MemorySharedCache {
  return processOf({ paths: new Map(), listeners: new Map() }, options)
}

function processOf(level: Level, { plan }: MemorySharedCacheOptions): MemorySharedCache {
  const self = Symbol('process')
  const counts: Record<SharedCacheCall, number> = { read: 0, fill: 0, invalidate: 0 }
  const enter = async (call: SharedCacheCall, key: SharedKey, { signal }: CallContext): Promise<boolean> => {
    counts[call] += 1
    const fault = plan?.(call, key)
    if (fault === 'hang') await untilAborted(signal)
    if (fault === 'throw') throw new TypeError('a foreign error on purpose')
    return fault === undefined
  }
  return {
    specificationVersion: 'v1',
    read: async (key, context) =>
      (await enter('read', key, context)) ? read(level, key) : { ticket: { generation: -1 }, unavailable: true },
    fill: async (key, ticket, entry, context) => {
      if ((await enter('fill', key, context)) && entry !== undefined) fill(level, key, ticket['generation'], entry)
    },
    invalidate: async (key, context) => {
      if (!(await enter('invalidate', key, context))) throw new SecretsError('UNAVAILABLE', 'the shared cache could not invalidate')
      invalidate(level, key, self)
    },
    subscribe: (listener) => subscribe(level, self, listener),
    close: async () => void level.listeners.delete(self),
    calls: (call) => (call === undefined ? counts.read + counts.fill + counts.invalidate : counts[call]),
    size: () => [...level.paths.values()].reduce((sum, { versions }) => sum + versions.size, 0),
    anotherProcess: (others = {}) => processOf(level, others),
  }
}

function read(level: Level, key: SharedKey): SharedRead {
  const { generation, versions } = at(level, key)
  const entry = versions.get(key.version)
  if (entry === undefined || entry.until <= Date.now()) return { ticket: { generation } }
  return { hit: copied(entry.secret), until: entry.until, askedAt: entry.askedAt }
}

function fill(level: Level, key: SharedKey, generation: unknown, entry: SharedEntry): void {
  const path = at(level, key)
  const isOutdated = key.version === undefined && (entry.secret.version ?? Infinity) < path.leastVersion
  if (generation === path.generation && !isOutdated) path.versions.set(key.version, { ...entry, secret: copied(entry.secret) })
}

function invalidate(level: Level, { sharedAs, path, leastVersion }: SharedPath, self: symbol): void {
  const held = at(level, { sharedAs, path })
  if (leastVersion !== undefined) held.leastVersion = leastVersion === 0 ? 0 : Math.max(leastVersion, held.leastVersion)
  held.generation += 1
  held.versions.clear()
  for (const [process, listeners] of level.listeners) {
    if (process !== self) for (const listener of listeners) listener({ sharedAs, path })
  }
}

function subscribe(level: Level, self: symbol, listener: (key: Path) => void): () => void {
  const listeners = level.listeners.get(self) ?? new Set()
  level.listeners.set(self, listeners.add(listener))
  return () => void listeners.delete(listener)
}

function at(level: Level, { sharedAs, path }: Path): HeldPath {
  const id = JSON.stringify([sharedAs, path]) // no two pairs share one text
  const held = level.paths.get(id) ?? { generation: 0, leastVersion: 0, versions: new Map() }
  level.paths.set(id, held)
  return held
}

function copied(secret: StoredSecret): StoredSecret {
  return typeof secret.value === 'string' ? { ...secret } : { ...secret, value: Uint8Array.from(secret.value) }
}
