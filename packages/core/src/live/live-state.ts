import type { SecretValue } from '../value/secret-value.ts'
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
