import type { Checkpoint } from '../checkpoints/checkpoint-table.ts'
import type { BrokenHold } from '../format/legal-holds.ts'
import { indexFile } from '../format/segment-reader.ts'

/** One thing that is wrong with a trail, and where. */
export interface AuditProblem {
  /**
   * `edited`: bytes differ from those that were sealed. `inserted`: something was added. `missing`:
   * something was removed from the middle, or a whole file. `reordered`, `duplicated`: records or
   * groups changed places, or occur twice. `truncated`: the end was removed. `forked`: checkpoints
   * prove two histories, so two machines wrote as one. `wrong key`: the key is not this folder's, or
   * the first line of the index was edited.
   */
  readonly what: 'edited' | 'inserted' | 'missing' | 'reordered' | 'duplicated' | 'truncated' | 'forked' | 'wrong key'
  /** The name of the file, in the folder or among the checkpoints. */
  readonly file: string
  /** The line, from 1, or the first line of the group that holds the problem. */
  readonly line: number
  /** The last line of that group; `line` if the place is exact. */
  readonly lastLine: number
  /** The damaged segment. Absent: the index, the key or a checkpoint is damaged, and no segment. */
  readonly segment?: number | undefined
  /**
   * The record at `line`, counted from 1 in its segment. Absent: the problem is not at a record.
   */
  readonly record?: number | undefined
  /** The record at `lastLine`. The others of its group cannot be verified either. */
  readonly lastRecord?: number | undefined
  /** A copy that was made while processes wrote shows the same, if these are all. */
  readonly mayBeCopy?: boolean | undefined
  /** One sentence for a report, without content of records. */
  readonly explanation: string
}

type Found = Omit<AuditProblem, 'lastLine'> & { readonly lastLine?: number }

/** Keeps the first problems and counts the others: an attacker may cause millions. */
export class Problems {
  readonly list: AuditProblem[] = []
  /** Before the name of each file. */
  prefix = ''
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
    if (this.list.length >= this.#most) return
    this.list.push({ ...problem, file: this.prefix + problem.file, lastLine: problem.lastLine ?? problem.line })
  }

  addAll({ list, count }: Problems): void {
    this.addSome(list, count)
  }

  /** These of so many. */
  addSome(list: readonly Found[], count: number): void {
    for (const problem of list) this.add(problem)
    this.#count += count - list.length
  }

  /** The others follow from it. */
  keepFirst(): void {
    this.list.splice(1)
    this.#count = this.list.length
  }
}

/** Carries one problem to its collector. Never leaves this package. */
export class ProblemFound extends Error {
  readonly problem: AuditProblem

  constructor(problem: Found) {
    super(problem.explanation)
    this.problem = { ...problem, lastLine: problem.lastLine ?? problem.line }
  }
}

export function indexEdited({ index, file, line }: Pick<Checkpoint, 'index' | 'file' | 'line'>): ProblemFound {
  const explanation = `the index up to this line differs from a checkpoint: line ${line} of ${file}`
  return new ProblemFound({ what: 'edited', file: indexFile, line: index + 1, explanation })
}

export function indexTruncated(lines: number, { file, line }: Pick<Checkpoint, 'file' | 'line'>): ProblemFound {
  return new ProblemFound({
    what: 'truncated',
    file: indexFile,
    line: lines + 1,
    explanation: `a checkpoint says that the index was longer: line ${line} of ${file}`,
    mayBeCopy: true,
  })
}

/** The trail went on from this epoch, which the index does not say. */
export function leftUnsaid(step: number, lines: number): Found {
  const gone = 'checkpoints are there of a folder in which the trail went on here, and which is gone with its records'
  const isForked = step < lines
  const explanation = isForked ? `two authentic histories: ${gone}` : gone
  return { what: isForked ? 'forked' : 'truncated', file: indexFile, line: step + 1, explanation, ...(!isForked && { mayBeCopy: true }) }
}

/** Checkpoints of so many folders are there, which nothing here follows or names. */
export function foldersGone(count: number, lines: number): Found {
  const [folders, gone] = count === 1 ? ['a further folder', 'is gone with its'] : [`${count} further folders`, 'are gone with their']
  const explanation = `checkpoints are there of ${folders} in which the trail went on, and which ${gone} records`
  return { what: 'truncated', file: indexFile, line: lines + 1, explanation, mayBeCopy: true }
}

export function removedUnderHold({ what, line }: BrokenHold): Found {
  const gone = what === 'pruned' ? 'records were removed' : 'names were erased'
  return { what: 'missing', file: indexFile, line, explanation: `${gone} under a legal hold` }
}
