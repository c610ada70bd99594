import type { SecretValue } from '../value/secret-value.ts'
import type { CurrentSecret } from './current.ts'
import { isSameVersion } from './same-secret.ts'

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
  #lastRead = 0

  /** `best`, unless it has expired. */
  get usable(): SecretValue | undefined {
    return this.isExpired ? undefined : this.best
  }

  get isExpired(): boolean {
    return this.best?.expiresAt !== undefined && this.best.expiresAt <= Date.now()
  }

  /** Whether the answer of a read that began later was taken. */
  isLate({ read }: CurrentSecret): boolean {
    return read < this.#lastRead
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
      if (this.best === before) this.best = value
      return false
    }
    this.best = value
    this.changedAt = Date.now()
    return true
  }
}
