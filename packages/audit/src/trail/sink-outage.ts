/** A sink that answers for some records and fails for others is in one outage, not in as many as there are records. */
const quietMs = 60_000

/** Tells the operator once for each outage of a sink, which for a best-effort sink nobody would hear of otherwise. */
export class SinkOutage {
  readonly #sink: string
  #warnedAt = -Infinity
  #isOn = false

  constructor(sink: string) {
    this.#sink = sink
  }

  acknowledged(): void {
    this.#isOn = false
  }

  refused(problem: string, remedy?: string): void {
    const isNew = !this.#isOn && performance.now() - this.#warnedAt >= quietMs
    this.#isOn = true
    if (!isNew) return
    this.#warnedAt = performance.now()
    process.emitWarning(`Audit sink '${this.#sink}' does not acknowledge: ${problem}${remedy === undefined ? '' : ` (${remedy})`}`, {
      type: 'SecretsWarning',
      code: 'FINCHAT_SECRETS_AUDIT',
    })
  }
}
