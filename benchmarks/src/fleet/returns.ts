import { SecretsError, type SecretsManager } from '@finchat/secrets-core'
import { type Calls, CountingStore, type Fault } from './counting-store.ts'
import { latencies } from './latency.ts'
import { SimulatedCache } from './simulated-cache.ts'
import { newProcess } from './process.ts'
import { type Outage, outages } from './timeline.ts'
import { inVirtualTime, type VirtualTime } from './virtual-time.ts'

/** Processes whose store is unreachable and comes back. */
export interface ReturnOptions {
  /** `nothing`: the processes start in the outage. `stale`: their values get stale in it. */
  readonly held: keyof typeof outages
  readonly fault: Fault
  readonly hasSharedCache: boolean
  /** A process reads one of them each half second, in turn. */
  readonly secrets: number
  /** Simulated managers; each stands for an equal part of the fleet. */
  readonly sample: number
  readonly seed: number
}

export interface ReturnRun extends ReturnOptions {
  readonly calls: Calls
  /**
   * From the store's return to the first fresh answer, milliseconds, ascending: one for each
   * process that held nothing, and one for each secret of each process that held a stale value of
   * it.
   */
  readonly answeredAfterMs: readonly number[]
  /** How many had no such answer until the end. */
  readonly unanswered: number
  /** Reads that failed, and failures whose error had a `retryAt`. */
  readonly failedReads: number
  readonly failedWithRetryAt: number
}

/** Simulates managers of core through one outage, until each has its fresh answers. */
export function simulateReturn(options: ReturnOptions): Promise<ReturnRun> {
  return inVirtualTime(options.seed, async (time) => {
    const fleet = new ReturningFleet(time, options)
    fleet.start()
    await time.runUntil(outages[options.held].end * 1000)
    return fleet.result()
  })
}

const readEveryMs = 500

interface Reader {
  readonly manager: SecretsManager
  /** Names without a fresh answer since the store's return; it reads until there are none. */
  readonly waitsFor: Set<string>
}

class ReturningFleet {
  readonly #time: VirtualTime
  readonly #options: ReturnOptions
  readonly #outage: Outage
  readonly #store: CountingStore
  readonly #names: readonly string[]
  readonly #readers: readonly Reader[]
  readonly #answeredAfterMs: number[] = []
  #failedReads = 0
  #failedWithRetryAt = 0

  constructor(time: VirtualTime, options: ReturnOptions) {
    this.#time = time
    this.#options = options
    this.#outage = outages[options.held]
    this.#store = new CountingStore(time, latencies.store)
    const sharedCache = new SimulatedCache(time, latencies.sharedCache)
    this.#names = Array.from({ length: options.secrets }, (_, n) => `secret/${n}`)
    this.#readers = Array.from({ length: options.sample }, () => ({
      manager: newProcess(this.#store, sharedCache, options),
      waitsFor: new Set(this.#names),
    }))
  }

  start(): void {
    const { from, backAt, startsWithin } = this.#outage
    this.#at(from, () => (this.#store.fault = this.#options.fault))
    this.#at(backAt, () => (this.#store.fault = undefined))
    for (const [index, reader] of this.#readers.entries())
      this.#at((index / this.#readers.length) * startsWithin, () => this.#begin(reader))
  }

  result(): ReturnRun {
    return {
      ...this.#options,
      calls: this.#store.calls,
      answeredAfterMs: this.#answeredAfterMs.toSorted((one, other) => one - other),
      unanswered: this.#readers.reduce((sum, { waitsFor }) => sum + waitsFor.size, 0),
      failedReads: this.#failedReads,
      failedWithRetryAt: this.#failedWithRetryAt,
    }
  }

  /** Fills the cache, then reads nothing until the outage, which makes the simulation fast. */
  #begin(reader: Reader): void {
    const untilOutageMs = this.#outage.from * 1000 - this.#time.now()
    if (untilOutageMs > 0) for (const name of this.#names) void this.#read(reader, name)
    this.#time.after(untilOutageMs > 0 ? untilOutageMs + Math.random() * readEveryMs : 0, () => this.#readOn(reader, 0))
  }

  #readOn(reader: Reader, count: number): void {
    if (reader.waitsFor.size === 0) return
    void this.#read(reader, this.#names[count % this.#names.length] ?? '')
    this.#time.after(readEveryMs, () => this.#readOn(reader, count + 1))
  }

  async #read(reader: Reader, name: string): Promise<void> {
    try {
      const { stale } = await reader.manager.getSecretValue(name)
      if (!stale) this.#noteAnswer(reader, name)
    } catch (error) {
      this.#failedReads += 1
      if (SecretsError.isInstance(error) && error.retryAt !== undefined) this.#failedWithRetryAt += 1
    }
  }

  #noteAnswer({ waitsFor }: Reader, name: string): void {
    const afterMs = this.#time.now() - this.#outage.backAt * 1000
    if (afterMs < 0 || !waitsFor.delete(name)) return
    this.#answeredAfterMs.push(afterMs)
    if (this.#options.held === 'nothing') waitsFor.clear()
  }

  #at(second: number, run: () => void): void {
    this.#time.after(second * 1000, run)
  }
}
