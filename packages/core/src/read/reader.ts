import type { Chain, ChainAsk, ChainRead, Deliver, Reading } from '../chain/chain.ts'
import type { ReadMode, VersionSelector } from '../cache/keys/cache-key.ts'
import { described } from '../errors/format.ts'
import { knownOptions, type MembersOf } from '../options/known-options.ts'
import { assertField } from '../options/call-options.ts'
import { knownReadOptions, readMembers, readOneMembers, type ReadOneOptions, type ReadOptions } from './read-options.ts'
import type { SecretBytes } from '../value/secret-bytes.ts'
import type { Metadata, Observer } from '../observe/operation.ts'
import { type Location, locationsOf, type Route } from '../chain/routing.ts'
import type { FallbackPolicy } from '../chain/fallback-policy.ts'
import { aggregateError } from '../errors/aggregate-error.ts'
import { withContext, SecretsError } from '../errors/secrets-error.ts'
import type { SecretValue } from '../value/secret-value.ts'
import { FastEntry, FastPath, type JoinedFlight } from './fast-path.ts'
import { FallbackTraversal } from '../chain/fallback-traversal.ts'

/** One of several secrets to read. */
export interface SecretRequest {
  readonly name: string
  readonly field?: string | undefined
}

export interface ReaderOptions {
  readonly locate: (name: string) => Route
  readonly chain: Chain
  readonly observer: Observer
  readonly fallback: FallbackPolicy | undefined
  readonly autoCleanup: boolean
}

/** Takes the secret from what is in memory. Throws where it holds no such part. */
type FastDelivery<T> = (entry: FastEntry) => Promise<T>

/** Takes the secret, or a field of it, from a reading. */
type Delivery<T> = (reading: Reading, field?: string) => T

