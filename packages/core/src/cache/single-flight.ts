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

/** What a later call has told of the same secret: all of it, or that it is there. */
type Superseding = 'answer' | 'description'

/** One call to the store. */
export interface Call {
  /** In the order in which calls were begun. */
  readonly id: number
  readonly key: string
  readonly read: Pick<StoreRead, 'path'>
  /** When it began, epoch milliseconds: what it brings is as old as that. */
  readonly askedAt: number
  /** By a call that began later and was answered before. */
  supersededBy: Superseding | undefined
  /** It is not joined and keeps nothing: a later call was answered, or the path was written or the clock was set back since it began. */
  isSuperseded: boolean
}

/** A call that reads, and all who wait for it. */
export interface Flight extends Call {
  readonly read: StoreRead
  readonly answer: Promise<Found | undefined>
  /** Aborts the call; absent where a reader without a signal began it, since that one never leaves. */
  readonly cancel: AbortController | undefined
  /** How many readers wait for it; a reader that cannot leave counts as one for ever. */
  waiting: number
}

/** The calls to one store that are under way. */
export class Flights {
  readonly #joinableMs: number
  readonly #joinable: Readonly<Record<ReadMode, Map<string, Flight>>> = {
    cached: new Map(),
    fresh: new Map(),
    volatile: new Map(),
    'fresh volatile': new Map(),
  }
  /** By path: of many thousands, those for one secret are found at once. */
  readonly #underWay = new Map<string, Set<Call | Flight>>()
  #count = 0

  /** A call that is older than `joinableMs` may hang: a read that comes later makes a call of its own. */
  constructor(joinableMs: number) {
    this.#joinableMs = joinableMs
  }

  /** The number of a call that begins now. */
  next(): number {
    return (this.#count += 1)
  }

  /**
   * Reads of one mode share a flight, so that a fresh one is not answered by a call that was begun for what may be held.
   * Fresh ones share theirs: many readers are refused by the target together, and a call of their own would issue each of
   * them another lease. One that joins late may get what was read just before the secret changed, and asks again.
   */
  get(mode: ReadMode, key: string): Flight | undefined {
    const flight = this.#joinable[mode].get(key)
    return flight !== undefined && Date.now() - flight.askedAt <= this.#joinableMs ? flight : undefined
  }

  /** Settles as the flight does, or rejects with `ABORTED`. The call is aborted when its last reader has left. */
  wait(flight: Flight, signal: AbortSignal | undefined): Promise<Found | undefined> {
    flight.waiting += 1
    return raceAbort(flight.answer, signal, () => {
      flight.waiting -= 1
      if (flight.waiting === 0) this.#cancel(flight)
    })
  }

  /** `fly` makes the call; it runs at once. */
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

  /** The calls for this path, or all, are not joined from now on, and keep nothing. */
  dismiss(path?: string): void {
    for (const call of path === undefined ? this.#all() : this.#of(path)) this.#dismiss(call)
  }

  /** Makes a call that nobody joins, and that is superseded as flights are. */
  async beside<T>(path: string, ask: (call: Call) => Promise<T>): Promise<T> {
    const call: Call = { id: this.next(), key: path, read: { path }, askedAt: Date.now(), supersededBy: undefined, isSuperseded: false }
    this.#add(call)
    try {
      return await ask(call)
    } finally {
      this.#remove(call)
    }
  }

  /** The store has answered this call about one version, or about the path and so about all. */
  supersede(key: string, { id, read }: Call, by: Superseding = 'answer'): void {
    for (const call of this.#of(read.path)) {
      if (call.id >= id || (call.key !== key && read.path !== key)) continue
      if (call.supersededBy !== 'answer') call.supersededBy = by
      if (by === 'answer') this.#dismiss(call)
    }
  }

  /** Whether a call for the same that began later is under way, so that its answer will count. */
  hasLater({ id, key, read }: Call): boolean {
    return this.#of(read.path).some((call) => isFlight(call) && call.id > id && call.key === key && !call.isSuperseded)
  }

  isUnderWay(path: string): boolean {
    return this.#of(path).some(isFlight)
  }

  /** Resolves when all flights have ended. */
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

/** Whether a later call tells otherwise than this refusal, of which nothing is remembered then. */
export function isRefuted({ supersededBy }: Call, code: SecretsErrorCode): boolean {
  return supersededBy === 'answer' || (supersededBy === 'description' && code === 'DELETED')
}

/** Settles as `promise` does, or rejects with the error after that many milliseconds: the store may be asked again then. */
export function within<T>(promise: Promise<T>, ms: number, error: SecretsError): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(retriable(error, Date.now())), ms)
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

/** No time that is over. */
function retriable(error: SecretsError, now: number): SecretsError {
  return new SecretsError(error.code, error.problem, { ...error, retryAt: Math.max(error.retryAt ?? now, now) })
}
