import { describeKeyOf, Lru, type VersionSelector } from './keys/lru.ts'
import { isRefusal, isUnasked } from '../errors/error-classes.ts'
import { SecretsError } from '../errors/secrets-error.ts'

/** Paths of each kind; names may come from users, so memory is bounded. */
const most = 10_000

interface Refusal {
  readonly error: SecretsError
  /** The number of the call, in order of their begin. */
  readonly call: number
  answeredAt: number
}

/** Without them an outage would undo a revocation, since later providers would answer. */
export class Refusals {
  readonly #lastMs: number
  readonly #refusals = new Lru<Refusal>(most)

  /** `lastMs`: as long as a value read at the time of the refusal could be served. */
  constructor(lastMs: number) {
    this.#lastMs = lastMs
  }

  /** Ignores errors that are no answer about the secret. */
  record(key: string, error: SecretsError, call: number): void {
    if (isRefusal(error.code)) this.#set(key, error, call)
  }

  /** Later providers' values may be older. */
  recordChange(path: string, call: number): void {
    if (!this.#isStanding(path) || this.isChanged(path)) this.#set(path, changed, call)
  }

  isChanged(path: string): boolean {
    return this.#isStanding(path) && this.#refusals.get(path)?.error === changed
  }

  answered(keys: readonly string[], call: number): void {
    for (const key of keys) if ((this.#refusals.get(key)?.call ?? Infinity) <= call) this.#refusals.delete(key)
  }

  restored(path: string): void {
    const error = this.#refusals.get(path)?.error
    if (error === changed || error?.code === 'DELETED') this.#refusals.delete(path)
  }

  clear(): void {
    for (const [key] of this.#refusals.entries()) this.#refusals.delete(key)
  }

  orElse(error: SecretsError, keys: readonly string[]): SecretsError {
    const key = isUnasked(error.code) ? this.#standing(keys) : undefined
    const refusal = key === undefined ? undefined : this.#refusals.get(key)
    if (refusal === undefined) return error
    return refusal.error === changed ? changedError(error) : remembered(refusal, error)
  }

  stands(keys: readonly string[]): boolean {
    return this.#standing(keys) !== undefined
  }

  #standing(keys: readonly string[]): string | undefined {
    return keys.find((each) => this.#isStanding(each))
  }

  #set(key: string, error: SecretsError, call: number): void {
    if ((this.#refusals.get(key)?.call ?? 0) <= call) this.#refusals.set(key, { error, call, answeredAt: Date.now() })
  }

  #isStanding(key: string): boolean {
    const refusal = this.#refusals.get(key)
    if (refusal === undefined) return false
    // A clock that is set back neither ends a refusal nor extends it.
    refusal.answeredAt = Math.min(refusal.answeredAt, Date.now())
    return Date.now() - refusal.answeredAt < this.#lastMs
  }
}

/** Where a refusal may stand that an outage must not undo. */
export function refusalKeys({ path }: { readonly path: string }, key: string): readonly string[] {
  return [key, path, describeKeyOf(path)]
}

/** Errors that tell what the store said before, since it cannot be asked now. */
const recollections = new WeakSet<SecretsError>()

/** Whether the store was not asked now. */
export function isRemembered(error: SecretsError): boolean {
  return recollections.has(error)
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

function remembered({ error, answeredAt }: Refusal, { code, retryAt }: SecretsError): SecretsError {
  const seconds = Math.round((Date.now() - answeredAt) / 1000)
  const problem = `${error.problem}, as the store said ${seconds} s ago; it cannot be asked now (${code})`
  const recollection = new SecretsError(error.code, problem, { ...error, retryAt })
  recollections.add(recollection)
  return recollection
}

/** As long as the shared cache holds back values older than a write. */
const writeLastsMs = 900_000

interface OwnWrite {
  /** The written number; `Infinity` after a withdrawal, since every value is older. */
  readonly version: number
  /** By the monotonic clock. */
  readonly at: number
}

/**
 * Recent writes of this process, and versions that its watches saw, since a lagging replica may
 * answer with an older value.
 */
export class OwnWrites {
  readonly #writes = new Lru<OwnWrite>(most)

  /**
   * Acknowledgements may arrive out of order. But a write that begins after an acknowledgement and
   * gets a lower number shows that the store counts anew, as after a purge by others.
   *
   * `begunAt`: by the monotonic clock; unknown if absent.
   */
  wrote(path: string, version: number, begunAt: number = -Infinity): void {
    const former = this.#lately(path)
    const isLater = former === undefined || begunAt > former.at
    this.#writes.set(path, { version: isLater ? version : Math.max(version, former.version), at: performance.now() })
  }

  /** A watch saw it. `isReset`: the store counts anew. */
  saw(path: string, version: number, isReset: boolean): void {
    const known = this.#lately(path)?.version ?? 0
    if (isReset || version > known) this.#writes.set(path, { version, at: performance.now() })
  }

  withdrew(path: string): void {
    this.wrote(path, Infinity)
  }

  restored(path: string): void {
    if (this.#writes.get(path)?.version === Infinity) this.#writes.delete(path)
  }

  /** Whether the answer is, or may be, older than the write. */
  isBehind(path: string, selector: VersionSelector, found: { readonly version?: number | undefined } | undefined): boolean {
    const written = this.#lately(path)?.version
    if (written === undefined) return false
    if (written === Infinity) return found !== undefined
    if (typeof selector === 'number') return found === undefined && selector === written
    return (found?.version ?? 0) < (selector === 'previous' ? written - 1 : written)
  }

  #lately(path: string): OwnWrite | undefined {
    const write = this.#writes.get(path)
    return write !== undefined && performance.now() - write.at < writeLastsMs ? write : undefined
  }
}
