import type { Moment } from './moment.ts'
import type { StagedSecret } from '../contract/provider.ts'
import { parseJson } from './json-text.ts'
import { descriptor } from '../errors/own-properties.ts'

export interface SecretMetadata extends Omit<StagedSecret, 'value' | 'shape'> {
  readonly provider: string
  /** When the store was asked, epoch milliseconds. */
  readonly askedAt: number
  /** When the store gave it, at the earliest. Undefined if a rotation leaves no grace to it. */
  readonly givenAt?: Moment | undefined
  /** When it became current, at the earliest, by the store's time. Undefined if that is unknown. */
  readonly toldSince?: Moment | undefined
}

interface ReadableSecret {
  readonly metadata: SecretMetadata
  part(fields: readonly string[]): { text(): string; bytes(): Uint8Array }
  json(): string
}

const redacted = '[redacted]'

/**
 * A secret that does not print. `toString`, `toJSON`, `inspect`, template literals, spread and
 * `structuredClone` show `[redacted]` or nothing. It stays at the version that was read.
 *
 * @example
 * import { createSecretsManager, envProvider } from '@finchat/secrets-core'
 *
 * const secrets = createSecretsManager({ providers: [envProvider({ env: { TOKEN: 'hunter2' } })] })
 * const token = await secrets.getSecretValue('TOKEN')
 * console.log(`${token}`, token.provider, token.reveal().length) // [redacted] env 7
 */
export class SecretValue {
  static {
    // A method's computed name is not allowed in a declaration file.
    Object.defineProperty(
      this.prototype,
      Symbol.for('nodejs.util.inspect.custom'),
      descriptor(() => `SecretValue ${redacted}`, false),
    )
  }

  readonly #held: ReadableSecret
  readonly #stale: boolean
  readonly #degraded: boolean

  constructor(held: ReadableSecret, stale: boolean, degraded: boolean) {
    this.#held = held
    this.#stale = stale
    this.#degraded = degraded
    Object.freeze(this)
  }

  /**
   * Returns the text exactly as stored; of named fields, the only one. Throws `INVALID_ARGUMENT`
   * for a binary secret or several fields, `ABORTED` once the manager is closed.
   */
  reveal(): string {
    return this.#held.part([]).text()
  }

  /**
   * Returns a copy of the bytes (text as UTF-8), yours to overwrite. Throws as `reveal`, except for
   * binary.
   */
  bytes(): Uint8Array {
    return this.#held.part([]).bytes()
  }

  /**
   * Returns the value parsed as JSON, with all named fields. A JSON object written as one text is
   * that object. Throws `INVALID_ARGUMENT` if it is not JSON, `ABORTED` once the manager is closed.
   */
  json(): unknown {
    return parseJson(this.#held.json())
  }

  /**
   * Returns the text that `json()` parses, with numbers and order as the store has them. Of a secret
   * without named fields it is `reveal()`. Throws `INVALID_ARGUMENT` for a binary secret, `ABORTED`
   * once the manager is closed.
   */
  jsonText(): string {
    return this.#held.json()
  }

  /** The store's number of this version; `undefined` if it has none. */
  get version(): number | undefined {
    return this.#held.metadata.version
  }

  /** The store's own identity of this content. */
  get revision(): string | undefined {
    return this.#held.metadata.revision
  }

  /** When this version became current, epoch milliseconds; `undefined` if unknown. */
  get currentSince(): number | undefined {
    return this.#held.metadata.currentSince
  }

  /** When the value expires, epoch milliseconds. */
  get expiresAt(): number | undefined {
    return this.#held.metadata.expiresAt
  }

  /** The provider that answered. */
  get provider(): string {
    return this.#held.metadata.provider
  }

  /** Milliseconds since the store was asked. */
  get age(): number {
    return Math.max(0, Date.now() - this.#held.metadata.askedAt)
  }

  /** The store's last answer, as old as `age`: it cannot be asked, or is spared after an outage. */
  get stale(): boolean {
    return this.#stale
  }

  /** A later provider's answer: an earlier one gave none, or `fallback` overrode its refusal. */
  get degraded(): boolean {
    return this.#degraded
  }

  toString(): string {
    return redacted
  }

  toJSON(): string {
    return redacted
  }

  [Symbol.toPrimitive](): string {
    return redacted
  }
}
