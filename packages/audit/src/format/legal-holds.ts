import type { HoldChange, IndexMarks, PruneLine } from './prune-mark.ts'

type Marks = Pick<IndexMarks, 'holds' | 'pruneLines'>

/** A removal in spite of a hold. */
export interface BrokenHold {
  /** The name of its folder. */
  readonly name: string
  readonly line: number
}

/** The holds and removals of a whole trail: a hold of one folder is of all. */
export class LegalHolds {
  readonly #folders: { readonly name: string; readonly marks: Marks }[] = []

  /** By age. */
  add(name: string, marks: Marks): void {
    this.#folders.push({ name, marks })
  }

  *broken(): Generator<BrokenHold> {
    for (const [at, { name, marks }] of this.#folders.entries())
      for (const pruned of marks.pruneLines) if (this.#changesBefore(at, pruned).at(-1)?.isHeld === true) yield { name, line: pruned.line }
  }

  /**
   * All lines of later folders follow the one by which this folder was left. Those behind that have no
   * order with them but their time, and a clock may be set back.
   */
  #changesBefore(at: number, { time, holdsBefore, isAfterLeaving }: PruneLine): readonly HoldChange[] {
    const own = this.#folders[at]?.marks.holds.slice(0, holdsBefore) ?? []
    const before = this.#folders.slice(0, at).flatMap(({ marks }) => marks.holds)
    const after = isAfterLeaving ? this.#folders.slice(at + 1).flatMap(({ marks }) => marks.holds) : []
    return [...before, ...own, ...after].filter((change) => own.includes(change) || change.time <= time)
  }
}
