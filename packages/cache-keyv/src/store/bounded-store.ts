import type { LoadAwareClock } from '@finchat/secrets-core/provider'
import { type FaultReason, faultOf, StoreFault } from './errors.ts'
import type { TextStore } from './text-store.ts'

export interface Bounds {
  /** For one call, in the time of this clock. */
  readonly timeoutMs: number
  readonly clock: LoadAwareClock
  readonly coolDownMs: number
  readonly onFailure: (reason: FaultReason) => void
}

/** Calls that fail together count once. */
const failuresBeforeCoolDown = 3
const longestStartMs = 1_000
const startTimeouts = 20
const startsForMs = 10_000

/**
 * The deadline of the first calls together until one is answered, and of each call in the first
 * seconds.
 */
export function startTimeoutOf(timeoutMs: number): number {
  return Math.max(timeoutMs, Math.min(startTimeouts * timeoutMs, longestStartMs))
}

export interface ReadBack {
  /** The text before: found again, it shows that nothing was written. */
  readonly former?: string | undefined
  readonly attempts?: number
}

/** Several failures in a row start a cool-down. Every method rejects with a `StoreFault`. */
export class BoundedStore {
  readonly #store: TextStore
  readonly #bounds: Bounds
  readonly #running = new Set<() => void>()
  #hasAnswered = false
  #startedAt: { readonly clockMs: number; readonly at: number } | undefined
  #isClosed = false
  #failures = 0
  #losses = 0
  #coolDownUntil = 0
  #isProbing = false

  constructor(store: TextStore, bounds: Bounds) {
    this.#store = store
    this.#bounds = bounds
  }

  /** A starting process waits longer: its neighbours start too. */
  get isStarting(): boolean {
    return this.#startedAt === undefined || performance.now() - this.#startedAt.at < startsForMs
  }

  /** Since three failures in a row, no call was answered. */
  get isCoolingDown(): boolean {
    return this.#coolDownUntil !== 0
  }

  getMany(keys: readonly string[]): Promise<readonly (string | undefined)[]> {
    return this.run(() => this.#store.getMany(keys))
  }

  set(key: string, text: string, ttlMs: number): Promise<void> {
    return this.run(() => this.#store.set(key, text, ttlMs))
  }

  delete(key: string): Promise<void> {
    return this.run(() => this.#store.delete(key))
  }

  /**
   * Returns the text afterwards, perhaps another process's. Rejects with `full` if there is none:
   * some stores report a write that they did not make.
   */
  async setAndReadBack(key: string, text: string, ttlMs: number, { former, attempts = 1 }: ReadBack = {}): Promise<string> {
    for (let attempt = 1; attempt <= attempts; attempt += 1) {
      await this.set(key, text, ttlMs)
      const [found] = await this.getMany([key])
      if (found === undefined || found === former) continue
      this.#losses = 0
      return found
    }
    throw this.#lost()
  }

  async run<T>(call: () => Promise<T>): Promise<T> {
    const isProbe = this.#enter()
    const failuresBefore = this.#failures
    try {
      const answer = await this.#withDeadline(call)
      this.#recordSuccess()
      return answer
    } catch (error) {
      const fault = this.#isClosed ? new StoreFault('closed') : faultOf(error)
      this.#recordFailure(fault.reason, failuresBefore)
      throw fault
    } finally {
      if (isProbe) this.#isProbing = false
    }
  }

  endCoolDown(): void {
    this.#coolDownUntil = 0
  }

  /** Ends the running calls and lets none through: a called client would connect again. */
  close(): void {
    this.#isClosed = true
    for (const end of this.#running) end()
  }

  #lost(): StoreFault {
    this.#losses += 1
    this.#bounds.onFailure('full')
    if (this.#losses >= failuresBeforeCoolDown) this.#coolDown()
    return new StoreFault('full')
  }

  #enter(): boolean {
    if (this.#isClosed) throw new StoreFault('closed')
    const leftMs = this.#coolDownUntil - performance.now()
    if (this.#coolDownUntil === 0) return false
    if (leftMs > 0 || this.#isProbing) throw new StoreFault('cooling down')
    this.#isProbing = true
    return true
  }

  #withDeadline<T>(call: () => Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const end = (): void => reject(new StoreFault('closed'))
    const fail = (): void => reject(new StoreFault('timeout'))
    // An answer that has already arrived is read before the store is blamed.
    const stop = this.#bounds.clock.after(this.#deadlineMs(), () => setImmediate(fail))
    this.#running.add(end)
    const run = async (): Promise<T> => call()
    run().then(resolve, reject)
    return promise.finally(() => {
      stop()
      this.#running.delete(end)
    })
  }

  #deadlineMs(): number {
    const { timeoutMs, clock } = this.#bounds
    this.#startedAt ??= { clockMs: clock.now, at: performance.now() }
    if (!this.#hasAnswered) return Math.max(timeoutMs, startTimeoutOf(timeoutMs) - (clock.now - this.#startedAt.clockMs))
    return this.isStarting ? startTimeoutOf(timeoutMs) : timeoutMs
  }

  #recordSuccess(): void {
    this.#hasAnswered = true
    this.#failures = 0
    this.#coolDownUntil = 0
  }

  #recordFailure(reason: StoreFault['reason'], failuresBefore: number): void {
    if (reason === 'cooling down' || reason === 'closed') return
    this.#bounds.onFailure(reason)
    if (this.#failures === failuresBefore) this.#failures += 1
    if (this.#failures >= failuresBeforeCoolDown) this.#coolDown()
  }

  #coolDown(): void {
    this.#coolDownUntil = performance.now() + this.#bounds.coolDownMs
  }
}
