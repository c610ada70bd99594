import type { SecretsErrorAttempt, SecretsErrorCode } from '../contract/error-codes.ts'
import { type FallbackPolicy, verdictOn } from './fallback-policy.ts'
import { isFinal } from '../cache/refusals.ts'
import { withContext, SecretNotFoundError, SecretsError } from '../errors/secrets-error.ts'
import { attemptOf, notAsked, notSure, unresolvedError } from '../errors/unresolved-error.ts'

/**
 * The fallback policy as a state machine, for one secret. The caller asks the store of `step` and
 * reports its answer by `missing` or `failed`. It stops at a value, or throws `end()` when no step
 * is left.
 */
export class FallbackTraversal<Step> {
  readonly name: string
  readonly #steps: readonly Step[]
  readonly #policies: readonly (FallbackPolicy | undefined)[]
  readonly #attempts: SecretsErrorAttempt[] = []
  #position = 0
  #degraded = false
  #silent = false
  #unsupported = false
  /** The error that an overridden row would have thrown. */
  #overridden: SecretsError | undefined

  constructor(name: string, steps: readonly Step[], policies: readonly (FallbackPolicy | undefined)[]) {
    this.name = name
    this.#steps = steps
    this.#policies = policies
  }

  /** The step to ask now; `undefined` at the end. */
  get step(): Step | undefined {
    return this.#steps[this.#position]
  }

  get later(): readonly Step[] {
    return this.#steps.slice(this.#position + 1)
  }

  /** Whether an earlier provider was unreachable. */
  get degraded(): boolean {
    return this.#degraded
  }

  /** The store of `step` has no such secret. */
  missing(provider: string, durationMs: number): void {
    this.#move({ provider, code: 'NOT_FOUND', durationMs })
  }

  /** The store of `step` failed. Throws if the policy says stop. */
  failed(provider: string, error: SecretsError, durationMs: number): void {
    if (isFinal(error) || verdictOn(error.code, this.#policies) === 'stop') throw this.#stopped(provider, error, durationMs)
    if (verdictOn(error.code, []) === 'stop') this.#overridden ??= this.#stopped(provider, error, durationMs)
    else if (error.code !== 'UNSUPPORTED') this.#silent = true
    if (error.code === 'UNSUPPORTED') this.#unsupported = true
    else this.#degraded = true
    this.#move(attemptOf(provider, error, durationMs))
  }

  /** Returns the error for a traversal without a value. */
  end(): SecretsError {
    if (this.#silent) return this.#notAsked()
    if (this.#overridden !== undefined) return this.#overridden
    if (this.#unsupported) {
      return unresolvedError('UNSUPPORTED', 'no provider that can answer this has the secret', this.name, this.#attempts)
    }
    const remedy = this.#steps.length === 0 ? 'no provider holds this name (see names and onlyNamed)' : undefined
    return new SecretNotFoundError(this.name, { attempts: this.#attempts, remedy })
  }

  /**
   * Returns the error for a provider whose answer counts only if it is current. `otherwise`: the
   * remedy if no failed provider gave one.
   */
  notSure(provider: string, otherwise?: string): SecretsError {
    return notSure(this.name, provider, this.#attempts, otherwise)
  }

  #move(attempt: SecretsErrorAttempt): void {
    this.#attempts.push(attempt)
    this.#position += 1
  }

  #stopped(provider: string, error: SecretsError, durationMs: number): SecretsError {
    if (error.code === 'NOT_FOUND' && this.#degraded) {
      this.missing(provider, durationMs)
      return this.#notAsked()
    }
    const remedy = error.remedy ?? stopRemedies.get(error.code)?.(provider)
    const attempt = { ...attemptOf(provider, error, durationMs), remedy }
    const attempts = this.#attempts.length === 0 ? undefined : [...this.#attempts, attempt]
    return withContext(new SecretsError(error.code, error.problem, { ...error, remedy, attempts }), { secret: this.name, provider })
  }

  #notAsked(): SecretsError {
    return notAsked(this.name, this.#attempts)
  }
}

const stopRemedies: ReadonlyMap<SecretsErrorCode, (provider: string) => string> = new Map([
  ['PERMISSION_DENIED', (provider: string) => `grant it, or route the name away from '${provider}' with names and onlyNamed`],
  ['UNAUTHENTICATED', (provider: string) => `renew the credential of '${provider}'`],
  ['DELETED', (provider: string) => `restore it in '${provider}', or purge it there to let later providers answer`],
])
