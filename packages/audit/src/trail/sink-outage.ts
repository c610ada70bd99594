import type { PartHealth } from '@finchat/secrets-core'
import { OutageTracker, PartTracker, warnOperator } from '@finchat/secrets-core/provider'

/** Emits one process warning for each outage of a sink, and remembers whether it fails. */
export class SinkOutage {
  readonly #sink: string
  readonly #tracker = new OutageTracker()
  readonly #part = new PartTracker()

  constructor(sink: string) {
    this.#sink = sink
  }

  get isOn(): boolean {
    return this.#tracker.isOn
  }

  get health(): PartHealth {
    return this.#part.health()
  }

  acknowledged(): void {
    this.#tracker.answered()
    this.#part.answered()
  }

  refused(problem: string, remedy?: string): void {
    this.#part.failed(problem, remedy)
    if (!this.#tracker.failed()) return
    const hint = remedy === undefined ? '' : ` (${remedy})`
    warnOperator(`Audit sink '${this.#sink}' does not acknowledge: ${problem}${hint}`, 'FINCHAT_SECRETS_AUDIT')
  }
}
