import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import {
  SecretsError,
  type CallContext,
  type FormerKey,
  type SharedCache,
  type SharedChanges,
  type SharedEntry,
  type SharedFormers,
  type SharedKey,
  type SharedPath,
  type SharedRead,
  type SharedReadContext,
  type SharedUsage,
  type StoredSecret,
} from '@finchat/secrets-core'
import { hang } from './faulty-provider.ts'
import { type HeldUsage, memoryUsage } from './memory-usage.ts'

type Path = Omit<SharedKey, 'version'>

/** The calls that can be made to fail. */
export type SharedCacheCall = 'read' | 'fill' | 'markOutage' | 'invalidate' | 'saw' | 'matches' | 'usage'

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
  readonly usage: SharedUsage
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
  invalidatedAt: number
  /** `endsAt`: when the one server expires it, by its monotonic clock. */
  readonly versions: Map<SharedKey['version'], SharedEntry & { readonly endsAt: number }>
  /** By version: until when readers that can wait are made to. */
  readonly outages: Map<SharedKey['version'], number>
}

type Listener = (key: Path, invalidatedAt: number) => void

interface SeenValues {
  readonly current: string | undefined
  /** A value that ends earlier was given before the current one. */
  readonly currentUntil: number
  readonly former: string | undefined
  /** By digest: when it ends, by the monotonic clock of the one server. */
  readonly until: Map<string, number>
}

interface Shared {
  readonly key: Uint8Array
  readonly seen: Map<string, SeenValues>
  readonly paths: Map<string, HeldPath>
  readonly listeners: Map<symbol, Set<Listener>>
  readonly usage: Map<string, HeldUsage>
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
  const shared = { key: randomBytes(32), seen: new Map(), paths: new Map(), listeners: new Map(), usage: new Map() }
  return processOf(shared, options)
}

function processOf(shared: Shared, { plan }: MemorySharedCacheOptions): MemorySharedCache {
  const self = Symbol('process')
  const counts: Record<SharedCacheCall, number> = { read: 0, fill: 0, markOutage: 0, invalidate: 0, saw: 0, matches: 0, usage: 0 }
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
      (await enter('read', key, context)) ? read(shared, key, context) : { leaseToken: { generation: -1 }, unavailable: true },
    fill: async (key, leaseToken, entry, context) => {
      if ((await enter('fill', key, context)) && entry !== undefined) fill(shared, key, leaseToken['generation'], entry)
    },
    markOutage: async (key, leaseToken, context) => {
      if (await enter('markOutage', key, context)) markOutage(shared, key, leaseToken['generation'])
    },
    invalidate: async (key, context) => {
      if (!(await enter('invalidate', key, context))) throw new SecretsError('UNAVAILABLE', 'the shared cache could not invalidate')
      invalidate(shared, key, self)
    },
    formers: formersIn(shared, async (call, key, context) => {
      if (!(await enter(call, key, context))) throw new SecretsError('UNAVAILABLE', 'the shared cache cannot be asked')
    }),
    usage: memoryUsage(shared.usage, async (path, context) => {
      if (!(await enter('usage', path, context))) throw new SecretsError('UNAVAILABLE', 'the shared cache cannot be asked for usage marks')
    }),
    subscribe: (listener) => subscribe(shared, self, listener),
    close: async () => void shared.listeners.delete(self),
    calls: (call) => (call === undefined ? Object.values(counts).reduce((sum, each) => sum + each, 0) : counts[call]),
    size: () => [...shared.paths.values()].reduce((sum, { versions }) => sum + versions.size, 0),
    anotherProcess: (others = {}) => processOf(shared, others),
  }
}

type Enter = (call: SharedCacheCall, key: SharedKey, context: CallContext) => Promise<void>

function formersIn(shared: Shared, enter: Enter): SharedFormers {
  return {
    digest: (key, value) => digestOf(shared, key, value),
    saw: async (key, digest, ageMs, context) => {
      const endsAt = performance.now() + key.graceMs - ageMs
      await enter('saw', key, context)
      saw(shared, key, digest, endsAt)
    },
    matches: async (key, current, candidate, context) => {
      const presented = isComparable(candidate) ? digestOf(shared, key, candidate) : undefined
      await enter('matches', key, context)
      const former = before(shared, key, hexOf(current))
      return presented !== undefined && former !== undefined && timingSafeEqual(presented, Buffer.from(former, 'hex'))
    },
  }
}

