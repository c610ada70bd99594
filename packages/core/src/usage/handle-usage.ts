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
  /** What was told last has arrived, or cannot. */
  told: Promise<void> = Promise.resolve()

  /** The handle gives this value from now on. Never rejects. */
  readonly gives = (value: SecretValue): Promise<void> => (this.told = this.#usage.told(this, this.#name, [value], this.#actor))

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

  end(): void {
    this.#state.beforeUse.delete(this.gives)
    void this.#usage.told(this, this.#name, [], this.#actor)
  }
}
