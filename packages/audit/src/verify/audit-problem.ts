/** One thing that is wrong with a trail, and where. */
export interface AuditProblem {
  /**
   * `edited`: bytes are not those that were sealed. `inserted`: something was added. `missing`: something was taken out of the middle, or a whole file.
   * `reordered`, `duplicated`: as they say. `truncated`: the end is gone. `wrong key`: the key is not this folder's, or the first line of the index was edited.
   */
  readonly what: 'edited' | 'inserted' | 'missing' | 'reordered' | 'duplicated' | 'truncated' | 'wrong key'
  /** The file's name within the folder, or the checkpoints' own. */
  readonly file: string
  /** The line, from 1; or the first of those of which one is bad, when the group is all that can be told. */
  readonly line: number
  /** The last of those; the same as `line` where it is exactly known. */
  readonly lastLine: number
  /**
   * The segment that is not as it was written. Absent: the problem is with the index, the folder's
   * key or a checkpoint, and no segment is damaged by it.
   */
  readonly segment?: number | undefined
  /**
   * The record at `line`, counted from 1 in its segment. Absent: the problem is not at a record.
   */
  readonly record?: number | undefined
  /**
   * The record at `lastLine`: one of these is bad, and the others of its group cannot be verified
   * without it.
   */
  readonly lastRecord?: number | undefined
  /** One sentence for a report. Holds nothing out of the records. */
  readonly explanation: string
}

type Found = Omit<AuditProblem, 'lastLine'> & { readonly lastLine?: number }

/**
 * What was found in a part of the trail. The first ones are kept, and the others counted: an
 * attacker may make millions.
 */
export class Problems {
  readonly list: AuditProblem[] = []
  #count = 0
  readonly #most: number

  constructor(most: number) {
    this.#most = most
  }

  get count(): number {
    return this.#count
  }

  add(problem: Found): void {
    this.#count++
    if (this.list.length < this.#most) this.list.push({ ...problem, lastLine: problem.lastLine ?? problem.line })
  }

  addAll({ list, count }: Problems): void {
    for (const problem of list) this.add(problem)
    this.#count += count - list.length
  }

  /** The others follow from it. */
  keepFirst(): void {
    this.list.splice(1)
    this.#count = this.list.length
  }
}

/** One problem, on its way to who collects them. Never leaves this package. */
export class ProblemFound extends Error {
  readonly problem: AuditProblem

  constructor(problem: Found) {
    super(problem.explanation)
    this.problem = { ...problem, lastLine: problem.lastLine ?? problem.line }
  }
}
