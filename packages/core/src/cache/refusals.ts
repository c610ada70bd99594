import { Lru } from './keys/lru.ts'
import { isRefusal, isUnasked } from '../errors/error-classes.ts'
import { SecretsError } from '../errors/secrets-error.ts'

/** Names may come from users: what is remembered of them is bounded. */
const most = 10_000

interface Refusal {
  readonly error: SecretsError
  /** The number of the call that brought it: calls are numbered in the order in which they begin. */
  readonly call: number
  saidAt: number
}

/**
 * What a store last refused, by cache key, and which paths have changed since they were read. While the store cannot be
 * asked, its refusal stands as a value does. Otherwise a later provider would answer, and an outage would undo a revocation.
 */
export class Refusals {
  readonly #lastMs: number
  readonly #refusals = new Lru<Refusal>(most)

  /** `lastMs`: how long a refusal stands, which is as long as a value read at that time could be served. */
  constructor(lastMs: number) {
    this.#lastMs = lastMs
  }

  /** Remembers an error that is the store's answer about the secret; any other one is ignored. */
  note(key: string, error: SecretsError, call: number): void {
    if (isRefusal(error.code)) this.#set(key, error, call)
  }

  /** The secret was changed or withdrawn, or may have been: what a later provider has is older than that. */
  noteChange(path: string, call: number): void {
    if (!this.#isStanding(path) || this.isChanged(path)) this.#set(path, changed, call)
  }

  /** All that is known of the secret is that it was changed. */
  isChanged(path: string): boolean {
    return this.#isStanding(path) && this.#refusals.get(path)?.error === changed
  }

  /** The store has answered this call: earlier calls refuse nothing any more. */
  answered(keys: readonly string[], call: number): void {
    for (const key of keys) if ((this.#refusals.get(key)?.call ?? Infinity) <= call) this.#refusals.delete(key)
  }

  /** This process has undone the withdrawal, or purged the secret. */
  restored(path: string): void {
    const error = this.#refusals.get(path)?.error
    if (error === changed || error?.code === 'DELETED') this.#refusals.delete(path)
  }

  clear(): void {
    for (const [key] of this.#refusals.entries()) this.#refusals.delete(key)
  }

  /** What stands in the location of an error with which the store could not be asked; else that error itself. */
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
    // A clock that was set back neither ends a refusal nor stretches it.
    refusal.saidAt = Math.min(refusal.saidAt, Date.now())
    return Date.now() - refusal.saidAt < this.#lastMs
  }
}

const changed = new SecretsError('UNAVAILABLE', 'it was changed, and its store cannot be asked now')
const stopping = new WeakSet<SecretsError>()

/** A chain ends at this error, whatever its code: a later provider's answer would be older than a known change. */
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
