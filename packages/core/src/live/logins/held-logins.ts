import { SecretsError } from '../../errors/secrets-error.ts'
import { closed, pause } from '../../guard/deadline.ts'
import type { SecretValue } from '../../value/secret-value.ts'
import type { LiveState } from '../known/live-state.ts'
import { isSameCredential } from '../known/same-secret.ts'
import type { Candidates } from './candidates.ts'
import type { LoginScope } from './login-scope.ts'
import { longTrialMs, pauseUntil } from './trials.ts'
import { defaultBudgetMs, isRefusal } from './use-options.ts'

/** How many more may try after each such time without an answer: a far side may refuse slowly. */
const trialSteps = [1, 2, 4, 8]

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

  /** Resolves when the caller may log in with what is best then, or if it will not log in any more. */
  async admit(scope: LoginScope | undefined, isOver: () => boolean): Promise<void> {
    const since = performance.now()
    const until = Math.min(since + defaultBudgetMs, scope?.endOf(since) ?? Infinity)
    for (let held = this.#held(); held !== undefined && !isOver() && !this.#isToTry(); held = this.#held()) {
      if (this.#isUnanswered()) {
        this.#admitMore(held)
        continue
      }
      if (performance.now() >= until) {
        if (this.#isLong()) return
        throw this.#stillRefused(since)
      }
      await pauseUntil(until, Promise.race([this.#outcome(held, until), this.#state.refused.news]))
      if (this.#closing.aborted) throw closed()
    }
  }

  /** Runs one login, and tells all who wait for its outcome. */
  async run<T>(login: () => Promise<T> | T, value: SecretValue, isAuthError: (error: unknown) => boolean): Promise<T> {
    try {
      const result = await login()
      this.#candidates.worked(value)
      return result
    } catch (error) {
      if (isRefusal(isAuthError, error)) this.#blame(error, value)
      else this.#passOn(value)
      throw error
    }
  }

  #blame(error: unknown, value: SecretValue): void {
    if (this.#closing.aborted) return // its values are wiped
    if (typeof error === 'object' && error !== null) blames.set(error, { state: this.#state, value })
    this.#state.wasRefused(value)
  }

  /** It ended without an outcome, so that the next one tries its value. */
  #passOn(value: SecretValue): void {
    if (this.#closing.aborted || this.#isRefused()) return
    const held = this.#held()
    if (held === undefined || !isSameCredential(held, value)) return
    this.#state.refused.wake()
    this.#news = this.#state.refused.news
    this.#triedAt = performance.now()
    this.#left = 1
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

  /** A far side that is slow has refused nothing yet. */
  #isLong(): boolean {
    return !this.#isRefused() && this.#step > 0
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

interface Blame {
  readonly state: LiveState
  readonly value: SecretValue
}

const blames = new WeakMap<object, Blame>()

/** Since when a login was held whose error this is; undefined if it is another error. */
export function heldSince(error: unknown): number | undefined {
  return heldErrors.get(error as object) // of what is no object it has nothing
}

/**
 * Returns a function that tells the credential which a login of a handle used, by its error. It
 * tells it once: a client that throws one error again and again may mean another login.
 */
export function blamesIn(state: LiveState): (error: unknown) => SecretValue | undefined {
  let told: Blame | undefined
  return (error) => {
    const blame = blames.get(error as object) // of what is no object it has nothing
    if (blame === undefined || blame === told || blame.state !== state) return undefined
    told = blame
    return blame.value
  }
}
