import type { SecretBytes } from '../value/secret-bytes.ts'
import type { VersionSelector } from './keys/lru.ts'
import type { SecretsErrorCode } from '../contract/error-codes.ts'
import type { Batch } from './batch.ts'
import type { StoredSecret } from '../contract/provider.ts'
import { raceAbort } from '../guard/deadline.ts'
import { type Moment, presentMoment } from '../value/moment.ts'

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

export interface StoreRead {
  readonly path: string
  readonly version?: VersionSelector
  readonly mode: ReadMode
  readonly signal?: AbortSignal | undefined
  readonly batch?: Batch | undefined
  /** Whether an outage leaves the read a later provider, whose value memory may hold. */
  readonly fallback?: 'held' | 'possible' | undefined
}

/** Whether a later call learned the whole answer, or only that the secret exists. */
type Superseding = 'answer' | 'description'

export interface Call {
  /** In order of begin. */
  readonly id: number
  readonly key: string
  readonly read: Pick<StoreRead, 'path'>
  /** Epoch milliseconds. The answer is as old as this. */
  readonly askedAt: number
  supersededBy: Superseding | undefined
  /** Not joined any more, and its answer is not kept. */
  isSuperseded: boolean
}

export interface Flight extends Call {
  /** `askedAt` by both clocks. */
  readonly givenAt: Moment
  readonly read: StoreRead
  readonly answer: Promise<Found | undefined>
  /** Aborts the call; undefined if a reader without a signal began it. */
  readonly cancel: AbortController | undefined
  /** Epoch milliseconds; undefined while it waits for the shared cache. */
  sentAt: number | undefined
  /** A reader that cannot leave counts for ever. */
  waiting: number
}

type Fly = (flight: Flight) => Promise<Found | undefined>

interface FlightLimits {
  /** A call that is older was frozen with the process. */
  readonly deadlineMs: number
  /** A call that was sent to the store before may hang, so later reads make their own. */
  readonly patientMs: number
}

