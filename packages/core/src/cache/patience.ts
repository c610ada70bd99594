import { heldBackBy, isHeldBack } from '../guard/circuit-breaker.ts'
import { SecretsError, withDetails } from '../errors/secrets-error.ts'
import type { FetcherParts } from './fetch-options.ts'
import { refusalKeys } from './path-history.ts'
import { type Flight, type Found, isFresh, type StoreRead } from './single-flight.ts'

/** A store that is back mostly answers within this time. */
export const promptMs = 50

type Parts = Pick<FetcherParts, 'memory' | 'flights' | 'refusals' | 'provider' | 'options'>

/** How long a read waits for its flight. The flight goes on for later reads. */
export class Patience {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Whether an outage leaves the read a value: its own stale one, or a later provider's. */
  canSpare(read: StoreRead, key: string, now: number, staleUntil: number): boolean {
    if (isFresh(read.mode)) return false
    if (now + promptMs < staleUntil) return true
    return read.fallback === 'held' && !this.#parts.refusals.stands(refusalKeys(read, key))
  }

  /** Why the store is not asked now. */
  failure(key: string, now: number, staleUntil: number = now): SecretsError | undefined {
    const { memory, options, provider } = this.#parts
    const failure = memory.failure(key, now, staleUntil)
    const rest = failure === undefined && now < staleUntil ? options.circuit.rest(now) : undefined
    // Recorded as a back-off, so that readers with stale values return spread over time.
    return rest === undefined ? failure : memory.recordFailure(key, heldBackBy(rest, provider.name), now, now)
  }

  outage(mode: StoreRead['mode'], key: string, now: number): SecretsError | undefined {
    const { memory, options } = this.#parts
    return this.#telling(memory.outage(key), mode, key, now) ?? options.circuit.outage
  }

  /** Why the store will probably not answer now: it did not lately, or a call hangs. */
  expected(mode: StoreRead['mode'], key: string, now: number): SecretsError | undefined {
    const { memory, flights, options } = this.#parts
    const failure = this.#telling(memory.expected(key, now), mode, key, now) ?? options.circuit.expected(now)
    if (failure !== undefined || !flights.isLate(mode, key)) return failure
    return new SecretsError('DEADLINE_EXCEEDED', `no answer for more than ${options.patientMs} ms`)
  }

  /** Other processes may be wrong: what they say counts only for a reader that has a value. */
  #telling(error: SecretsError | undefined, mode: StoreRead['mode'], key: string, now: number): SecretsError | undefined {
    if (error === undefined || !isHeldBack(error)) return error
    const entry = this.#parts.memory.entry(key)
    return !isFresh(mode) && entry !== undefined && now < entry.staleUntil ? error : undefined
  }

  /** After an outage a read waits less than the deadline. */
  wait(flight: Flight, { mode, signal, fallback }: StoreRead, key: string, now: number): Promise<Found | undefined> {
    const { flights, options } = this.#parts
    const answer = flights.wait(flight, signal)
    const outage = this.outage(mode, key, now) ?? (fallback && options.circuit.expected(now))
    return outage === undefined ? answer : within(answer, options.patientMs, outage)
  }

  /** For a read that can do without the store's answer, and must not expect one. */
  waitBriefly(flight: Flight, { signal }: StoreRead, now: number, expected: SecretsError): Promise<Found | undefined> {
    const { flights, options } = this.#parts
    const longestMs = Math.min(promptMs, options.patientMs)
    const restMs = Math.min(longestMs, flight.askedAt + longestMs - now)
    return restMs > 0 ? within(flights.wait(flight, signal), restMs, expected) : Promise.reject(retriable(expected, now))
  }
}

function within<T>(promise: Promise<T>, ms: number, error: SecretsError): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(retriable(error, Date.now())), ms)
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

/** `retryAt` must not be in the past. */
function retriable(error: SecretsError, now: number): SecretsError {
  return withDetails(error, { retryAt: Math.max(error.retryAt ?? now, now) })
}
