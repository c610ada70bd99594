/** What is wrong with a trail, and where: the first place, in the order of the index and its segments. */
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
  /** One sentence for a report. Holds nothing out of the records. */
  readonly explanation: string
}

/** Ends a verification. Never leaves this package. */
export class ProblemFound extends Error {
  readonly problem: AuditProblem

  constructor(problem: Omit<AuditProblem, 'lastLine'> & { readonly lastLine?: number }) {
    super(problem.explanation)
    this.problem = { ...problem, lastLine: problem.lastLine ?? problem.line }
  }
}
