import type { LoadAwareClock } from '@finchat/secrets-core/provider'
import { type FaultReason, faultOf, StoreFault } from './errors.ts'
import type { TextStore } from './text-store.ts'

export interface Patience {
  /** How long one call to the store may take, in the time of this clock. */
  readonly timeoutMs: number
  readonly clock: LoadAwareClock
  /** How long a store that failed several times in a row is left alone. */
  readonly coolDownMs: number
  readonly failed: (reason: FaultReason) => void
}

/** A single failure is a hiccup, of however many calls that were under way together. */
const failuresToLeaveAlone = 3
/** To connect, and to load what that takes, takes longer than a call; a store that hangs costs this once. */
const longestStartMs = 1_000
const startOfTimeouts = 20
/** A fleet that starts together keeps the machine busy for some time, whatever its first call took. */
const startsForMs = 10_000

/** How long the first calls may take together until one was answered, and then each in the first seconds. */
export function startMsOf(timeoutMs: number): number {
  return Math.max(timeoutMs, Math.min(startOfTimeouts * timeoutMs, longestStartMs))
}

/**
 * A store of which every call ends, and which is left alone for a while after several that failed in a row. After the cool-down one call is let
 * through; what comes of it ends the cool-down or begins another.
 */
export class PatientStore {
  readonly #store: TextStore
  readonly #patience: Patience
  readonly #running = new Set<() => void>()
  #hasAnswered = false
  #startedAt: { readonly clockMs: number; readonly at: number } | undefined
  #isClosed = false
  #failures = 0
  #losses = 0
  #aloneUntil = 0
  #probing = false

  constructor(store: TextStore, patience: Patience) {
    this.#store = store
    this.#patience = patience
  }

  /** A process that starts on a busy machine is patient: others start too, and the store itself may not be run. */
  get isStarting(): boolean {
    return this.#startedAt === undefined || performance.now() - this.#startedAt.at < startsForMs
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
    const failures = this.#failures
    try {
      const answer = await this.#inTime(call)
      this.#answered()
      return answer
    } catch (error) {
      const fault = this.#isClosed ? new StoreFault('closed') : faultOf(error)
      this.#noteFailure(fault.reason, failures)
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

  /** Ends the calls that run, and lets none through from now on: a client that is asked again connects again. */
  close(): void {
    this.#isClosed = true
    for (const end of this.#running) end()
  }

  #enter(): boolean {
    if (this.#isClosed) throw new StoreFault('closed')
    const left = this.#aloneUntil - performance.now()
    if (this.#aloneUntil === 0) return false
    if (left > 0 || this.#probing) throw new StoreFault('left alone')
    this.#probing = true
    return true
  }

  /** As `call`, or a `StoreFault` when its time is over. */
  #inTime<T>(call: () => Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const end = (): void => reject(new StoreFault('closed'))
    const late = (): void => reject(new StoreFault('timeout'))
    // What has arrived in the meantime is read before the store is blamed.
    const stop = this.#patience.clock.after(this.#leftMs(), () => setImmediate(late))
    this.#running.add(end)
    const run = async (): Promise<T> => call()
    run().then(resolve, reject)
    return promise.finally(() => {
      stop()
      this.#running.delete(end)
    })
  }

  #leftMs(): number {
    const { timeoutMs, clock } = this.#patience
    this.#startedAt ??= { clockMs: clock.now, at: performance.now() }
    if (!this.#hasAnswered) return Math.max(timeoutMs, startMsOf(timeoutMs) - (clock.now - this.#startedAt.clockMs))
    return this.isStarting ? startMsOf(timeoutMs) : timeoutMs
  }

  #answered(): void {
    this.#hasAnswered = true
    this.#failures = 0
    this.#aloneUntil = 0
  }

  #noteFailure(reason: StoreFault['reason'], failuresBefore: number): void {
    if (reason === 'left alone' || reason === 'closed') return
    this.#patience.failed(reason)
    if (this.#failures === failuresBefore) this.#failures += 1
    if (this.#failures >= failuresToLeaveAlone) this.#leaveAlone()
  }

  #leaveAlone(): void {
    this.#aloneUntil = performance.now() + this.#patience.coolDownMs
  }
}
