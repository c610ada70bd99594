import type { StepSet } from '../tables/step-set.ts'
import { hashAt, packHash, PackedRows, StepNumbers } from '../tables/packed-rows.ts'

const hashBytes = 32

/** The hashes of those lines of the index that checkpoints name. */
export class LineDigests {
  readonly #named: StepSet
  readonly #rows = new PackedRows(hashBytes)
  readonly #rowOf = new StepNumbers()

  constructor(named: StepSet) {
    this.#named = named
  }

  add(step: number, digest: string): void {
    if (!this.#named.has(step)) return
    const row = this.#rows.add()
    packHash(this.#rows.at(row), 0, digest)
    this.#rowOf.set(step, row)
  }

  /** `undefined`: no checkpoint names the line, or it is damaged. */
  get(step: number): string | undefined {
    const row = this.#rowOf.get(step)
    return row === undefined ? undefined : hashAt(this.#rows.at(row), 0)
  }
}
