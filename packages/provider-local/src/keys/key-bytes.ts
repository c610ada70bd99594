import { SecretsError } from '@finchat/secrets-core'
import { loadCrypto, ownMemory } from '@finchat/secrets-core/provider'

export const keyLength = 32

/** A key in its own memory. After `wipe` every use throws, so that nothing is sealed with zeros. */
export class KeyBytes {
  readonly #bytes: Uint8Array
  #refusal: (() => SecretsError) | undefined

  /** Takes ownership of `bytes`. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  static random(): KeyBytes {
    return new KeyBytes(loadCrypto().randomFillSync(ownMemory(keyLength)))
  }

  /** Throws after `wipe`. Callers must not keep the reference. */
  get bytes(): Uint8Array {
    if (this.#refusal) throw this.#refusal()
    return this.#bytes
  }

  /** `refusal` makes the error of a later use. */
  wipe(refusal: () => SecretsError = closed): void {
    this.#refusal ??= refusal
    this.#bytes.fill(0)
  }
}

function closed(): SecretsError {
  return new SecretsError('ABORTED', 'the local store is closed, and its keys are wiped', { remedy: 'close it after the last use' })
}
