import { SecretsError, type LeaseToken, type SharedCache, type SharedEntry, type SharedKey, type SharedRead } from '@finchat/secrets-core'
import { Calls } from './counting-store.ts'
import { type Latency, noJitter } from './latency.ts'
import type { VirtualTime } from './virtual-time.ts'

interface Lease {
  readonly id: number
  readonly until: number
}

interface Slot {
  entry?: SharedEntry | undefined
  /** Its holder asks the store; other processes wait. */
  lease?: Lease | undefined
  /** Since when the store could not be asked. */
  outageAt?: number
  readonly waiting: Set<() => void>
}

/** The fill leases of one process. */
export interface Leases {
  /** Whether it holds that of the path. */
  readonly hasLease: (path: string) => boolean
  /** Whether it also has a value, so that others with one wait if it meets an outage. */
  readonly looksForAll: (path: string) => boolean
}

/** The defaults of `@finchat/secrets-cache-keyv`. */
const waitMs = 1_000
const leaseMs = waitMs / 2
/** Then a waiting process asks the store by itself. */
const mostEmptyLeases = 3
/** Processes that waited for one answer do not come back together. */
const pauseMs = 25
const longestReadMs = 2_000
/** How long processes wait for the one that looks again, which gets the lease after `looksAgainMs`. */
const outageMs = 10_000
const looksAgainMs = 4_000
/** No process writes. */
const unchanged = { invalidatedAt: 0, leastVersion: 0 }

/** A shared cache in this process, with fill leases and expiry. */
export class SimulatedCache {
  /** Reads by all processes: the load of the cache server. */
  readonly reads: Calls = new Calls()
  isDown = false
  readonly #time: VirtualTime
  readonly #latency: Latency
  readonly #slots = new Map<string, Slot>()
  #leases = 0

  /** `latency`: one way to the cache server. A hit takes one round trip, a lease two. */
  constructor(time: VirtualTime, latency: Latency = noJitter(0)) {
    this.#time = time
    this.#latency = latency
  }

  /** The cache of one process, and its leases. */
  client(): { readonly cache: SharedCache } & Leases {
    const leases = new Map<string, { readonly id: number; readonly canWait: boolean }>()
    const cache: SharedCache = {
      specificationVersion: 'v1',
      longestReadMs,
      read: async (key, { isRecheck, canWait }) => {
        this.reads.add('forOne', this.#time.now())
        await this.#way()
        if (this.isDown) throw new SecretsError('UNAVAILABLE', 'the shared cache is down')
        const answer = isRecheck ? this.#recheck(key) : await this.#read(key, canWait)
        if ('leaseToken' in answer && !isRecheck) await this.#way()
        const lease = 'leaseToken' in answer ? answer.leaseToken['lease'] : undefined
        if (typeof lease === 'number') leases.set(key.path, { id: lease, canWait: canWait === true })
        return answer
      },
      fill: async (key, leaseToken, entry) => {
        await this.#way()
        if (!this.isDown) this.#fill(key, leaseToken, entry)
      },
      markOutage: async (key, leaseToken) => {
        await this.#way()
        if (!this.isDown) this.#markOutage(key, leaseToken)
      },
      invalidate: async () => {},
    }
    const hasLease = (path: string): boolean => this.#leaseOf(this.#slotOf(path))?.id === (leases.get(path)?.id ?? NaN)
    return { cache, hasLease, looksForAll: (path) => hasLease(path) && leases.get(path)?.canWait === true }
  }

  #way(): Promise<void> | undefined {
    const ms = this.#latency()
    return ms > 0 ? this.#time.sleep(ms) : undefined
  }

  #recheck({ path }: SharedKey): SharedRead {
    return this.#hit(this.#slotOf(path)) ?? { leaseToken: {}, ...unchanged }
  }

  #hit({ entry }: Slot): SharedRead | undefined {
    const isHeld = entry !== undefined && entry.until > Date.now()
    return isHeld ? { hit: entry.secret, until: entry.until, askedAt: entry.askedAt, ...unchanged } : undefined
  }

  async #read({ path }: SharedKey, canWait = false): Promise<SharedRead> {
    const slot = this.#slotOf(path)
    const giveUpAt = this.#time.now() + waitMs
    for (let emptyLeases = 0; ;) {
      const hit = this.#hit(slot)
      if (hit !== undefined) return hit
      const sinceOutage = canWait ? this.#time.now() - (slot.outageAt ?? -Infinity) : Infinity
      const lease = this.#leaseOf(slot)
      const isWaiting = sinceOutage < looksAgainMs || (sinceOutage < outageMs && lease !== undefined)
      if (isWaiting) return { leaseToken: {}, wait: true, ...unchanged }
      if (lease === undefined) return { leaseToken: { lease: this.#lease(slot) }, ...unchanged }
      if (this.#time.now() >= giveUpAt || emptyLeases >= mostEmptyLeases) return { leaseToken: {}, wait: canWait, ...unchanged }
      if (await this.#isReleasedEmpty(slot, Math.min(giveUpAt, lease.until))) {
        emptyLeases += 1
        await this.#time.sleep(Math.random() * pauseMs * 2 ** emptyLeases)
      }
    }
  }

  #markOutage(key: SharedKey, leaseToken: LeaseToken): void {
    if (typeof leaseToken['lease'] === 'number') this.#slotOf(key.path).outageAt = this.#time.now()
    this.#fill(key, leaseToken, undefined)
  }

  #fill({ path }: SharedKey, leaseToken: LeaseToken, entry: SharedEntry | undefined): void {
    const slot = this.#slotOf(path)
    const isNewer = entry && (slot.entry?.askedAt ?? -Infinity) < (entry.askedAt ?? 0)
    const hasLease = slot.lease !== undefined && slot.lease.id === leaseToken['lease']
    if (isNewer) slot.entry = entry
    if (hasLease) slot.lease = undefined
    if (!isNewer && !hasLease) return
    for (const wake of slot.waiting) wake()
    slot.waiting.clear()
  }

  #lease(slot: Slot): number {
    slot.lease = { id: (this.#leases += 1), until: this.#time.now() + leaseMs }
    return slot.lease.id
  }

  #leaseOf({ lease }: Slot): Lease | undefined {
    return lease && lease.until > this.#time.now() ? lease : undefined
  }

  /** Resolves to whether the lease was released without an entry. */
  #isReleasedEmpty(slot: Slot, until: number): Promise<boolean> {
    const { entry, waiting } = slot
    return new Promise((resolve) => {
      const wake = (): void => resolve(slot.entry === entry)
      waiting.add(wake)
      this.#time.after(until - this.#time.now(), () => {
        waiting.delete(wake)
        resolve(false)
      })
    })
  }

  #slotOf(path: string): Slot {
    const known = this.#slots.get(path)
    if (known) return known
    const slot: Slot = { waiting: new Set() }
    this.#slots.set(path, slot)
    return slot
  }
}
