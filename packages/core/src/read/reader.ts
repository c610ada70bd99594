import type { ChainRead } from '../chain/answer-at.ts'
import { type Chain, type ChainAsk, type Deliver, FallbackTraversal, type Reading } from '../chain/chain.ts'
import type { ReadMode } from '../cache/single-flight.ts'
import { described } from '../errors/format.ts'
import { knownOptions, type MembersOf } from '../options/known-options.ts'
import { assertField } from '../options/call-options.ts'
import { knownReadOptions, readMembers, readOneMembers, type ReadOneOptions, type ReadOptions } from './read-options.ts'
import type { Metadata, Observer } from '../observe/operation.ts'
import { type Location, locationsOf, type Route } from '../chain/routing.ts'
import type { FallbackPolicy, RemedyHints } from '../chain/fallback-policy.ts'
import { aggregateError } from '../errors/aggregate-error.ts'
import { SecretsError, withContext } from '../errors/secrets-error.ts'
import type { SecretValue } from '../value/secret-value.ts'
import { textOf, valueOf } from './deliver.ts'
import { FastEntry, FastPath, type JoinedFlight } from './fast-path.ts'

/** One secret of `getSecretValues`, or one field of it. */
export interface SecretRequest {
  readonly name: string
  readonly field?: string | undefined
}

export interface ReaderOptions {
  readonly locate: (name: string) => Route
  readonly chain: Chain
  readonly observer: Observer
  readonly fallback: FallbackPolicy | undefined
  readonly hints?: RemedyHints | undefined
  readonly autoCleanup: boolean
}

/** Delivers from memory. Throws if there is no such part. */
type FastDelivery<T> = (entry: FastEntry) => Promise<T>

type Delivery<T> = (reading: Reading, field?: string) => T

export class Reader {
  readonly #options: ReaderOptions
  readonly #fastPath = new FastPath()

  constructor(options: ReaderOptions) {
    this.#options = options
  }

  getSecret(name: string, options?: ReadOneOptions): Promise<string> {
    return this.#readOne(name, options, fastText, textOf)
  }

  getSecretValue(name: string, options?: ReadOneOptions): Promise<SecretValue> {
    return this.#readOne(name, options, fastValue, valueOf)
  }

  async getSecrets<const Name extends string>(names: readonly Name[], options?: ReadOptions): Promise<Record<Name, string>> {
    assertList(names)
    const requests = names.map((name) => ({ name, field: undefined }))
    const results = await this.#readMany(requests, options, textOf)
    const found = results.flatMap((result, index) => (result.status === 'fulfilled' ? [[String(names[index]), result.value] as const] : []))
    const failures = results.flatMap((result, index) =>
      result.status === 'rejected' ? [{ name: String(names[index]), error: result.reason }] : [],
    )
    if (failures.length > 0) throw aggregateError(failures, names.length)
    return Object.fromEntries(found) as Record<Name, string> // no failure: every name is there
  }

  getSecretValues(requests: readonly SecretRequest[], options?: ReadOptions): Promise<PromiseSettledResult<SecretValue>[]> {
    return this.#readMany(requests, options, (reading, field) => valueOf(reading, field))
  }

  #readOne<T>(name: string, options: ReadOneOptions | undefined, fast: FastDelivery<T>, deliver: Delivery<T>): Promise<T> {
    const isPlain = this.#isPlain(options)
    const isUnwatched = isPlain && this.#options.observer.isUnwatched
    let isFast = isUnwatched
    try {
      const known = isFast ? this.#fastPath.known(name) : undefined
      if (known !== undefined) return fast(known)
    } catch {
      // The operation reports what is wrong, and where.
      isFast = false
    }
    try {
      const route = this.#options.locate(name)
      return (
        (isFast ? this.#withoutOperation(route, fast, deliver) : undefined) ??
        this.#read(route, options, deliver, isPlain && !isUnwatched ? fast : undefined)
      )
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #isPlain(options: ReadOneOptions | undefined): boolean {
    return options === undefined && !this.#options.autoCleanup
  }

  #withoutOperation<T>(route: Route, fast: FastDelivery<T>, deliver: Delivery<T>): Promise<T> | undefined {
    const found = this.#fastPath.find(route)
    if (!(found instanceof FastEntry)) return found && this.#join(route, found, deliver)
    try {
      return fast(found)
    } catch {
      return undefined
    }
  }

