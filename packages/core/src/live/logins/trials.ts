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

/** What one caller tries alone. */
class LoneTry {
  readonly value: SecretValue
  readonly #since = performance.now()
  /** How many try it; Infinity where no others may. */
  #count: number

  constructor(value: SecretValue, count: number) {
    this.value = value
    this.#count = count
  }

  get isLong(): boolean {
    return performance.now() - this.#since > longTrialMs
  }

  /** When one more may try: 1, 2, 4, 8 after each second without an outcome. */
  get nextAt(): number {
    return this.#since + longTrialMs * (Math.floor(Math.log2(this.#count)) + 1)
  }

  /** Whether the caller may try it too. */
  join(): boolean {
    if (performance.now() < this.nextAt) return false
    this.#count += 1
    return true
  }
}

/** Lets one caller alone try credentials that may not work; the others wait for it. */
export class Trials {
  readonly #candidates: Candidates
  readonly #state: LiveState
  readonly #turns = new Set<Turn>()
  #leader: Turn | undefined
  #news = Promise.withResolvers<void>()
  /** Of the leader, unless it searches. */
  #try: LoneTry | undefined

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
      worked: (value) => {
        this.#candidates.worked(value)
        this.#wake()
      },
      leave: () => this.#leave(turn),
    }
  }

  /** The credential to try now; `undefined` when the time is up. */
  async #next(turn: Turn, used: SecretValue): Promise<SecretValue | undefined> {
    try {
      this.#state.wasRefused(used)
      const isToLead = this.#leader === turn || this.#isTried(used)
      return isToLead ? await this.#lead(turn, used) : await this.#follow(turn, used)
    } catch {
      // Wiped values cannot be compared: the manager is closed.
      return undefined
    }
  }

  async #follow(turn: Turn, used: SecretValue): Promise<SecretValue | undefined> {
    for (;;) {
      const other = this.#candidates.replacing(used)
      if (other !== undefined && performance.now() < turn.until) return this.#offer(turn, other)
      const untried = this.#untried(used)
      if (untried !== undefined && performance.now() < turn.until) return this.#tryFirst(turn, untried)
      const endsAt = this.#leader === undefined ? -Infinity : this.#leader.until + longTrialMs
      if (endsAt <= performance.now()) break
      await pauseUntil(Math.min(turn.until, endsAt, this.#try?.nextAt ?? Infinity), this.#news.promise)
      if (performance.now() >= turn.until) return this.#try?.isLong ? this.#other(used) : undefined
      const tried = this.#try?.join() ? this.#other(used) : undefined
      if (tried !== undefined) return tried
    }
    return this.#lead(turn, used)
  }

  /** Who is refused with it searches, though the login of the one that tried it first may hang. */
  #isTried(used: SecretValue): boolean {
    return this.#try !== undefined && isSameCredential(this.#try.value, used)
  }

  /** What became current, or was found by a caller that left without an outcome. */
  #untried(used: SecretValue): SecretValue | undefined {
    const other = this.#other(used)
    return other === undefined || this.#state.isRefused(other) || this.#isTried(other) ? undefined : other
  }

  /** What became current after the refusal may be refused as well. */
  #tryFirst(turn: Turn, untried: SecretValue): Promise<SecretValue | undefined> {
    this.#leader = turn
    this.#try = new LoneTry(untried, 1)
    return this.#offer(turn, untried)
  }

  /** A pool may blame an older credential again and again. */
  async #offer(turn: Turn, other: SecretValue): Promise<SecretValue | undefined> {
    const pauseMs = Math.min(queuePauseMs * 2 ** (turn.offers - 1), longestQueuePauseMs)
    if (turn.offers > 0) await pauseUntil(Math.min(turn.until, performance.now() + jittered(pauseMs)))
    turn.offers += 1
    return performance.now() < turn.until ? other : undefined
  }

  async #lead(turn: Turn, used: SecretValue): Promise<SecretValue | undefined> {
    const { allowed, until } = turn
    this.#leader = turn
    this.#try = undefined
    if (performance.now() >= until) return undefined
    const isOfQueue = this.#other(used) !== undefined
    const search = this.#candidates.after(used, allowed, until)
    if (isOfQueue) await pause(jittered(queuePauseMs))
    else await pauseUntil(until, search)
    if (performance.now() >= until) return undefined
    const found = await search
    // Another caller tries what became current meanwhile.
    if (this.#leader !== turn) return this.#follow(turn, used)
    this.#try = new LoneTry(found, Infinity)
    return found
  }

  #other(used: SecretValue): SecretValue | undefined {
    const { usable } = this.#state
    return usable !== undefined && !isSameCredential(used, usable) ? usable : undefined
  }

  #leave(turn: Turn): void {
    this.#turns.delete(turn)
    if (this.#leader !== turn) return
    this.#leader = undefined
    this.#try = undefined
    this.#wake()
  }

  #wake(): void {
    this.#news.resolve()
    this.#news = Promise.withResolvers()
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
