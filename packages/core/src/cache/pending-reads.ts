import type { StagedSecret } from '../contract/provider.ts'
import { isRefusal } from '../errors/error-classes.ts'
import { SecretsError } from '../errors/secrets-error.ts'
import { SecretBytes } from '../value/secret-bytes.ts'
import type { FetcherParts } from './fetch-options.ts'
import { describeKeyOf, pendingKeyOf } from './keys/lru.ts'
import type { Call, Found } from './single-flight.ts'

/** Reads of the staged version. They read and fill no cache, since it is not the current value. */
export class PendingReads {
  readonly #parts: FetcherParts

  constructor(parts: FetcherParts) {
    this.#parts = parts
  }

  /** An outage does not undo a refusal: a later provider's staged version may be older. */
  async read(path: string, signal: AbortSignal | undefined): Promise<Found | undefined> {
    const { flights, refusals } = this.#parts
    try {
      return await flights.beside(path, (call) => this.#ask(call, signal))
    } catch (error) {
      throw SecretsError.isInstance(error) ? refusals.orElse(error, [pendingKeyOf(path), path, describeKeyOf(path)]) : error
    }
  }

  async #ask(call: Call, signal: AbortSignal | undefined): Promise<Found | undefined> {
    const { options, provider, refusals } = this.#parts
    const { path } = call.read
    if (provider.staging === undefined) throw new SecretsError('UNSUPPORTED', 'the provider stages no versions')
    try {
      const stored = await provider.staging.get(path, { signal: signal ?? options.closing })
      refusals.answered([pendingKeyOf(path)], call.id)
      return stored && this.#found(stored, call)
    } catch (error) {
      if (SecretsError.isInstance(error) && isRefusal(error.code)) this.#refused(call, error)
      throw error
    }
  }

  #found({ value, shape, ...rest }: StagedSecret, { askedAt }: Call): Found {
    const { options, provider } = this.#parts
    const held = new SecretBytes({ value, shape }, { ...rest, provider: provider.name, askedAt }, options.zeroizer)
    held.release()
    return { held, from: 'store', stale: false }
  }

  /** A refused credential concerns every version; other codes concern the staged one alone. */
  #refused(call: Call, error: SecretsError): void {
    const { refusals, access, flights, memory } = this.#parts
    const { path } = call.read
    if (error.code !== 'UNAUTHENTICATED') return refusals.record(pendingKeyOf(path), error, call.id)
    refusals.record(path, error, call.id)
    access?.refused(path)
    if (call.isSuperseded) return
    flights.supersede(path, call)
    memory.dropOlder(path, call, true)
  }
}