  /** Where the flight brings no value, each read runs its own operation. */
  #join<T>(route: Route, { location, answer, earlier }: JoinedFlight, deliver: Delivery<T>): Promise<T> {
    const alone = (): Promise<T> => this.#read(route, undefined, deliver, undefined, true)
    this.#options.observer.hold(answer)
    return answer.then((found) => {
      if (found === undefined) return alone()
      try {
        const delivered = deliver({ ...found, location, degraded: false })
        for (const { location: behind } of earlier) behind.chainEntry.store.recordAbsenceHit(behind.path)
        location.chainEntry.store.recordJoin()
        return delivered
      } catch {
        return alone()
      }
    }, alone)
  }

  #read<T>(
    route: Route,
    read: ReadOneOptions = noOptions,
    deliver: Delivery<T>,
    fast: FastDelivery<T> | undefined,
    isAdmitted = false,
  ): Promise<T> {
    const options = read === noOptions ? noOptions : knownReadOptions(read, readOneMembers)
    const chained = (metadata: Metadata): Promise<T> =>
      this.readObserved(this.traversal(route, options.fallback), options, metadata, (reading) => deliver(reading, options.field))
    return this.#options.observer.observe(
      { operation: 'get', name: route.name, effect: false, isAdmitted },
      options,
      (metadata) => (fast && this.#fromMemory(route, metadata, fast)) ?? chained(metadata),
    )
  }

  #fromMemory<T>(route: Route, metadata: Metadata, fast: FastDelivery<T>): Promise<T> | undefined {
    const found = this.#fastPath.known(route.name) ?? this.#fastPath.find(route)
    if (!(found instanceof FastEntry)) return undefined
    try {
      const answer = fast(found)
      recordMetadata(metadata, { held: found.entry.held, from: 'memory', stale: false, degraded: false })
      return answer
    } catch {
      return undefined
    }
  }

  readObserved<T>(
    traversal: FallbackTraversal<Location>,
    options: ReadOneOptions,
    metadata: Metadata,
    deliver: (reading: Reading) => T,
  ): Promise<T> {
    metadata.steps = traversal.trace
    return this.#options.chain.read(traversal, this.#chainRead(options, options.version), (reading) =>
      recordAndDeliver(metadata, reading, deliver),
    )
  }

  traversal(route: Route, fallback: FallbackPolicy | undefined): FallbackTraversal<Location> {
    return new FallbackTraversal(route.name, locationsOf(route), [this.#options.fallback, fallback], this.#hintsFor(route))
  }

  /** Variables map the name that the providers locate. */
  #hintsFor({ name, target }: Route): RemedyHints | undefined {
    const { hints } = this.#options
    return hints === undefined || target === name ? hints : { ...hints, missing: () => hints.missing(target) }
  }

  locate(name: string): Route {
    return this.#options.locate(name)
  }

  modeOf({ fresh = false, autoCleanup = this.#options.autoCleanup }: ReadOptions): ReadMode {
    if (autoCleanup) return fresh ? 'fresh volatile' : 'volatile'
    return fresh ? 'fresh' : 'cached'
  }

  /** Undefined with options, audit or tracing. */
  inMemory(name: string): FastEntry | undefined {
    if (!this.#isPlain(undefined) || !this.#options.observer.isUnwatched) return undefined
    const found = this.#fastPath.known(name) ?? this.#fastPath.find(this.locate(name))
    return found instanceof FastEntry ? found : undefined
  }

  async #readMany<T>(requests: readonly SecretRequest[], read: ReadOptions = {}, deliver: Delivery<T>): Promise<PromiseSettledResult<T>[]> {
    const { observer, chain } = this.#options
    assertList(requests)
    const options = knownReadOptions(read, readMembers)
    const asks = requests.map(knownRequest).map(({ name, field = options.field }): ManyAsk<T> => {
      const route = this.locate(name)
      const traversal = new FallbackTraversal(name, route.locations, [this.#options.fallback, options.fallback], this.#hintsFor(route))
      const metadata: Metadata = { steps: traversal.trace }
      return {
        route,
        metadata,
        ask: { traversal, deliver: (reading) => recordAndDeliver(metadata, reading, (each) => deliver(each, field)) },
      }
    })
    // The first admitted operation begins the batch for all.
    let begun: Promise<ReadonlyMap<ChainAsk<T>, PromiseSettledResult<T>>> | undefined
    const observed = asks.map(({ route, metadata: recorded, ask }) =>
      observer.observe({ operation: 'get', name: route.name, effect: false }, options, async (metadata) => {
        if (route.failure !== undefined) throw route.failure
        const results = await (begun ??= chain.readMany(
          asks.flatMap((each) => (each.route.failure === undefined ? each.ask : [])),
          this.#chainRead(options),
        ))
        Object.assign(metadata, recorded)
        const result = results.get(ask)
        if (result?.status === 'fulfilled') return result.value
        throw result?.reason
      }),
    )
    return Promise.allSettled(observed)
  }

  #chainRead(options: ReadOptions, version?: ReadOneOptions['version']): ChainRead {
    return { version, mode: this.modeOf(options), signal: options.signal }
  }
}

/** Own members, as of options that were checked. */
const noOptions: ReadOneOptions = Object.freeze(knownReadOptions({}, readOneMembers))

function assertList(list: unknown): void {
  if (Array.isArray(list)) return
  throw new SecretsError('INVALID_ARGUMENT', `what was passed is ${described(list)}, not an array`, {
    remedy: 'pass an array, or ask for one secret with getSecret',
  })
}

const requestMembers: MembersOf<SecretRequest> = { name: 'any', field: 'any' }

function knownRequest(request: SecretRequest): SecretRequest {
  const known = knownOptions(request, requestMembers, 'INVALID_ARGUMENT')
  assertField(known.field)
  return known
}

/** One read of several. Without a route it fails alone. */
interface ManyAsk<T> {
  readonly route: Route
  readonly metadata: Metadata
  readonly ask: ChainAsk<T>
}

function recordAndDeliver<T>(metadata: Metadata, reading: Reading, deliver: Deliver<T>): T {
  recordMetadata(metadata, reading)
  try {
    return deliver(reading)
  } catch (error) {
    throw SecretsError.isInstance(error) ? withContext(error, { provider: metadata.provider }) : error
  }
}

function recordMetadata(metadata: Metadata, { held, from, stale, degraded }: Omit<Reading, 'location'>): void {
  const { provider, version, revision, exclusive } = held.metadata
  metadata.provider = provider
  metadata.version = version
  metadata.revision = revision
  metadata.exclusive = exclusive
  metadata.from = from
  metadata.stale = stale
  metadata.degraded = degraded
}

function fastText(entry: FastEntry): Promise<string> {
  return entry.text
}

function fastValue(entry: FastEntry): Promise<SecretValue> {
  return entry.value
}
