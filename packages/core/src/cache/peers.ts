import { heldBackBy, isHeldBack } from '../guard/circuit-breaker.ts'
import { isOutage, isRefusal } from '../errors/error-classes.ts'
import { SecretsError } from '../errors/secrets-error.ts'
import type { FetcherParts } from './fetch-options.ts'
import { refusalKeys } from './path-history.ts'
import type { SharedAnswer } from './shared/shared-answer.ts'
import { type Flight, isFresh } from './single-flight.ts'

/** How long after its TTL a value may be served on the word of other processes alone. */
const longestTrustMs = 60_000
/** The shared cache has the store's answer soon after its return. */
const lookAgainMs = 5_000
/** So many failing paths tell of their store, as they do to the circuit breaker. */
const mostFailing = 2

type Parts = Pick<FetcherParts, 'memory' | 'refusals' | 'provider' | 'options'>

/**
 * One process of a fleet finds out for all that their store is down. The word of others never fails
 * a read: only a held value waits, and not for long unless this process fails too.
 */
export class Peers {
  readonly #parts: Parts
  /** Random, so that the processes of a fleet do not ask together. */
  readonly #trustMs: number = Math.random() * longestTrustMs
  /** When it last asked in spite of a mark, or could not ask: meanwhile its other paths wait. */
  #triedAt = -Infinity
  /** Since the store's last answer, up to two: one secret may fail while its store is well. */
  readonly #failing = new Set<string>()
  /** The failing path, if it is the only one. Then the others do not wait for it. */
  #failsAlone: string | undefined

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Whether it has a value to go on with, for a time that no other process can stretch. */
  canWait({ key, read }: Flight): boolean {
    const { memory, refusals } = this.#parts
    const entry = isFresh(read.mode) ? undefined : memory.entry(key)
    // After a refusal this process asks by itself.
    if (entry === undefined || refusals.stands(refusalKeys(read, key))) return false
    const { staleUntil, lifetime } = entry
    const now = Date.now()
    return now < lifetime.freshUntil || (now < staleUntil && (now < lifetime.freshUntil + this.#trustMs || this.#hasTriedLately(read.path)))
  }

  mustWait(flight: Flight, answer: SharedAnswer): boolean {
    if (!answer.wait) return false
    if (this.canWait(flight) && !this.#mayOutdate(flight, answer)) return true
    this.#tried()
    return false
  }

  /** Whether the held value may be older than a change. */
  #mayOutdate({ key, read: { path, version } }: Flight, answer: SharedAnswer): boolean {
    const held = this.#parts.memory.entry(key)?.held
    return held === undefined || this.#parts.options.shared?.mayOutdate(path, version, answer, held.metadata) !== false
  }

  /** Of a read that goes on with what it has. */
  error(): SecretsError {
    const problem = 'another process of the fleet asks it, and has no answer yet, or had none just now'
    return heldBackBy(new SecretsError('UNAVAILABLE', problem, { retryAt: Date.now() + lookAgainMs }), this.#parts.provider.name)
  }

  answered(): void {
    this.#triedAt = -Infinity
    this.#failing.clear()
  }

  /** Whether others should know of it. An open circuit failed by itself seconds ago. */
  failed({ read: { path } }: Flight, error: unknown): boolean {
    if (!SecretsError.isInstance(error)) return false
    if (isRefusal(error.code)) this.answered()
    if (!isOutage(error.code)) return false
    if (isHeldBack(error)) return true
    if (this.#failing.size < mostFailing) this.#failing.add(path)
    this.#tried(this.#failing.size < mostFailing ? path : undefined)
    return true
  }

  #tried(failsAlone?: string): void {
    this.#triedAt = performance.now()
    this.#failsAlone = failsAlone
  }

  #hasTriedLately(path: string): boolean {
    if (this.#failsAlone !== undefined && this.#failsAlone !== path) return false
    return performance.now() < this.#triedAt + (longestTrustMs + this.#trustMs) / 2
  }
}
