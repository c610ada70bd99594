import { Lru } from './keys/lru.ts'
import { isRefusal, isUnasked } from '../errors/error-classes.ts'
import { SecretsError } from '../errors/secrets-error.ts'

/** Names may come from users, so memory is bounded. */
const most = 10_000

interface Refusal {
  readonly error: SecretsError
  /** The number of the call, in order of their begin. */
  readonly call: number
  saidAt: number
}

/**
 * Refusals of a store by cache key, and paths that have changed since they were read. A refusal
 * holds through an outage: otherwise the outage would undo a revocation, since later providers
 * would answer.
 */
export class Refusals {
  readonly #lastMs: number
  readonly #refusals = new Lru<Refusal>(most)

  /** `lastMs`: how long a refusal holds, as long as a value read then could be served. */
  constructor(lastMs: number) {
    this.#lastMs = lastMs
  }

  /** Ignores errors that are no answer about the secret. */
  note(key: string, error: SecretsError, call: number): void {
    if (isRefusal(error.code)) this.#set(key, error, call)
  }

  /** Records a possible change, after which later providers' values may be older. */
  noteChange(path: string, call: number): void {
    if (!this.#isStanding(path) || this.isChanged(path)) this.#set(path, changed, call)
  }

  /** Whether only a change is known, and no refusal. */
  isChanged(path: string): boolean {
    return this.#isStanding(path) && this.#refusals.get(path)?.error === changed
  }

  /** Ends refusals of this call and earlier ones. */
  answered(keys: readonly string[], call: number): void {
    for (const key of keys) if ((this.#refusals.get(key)?.call ?? Infinity) <= call) this.#refusals.delete(key)
  }

  /** Ends a withdrawal that this process undid or purged. */
  restored(path: string): void {
    const error = this.#refusals.get(path)?.error
    if (error === changed || error?.code === 'DELETED') this.#refusals.delete(path)
  }

  clear(): void {
    for (const [key] of this.#refusals.entries()) this.#refusals.delete(key)
  }

  /** Returns the refusal that holds while the store is unreachable, else `error`. */
  orElse(error: SecretsError, keys: readonly string[]): SecretsError {
    const key = isUnasked(error.code) ? keys.find((each) => this.#isStanding(each)) : undefined
    const refusal = key === undefined ? undefined : this.#refusals.get(key)
    if (refusal === undefined) return error
    return refusal.error === changed ? changedError(error) : remembered(refusal, error)
  }

  #set(key: string, error: SecretsError, call: number): void {
    if ((this.#refusals.get(key)?.call ?? 0) <= call) this.#refusals.set(key, { error, call, saidAt: Date.now() })
  }

  #isStanding(key: string): boolean {
    const refusal = this.#refusals.get(key)
    if (refusal === undefined) return false
    // A clock that is set back neither ends a refusal nor extends it.
    refusal.saidAt = Math.min(refusal.saidAt, Date.now())
    return Date.now() - refusal.saidAt < this.#lastMs
  }
}

const changed = new SecretsError('UNAVAILABLE', 'it was changed, and its store cannot be asked now')
const stopping = new WeakSet<SecretsError>()

/**
 * Whether the chain must stop, whatever the code: later answers would be older than a known change.
 */
export function isFinal(error: SecretsError): boolean {
  return stopping.has(error)
}

function changedError({ code, problem, retryAt, remedy, provider }: SecretsError): SecretsError {
  const error = new SecretsError('UNAVAILABLE', `${changed.problem} (${code}: ${problem})`, { retryAt, remedy, provider })
  stopping.add(error)
  return error
}

function remembered({ error, saidAt }: Refusal, { code, retryAt }: SecretsError): SecretsError {
  const seconds = Math.round((Date.now() - saidAt) / 1000)
  return new SecretsError(error.code, `${error.problem}, as the store said ${seconds} s ago; it cannot be asked now (${code})`, {
    ...error,
    retryAt,
  })
}
