import type { Found, ReadMode, VersionSelector } from './keys/cache-key.ts'
import type { SecretsErrorCode } from '../contract/error-codes.ts'
import type { Batch } from './batch.ts'
import { raceAbort } from '../guard/deadline.ts'
import { SecretsError } from '../errors/secrets-error.ts'

export interface StoreRead {
  readonly path: string
  readonly version?: VersionSelector
  readonly mode: ReadMode
  readonly signal?: AbortSignal | undefined
  readonly batch?: Batch | undefined
}

/** What a later call learned: the whole answer, or only that the secret exists. */
type Superseding = 'answer' | 'description'

export interface Call {
  /** In order of begin. */
  readonly id: number
  readonly key: string
  readonly read: Pick<StoreRead, 'path'>
  /** Epoch milliseconds. The answer is as old as this. */
  readonly askedAt: number
  /** By a call that began later and ended earlier. */
  supersededBy: Superseding | undefined
  /**
   * Not joined any more, and its answer is not kept: a later call, a write or a clock change
   * overrides it.
   */
  isSuperseded: boolean
}

export interface Flight extends Call {
  readonly read: StoreRead
  readonly answer: Promise<Found | undefined>
  /** Aborts the call; undefined if a reader without a signal began it. */
  readonly cancel: AbortController | undefined
  /** Readers that wait. One that cannot leave counts for ever. */
  waiting: number
}

/** The running calls to one store. */
export class Flights {
  readonly #joinableMs: number
  readonly #joinable: Readonly<Record<ReadMode, Map<string, Flight>>> = {
    cached: new Map(),
    fresh: new Map(),
    volatile: new Map(),
    'fresh volatile': new Map(),
  }
  /** By path, to find the calls of one secret among thousands. */
  readonly #underWay = new Map<string, Set<Call | Flight>>()
  #count = 0

  /** A call older than `joinableMs` may hang, so later reads make their own. */
  constructor(joinableMs: number) {
    this.#joinableMs = joinableMs
  }

  next(): number {
    return (this.#count += 1)
  }

  /**
   * Reads share a flight only within one mode, so that a fresh read never gets a cached answer.
   * Fresh reads share, or each would issue a new lease. A late joiner may get a value from just
   * before a change, and asks again.
   */
  get(mode: ReadMode, key: string): Flight | undefined {
    const flight = this.#joinable[mode].get(key)
    return flight !== undefined && Date.now() - flight.askedAt <= this.#joinableMs ? flight : undefined
  }

  /**
   * Settles as the flight does, or rejects with `ABORTED`. The last reader to leave aborts the
   * call.
   */
  wait(flight: Flight, signal: AbortSignal | undefined): Promise<Found | undefined> {
    flight.waiting += 1
    return raceAbort(flight.answer, signal, () => {
      flight.waiting -= 1
      if (flight.waiting === 0) this.#cancel(flight)
    })
  }

  /** `fly` makes the call at once. */
  begin(read: StoreRead, key: string, askedAt: number, fly: (flight: Flight) => Promise<Found | undefined>): Flight {
    const { promise, resolve, reject } = Promise.withResolvers<Found | undefined>()
    const cancel = read.signal && new AbortController()
    const call = { id: this.next(), key, askedAt, supersededBy: undefined, isSuperseded: false }
    const flight: Flight = { ...call, read, answer: promise, cancel, waiting: 0 }
    this.#joinable[read.mode].set(key, flight)
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

  /** Supersedes the calls for this path, or all. */
  dismiss(path?: string): void {
    for (const call of path === undefined ? this.#all() : this.#of(path)) this.#dismiss(call)
  }

  /** Makes a call that no read joins, but that can be superseded. */
  async beside<T>(path: string, ask: (call: Call) => Promise<T>): Promise<T> {
    const call: Call = { id: this.next(), key: path, read: { path }, askedAt: Date.now(), supersededBy: undefined, isSuperseded: false }
    this.#add(call)
    try {
      return await ask(call)
    } finally {
      this.#remove(call)
    }
  }

  /** Supersedes older calls for this version, or for the whole path. */
  supersede(key: string, { id, read }: Call, by: Superseding = 'answer'): void {
    for (const call of this.#of(read.path)) {
      if (call.id >= id || (call.key !== key && read.path !== key)) continue
      if (call.supersededBy !== 'answer') call.supersededBy = by
      if (by === 'answer') this.#dismiss(call)
    }
  }

  /** Whether a later call for the same key is running. */
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

/** Whether a later answer contradicts this refusal. */
export function isRefuted({ supersededBy }: Call, code: SecretsErrorCode): boolean {
  return supersededBy === 'answer' || (supersededBy === 'description' && code === 'DELETED')
}

/** Settles as `promise` does, or rejects with `error` after `ms`. */
export function within<T>(promise: Promise<T>, ms: number, error: SecretsError): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(retriable(error, Date.now())), ms)
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

/** `retryAt` must not be in the past. */
function retriable(error: SecretsError, now: number): SecretsError {
  return new SecretsError(error.code, error.problem, { ...error, retryAt: Math.max(error.retryAt ?? now, now) })
}
