import { closed, jittered, pause } from '../../guard/deadline.ts'
import type { ManagerParts } from '../../manager/parts.ts'
import type { SecretValue } from '../../value/secret-value.ts'
import { type CurrentSecret, readCurrent } from '../known/current.ts'
import { forgetMs, type LiveState } from '../known/live-state.ts'
import { isSameCredential, isSameVersion } from '../known/same-secret.ts'

/** What is tried after a fresh read, in this order. */
export type Candidate = 'pending' | 'previous'

export const allCandidates: readonly Candidate[] = ['pending', 'previous']

export interface CandidatesOptions {
  readonly parts: ManagerParts
  readonly name: string
  readonly state: LiveState
  /** Takes what a fresh read brought. */
  readonly taken: (current: CurrentSecret) => void
}

const firstPauseMs = 50
const longestPauseMs = 1_000
/** The last try begins so long before the budget ends, since it reads the store first. */
const lastTryMs = 200

/** Finds the credential to use after one was refused: one search for all callers. */
export class Candidates {
  readonly #options: CandidatesOptions
  /** In this round. */
  #refused: SecretValue[] = []
  #rounds = 0
  #refusedAt = -Infinity
  #search: Promise<SecretValue> | undefined
  /** Of the last search that a refused caller began. */
  #allowed: readonly Candidate[] = allCandidates

  constructor(options: CandidatesOptions) {
    this.#options = options
  }

  /** Another credential than the refused one that is known to work: use it without a search. */
  replacing(used: SecretValue): SecretValue | undefined {
    const { proven } = this.#options.state
    return proven === undefined || isSameCredential(used, proven) ? undefined : proven
  }

  /**
   * The next credential after a refused one: fresh, pending, previous; then, after a pause, fresh
   * again. `until`: the caller gives up then, on the clock of `performance.now()`.
   */
  after(used: SecretValue, allowed: readonly Candidate[] = allCandidates, until: number = Infinity): Promise<SecretValue> {
    const { usable } = this.#options.state
    this.#allowed = allowed
    if (this.#search !== undefined) return this.#search
    if (usable !== undefined && !isSameCredential(used, usable)) return Promise.resolve(usable)
    const search = this.#next(used, allowed, until).finally(() => (this.#search = undefined))
    this.#search = search
    return search
  }

  /** As `after`, for a caller that was not refused: of what the last one allowed. */
  again(held: SecretValue, until: number): Promise<SecretValue> {
    return this.after(held, this.#allowed, until)
  }

  /** No refusal of lately limits the next search. */
  get isIdle(): boolean {
    return this.#search === undefined && (this.#refused.length === 0 || performance.now() - this.#refusedAt > forgetMs)
  }

  worked(value: SecretValue): void {
    const { parts, state } = this.#options
    const { best } = state
    if (parts.bounds.closing.aborted) return // its values are wiped, and the login has succeeded
    if (best !== value && (best === undefined || !isSameCredential(best, value))) return
    this.#refused = []
    this.#rounds = 0
    state.hasWorked()
  }

  async #next(used: SecretValue, allowed: readonly Candidate[], until: number): Promise<SecretValue> {
    const now = performance.now()
    if (now - this.#refusedAt > forgetMs) this.#rounds = this.#refused.length = 0
    this.#refusedAt = now
    this.#refused.push(used)
    for (const source of [() => this.#fresh(), ...allowed.map((kind) => () => this.#kept(kind))]) {
      const found = await source()
      if (found !== undefined && !this.#refused.some((refused) => isSameCredential(refused, found))) return this.#choose(found)
    }
    return this.#again(used, until)
  }

  /** Nothing else is left: the far side may be about to accept one of them. */
  async #again(used: SecretValue, until: number): Promise<SecretValue> {
    const { closing } = this.#options.parts.bounds
    await pause(this.#pauseMs(until), closing)
    if (closing.aborted) throw closed()
    this.#rounds += 1
    this.#refused = []
    return this.#choose((await this.#fresh()) ?? used)
  }

  /** A pause that would outlast the budget is cut short for one last try. */
  #pauseMs(until: number): number {
    const pauseMs = jittered(Math.min(firstPauseMs * 2 ** this.#rounds, longestPauseMs))
    const leftMs = until - performance.now() - lastTryMs
    return leftMs > 0 ? Math.min(pauseMs, leftMs) : pauseMs
  }

  /** What became current while the fleet was told of `found` is tried first. */
  async #choose(found: SecretValue): Promise<SecretValue> {
    const { state } = this.#options
    const { latest } = state
    if (state.beforeUse.size > 0) await Promise.all([...state.beforeUse].map((tell) => tell(found)))
    const isChanged = latest !== undefined && state.latest !== undefined && !isSameVersion(latest, state.latest)
    const chosen = isChanged ? (state.usable ?? found) : found
    state.choose(chosen)
    return chosen
  }

  /** The store may be unreachable: then nothing is learnt, and the far side's error remains. */
  async #fresh(): Promise<SecretValue | undefined> {
    const { parts, name, state, taken } = this.#options
    try {
      const current = await readCurrent(parts, parts.locate(name), { fresh: true })
      // A fallback's answer may be tried, but it is no change of the secret.
      if (!current.value.degraded || state.latest?.degraded !== false) taken(current)
      return current.value
    } catch {
      return undefined
    }
  }

  async #kept(kind: Candidate): Promise<SecretValue | undefined> {
    const { parts, name } = this.#options
    try {
      return (await readCurrent(parts, parts.locate(name), { fresh: true, version: kind })).value
    } catch {
      return undefined
    }
  }
}
