import type { ManagerParts } from '../manager/parts.ts'
import type { SecretValue } from '../value/secret-value.ts'
import { type ProcessUsage, processUsageOf } from './process-usage.ts'
import { assertMarkable } from './usage-places.ts'

/** The value that a handle gives. */
export interface GivenValue {
  readonly best: SecretValue | undefined
  /** Called before another value than the current one is used. Never rejects. */
  readonly beforeUse: Set<(value: SecretValue) => Promise<void>>
}

/** Tells the fleet which version a handle gives. */
export class HandleUsage {
  readonly #usage: ProcessUsage
  readonly #name: string
  readonly #state: GivenValue
  readonly #actor: string | undefined
  told: Promise<void> = Promise.resolve()

  #given: SecretValue | undefined
  /** Of logins under way, whose values may be older than the one that the handle gives. */
  readonly #running: SecretValue[] = []

  /** The handle gives this value from now on. Never rejects. */
  readonly gives = (value: SecretValue): Promise<void> => {
    this.#given = value
    return this.#tell()
  }

  constructor(parts: ManagerParts, name: string, state: GivenValue, actor: string | undefined) {
    assertMarkable(parts, name)
    this.#usage = processUsageOf(parts)
    this.#name = name
    this.#state = state
    this.#actor = actor
    state.beforeUse.add(this.gives)
  }

  /** The handle gives another value, or its first one. */
  changed(): Promise<void> {
    const { best } = this.#state
    return best === undefined ? this.told : this.gives(best)
  }

  /** What was told last has arrived, or cannot; what was told meanwhile too. */
  async settled(): Promise<void> {
    for (let last: Promise<void> | undefined; last !== this.told; await last) last = this.told
  }

  /** Runs one login of the handle, whose value counts until it ends. */
  async during<T>(value: SecretValue, login: (value: SecretValue) => Promise<T> | T): Promise<T> {
    this.#running.push(value)
    try {
      if (value !== this.#given) await this.#tell()
      return await this.#usage.during((async () => login(value))())
    } finally {
      this.#running.splice(this.#running.indexOf(value), 1)
      if (value !== this.#given) void this.#tell()
    }
  }

  end(): void {
    this.#state.beforeUse.delete(this.gives)
    this.#given = undefined
    void this.#tell()
  }

  #tell(): Promise<void> {
    const values = new Set(this.#running)
    if (this.#given !== undefined) values.add(this.#given)
    return (this.told = this.#usage.told(this, this.#name, [...values], this.#actor))
  }
}
