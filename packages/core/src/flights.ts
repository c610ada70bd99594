import type { Batch } from './batch.ts'
import type { SecretsErrorCode } from './contract.ts'
import type { HeldSecret } from './held-secret.ts'
import type { VersionSelector } from './memory.ts'

/**
 * How a read treats what is held. `fresh`: nothing that is held will do, and a lease is replaced. `volatile`
 * (`autoCleanup`): what was held or read is handed out and kept nowhere.
 */
export type ReadMode = 'cached' | 'fresh' | 'volatile' | 'fresh volatile'

export function isFresh(mode: ReadMode): boolean {
  return mode === 'fresh' || mode === 'fresh volatile'
}

export function isVolatile(mode: ReadMode): boolean {
  return mode === 'volatile' || mode === 'fresh volatile'
}

export interface StoreRead {
  readonly path: string
  readonly version?: VersionSelector
  readonly mode: ReadMode
  readonly signal?: AbortSignal | undefined
  readonly batch?: Batch | undefined
}

export interface Found {
  /** Readable in this turn of the event loop; take from it what is needed before waiting for anything else. */
  readonly held: HeldSecret
  readonly from: 'memory' | 'shared' | 'store'
  readonly stale: boolean
  /** Why the store could not be asked: with every stale answer. */
  readonly outage?: SecretsErrorCode | undefined
}

/** One call to the store, and all who wait for it. */
export interface Flight {
  /** In the order in which flights were begun. */
  readonly id: number
  readonly key: string
  readonly read: StoreRead
  /** When it began, epoch milliseconds: what it brings is as old as that. */
  readonly askedAt: number
  readonly answer: Promise<Found | undefined>
  /** The path was written, or the clock was set back, since it began: it is not joined and keeps nothing. */
  outdated: boolean
}

/** The calls to one store that are under way. */
export class Flights {
  readonly #flying: Readonly<Record<ReadMode, Map<string, Flight>>> = {
    cached: new Map(),
    fresh: new Map(),
    volatile: new Map(),
    'fresh volatile': new Map(),
  }
  #count = 0

  /**
   * Reads of one mode share a flight, so that a fresh one is not answered by a call that was begun for what may be held.
   * Fresh ones share theirs: many readers are refused by the target together, and a call of their own would issue each of
   * them another lease. One that joins late may get what was read just before the secret changed, and asks again.
   */
  get(mode: ReadMode, key: string): Flight | undefined {
    return this.#flying[mode].get(key)
  }

  /** `fly` makes the call; it runs at once. */
  begin(read: StoreRead, key: string, askedAt: number, fly: (flight: Flight) => Promise<Found | undefined>): Flight {
    const { promise, resolve, reject } = Promise.withResolvers<Found | undefined>()
    const flight: Flight = { id: (this.#count += 1), key, read, askedAt, answer: promise, outdated: false }
    this.#flying[read.mode].set(key, flight)
    fly(flight).then(
      (found) => {
        this.#end(flight)
        resolve(found)
      },
      (error: unknown) => {
        this.#end(flight)
        reject(error)
      },
    )
    return flight
  }

  /** These flights, or all, are not joined from now on, and keep nothing. */
  outdate(isOutdated: (flight: Flight) => boolean = () => true): void {
    for (const flight of this.#all()) {
      if (!isOutdated(flight)) continue
      flight.outdated = true
      this.#end(flight)
    }
  }

  /** Resolves when those that can be joined have ended. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#all().map(({ answer }) => answer))
  }

  #all(): readonly Flight[] {
    return Object.values(this.#flying).flatMap((flights) => [...flights.values()])
  }

  #end({ read, key, id }: Flight): void {
    const flights = this.#flying[read.mode]
    if (flights.get(key)?.id === id) flights.delete(key)
  }
}
