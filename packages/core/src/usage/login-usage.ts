import type { SecretValue } from '../value/secret-value.ts'

/** Tells the fleet what one user uses. Never rejects. */
export type Tell = (user: object, values: readonly SecretValue[], actor: string | undefined) => Promise<void>

/** What logins use: the values of those under way, and the one of the latest that succeeded. */
export class LoginUsage {
  readonly #tell: Tell
  readonly #running = new Map<SecretValue, number>()
  #last: SecretValue | undefined
  #begun = 0
  /** A slow login with an older value must not take the place of a later one. */
  #lastBegun = 0

  constructor(tell: Tell) {
    this.#tell = tell
  }

  /** Runs one login, after the fleet was told of its value. */
  async during<T>(value: SecretValue, actor: string | undefined, login: (value: SecretValue) => Promise<T> | T): Promise<T> {
    this.#running.set(value, (this.#running.get(value) ?? 0) + 1)
    const begun = (this.#begun += 1)
    try {
      await this.#tellAll(actor)
      const result = await login(value)
      if (begun > this.#lastBegun) [this.#last, this.#lastBegun] = [value, begun]
      return result
    } finally {
      this.#last ??= value // it may be tried again
      this.#ended(value)
      void this.#tellAll(actor)
    }
  }

  #ended(value: SecretValue): void {
    const left = (this.#running.get(value) ?? 1) - 1
    if (left === 0) this.#running.delete(value)
    else this.#running.set(value, left)
  }

  #tellAll(actor: string | undefined): Promise<void> {
    const values = new Set(this.#running.keys())
    if (this.#last !== undefined) values.add(this.#last)
    return this.#tell(this, [...values], actor)
  }
}
