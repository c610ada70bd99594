import type { SecretsError } from '../errors/secrets-error.ts'
import type { FetcherParts } from './fetch-options.ts'

/** What is known of changes besides the answers of the store: by writes, watches and the fleet. */
export class KnownChanges {
  readonly #parts: Pick<FetcherParts, 'flights' | 'memory' | 'refusals' | 'writes'>

  constructor(parts: FetcherParts) {
    this.#parts = parts
  }

  record(path: string, refusal: SecretsError | undefined): void {
    const { flights, writes, refusals, memory } = this.#parts
    const call = flights.next()
    if (refusal === undefined) {
      writes.restored(path)
      return refusals.recordChange(path, call)
    }
    refusals.record(path, refusal, call)
    memory.dropAbsence(path)
  }

  saw(path: string, version: number, isReset: boolean): void {
    const { writes, memory } = this.#parts
    writes.saw(path, version, isReset)
    const held = memory.entry(path)?.held.metadata
    if (held !== undefined && writes.isBehind(path, undefined, held)) memory.expire(path, Date.now())
  }

  /** Another process changed it: no older value may be served. */
  elsewhere(path: string): void {
    const { flights, memory, refusals } = this.#parts
    const isKnown = memory.holds(path) || refusals.isChanged(path) || flights.isUnderWay(path)
    if (isKnown) refusals.recordChange(path, flights.next())
    this.forget(path)
  }

  doubt(path: string): void {
    this.#parts.flights.dismiss(path)
    this.#parts.memory.expire(path, Date.now())
  }

  forget(path: string): void {
    this.#parts.flights.dismiss(path)
    this.#parts.memory.forgetPath(path)
  }
}