/** The reading calls. */
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
      // The operation says what is wrong, and where.
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

  /** Nothing but the name is asked for. */
  #isPlain(options: ReadOneOptions | undefined): boolean {
    return options === undefined && !this.#options.autoCleanup
  }

  /** From memory, or from the call that is under way. */
  #withoutOperation<T>(route: Route, fast: FastDelivery<T>, deliver: Delivery<T>): Promise<T> | undefined {
    const found = this.#fastPath.find(route)
    if (!(found instanceof FastEntry)) return found && this.#join(route, found, deliver)
    try {
      return fast(found)
    } catch {
      return undefined
    }
  }

  /** Many reads start at once, and then find the same secret missing. Where the call brings nothing to deliver, each runs its own operation. */
  #join<T>(route: Route, { location, answer, earlier }: JoinedFlight, deliver: Delivery<T>): Promise<T> {
    const alone = (): Promise<T> => this.#read(route, undefined, deliver, undefined, true)
    this.#options.observer.hold(answer)
    return answer.then((found) => {
      if (found === undefined) return alone()
      try {
        const delivered = deliver({ ...found, location, degraded: false })
        for (const { location: passed } of earlier) passed.chainEntry.store.recordAbsenceHit(passed.path)
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
    const chained = (facts: Metadata): Promise<T> =>
      this.readObserved(this.traversal(route, options.fallback), options, facts, (reading) => deliver(reading, options.field))
    return this.#options.observer.observe(
      { operation: 'get', name: route.name, effect: false, isAdmitted },
      options,
      (facts) => (fast && this.#fromMemory(route, facts, fast)) ?? chained(facts),
    )
  }

  /** Inside an operation that somebody audits or traces. */
  #fromMemory<T>(route: Route, facts: Metadata, fast: FastDelivery<T>): Promise<T> | undefined {
    const found = this.#fastPath.known(route.name) ?? this.#fastPath.find(route)
    if (!(found instanceof FastEntry)) return undefined
    try {
      const answer = fast(found)
      recordMetadata(facts, { held: found.entry.held, from: 'memory', stale: false, degraded: false })
      return answer
    } catch {
      return undefined
    }
  }

  /** One read along the chain, inside an operation; `deliver` takes from the reading what is handed out. */
  readObserved<T>(
    traversal: FallbackTraversal<Location>,
    options: ReadOneOptions,
    facts: Metadata,
    deliver: (reading: Reading) => T,
  ): Promise<T> {
    return this.#options.chain.read(traversal, this.#chainRead(options, options.version), (reading) => noted(facts, reading, deliver))
  }

  traversal(route: Route, fallback: FallbackPolicy | undefined): FallbackTraversal<Location> {
    return new FallbackTraversal(route.name, locationsOf(route), [this.#options.fallback, fallback])
  }

  locate(name: string): Route {
    return this.#options.locate(name)
  }

  modeOf({ fresh = false, autoCleanup = this.#options.autoCleanup }: ReadOptions): ReadMode {
    if (autoCleanup) return fresh ? 'fresh volatile' : 'volatile'
    return fresh ? 'fresh' : 'cached'
  }

  /** The secret as it is in memory, for a call that asks for nothing but the name and is observed by nobody. */
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
      const facts: Metadata = {}
      const route = this.locate(name)
      const traversal = new FallbackTraversal(name, route.locations, [this.#options.fallback, options.fallback])
      return { route, facts, ask: { traversal, deliver: (reading) => noted(facts, reading, (each) => deliver(each, field)) } }
    })
    // Begun by the first of the operations that are let through the door, for all of them.
    let begun: Promise<ReadonlyMap<ChainAsk<T>, PromiseSettledResult<T>>> | undefined
    const observed = asks.map(({ route, facts: learnt, ask }) =>
      observer.observe({ operation: 'get', name: route.name, effect: false }, options, async (facts) => {
        if (route.failure !== undefined) throw route.failure
        const results = await (begun ??= chain.readMany(
          asks.flatMap((each) => (each.route.failure === undefined ? each.ask : [])),
          this.#chainRead(options),
        ))
        Object.assign(facts, learnt)
        const result = results.get(ask)
        if (result?.status === 'fulfilled') return result.value
        throw result?.reason
      }),
    )
    return Promise.allSettled(observed)
  }

  #chainRead(options: ReadOptions, version?: VersionSelector): ChainRead {
    return { version, mode: this.modeOf(options), signal: options.signal }
  }
}

/** Every member its own, as of options that were looked at. */
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

/** One of several reads; one whose route cannot be told fails alone. */
interface ManyAsk<T> {
  readonly route: Route
  readonly facts: Metadata
  readonly ask: ChainAsk<T>
}

function noted<T>(facts: Metadata, reading: Reading, deliver: Deliver<T>): T {
  recordMetadata(facts, reading)
  try {
    return deliver(reading)
  } catch (error) {
    throw SecretsError.isInstance(error) ? withContext(error, { provider: facts.provider }) : error
  }
}

function recordMetadata(facts: Metadata, { held, from, stale, degraded }: Omit<Reading, 'location'>): void {
  const { provider, version, revision, exclusive } = held.facts
  facts.provider = provider
  facts.version = version
  facts.revision = revision
  facts.exclusive = exclusive
  facts.from = from
  facts.stale = stale
  facts.degraded = degraded
}

/** The place's own field first, then the one that was asked for inside it. */
export function partOf({ held, location }: Reading, field: string | undefined): SecretBytes {
  return held.part(fieldsOf(location, field))
}

function fieldsOf({ fields }: Location, field: string | undefined): readonly string[] {
  return field === undefined ? fields : [...fields, field]
}

function textOf({ held, location }: Reading, field?: string): string {
  return held.textAt(fieldsOf(location, field))
}

/** A map whose fields nobody asked for is handed out whole: its `json()` has them all. */
function valueOf(reading: Reading, field?: string): SecretValue {
  const { held, location, stale, degraded } = reading
  const isWhole = field === undefined && location.fields.length === 0
  return (isWhole ? held : partOf(reading, field)).value(stale, degraded)
}

function fastText(entry: FastEntry): Promise<string> {
  return entry.text
}

function fastValue(entry: FastEntry): Promise<SecretValue> {
  return entry.value
}
