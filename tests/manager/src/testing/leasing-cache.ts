import type { LeaseToken, SharedCache, SharedEntry, SharedRead } from '@finchat/secrets-core'

interface Lease {
  readonly holder: string
  readonly id: number
}

interface Place {
  entry?: SharedEntry
  lease?: Lease
  readonly waiting: Set<() => void>
}

export interface LeasingProcess {
  /** Milliseconds until the cache server answers a probe of this path, or is filled; `Infinity`: it never is. */
  readonly probeMs?: ((path: string) => number) | undefined
  readonly fillMs?: ((path: string) => number) | undefined
  /** It answers that the cache cannot be asked. */
  readonly isUnavailable?: ((path: string) => boolean) | undefined
  readonly failClosed?: boolean | undefined
}

export interface Patience {
  /** How long a fill lease lasts. */
  readonly leaseMs: number
  /** How long a probe waits for the lease of another process, before it asks without one. */
  readonly waitMs: number
}

/**
 * A shared cache in this process. By default nothing but `fill` or `expire` ends a fill lease, and a probe waits
 * for the lease of another process as long as the core lets it.
 */
export class LeasingCache {
  /** How long the core lets a probe wait. */
  readonly longestReadMs = 2_000
  readonly #patience: Patience
  readonly #places = new Map<string, Place>()
  #leases = 0

  constructor(patience: Patience = { leaseMs: Infinity, waitMs: Infinity }) {
    this.#patience = patience
  }

  /** Who has the fill lease of which path. */
  get leases(): Record<string, string> {
    return Object.fromEntries([...this.#places].flatMap(([path, { lease }]) => (lease === undefined ? [] : [[path, lease.holder]])))
  }

  /** The paths that were filled. */
  get filled(): string[] {
    return [...this.#places].flatMap(([path, { entry }]) => (entry === undefined ? [] : [path]))
  }

  /** Ends the fill lease of a holder that takes too long. */
  expire(path: string): void {
    this.#free(this.#place(path))
  }

  process(
    name: string,
    { probeMs = () => 0, fillMs = () => 0, isUnavailable = () => false, failClosed }: LeasingProcess = {},
  ): SharedCache {
    return {
      specificationVersion: 'v1',
      longestReadMs: this.longestReadMs,
      failClosed,
      read: async ({ path }, { signal }) => {
        await after(probeMs(path))
        return isUnavailable(path) ? { leaseToken: {}, unavailable: true } : this.#read(name, path, signal)
      },
      fill: async ({ path }, leaseToken, entry) => {
        if (fillMs(path) > 0) await after(fillMs(path))
        this.#fill(path, leaseToken, entry)
      },
      invalidate: async ({ path }) => {
        const place = this.#place(path)
        delete place.entry
        this.#free(place)
      },
    }
  }

  async #read(name: string, path: string, signal: AbortSignal): Promise<SharedRead> {
    const place = this.#place(path)
    const giveUpAt = Date.now() + this.#patience.waitMs
    while (place.entry === undefined && place.lease !== undefined && Date.now() < giveUpAt) await this.#isFree(place, giveUpAt)
    const { entry } = place
    if (entry !== undefined) return { hit: entry.secret, until: entry.until, askedAt: entry.askedAt }
    return { leaseToken: signal.aborted || place.lease !== undefined ? {} : { lease: this.#lease(place, name) } }
  }

  #isFree({ waiting }: Place, giveUpAt: number): Promise<void> {
    return new Promise((resolve) => {
      waiting.add(resolve)
      if (giveUpAt !== Infinity) setTimeout(resolve, giveUpAt - Date.now())
    })
  }

  #lease(place: Place, holder: string): number {
    const lease = { holder, id: (this.#leases += 1) }
    place.lease = lease
    const { leaseMs } = this.#patience
    if (leaseMs !== Infinity) setTimeout(() => place.lease === lease && this.#free(place), leaseMs)
    return lease.id
  }

  #fill(path: string, leaseToken: LeaseToken, entry: SharedEntry | undefined): void {
    const place = this.#place(path)
    if (entry !== undefined) place.entry = entry
    if (entry !== undefined || place.lease?.id === leaseToken['lease']) this.#free(place)
  }

  #free(place: Place): void {
    delete place.lease
    const waiting = [...place.waiting]
    place.waiting.clear()
    for (const wake of waiting) wake()
  }

  #place(path: string): Place {
    const known = this.#places.get(path) ?? { waiting: new Set() }
    this.#places.set(path, known)
    return known
  }
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => {
    if (ms !== Infinity) setTimeout(resolve, ms)
  })
}
