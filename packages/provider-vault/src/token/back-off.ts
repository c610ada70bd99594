import type { SecretsError } from '@finchat/secrets-core'
import { isUpcoming, withDetails } from '@finchat/secrets-core/provider'
import { longestHoldMs, type Refusal, tooManyRefused } from './auth-errors.ts'

/** Later times that the server names are cut to this. */
const longestNamedMs = 60_000
/** Vault locks a role at the fifth failed login. */
const mostRefusals = 4
/** When the source of a refused credential is asked again: it may have another, such as a new file. */
const lookAgainMs = 30_000
/** A source may return another token at each call. */
const mostTokens = 100

/**
 * Delays logins until a time that the server named, and refused credentials. An outage delays none,
 * because callers have a back-off already.
 */
export class LoginBackOff {
  #named: Refusal | undefined
  /** By a keyed digest of the credential. */
  readonly #refusals = new Map<string, Refusal>()
  /** The keyed digest of the credential whose login had no answer last. */
  #lost: string | undefined

  /** Throws the last login's error until the time that the server named. */
  assertMayTry(): void {
    if (this.#named !== undefined && isHeld(this.#named)) throw this.#named.error
  }

  /** Throws `UNAUTHENTICATED` for a refused credential, and if one more could lock the role. */
  assertNotRefused(fingerprint: () => string): void {
    for (const [each, refusal] of this.#refusals) if (!isHeld(refusal)) this.#refusals.delete(each)
    if (this.#refusals.size === 0) return
    const known = this.#refusals.get(fingerprint())
    if (known !== undefined) throw untilNextLook(known)
    const counted = [...this.#refusals.values()].filter(({ isCounted }) => isCounted)
    const [oldest] = counted
    if (oldest !== undefined && counted.length >= mostRefusals) throw tooManyRefused(oldest.until)
  }

  succeeded(): void {
    this.#named = undefined
    this.#lost = undefined
  }

  /** A login had no answer, and may have used up its credential. */
  lost(fingerprint: string): void {
    this.#lost = fingerprint
  }

  wasLost(fingerprint: string): boolean {
    return this.#lost === fingerprint
  }

  failed(error: SecretsError): void {
    if (error.code === 'UNAUTHENTICATED' || error.retryAt === undefined) return
    this.#named = { error, until: Math.min(error.retryAt, Date.now() + longestNamedMs) }
  }

  /** The error of the last refusal. */
  get refusal(): SecretsError | undefined {
    const last = [...this.#refusals.values()].at(-1)
    return last && untilNextLook(last)
  }

  /** Remembers a refused credential. Returns its error. */
  refused(fingerprint: string, refusal: Refusal): SecretsError {
    this.#refusals.delete(fingerprint) // keeps the latest at the end
    this.#refusals.set(fingerprint, refusal)
    const [oldest, ...others] = [...this.#refusals].filter(([, { isCounted }]) => isCounted !== true)
    if (oldest !== undefined && others.length >= mostTokens) this.#refusals.delete(oldest[0])
    return untilNextLook(refusal)
  }
}

/** With the time from which a call looks for another credential. */
function untilNextLook({ error, until }: Refusal): SecretsError {
  return withDetails(error, { retryAt: Math.min(until, Date.now() + lookAgainMs) })
}

function isHeld({ until }: Refusal): boolean {
  return isUpcoming(until, longestHoldMs)
}
