import type { SecretValue } from '../../value/secret-value.ts'
import type { CurrentSecret } from './current.ts'
import { isSameCredential, isSameVersion } from './same-secret.ts'

/** A refusal this long ago says nothing about a credential. */
export const forgetMs = 60_000
/** Of back-to-back rotations. */
const mostRefused = 8

/** Credentials that the far side has refused, none of which has worked since. */
export class RefusedCredentials {
  #values: readonly SecretValue[] = []
  #lastAt = -Infinity
  #news = Promise.withResolvers<void>()

  /** Whether one is known, so that the next value may be refused as well. */
  get areKnown(): boolean {
    return this.#recent().length > 0
  }

  /** Resolves at the next refusal or success. */
  get news(): Promise<void> {
    return this.#news.promise
  }

  add(value: SecretValue): void {
    if (!this.has(value)) this.#values = [...this.#recent(), value].slice(-mostRefused)
    this.#lastAt = performance.now()
    this.wake()
  }

  has(value: SecretValue): boolean {
    return this.#recent().some((refused) => isSameCredential(refused, value))
  }

  clear(): void {
    this.#values = []
    this.wake()
  }

  /** Wakes all who wait for news. */
  wake(): void {
    this.#news.resolve()
    this.#news = Promise.withResolvers()
  }

  /** Old ones are let go at the next look, so that their bytes are overwritten. */
  #recent(): readonly SecretValue[] {
    if (performance.now() - this.#lastAt >= forgetMs) this.#values = []
    return this.#values
  }
}

/** What a manager knows of one name, for its watch, its handles and its users. */
export class LiveState {
  /** What the store last said is current. */
  latest: SecretValue | undefined
  /** What logins should use: `latest`, or what works while `latest` is refused. */
  best: SecretValue | undefined
  /** When `latest` changed, epoch milliseconds. */
  changedAt = 0
  /** A watch keeps `latest` up to date. */
  isWatched = false
  /** The store was asked lately and gave `latest`. */
  isSure = false
  /** The store denies the secret, or has it no more. */
  isWithdrawn = false
  /** Called before another value than the current one is used. Never rejects. */
  readonly beforeUse: Set<(value: SecretValue) => Promise<void>> = new Set()
  readonly refused: RefusedCredentials = new RefusedCredentials()
  /** A password function was made, whose logins belong to calls of `useSecret`. */
  givesPasswords = false
  /** How many values were to be tried by one login first. */
  trials = 0
  /** Was found, or became current, after a refusal; nothing is known of it yet. */
  #untried: SecretValue | undefined
  /** Has worked since a refusal. */
  #proven: SecretValue | undefined
  #lastRead = 0

  /** `best`, unless it has expired. */
  get usable(): SecretValue | undefined {
    return this.isExpired ? undefined : this.best
  }

  get isExpired(): boolean {
    return this.best?.expiresAt !== undefined && this.best.expiresAt <= Date.now()
  }

  /** `usable`, if a login is known to have succeeded with it. */
  get proven(): SecretValue | undefined {
    return this.#proven === this.best ? this.usable : undefined
  }

  /** The far side has refused it, and has not accepted it since. */
  isRefused(value: SecretValue): boolean {
    return value !== this.#untried && this.refused.has(value)
  }

  /** A login succeeded with `best`. */
  hasWorked(): void {
    this.#proven = this.best
    this.refused.clear()
  }

  /** Whether the answer of a read that began later was taken. */
  isLate({ read }: CurrentSecret): boolean {
    return read < this.#lastRead
  }

  /** The far side refused this credential. A late refusal of another one says nothing of `best`. */
  wasRefused(used: SecretValue): void {
    if (this.best === undefined || !isSameCredential(used, this.best)) return
    this.#untried = this.#proven = undefined
    this.refused.add(this.best)
  }

  /** One login tries it, unless one does already: nothing is known of it, or it was refused before. */
  choose(value: SecretValue): void {
    const isKnown = this.refused.has(value)
    if (isKnown && value !== this.#untried) this.trials += 1
    this.best = value
    this.#proven = undefined
    if (!isKnown) this.#doubt(value)
  }

  /** Takes what a read past the cache brought. Returns whether it is another version. */
  take({ value, read }: CurrentSecret): boolean {
    this.#lastRead = read
    return this.adopt(value)
  }

  /** Takes what was read as current. Returns whether it is another version. */
  adopt(value: SecretValue): boolean {
    if (value === this.latest) return false
    const before = this.latest
    this.latest = value
    if (before !== undefined && isSameVersion(before, value)) {
      this.#readAgain(before, value)
      return false
    }
    this.best = value
    this.#proven = undefined
    if (this.refused.areKnown) this.#doubt(value)
    this.changedAt = Date.now()
    return true
  }

  /** What is known of a value is known of the same version. */
  #readAgain(before: SecretValue, value: SecretValue): void {
    if (this.best === before) this.best = value
    if (this.#untried === before) this.#untried = value
    if (this.#proven === before) this.#proven = value
  }

  /** Nothing is known of it, so it may be refused as well. */
  #doubt(value: SecretValue): void {
    this.#untried = value
    this.trials += 1
    this.refused.add(value)
  }
}
