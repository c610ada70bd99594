import { jittered, pause } from '../guard/deadline.ts'
import type { SecretValue } from '../value/secret-value.ts'
import type { Candidate, Candidates } from './candidates.ts'
import type { LiveState } from './live-state.ts'
import { isSameCredential } from './same-secret.ts'

/** If a login takes longer than this, those who wait for it may try its credential themselves. */
const longTrialMs = 1_000
/** A pool may answer with an older login's refusal; its queue is short. */
const queuePauseMs = 10

/** Lets one caller alone try credentials that may not work; the others wait for it. */
export class Trials {
  readonly #candidates: Candidates
  readonly #state: LiveState
  #leader: Trial | undefined
  #released = Promise.withResolvers<void>()
  #tryingSince = Infinity

  constructor(candidates: Candidates, state: LiveState) {
    this.#candidates = candidates
    this.#state = state
  }

  /** For one caller whose credential was refused. */
  enter(allowed: readonly Candidate[], until: number): Trial {
    const trial: Trial = {
      next: (used) => this.#next(trial, used, allowed, until),
      worked: (value) => this.#candidates.worked(value),
      leave: () => this.#release(trial),
    }
    return trial
  }

  /** The credential to try now; `undefined` when the time is up. */
  async #next(trial: Trial, used: SecretValue, allowed: readonly Candidate[], until: number): Promise<SecretValue | undefined> {
    try {
      return this.#leader === trial ? await this.#lead(used, allowed, until) : await this.#follow(trial, used, allowed, until)
    } catch {
      // Wiped values cannot be compared: the manager is closed.
      return undefined
    }
  }

  async #follow(trial: Trial, used: SecretValue, allowed: readonly Candidate[], until: number): Promise<SecretValue | undefined> {
    for (;;) {
      const other = this.#candidates.replacing(used)
      if (other !== undefined && performance.now() < until) return other
      if (this.#leader === undefined) break
      await pauseUntil(until, this.#released.promise)
      if (performance.now() >= until) return this.#ofLongTrial(used)
    }
    this.#leader = trial
    return this.#lead(used, allowed, until)
  }

  async #lead(used: SecretValue, allowed: readonly Candidate[], until: number): Promise<SecretValue | undefined> {
    this.#tryingSince = Infinity
    const { best } = this.#state
    if (performance.now() >= until) return undefined
    const isOfQueue = best !== undefined && !isSameCredential(used, best)
    const search = this.#candidates.after(used, allowed, until)
    if (isOfQueue) await pause(jittered(queuePauseMs))
    else await pauseUntil(until, search)
    if (performance.now() >= until) return undefined
    this.#tryingSince = performance.now()
    return search
  }

  #ofLongTrial(used: SecretValue): SecretValue | undefined {
    const { best } = this.#state
    const isLong = performance.now() - this.#tryingSince > longTrialMs
    return isLong && best !== undefined && !isSameCredential(used, best) ? best : undefined
  }

  #release(trial: Trial): void {
    if (this.#leader !== trial) return
    this.#leader = undefined
    this.#tryingSince = Infinity
    this.#released.resolve()
    this.#released = Promise.withResolvers()
  }
}

export interface Trial {
  readonly next: (used: SecretValue) => Promise<SecretValue | undefined>
  readonly worked: (value: SecretValue) => void
  readonly leave: () => void
}

function pauseUntil(until: number, sooner: Promise<unknown>): Promise<void> {
  return pause(Math.max(0, until - performance.now()), undefined, sooner)
}