export class Flights {
  readonly #limits: FlightLimits
  readonly #joinable: Readonly<Record<ReadMode, Map<string, Flight>>> = {
    cached: new Map(),
    fresh: new Map(),
    volatile: new Map(),
    'fresh volatile': new Map(),
  }
  /** By path, to find one secret's calls among thousands. */
  readonly #underWay = new Map<string, Set<Call | Flight>>()
  #count = 0

  constructor(limits: FlightLimits) {
    this.#limits = limits
  }

  next(): number {
    return (this.#count += 1)
  }

  /**
   * Shared within one mode, so that a fresh read never gets a cached answer. Fresh reads share too,
   * or each would issue a new lease.
   */
  get(mode: ReadMode, key: string): Flight | undefined {
    const flight = this.unended(mode, key)
    return flight !== undefined && this.#isPatientSince(flight.sentAt ?? Infinity) ? flight : undefined
  }

  /** Also one that may hang. */
  unended(mode: ReadMode, key: string): Flight | undefined {
    const flight = this.#joinable[mode].get(key)
    return flight !== undefined && Date.now() - flight.askedAt <= this.#limits.deadlineMs ? flight : undefined
  }

  /** Whether a reader that has a value to go on with should not wait, whatever the read waits for. */
  isLate(mode: ReadMode, key: string): boolean {
    const flight = this.unended(mode, key)
    return flight !== undefined && !this.#isPatientSince(flight.askedAt)
  }

  #isPatientSince(time: number): boolean {
    return Date.now() - time <= this.#limits.patientMs
  }

  /** The last reader to leave aborts the call. */
  wait(flight: Flight, signal: AbortSignal | undefined): Promise<Found | undefined> {
    flight.waiting += 1
    return raceAbort(flight.answer, signal, () => {
      flight.waiting -= 1
      if (flight.waiting === 0) this.#cancel(flight)
    })
  }

  begin(read: StoreRead, key: string, askedAt: number, fly: Fly): Flight {
    return this.beginApart(read, key, askedAt, (flight) => {
      this.#joinable[read.mode].set(key, flight)
      return fly(flight)
    })
  }

  /** For a read that none joins, and that hides none that is under way. */
  beginApart(read: StoreRead, key: string, askedAt: number, fly: Fly): Flight {
    const { promise, resolve, reject } = Promise.withResolvers<Found | undefined>()
    const cancel = read.signal && new AbortController()
    const call = { id: this.next(), key, askedAt, supersededBy: undefined, isSuperseded: false }
    const flight: Flight = { ...call, givenAt: presentMoment(), read, answer: promise, cancel, sentAt: undefined, waiting: 0 }
    this.#add(flight)
    const landed = (): void => {
      this.#remove(flight)
      this.#end(flight)
    }
    fly(flight).then(
      (found) => {
        landed()
        resolve(found)
      },
      (error: unknown) => {
        landed()
        reject(error)
      },
    )
    return flight
  }

  dismiss(path?: string): void {
    for (const call of path === undefined ? this.#all() : this.#of(path)) this.#dismiss(call)
  }

  /** For a call that no read joins. */
  async beside<T>(path: string, ask: (call: Call) => Promise<T>): Promise<T> {
    const call: Call = { id: this.next(), key: path, read: { path }, askedAt: Date.now(), supersededBy: undefined, isSuperseded: false }
    this.#add(call)
    try {
      return await ask(call)
    } finally {
      this.#remove(call)
    }
  }

  supersede(key: string, { id, read }: Call, by: Superseding = 'answer'): void {
    for (const call of this.#of(read.path)) {
      if (call.id >= id || (call.key !== key && read.path !== key)) continue
      if (call.supersededBy !== 'answer') call.supersededBy = by
      if (by === 'answer') this.#dismiss(call)
    }
  }

  hasLater({ id, key, read }: Call): boolean {
    return this.#of(read.path).some((call) => isFlight(call) && call.id > id && call.key === key && !call.isSuperseded)
  }

  isUnderWay(path: string): boolean {
    return this.#of(path).some(isFlight)
  }

  async settled(): Promise<void> {
    await Promise.allSettled(
      this.#all()
        .filter(isFlight)
        .map(({ answer }) => answer),
    )
  }

  #of(path: string): readonly (Call | Flight)[] {
    return [...(this.#underWay.get(path) ?? [])]
  }

  #all(): readonly (Call | Flight)[] {
    return [...this.#underWay.values()].flatMap((calls) => [...calls])
  }

  #add(call: Call | Flight): void {
    const calls = this.#underWay.get(call.read.path) ?? new Set()
    this.#underWay.set(call.read.path, calls.add(call))
  }

  #remove(call: Call | Flight): void {
    const calls = this.#underWay.get(call.read.path)
    calls?.delete(call)
    if (calls?.size === 0) this.#underWay.delete(call.read.path)
  }

  #dismiss(call: Call | Flight): void {
    call.isSuperseded = true
    if (isFlight(call)) this.#end(call)
  }

  #cancel(flight: Flight): void {
    const { cancel, read } = flight
    if (cancel === undefined) return
    this.#end(flight)
    cancel.abort()
    read.batch?.cancel(read.path)
  }

  #end({ read, key, id }: Flight): void {
    const flights = this.#joinable[read.mode]
    if (flights.get(key)?.id === id) flights.delete(key)
  }
}

function isFlight(call: Call | Flight): call is Flight {
  return 'answer' in call
}

/** A missing secret that a later call described. */
export function isContradicted({ supersededBy }: Call, stored: StoredSecret | undefined): boolean {
  return stored === undefined && supersededBy === 'description'
}

export function isRefuted({ supersededBy }: Call, code: SecretsErrorCode): boolean {
  return supersededBy === 'answer' || (supersededBy === 'description' && code === 'DELETED')
}
