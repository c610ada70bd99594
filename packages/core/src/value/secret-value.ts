import type { StoredSecret } from '../contract/provider.ts'
import { parseJson } from './json-text.ts'
import { descriptor } from '../errors/own-properties.ts'

/** What is known of a secret beside its value. */
export interface SecretFacts extends Omit<StoredSecret, 'value' | 'shape'> {
  readonly provider: string
  /** When the store was asked, epoch milliseconds. */
  readonly askedAt: number
}

/** What a handle reads from: the secret's bytes, wherever they are held. */
interface ReadableSecret {
  readonly facts: SecretFacts
  /** What is found under these fields, one inside the other; without fields, a map's sole field. */
  part(fields: readonly string[]): { text(): string; bytes(): Uint8Array }
  /** The JSON text that the secret is. */
  json(): string
}

const redacted = '[redacted]'

/**
 * A secret that does not print: `toString`, `toJSON`, `inspect`, template literals, spread and
 * `structuredClone` show `[redacted]` or nothing. All members are about the version that was
 * delivered, and never change.
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
    // Not a method: its computed name could not stand in a declaration file.
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
   * Returns the text, exactly as stored; of a secret with named fields, the sole one. Throws
   * `INVALID_ARGUMENT` for a binary secret and for one of several fields, `ABORTED` once the
   * manager is closed.
   */
  reveal(): string {
    return this.#held.part([]).text()
  }

  /**
   * Returns a copy of the value's bytes (text as UTF-8), yours to overwrite. Throws as `reveal`
   * does, but for binary.
   */
  bytes(): Uint8Array {
    return this.#held.part([]).bytes()
  }

  /**
   * Returns the value parsed as JSON, all named fields included; of a JSON object that was written
   * as one text, its own. Throws `INVALID_ARGUMENT` when it is not JSON.
   */
  json(): unknown {
    return parseJson(this.#held.json())
  }

  /** The store's number of this version; `undefined` where it has none. */
  get version(): number | undefined {
    return this.#held.facts.version
  }

  /** The store's own identity of this content. */
  get revision(): string | undefined {
    return this.#held.facts.revision
  }

  /**
   * When this version became current, epoch milliseconds; `undefined` where the store cannot tell.
   */
  get currentSince(): number | undefined {
    return this.#held.facts.currentSince
  }

  /** Worthless from then on, epoch milliseconds. */
  get expiresAt(): number | undefined {
    return this.#held.facts.expiresAt
  }

  /** The provider whose store answered. */
  get provider(): string {
    return this.#held.facts.provider
  }

  /** Milliseconds since the store was asked. */
  get age(): number {
    return Math.max(0, Date.now() - this.#held.facts.askedAt)
  }

  /** The store could not be asked just now: this is what it last answered. */
  get stale(): boolean {
    return this.#stale
  }

  /** An earlier provider could not be asked: this is a later one's answer. */
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
