import type { ForbiddenLine, HoldChange, IndexMarks } from './prune-mark.ts'

type Marks = Pick<IndexMarks, 'holds' | 'forbidden'>

/** A removal or an erasure in spite of a hold. */
export interface BrokenHold {
  /** The name of its folder. */
  readonly name: string
  readonly line: number
  readonly what: ForbiddenLine['what']
}

/**
 * The holds that none of these changes ended, in the order in which they began. A hold is known by its
 * reason: beginning it again changes nothing.
 */
export function inForce(changes: Iterable<HoldChange>): readonly HoldChange[] {
  const held = new Map<string, HoldChange>()
  for (const change of changes) {
    if (change.isHeld) held.set(change.reason, held.get(change.reason) ?? change)
    else if (change.ends === undefined) held.clear()
    else held.delete(change.ends)
  }
  return [...held.values()]
}

/** The holds, removals and erasures of a whole trail: a hold of one folder is of all. */
export class LegalHolds {
  readonly #folders: { readonly name: string; readonly marks: Marks }[] = []

  /** By age. */
  add(name: string, marks: Marks): void {
    this.#folders.push({ name, marks })
  }

  /** All of them, in order. */
  get changes(): readonly HoldChange[] {
    return this.#folders.flatMap(({ marks }) => marks.holds)
  }

  *broken(): Generator<BrokenHold> {
    for (const [at, { name, marks }] of this.#folders.entries())
      for (const each of marks.forbidden)
        if (inForce(this.#changesBefore(at, each)).length > 0) yield { name, line: each.line, what: each.what }
  }

  /**
   * A folder begins once the one before was left, and holds begin and end in the last. So only a line
   * behind the one by which its folder was left has no order with later holds but the time, and a clock
   * may be set back.
   */
  #changesBefore(at: number, { time, holdsBefore, isAfterLeaving }: ForbiddenLine): readonly HoldChange[] {
    const own = this.#folders[at]?.marks.holds.slice(0, holdsBefore) ?? []
    const before = this.#folders.slice(0, at).flatMap(({ marks }) => marks.holds)
    const after = isAfterLeaving ? this.#folders.slice(at + 1).flatMap(({ marks }) => marks.holds) : []
    const isEarlier = (change: HoldChange): boolean => (change.isHeld ? change.time < time : change.time <= time)
    return [...before, ...own, ...after.filter(isEarlier)]
  }
}
