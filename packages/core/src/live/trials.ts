import { SecretsError } from '../errors/secrets-error.ts'
import { closed, jittered, pause } from '../guard/deadline.ts'
import type { SecretValue } from '../value/secret-value.ts'
import type { LoginScope } from '../usage/login-scope.ts'
import type { Candidate, Candidates } from './candidates.ts'
import type { LiveState } from './live-state.ts'
import { isSameCredential } from './same-secret.ts'
import { defaultBudgetMs } from './use-options.ts'

/** If a login takes longer than this, others that wait for it may try its credential themselves. */
const longTrialMs = 1_000
/** How many more may try after each such time without an answer: a far side may refuse slowly. */
const trialSteps = [1, 2, 4, 8]
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

/**
 * Holds logins by the password function while its password is known to be refused. One alone tries
 * what a search found or what became current; the others wait for its outcome.
 */
export class HeldLogins {
  readonly #name: string
  readonly #candidates: Candidates
  readonly #state: LiveState
  readonly #closing: AbortSignal
  /** The trial that a login makes, and since when. */
  #tried = 0
  #triedAt = -Infinity
  #step = 0
  /** How many more may try at this step. */
  #left = 0
  #news: Promise<void> | undefined

  constructor(name: string, candidates: Candidates, state: LiveState, closing: AbortSignal) {
    this.#name = name
    this.#candidates = candidates
    this.#state = state
    this.#closing = closing
  }

  /** Resolves when the caller may log in with what is best then. */
  async admit(scope?: LoginScope): Promise<void> {
    const since = performance.now()
    const until = Math.min(since + defaultBudgetMs, scope?.endOf(since) ?? Infinity)
    for (let held = this.#held(); held !== undefined && !this.#isToTry(); held = this.#held()) {
      if (this.#isUnanswered()) {
        this.#admitMore(held)
        continue
      }
      if (performance.now() >= until) throw this.#stillRefused(since)
      await pauseUntil(until, Promise.race([this.#outcome(held, until), this.#state.refused.news]))
      if (this.#closing.aborted) throw closed()
    }
  }

  #held(): SecretValue | undefined {
    const { usable, refused } = this.#state
    return usable !== undefined && refused.has(usable) ? usable : undefined
  }

  /** For one caller after each search, and for a few more while its outcome is unknown. */
  #isToTry(): boolean {
    if (this.#tried !== this.#state.trials) this.#begin()
    if (this.#left === 0 || this.#isRefused()) return false
    this.#left -= 1
    return true
  }

  #begin(): void {
    this.#tried = this.#state.trials
    this.#triedAt = performance.now()
    this.#news = this.#state.refused.news
    this.#step = 0
    this.#left = 1
  }

  #isRefused(): boolean {
    return this.#news !== this.#state.refused.news
  }

  #isUnanswered(): boolean {
    return !this.#isRefused() && performance.now() - this.#triedAt >= longTrialMs
  }

  /** Not every client tells of a success, so it is one if none of them is refused. */
  #admitMore(held: SecretValue): void {
    const more = trialSteps[this.#step]
    if (more === undefined) {
      this.#candidates.worked(held)
      return
    }
    this.#triedAt = performance.now()
    this.#step += 1
    this.#left = more
  }

  /** Of the login that tries it; after that, of another search. */
  #outcome(held: SecretValue, until: number): Promise<unknown> {
    if (this.#isRefused()) return this.#candidates.again(held, until)
    return pause(this.#triedAt + longTrialMs - performance.now(), undefined, this.#news)
  }

  #stillRefused(since: number): SecretsError {
    const error = new SecretsError('UNAVAILABLE', 'the far side refuses the password, and no other one was found', {
      secret: this.#name,
      remedy: 'see whether a rotation was broken off, and finish it',
    })
    heldErrors.set(error, since)
    return error
  }
}

const heldErrors = new WeakMap<object, number>()

/** Since when a login was held whose error this is; undefined if it is another error. */
export function heldSince(error: unknown): number | undefined {
  return typeof error === 'object' && error !== null ? heldErrors.get(error) : undefined
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

function pauseUntil(until: number, sooner?: Promise<unknown>): Promise<void> {
  return pause(Math.max(0, until - performance.now()), undefined, sooner)
}
