import { jittered, pause } from '../../guard/deadline.ts'
import type { SecretValue } from '../../value/secret-value.ts'
import type { LiveState } from '../known/live-state.ts'
import { isSameCredential } from '../known/same-secret.ts'
import type { Candidate, Candidates } from './candidates.ts'

/** If a login takes longer than this, others that wait for it may try its credential themselves. */
export const longTrialMs = 1_000
/** A pool may answer with an older login's refusal; its queue is short. */
const queuePauseMs = 10
/** The pauses before further offers double up to this. */
const longestQueuePauseMs = 320

/** Lets one caller alone try credentials that may not work; the others wait for it. */
export class Trials {
  readonly #candidates: Candidates
  readonly #state: LiveState
  readonly #turns = new Set<Turn>()
  #leader: Turn | undefined
  #released = Promise.withResolvers<void>()
  #tryingSince = Infinity

  constructor(candidates: Candidates, state: LiveState) {
    this.#candidates = candidates
    this.#state = state
  }

  get isBusy(): boolean {
    return this.#turns.size > 0
  }

  /** For one caller whose credential was refused. */
  enter(allowed: readonly Candidate[], until: number): Trial {
    const turn: Turn = { allowed, until, offers: 0 }
    this.#turns.add(turn)
    return {
      next: (used) => this.#next(turn, used),
      worked: (value) => this.#candidates.worked(value),
      leave: () => this.#leave(turn),
    }
  }

  /** The credential to try now; `undefined` when the time is up. */
  async #next(turn: Turn, used: SecretValue): Promise<SecretValue | undefined> {
    try {
      this.#state.wasRefused(used)
      return this.#leader === turn ? await this.#lead(turn, used) : await this.#follow(turn, used)
    } catch {
      // Wiped values cannot be compared: the manager is closed.
      return undefined
    }
  }

  async #follow(turn: Turn, used: SecretValue): Promise<SecretValue | undefined> {
    for (;;) {
      const other = this.#candidates.replacing(used)
      if (other !== undefined && performance.now() < turn.until) return this.#offer(turn, other)
      const endsAt = this.#leader === undefined ? -Infinity : this.#leader.until + longTrialMs
      if (endsAt <= performance.now()) break
      await pauseUntil(Math.min(turn.until, endsAt), this.#released.promise)
      if (performance.now() >= turn.until) return this.#ofLongTrial(used)
    }
    this.#leader = turn
    return this.#lead(turn, used)
  }

  /** A pool may blame an older credential again and again. */
  async #offer(turn: Turn, other: SecretValue): Promise<SecretValue | undefined> {
    const pauseMs = turn.offers === 0 ? 0 : Math.min(queuePauseMs * 2 ** (turn.offers - 1), longestQueuePauseMs)
    turn.offers += 1
    if (pauseMs > 0) await pauseUntil(Math.min(turn.until, performance.now() + jittered(pauseMs)))
    return performance.now() < turn.until ? other : undefined
  }

  async #lead({ allowed, until }: Turn, used: SecretValue): Promise<SecretValue | undefined> {
    this.#tryingSince = Infinity
    const { usable } = this.#state
    if (performance.now() >= until) return undefined
    const isOfQueue = usable !== undefined && !isSameCredential(used, usable)
    const search = this.#candidates.after(used, allowed, until)
    if (isOfQueue) await pause(jittered(queuePauseMs))
    else await pauseUntil(until, search)
    if (performance.now() >= until) return undefined
    this.#tryingSince = performance.now()
    return search
  }

  #ofLongTrial(used: SecretValue): SecretValue | undefined {
    const { usable } = this.#state
    const isLong = performance.now() - this.#tryingSince > longTrialMs
    return isLong && usable !== undefined && !isSameCredential(used, usable) ? usable : undefined
  }

  #leave(turn: Turn): void {
    this.#turns.delete(turn)
    if (this.#leader !== turn) return
    this.#leader = undefined
    this.#tryingSince = Infinity
    this.#released.resolve()
    this.#released = Promise.withResolvers()
  }
}

/** One caller's part in the trials. */
interface Turn {
  readonly allowed: readonly Candidate[]
  readonly until: number
  /** How often it was given what works for others. */
  offers: number
}

export interface Trial {
  readonly next: (used: SecretValue) => Promise<SecretValue | undefined>
  readonly worked: (value: SecretValue) => void
  readonly leave: () => void
}

export function pauseUntil(until: number, sooner?: Promise<unknown>): Promise<void> {
  return pause(Math.max(0, until - performance.now()), undefined, sooner)
}
