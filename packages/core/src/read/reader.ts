import type { Chain, ChainAsk, ChainRead, Deliver, Reading } from '../chain/chain.ts'
import type { ReadMode, VersionSelector } from '../cache/keys/cache-key.ts'
import { described } from '../errors/format.ts'
import { knownOptions, type MembersOf } from '../options/known-options.ts'
import { assertField } from '../options/call-options.ts'
import { knownReadOptions, modeOf, readMembers, readOneMembers, type ReadOneOptions, type ReadOptions } from './read-options.ts'
import type { HeldSecret } from '../value/secret-bytes.ts'
import { assertValidName } from '../options/names.ts'
import type { Facts, Observer } from '../observe/operation.ts'
import type { Place, Plan } from '../chain/routing.ts'
import type { FallbackPolicy } from '../chain/fallback-policy.ts'
import { gatheredError } from '../errors/aggregate-error.ts'
import { placed, SecretsError } from '../errors/secrets-error.ts'
import type { SecretValue } from '../value/secret-value.ts'
import { type Shortcut, Shortcuts } from './fast-path.ts'
import { Walk } from '../chain/fallback-traversal.ts'

/** One of several secrets to read. */
export interface SecretRequest {
  readonly name: string
  readonly field?: string | undefined
}

export interface ReaderOptions {
  readonly planOf: (name: string) => Plan
  readonly chain: Chain
  readonly observer: Observer
  readonly fallback: FallbackPolicy | undefined
  readonly autoCleanup: boolean
}

/** Takes the secret, or a field of it, from a reading. */
type Delivery<T> = (reading: Reading, field?: string) => T

/** The reading calls. */
export class Reader {
  readonly #options: ReaderOptions
  readonly #shortcuts: Shortcuts

  constructor(options: ReaderOptions) {
    this.#options = options
    this.#shortcuts = new Shortcuts(options.planOf, options.observer)
  }

  getSecret(name: string, options?: ReadOneOptions): Promise<string> {
    try {
      const shortcut = this.shortcut(name, options)
      if (shortcut !== undefined) return shortcut.text
    } catch {
      // The long way says what is wrong, and where.
    }
    return this.#join(name, options, textOf) ?? this.#read(name, options, textOf)
  }

  getSecretValue(name: string, options?: ReadOneOptions): Promise<SecretValue> {
    try {
      const shortcut = this.shortcut(name, options)
      if (shortcut !== undefined) return shortcut.value
    } catch {
      // As above.
    }
    return this.#join(name, options, valueOf) ?? this.#read(name, options, valueOf)
  }

  async getSecrets<const Name extends string>(names: readonly Name[], options?: ReadOptions): Promise<Record<Name, string>> {
    assertList(names)
    const requests = names.map((name) => ({ name, field: undefined }))
    const results = await this.#readMany(requests, options, textOf)
    const found = results.flatMap((result, index) => (result.status === 'fulfilled' ? [[String(names[index]), result.value] as const] : []))
    const failures = results.flatMap((result, index) =>
      result.status === 'rejected' ? [{ name: String(names[index]), error: result.reason }] : [],
    )
    if (failures.length > 0) throw gatheredError(failures, names.length)
    return Object.fromEntries(found) as Record<Name, string> // no failure: every name is there
  }

  getSecretValues(requests: readonly SecretRequest[], options?: ReadOptions): Promise<PromiseSettledResult<SecretValue>[]> {
    return this.#readMany(requests, options, (reading, field) => valueOf(reading, field))
  }

