import { configurationError, isVisibleAscii, ownMemory } from '@finchat/secrets-core/provider'

/** Throws `CONFIGURATION` unless a header can carry the token. */
export function assertToken(token: string): void {
  if (isVisibleAscii(token) && !token.includes('"') && !token.includes("'")) return
  throw configurationError(
    'the token is none: it has a space, a quote or another character that no token has',
    'give the token alone, without quotes, names or a second line',
  )
}

/**
 * A token as bytes outside the V8 heap, which no heap snapshot shows and which can be overwritten.
 * Each request makes a string of it, which lives until it is collected.
 */
export class TokenBytes {
  readonly #bytes: Buffer
  #isWiped = false

  constructor(text: string) {
    this.#bytes = ownMemory(Buffer.byteLength(text))
    this.#bytes.write(text)
  }

  /** Throws once wiped: zeros are no token. */
  text(): string {
    if (this.#isWiped) throw new TypeError('the text was wiped')
    return this.#bytes.toString()
  }

  is(text: string): boolean {
    return !this.#isWiped && this.#bytes.length === Buffer.byteLength(text) && this.text() === text
  }

  wipe(): void {
    this.#isWiped = true
    this.#bytes.fill(0)
  }
}
