import type { SecretsError } from '@finchat/secrets-core'
import { refusalMs } from './refusals.ts'

const firstMs = 250
const longestMs = 60_000

/** What keeps a provider from logging in again and again: all of its secrets share one login. */
export class LoginBackOff {
  #failure: { readonly error: SecretsError; readonly count: number; readonly until: number } | undefined
  #refusal: { readonly print: string; readonly error: SecretsError; readonly until: number } | undefined

  /** Throws what the last login failed with, while it is too early for the next. */
  assertMayTry(): void {
    if (this.#failure !== undefined && Date.now() < this.#failure.until) throw this.#failure.error
  }

  /** Throws `UNAUTHENTICATED` if this very credential was refused a moment ago. */
  assertNotRefused(print: string): void {
    if (this.#refusal?.print === print && Date.now() < this.#refusal.until) throw this.#refusal.error
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

  /** What the last refusal was. */
  get refusal(): SecretsError | undefined {
    return this.#refusal?.error
  }

  /** Remembers that Vault refused this credential, and returns the error that says so. */
  refused(print: string, error: SecretsError): SecretsError {
    this.#refusal = { print, error, until: Date.now() + refusalMs }
    return error
  }
}
