import { SecretsError } from './secrets-error.ts'

/** In a row, and over more than one path: one secret that a store fails on is its own back-off's matter. */
const failuresToOpen = 5
const pathsToOpen = 2
const coolDownMs = 10_000
/** Of the cool-down, the least that is left of it by chance: processes that failed together do not probe in step. */
const shortestPart = 0.8

/**
 * Leaves a provider alone that was unavailable several times in a row. After the cool-down a single call, the probe, is
 * let through: its success ends the cool-down, its failure begins another.
 */
export class Circuit {
  #failures = 0
  readonly #paths = new Set<string>()
  #openUntil = 0
  #probing = false
  #last: SecretsError | undefined

  /** Returns why the provider must not be asked now, or `undefined`; then `succeeded`, `failed` or `withdrawn` must follow. */
  refusal(now: number): SecretsError | undefined {
    if (this.#openUntil === 0) return undefined
    // A clock that was set back must not stretch the cool-down.
    if (this.#openUntil - now > coolDownMs) this.#openUntil = now
    if (now >= this.#openUntil && !this.#probing) {
      this.#probing = true
      return undefined
    }
    const why = this.#last === undefined ? '' : `, the last of which: ${this.#last.problem}`
    return new SecretsError('UNAVAILABLE', `left alone for a while after repeated failures${why}`, {
      remedy: this.#last?.remedy,
      retryAt: Math.max(this.#openUntil, now),
    })
  }

  succeeded(): void {
    if (this.#failures === 0) return
    this.#failures = 0
    this.#paths.clear()
    this.#openUntil = 0
    this.#probing = false
  }

  /** One call failed, for these paths, with this error. */
  failed(paths: readonly string[], now: number, error?: SecretsError): void {
    this.#last = error
    this.#failures += 1
    for (const path of paths.slice(0, pathsToOpen)) if (this.#paths.size < pathsToOpen) this.#paths.add(path)
    if (this.#probing || (this.#failures >= failuresToOpen && this.#paths.size >= pathsToOpen))
      this.#openUntil = now + coolDownMs * (shortestPart + (1 - shortestPart) * Math.random())
    this.#probing = false
  }

  /** The call ended without telling anything of the store. */
  withdrawn(): void {
    this.#probing = false
  }
}