function read(shared: Shared, key: SharedKey, { notBefore = -Infinity, canWait = false }: SharedReadContext): SharedRead {
  const path = at(shared, key)
  const { generation, versions, invalidatedAt } = path
  const changes: SharedChanges = { invalidatedAt, leastVersion: key.version === undefined ? path.leastVersion : 0 }
  const entry = versions.get(key.version)
  const isOver = entry === undefined || entry.until <= Date.now() || entry.endsAt <= performance.now()
  const isOutage = canWait && (path.outages.get(key.version) ?? 0) > performance.now()
  if (isOver || (entry.askedAt ?? Infinity) < notBefore) return { leaseToken: { generation }, ...changes, ...(isOutage && { wait: true }) }
  return { hit: copied(entry.secret), until: entry.until, askedAt: entry.askedAt, ...changes }
}

function fill(shared: Shared, key: SharedKey, generation: unknown, entry: SharedEntry): void {
  const path = at(shared, key)
  const isOutdated = key.version === undefined && (entry.secret.version ?? Infinity) < path.leastVersion
  const endsAt = performance.now() + entry.until - Date.now()
  if (generation === path.generation && !isOutdated) path.versions.set(key.version, { ...entry, endsAt, secret: copied(entry.secret) })
}

const outageMs = 4_000

function markOutage(shared: Shared, key: SharedKey, generation: unknown): void {
  const path = at(shared, key)
  if (generation === path.generation) path.outages.set(key.version, performance.now() + outageMs)
}

function invalidate(shared: Shared, { sharedAs, path, leastVersion }: SharedPath, self: symbol): void {
  const held = at(shared, { sharedAs, path })
  if (leastVersion !== undefined) held.leastVersion = leastVersion === 0 ? 0 : Math.max(leastVersion, held.leastVersion)
  held.generation += 1
  held.invalidatedAt = Math.max(Date.now(), held.invalidatedAt + 1)
  held.versions.clear()
  for (const [process, listeners] of shared.listeners) {
    if (process !== self) for (const listener of listeners) listener({ sharedAs, path }, Date.now())
  }
}

function saw(shared: Shared, key: FormerKey, given: Uint8Array | undefined, endsAt: number): void {
  const known = shared.seen.get(idOf(key))
  const digest = given && hexOf(given)
  if (digest === undefined && known === undefined) return
  const until = known?.until ?? new Map<string, number>()
  if (digest !== undefined) until.set(digest, Math.max(until.get(digest) ?? 0, endsAt))
  const next = known !== undefined && endsAt < known.currentUntil ? known : { ...orderAfter(known, digest), currentUntil: endsAt, until }
  shared.seen.set(idOf(key), next)
}

function orderAfter(known: SeenValues | undefined, digest: string | undefined): Pick<SeenValues, 'current' | 'former'> {
  const isNew = known !== undefined && known.current !== digest
  return { current: digest, former: isNew ? known.current : known?.former }
}

/** Processes that have different values at once, such as variables, are each other's neighbours. */
function before(shared: Shared, key: FormerKey, digest: string): string | undefined {
  const known = shared.seen.get(idOf(key))
  const other = known?.current === digest ? known.former : known?.former === digest ? known.current : undefined
  return other === undefined || (known?.until.get(other) ?? 0) <= performance.now() ? undefined : other
}

function digestOf(shared: Shared, key: FormerKey, value: string | Uint8Array): Uint8Array {
  const place = idOf({ ...key, graceMs: 0 })
  return createHmac('sha256', shared.key).update(place).update(value).digest()
}

function isComparable(candidate: string | Uint8Array): boolean {
  return candidate.length > 0 && candidate.length <= 2 ** 20 && (typeof candidate !== 'string' || candidate.isWellFormed())
}

function hexOf(digest: Uint8Array): string {
  return Buffer.from(digest).toString('hex')
}

function idOf({ sharedAs, path, part, graceMs }: FormerKey): string {
  return JSON.stringify([sharedAs, path, part, graceMs])
}

function subscribe(shared: Shared, self: symbol, listener: Listener): () => void {
  const listeners = shared.listeners.get(self) ?? new Set()
  shared.listeners.set(self, listeners.add(listener))
  return () => void listeners.delete(listener)
}

function at(shared: Shared, { sharedAs, path }: Path): HeldPath {
  const id = JSON.stringify([sharedAs, path]) // unambiguous
  const held = shared.paths.get(id) ?? { generation: 0, leastVersion: 0, invalidatedAt: 0, versions: new Map(), outages: new Map() }
  shared.paths.set(id, held)
  return held
}

function copied(secret: StoredSecret): StoredSecret {
  return typeof secret.value === 'string' ? { ...secret } : { ...secret, value: Uint8Array.from(secret.value) }
}
