import { type FaultReason, faultOf, StoreFault } from './store-fault.ts'
import type { TextStore } from './text-store.ts'

export interface Patience {
  /** How long one call to the store may take. */
  readonly timeoutMs: number
  /** How long a store that failed several times in a row is left alone. */
  readonly coolDownMs: number
  readonly failed: (reason: FaultReason) => void
}

/** A single failure is a hiccup. */
const failuresToLeaveAlone = 3

/**
 * A store of which every call ends, and which is left alone for a while after several that failed in a row. After the cool-down one call is let
 * through; what comes of it ends the cool-down or begins another.
 */
export class PatientStore {
  readonly #store: TextStore
  readonly #patience: Patience
  #failures = 0
  #losses = 0
  #aloneUntil = 0
  #probing = false

  constructor(store: TextStore, patience: Patience) {
    this.#store = store
    this.#patience = patience
  }

  /** Rejects with a `StoreFault` and nothing else. */
  getMany(keys: readonly string[]): Promise<readonly (string | undefined)[]> {
    return this.run(() => this.#store.getMany(keys))
  }

  set(key: string, text: string, ttlMs: number): Promise<void> {
    return this.run(() => this.#store.set(key, text, ttlMs))
  }

  delete(key: string): Promise<void> {
    return this.run(() => this.#store.delete(key))
  }

  /** One call to the store, or to the user's client of it. */
  async run<T>(call: () => Promise<T>): Promise<T> {
    const isProbe = this.#enter()
    try {
      const answer = await inTime(call, this.#patience.timeoutMs)
      this.#answered()
      return answer
    } catch (error) {
      const fault = faultOf(error)
      this.#noteFailure(fault.reason)
      throw fault
    } finally {
      if (isProbe) this.#probing = false
    }
  }

  /** The store took something and does not have it: the caller has looked. It answers well meanwhile, so that this is counted by itself. */
  lost(): StoreFault {
    this.#losses += 1
    this.#patience.failed('full')
    if (this.#losses >= failuresToLeaveAlone) this.#leaveAlone()
    return new StoreFault('full')
  }

  /** What it took is there. */
  kept(): void {
    this.#losses = 0
  }

  /** Forgets that the store failed: somebody must be told now. */
  tryAgain(): void {
    this.#aloneUntil = 0
  }

  #enter(): boolean {
    const left = this.#aloneUntil - performance.now()
    if (this.#aloneUntil === 0) return false
    if (left > 0 || this.#probing) throw new StoreFault('left alone')
    this.#probing = true
    return true
  }

  #answered(): void {
    this.#failures = 0
    this.#aloneUntil = 0
  }

  #noteFailure(reason: StoreFault['reason']): void {
    if (reason === 'left alone') return
    this.#patience.failed(reason)
    this.#failures += 1
    if (this.#failures >= failuresToLeaveAlone) this.#leaveAlone()
  }

  #leaveAlone(): void {
    this.#aloneUntil = performance.now() + this.#patience.coolDownMs
  }
}

/**
 * As `call`, or a `StoreFault` when its time is over. A process that was busy sees its timer before the answer that has long arrived; it looks
 * once more before it blames the store.
 */
function inTime<T>(call: () => Promise<T>, timeoutMs: number): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const timer = setTimeout(() => setImmediate(() => reject(new StoreFault('timeout'))), timeoutMs)
  const run = async (): Promise<T> => call()
  run().then(resolve, reject)
  return promise.finally(() => clearTimeout(timer))
}
