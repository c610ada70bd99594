import { StepSet } from './step-set.ts'
import { hashAt, packHash, PackedRows, StepNumbers } from './packed-rows.ts'

const hashBytes = 32

/** Lines of an index, by epoch. */
export interface NamedLines {
  readonly has: (step: number) => boolean
}

/** The hashes of some lines of an index: of those that checkpoints name, or of all. */
export class LineDigests {
  /** The lines whose hash is known. */
  readonly steps: StepSet = new StepSet()
  readonly #named: NamedLines
  readonly #rows = new PackedRows(hashBytes)
  readonly #rowOf = new StepNumbers()

  constructor(named: NamedLines) {
    this.#named = named
  }

  add(step: number, digest: string): void {
    if (!this.#named.has(step)) return
    const row = this.#rows.add()
    packHash(this.#rows.at(row), 0, digest)
    this.#rowOf.set(step, row)
    this.steps.add(step)
  }

  /** `undefined`: the line is damaged, or not one of those. */
  get(step: number): string | undefined {
    const row = this.#rowOf.get(step)
    return row === undefined ? undefined : hashAt(this.#rows.at(row), 0)
  }
}
