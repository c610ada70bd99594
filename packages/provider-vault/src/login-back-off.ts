import { SecretsError } from '@finchat/secrets-core'

const firstMs = 250
const longestMs = 60_000
/** A credential that was refused is not sent again meanwhile: Vault locks a role after some tries. */
const refusalMs = 60_000

/** What keeps a provider from logging in again and again: all of its secrets share one login. */
export class LoginBackOff {
  #failure: { readonly error: SecretsError; readonly count: number; readonly until: number } | undefined
  #refusal: { readonly print: string; readonly until: number } | undefined

  /** Throws what the last login failed with, while it is too early for the next. */
  assertMayTry(): void {
    if (this.#failure !== undefined && Date.now() < this.#failure.until) throw this.#failure.error
  }

  /** Throws `UNAUTHENTICATED` if this very credential was refused a moment ago. */
  assertNotRefused(print: string): void {
    if (this.#refusal?.print === print && Date.now() < this.#refusal.until) throw refusal()
  }

  succeeded(): void {
    this.#failure = undefined
  }

  /** Full jitter; a server that names a time is asked then. What was never sent, and a caller's abort, count for nothing. */
  failed(error: SecretsError): void {
    if (['ABORTED', 'CREDENTIALS_MISSING', 'UNAUTHENTICATED'].includes(error.code)) return
    const count = (this.#failure?.count ?? 0) + 1
    const wait = Math.random() * Math.min(longestMs, firstMs * 2 ** Math.min(count, 10))
    this.#failure = { error, count, until: Math.max(Date.now() + wait, Math.min(error.retryAt ?? 0, Date.now() + longestMs)) }
  }

  /** The error to throw for a credential that Vault refused, which is remembered. */
  refused(print: string): SecretsError {
    this.#refusal = { print, until: Date.now() + refusalMs }
    return refusal()
  }
}

export function refusal(): SecretsError {
  return new SecretsError('UNAUTHENTICATED', 'Vault refused the credential', {
    remedy: 'give a valid one, or check the mount of `auth`; the same is not sent again for a minute, lest Vault locks its role',
  })
}
