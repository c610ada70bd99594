import type { SecretValue } from '../../value/secret-value.ts'
import type { Probed } from './current.ts'
import { hasIdentity, isSameVersion } from './same-secret.ts'

/** Decides by what a store answers whether a secret has changed. */
export class KnownVersion {
  /** A provider may give an identity to probes that its values do not have. */
  #probed: Probed | undefined
  #behindSince: number | undefined

  isKnown(probed: Probed, latest: SecretValue): boolean {
    const isKnown = [this.#probed, latest].some((known) => known !== undefined && hasIdentity(known) && isEqual(known, probed))
    if (isKnown) this.#behindSince = undefined
    return isKnown
  }

  /**
   * Whether an older value is an answer of a replica that lags. A store that was reset gives it for
   * longer than half an interval.
   */
  isBehind(value: SecretValue, latest: SecretValue | undefined, intervalMs: number): boolean {
    if (latest === undefined || !isOlder(value, latest)) {
      this.#behindSince = undefined
      return false
    }
    const now = performance.now()
    this.#behindSince ??= now
    return now - this.#behindSince < intervalMs / 2
  }

  /**
   * A read that follows a probe may bring an older answer. So a value with an identity of its own
   * is compared by that; another one is read twice before an unchanged content is believed.
   */
  wasRead(probed: Probed | undefined, before: SecretValue, value: SecretValue): void {
    const isBelieved = this.#probed === undefined || !isSameVersion(before, value)
    this.#probed = isBelieved && !hasIdentity(value) ? probed : undefined
  }

  forget(): void {
    this.#probed = undefined
  }
}

function isEqual(known: Pick<Probed, 'provider' | 'version' | 'revision'>, probed: Probed): boolean {
  return known.provider === probed.provider && known.version === probed.version && known.revision === probed.revision
}

/** Whether both are of one provider, and the one has a lower number. */
export function isOlder(one: Pick<Probed, 'provider' | 'version'>, other: Pick<Probed, 'provider' | 'version'>): boolean {
  return one.provider === other.provider && (one.version ?? Infinity) < (other.version ?? 0)
}
