import type { LeaseToken, SharedCache, SharedKey } from '@finchat/secrets-core'
import { keyvCache, type KeyvCacheOptions } from '@finchat/secrets-cache-keyv'
import { Calls } from './counting-store.ts'
import type { Latency } from './latency.ts'
import { SimulatedServer } from './simulated-server.ts'
import type { VirtualTime } from './virtual-time.ts'

/** The fill leases of one process. */
export interface Leases {
  /** Whether it holds that of the path. */
  readonly hasLease: (path: string) => boolean
  /** Whether it also has a value, so that others with one wait if it meets an outage. */
  readonly asksForAll: (path: string) => boolean
}

interface Lease {
  readonly id: string
  readonly canWait: boolean
}

type CacheTimes = Pick<KeyvCacheOptions, 'timeoutMs' | 'waitMs'>

/** Any key: the simulated server looks into nothing. */
const encryptionKey = '0123456789abcdef'.repeat(4)

/** The caches of a fleet over one simulated server. */
export class SimulatedCache {
  /** Reads by all processes. */
  readonly reads: Calls = new Calls()
  readonly server: SimulatedServer
  readonly #time: VirtualTime

  readonly #times: CacheTimes

  /** `latency`: one way to the cache server or back. `times`: other than the defaults. */
  constructor(time: VirtualTime, latency?: Latency, times: CacheTimes = {}) {
    this.#time = time
    this.#times = times
    this.server = new SimulatedServer(time, latency)
  }

  /** The cache of one process, and its leases. */
  client(): { readonly cache: SharedCache } & Leases {
    const cache = keyvCache({ ...this.server.connect(), ...this.#times, encryptionKey })
    const leases = new Map<string, Lease>()
    const noting: SharedCache = {
      ...cache,
      read: async (key, context) => {
        this.reads.add('forOne', this.#time.now())
        const answer = await cache.read(key, context)
        if ('leaseToken' in answer) noteLease(leases, key, answer.leaseToken, context.canWait === true)
        return answer
      },
    }
    const hasLease = (path: string): boolean => this.server.has(leases.get(path)?.id ?? 'none')
    return { cache: noting, hasLease, asksForAll: (path) => hasLease(path) && leases.get(path)?.canWait === true }
  }
}

function noteLease(leases: Map<string, Lease>, { path }: SharedKey, { lease }: LeaseToken, canWait: boolean): void {
  if (typeof lease === 'string') leases.set(path, { id: lease, canWait })
}
