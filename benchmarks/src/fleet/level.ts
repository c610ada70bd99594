import { SecretsError, type LeaseToken, type SharedCache, type SharedEntry, type SharedKey, type SharedRead } from '@finchat/secrets-core'
import { Calls } from './counting-store.ts'
import { type Latency, noJitter } from './latency.ts'
import type { VirtualTime } from './virtual-time.ts'

interface Lease {
  readonly id: number
  readonly until: number
}

interface Place {
  entry?: SharedEntry | undefined
  /** One process asks the store for all; the others wait for that. */
  lease?: Lease | undefined
  readonly waiting: Set<() => void>
}

/** The defaults of `@finchat/secrets-cache-keyv`: how long a read waits for another process's fill, and how long a fill lease lasts. */
const waitMs = 1_000
const leaseMs = waitMs / 2
/** After so many leases that brought no answer, a process that still waits asks for itself. */
const mostUnanswered = 3
/** Processes that waited for one answer do not come back together. */
const pauseMs = 25
const longestReadMs = 2_000

/** A shared cache as the contract has it, in this process: one flight for the fleet, and answers until they expire. */
export class Level {
  /** Reads by all processes: what the cache server has to bear. */
  readonly reads: Calls = new Calls()
  isDown = false
  readonly #time: VirtualTime
  readonly #latency: Latency
  readonly #places = new Map<string, Place>()
  #leases = 0

  /** `latency`: of one way to the cache server; a hit comes back with the first answer, a lease takes a question more. */
  constructor(time: VirtualTime, latency: Latency = noJitter(0)) {
    this.#time = time
    this.#latency = latency
  }

  /** As one process sees it, and whether that process holds the fill lease of a path. */
  client(): { readonly cache: SharedCache; readonly hasLease: (path: string) => boolean } {
    const leases = new Map<string, number>()
    const cache: SharedCache = {
      specificationVersion: 'v1',
      longestReadMs,
      read: async (key) => {
        this.reads.add('forOne', this.#time.now())
        await this.#way()
        if (this.isDown) throw new SecretsError('UNAVAILABLE', 'the level is down')
        const answer = await this.#read(key)
        if ('leaseToken' in answer) await this.#way()
        const lease = 'leaseToken' in answer ? answer.leaseToken['lease'] : undefined
        if (typeof lease === 'number') leases.set(key.path, lease)
        return answer
      },
      fill: async (key, leaseToken, entry) => {
        await this.#way()
        if (!this.isDown) this.#fill(key, leaseToken, entry)
      },
      invalidate: async () => {},
    }
    return { cache, hasLease: (path) => this.#leaseOf(this.#placeOf(path))?.id === (leases.get(path) ?? NaN) }
  }

  #way(): Promise<void> | undefined {
    const ms = this.#latency()
    return ms > 0 ? this.#time.sleep(ms) : undefined
  }

  async #read({ path }: SharedKey): Promise<SharedRead> {
    const place = this.#placeOf(path)
    const giveUpAt = this.#time.now() + waitMs
    for (let unanswered = 0; ;) {
      const { entry } = place
      if (entry && entry.until > Date.now()) return { hit: entry.secret, until: entry.until, askedAt: entry.askedAt }
      const lease = this.#leaseOf(place)
      if (lease === undefined) return { leaseToken: { lease: this.#lease(place) } }
      if (this.#time.now() >= giveUpAt || unanswered >= mostUnanswered) return { leaseToken: {} }
      if (await this.#isGivenBack(place, Math.min(giveUpAt, lease.until))) {
        unanswered += 1
        await this.#time.sleep(Math.random() * pauseMs * 2 ** unanswered)
      }
    }
  }

  #fill({ path }: SharedKey, leaseToken: LeaseToken, entry: SharedEntry | undefined): void {
    const place = this.#placeOf(path)
    const isNewer = entry && (place.entry?.askedAt ?? -Infinity) < (entry.askedAt ?? 0)
    const hasLease = place.lease !== undefined && place.lease.id === leaseToken['lease']
    if (isNewer) place.entry = entry
    if (hasLease) place.lease = undefined
    if (!isNewer && !hasLease) return
    for (const wake of place.waiting) wake()
    place.waiting.clear()
  }

  #lease(place: Place): number {
    place.lease = { id: (this.#leases += 1), until: this.#time.now() + leaseMs }
    return place.lease.id
  }

  #leaseOf({ lease }: Place): Lease | undefined {
    return lease && lease.until > this.#time.now() ? lease : undefined
  }

  /** Resolves to whether the lease was given back without an entry. */
  #isGivenBack(place: Place, until: number): Promise<boolean> {
    const { entry, waiting } = place
    return new Promise((resolve) => {
      const wake = (): void => resolve(place.entry === entry)
      waiting.add(wake)
      this.#time.after(until - this.#time.now(), () => {
        waiting.delete(wake)
        resolve(false)
      })
    })
  }

  #placeOf(path: string): Place {
    const known = this.#places.get(path)
    if (known) return known
    const place: Place = { waiting: new Set() }
    this.#places.set(path, place)
    return place
  }
}
