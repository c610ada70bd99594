import { SecretsError } from '@finchat/secrets-core'
import { loadCrypto } from '../shared/builtins.ts'

export const keyLength = 32

/**
 * Outside V8's heap and Node.js's pool: typed arrays of up to 64 bytes lie on the heap, whose
 * collector leaves copies.
 */
export function ownMemory(length: number): Buffer {
  return Buffer.from(new ArrayBuffer(length))
}

/**
 * A key in memory of its own. Once it is wiped it refuses, so that nothing is sealed with zeros.
 */
export class KeyBytes {
  readonly #bytes: Uint8Array
  #refusal: (() => SecretsError) | undefined

  /** Takes bytes that nobody else holds. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  static random(): KeyBytes {
    return new KeyBytes(loadCrypto().randomFillSync(ownMemory(keyLength)))
  }

  /** The bytes themselves, for one call. Throws once they are wiped. */
  get bytes(): Uint8Array {
    if (this.#refusal) throw this.#refusal()
    return this.#bytes
  }

  /** `refusal` is what a later use throws. */
  wipe(refusal: () => SecretsError = closed): void {
    this.#refusal ??= refusal
    this.#bytes.fill(0)
  }
}

function closed(): SecretsError {
  return new SecretsError('ABORTED', 'the local store is closed, and its keys are wiped', { remedy: 'close it after the last use' })
}
