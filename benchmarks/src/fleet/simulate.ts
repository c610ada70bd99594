import type { SecretsManager } from '@finchat/secrets-core'
import { type Calls, CountingStore } from './counting-store.ts'
import { latencies } from './latency.ts'
import { SimulatedCache } from './simulated-cache.ts'
import { newProcess } from './process.ts'
import { phaseOf, readEvery, startsWithin } from './timeline.ts'
import { inVirtualTime, type VirtualTime } from './virtual-time.ts'

export interface FleetOptions {
  /** Simulated managers; each stands for an equal part of the fleet. */
  readonly sample: number
  readonly secrets: number
  readonly hasSharedCache: boolean
  /** Each process starts with one `getSecrets` of all; the run ends after the deploy. */
  readonly preloads: boolean
  readonly seed: number
}

/** Calls of the sample to the store, and outcomes of its reads. */
export interface FleetRun extends FleetOptions {
  readonly calls: Calls
  readonly batches: Calls
  /** Reads of the shared cache. */
  readonly sharedCacheReads: Calls
  readonly reads: number
  readonly failedReads: number
  readonly hitRatio: number
}

/** Simulates managers of core through the phases, in virtual time. */
export function simulateFleet(options: FleetOptions): Promise<FleetRun> {
  return inVirtualTime(options.seed, async (time) => {
    const fleet = new Fleet(time, options)
    fleet.start()
    const end = phaseOf(options.preloads ? 'deploy' : 'sharedCacheDown').to
    await time.runUntil(end * 1000)
    return fleet.result()
  })
}

/** Reads happen at so few moments that many happen together, which makes the simulation fast. */
const moments = 200

class Fleet {
  readonly #time: VirtualTime
  readonly #options: FleetOptions
  readonly #store: CountingStore
  readonly #sharedCache: SimulatedCache
  readonly #managers: readonly SecretsManager[]
  readonly #names: readonly string[]
  readonly #moments: { readonly manager: SecretsManager; readonly name: string }[][] = Array.from({ length: moments }, () => [])
  #reads = 0
  #failedReads = 0

  constructor(time: VirtualTime, options: FleetOptions) {
    this.#time = time
    this.#options = options
    this.#store = new CountingStore(time, latencies.store)
    this.#sharedCache = new SimulatedCache(time, latencies.sharedCache)
    this.#names = Array.from({ length: options.secrets }, (_, n) => `secret/${n}`)
    this.#managers = Array.from({ length: options.sample }, () => newProcess(this.#store, this.#sharedCache, options))
  }

  start(): void {
    for (const [index, manager] of this.#managers.entries()) {
      const startAt = (index / this.#managers.length) * startsWithin * 1000
      this.#time.after(startAt, () => (this.#options.preloads ? this.#preload(manager) : this.#readAll(manager)))
    }
    this.#readOn(0)
    this.#at(phaseOf('outage').from, () => (this.#store.fault = 'refuses'))
    this.#at(phaseOf('outage').to, () => (this.#store.fault = undefined))
    this.#at(phaseOf('sharedCacheDown').from, () => (this.#sharedCache.server.isDown = true))
  }

  result(): FleetRun {
    const ratios = this.#managers.map((manager) => manager.cacheStats().hitRatio)
    return {
      ...this.#options,
      calls: this.#store.calls,
      batches: this.#store.batches,
      sharedCacheReads: this.#sharedCache.reads,
      reads: this.#reads,
      failedReads: this.#failedReads,
      hitRatio: ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length,
    }
  }

  /** All at the start, then each again and again at its own moment. */
  #readAll(manager: SecretsManager): void {
    for (const name of this.#names) {
      this.#read(manager, name)
      this.#moments[Math.floor(Math.random() * moments)]?.push({ manager, name })
    }
  }

  #readOn(moment: number): void {
    for (const { manager, name } of this.#moments[moment] ?? []) this.#read(manager, name)
    this.#time.after((readEvery * 1000) / moments, () => this.#readOn((moment + 1) % moments))
  }

  #read(manager: SecretsManager, name: string): void {
    this.#reads += 1
    manager.getSecret(name).catch(() => (this.#failedReads += 1))
  }

  #preload(manager: SecretsManager): void {
    this.#reads += 1
    manager.getSecrets(this.#names).catch(() => (this.#failedReads += 1))
  }

  #at(second: number, run: () => void): void {
    this.#time.after(second * 1000, run)
  }
}