  /**
   * For a read that need do no more than wait for a call that is under way: many start at once, and then find the same secret missing. What
   * brings nothing to deliver, or fails, sends each its long way.
   */
  #join<T>(name: string, options: ReadOneOptions | undefined, deliver: Delivery<T>): Promise<T> | undefined {
    const joined = this.#isPlain(options) ? this.#shortcuts.flightTo(name) : undefined
    if (joined === undefined) return undefined
    const { place, answer, passed } = joined
    const alone = (): Promise<T> => this.#read(name, undefined, deliver, true)
    this.#options.observer.hold(answer)
    return answer.then((found) => {
      if (found === undefined) return alone()
      try {
        const delivered = deliver({ ...found, place, degraded: false })
        for (const { link } of passed) link.store.passed()
        place.link.store.joined()
        return delivered
      } catch {
        return alone()
      }
    }, alone)
  }

  #isPlain(options: ReadOneOptions | undefined): boolean {
    return options === undefined && !this.#options.autoCleanup
  }

  #read<T>(name: string, read: ReadOneOptions = noOptions, deliver: Delivery<T>, isAdmitted = false): Promise<T> {
    try {
      assertValidName(name)
      const options = read === noOptions ? noOptions : knownReadOptions(read, readOneMembers)
      return this.#options.observer.observe({ operation: 'get', name, effect: false, isAdmitted }, options, (facts) =>
        this.readObserved(this.walk(name, options.fallback), options, facts, (reading) => deliver(reading, options.field)),
      )
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** One read along the chain, inside an operation; `deliver` takes from the reading what is handed out. */
  readObserved<T>(walk: Walk<Place>, options: ReadOneOptions, facts: Facts, deliver: (reading: Reading) => T): Promise<T> {
    return this.#options.chain.read(walk, this.#chainRead(options, options.version), (reading) => noted(facts, reading, deliver))
  }

  walk(name: string, fallback: FallbackPolicy | undefined): Walk<Place> {
    return new Walk(name, this.#options.planOf(name), [this.#options.fallback, fallback])
  }

  modeOf(options: ReadOptions): ReadMode {
    return modeOf(options, this.#options.autoCleanup)
  }

  /** The secret as it is in memory, for a read that asks for nothing but the name and is observed by nobody. */
  shortcut(name: string, options: ReadOneOptions | undefined): Shortcut | undefined {
    return this.#isPlain(options) ? this.#shortcuts.to(name) : undefined
  }

  async #readMany<T>(requests: readonly SecretRequest[], read: ReadOptions = {}, deliver: Delivery<T>): Promise<PromiseSettledResult<T>[]> {
    const { observer, chain } = this.#options
    assertList(requests)
    const options = knownReadOptions(read, readMembers)
    const asks = requests.map(knownRequest).map(({ name, field = options.field }): ManyAsk<T> => {
      const facts: Facts = {}
      const ask = (): ChainAsk<T> => ({
        walk: this.walk(name, options.fallback),
        deliver: (reading) => noted(facts, reading, (each) => deliver(each, field)),
      })
      return { name, facts, ...attempted(ask) }
    })
    // Begun by the first of the operations that are let through the door, for all of them.
    let begun: Promise<ReadonlyMap<ChainAsk<T>, PromiseSettledResult<T>>> | undefined
    const observed = asks.map(({ name, facts: learnt, ask, failure }) =>
      observer.observe({ operation: 'get', name, effect: false }, options, async (facts) => {
        if (ask === undefined) throw failure
        const results = await (begun ??= chain.readMany(
          asks.flatMap((each) => each.ask ?? []),
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
  assertValidName(known.name)
  assertField(known.field)
  return known
}

/** One of several reads; one whose name cannot be placed fails alone. */
interface ManyAsk<T> {
  readonly name: string
  readonly facts: Facts
  readonly ask: ChainAsk<T> | undefined
  readonly failure: unknown
}

function attempted<T>(ask: () => T): { readonly ask: T | undefined; readonly failure: unknown } {
  try {
    return { ask: ask(), failure: undefined }
  } catch (failure) {
    return { ask: undefined, failure }
  }
}

function noted<T>(facts: Facts, reading: Reading, deliver: Deliver<T>): T {
  const { held, from, stale, degraded } = reading
  const { provider, version, revision, exclusive } = held.facts
  Object.assign(facts, { provider, version, revision, exclusive, from, stale, degraded })
  try {
    return deliver(reading)
  } catch (error) {
    throw SecretsError.isInstance(error) ? placed(error, { provider }) : error
  }
}

/** The place's own field first, then the one that was asked for inside it. */
export function partOf({ held, place }: Reading, field: string | undefined): HeldSecret {
  return held.part(fieldsOf(place, field))
}

function fieldsOf({ fields }: Place, field: string | undefined): readonly string[] {
  return field === undefined ? fields : [...fields, field]
}

function textOf({ held, place }: Reading, field?: string): string {
  return held.textAt(fieldsOf(place, field))
}

/** A map whose fields nobody asked for is handed out whole: its `json()` has them all. */
function valueOf(reading: Reading, field?: string): SecretValue {
  const { held, place, stale, degraded } = reading
  const isWhole = field === undefined && place.fields.length === 0
  return (isWhole ? held : partOf(reading, field)).value(stale, degraded)
}
