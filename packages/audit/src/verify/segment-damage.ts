import { basename } from 'node:path'
import { type AuditProblem, Problems } from './audit-problem.ts'
import { type AbsentRecord, isAt, type LastSeqs, locate, standsBeforeEarlier } from './locate-tampering.ts'
import type { Seal } from '../format/segment-format.ts'
import { readSegment, recordsOf, type SegmentGroup } from '../format/segment-reader.ts'
import { DamagedArchive } from '../format/gzip-file.ts'

const mostProblems = 100
/** To locate a problem, the segment is read again: with more of them, each is told by its group. */
const mostLooks = 16

/** What is wrong with one segment, and how many of its records stand there without being proven. */
export class SegmentDamage {
  readonly problems: Problems = new Problems(mostProblems)
  records = 0
  readonly #path: string
  readonly #step: number
  readonly #mostBytes: number | undefined
  #looksLeft = mostLooks
  /** Where the lines begin that are looked at, and how many records stand before them. */
  #firstLine = 1
  #lastLine = 1
  #recordsBefore = 0

  constructor(path: string, step: number, mostBytes: number | undefined) {
    this.#path = path
    this.#step = step
    this.#mostBytes = mostBytes
  }

  get isNone(): boolean {
    return this.problems.count === 0
  }

  /** Problems that are told from now on are at these lines. */
  lookAt({ firstLine, lines }: SegmentGroup, recordsBefore: number): void {
    this.#firstLine = firstLine
    this.#lastLine = firstLine + lines.length - 1
    this.#recordsBefore = recordsBefore
  }

  report(what: AuditProblem['what'], line: number, explanation: string, lastLine: number = line): void {
    const records = { record: this.#recordAt(line), lastRecord: this.#recordAt(Math.min(lastLine, this.#lastLine)) }
    const isAtRecords = records.record !== undefined && records.lastRecord !== undefined
    const where = { file: basename(this.#path), line, lastLine, segment: this.#step, ...(isAtRecords && records) }
    this.problems.add({ what, explanation, ...where })
  }

  /** A group whose seal does not fit, or that has more lines than that. */
  async locate(group: SegmentGroup, seal: Seal): Promise<void> {
    if (!this.mayLook()) return this.report('edited', group.firstLine, 'the group is not as it was sealed', lastLineOf(group))
    const { what, line, lastLine, explanation, absent } = locate(group, seal, await this.#lastSeqsBefore(group))
    if (absent !== undefined && (await this.#standsBehind(group, absent))) return this.report('reordered', line, standsBeforeEarlier)
    return this.report(what, line, explanation, lastLine)
  }

  /** Whether the segment may be read once more. */
  mayLook(): boolean {
    return this.#looksLeft-- > 0
  }

  /** What can be read of it: that it cannot be read any further is told by who reads it first. */
  async *readAgain(): AsyncGenerator<SegmentGroup> {
    try {
      yield* readSegment(this.#path, this.#mostBytes)
    } catch (error) {
      if (!(error instanceof DamagedArchive)) throw error
    }
  }

  #recordAt(line: number): number | undefined {
    if (line < this.#firstLine || line > this.#lastLine || line === 1) return undefined
    return this.#recordsBefore + line - Math.max(this.#firstLine, 2) + 1
  }

  /** The groups there were not verified, which is enough to tell a swap from a deletion. */
  async #standsBehind({ firstLine }: SegmentGroup, absent: AbsentRecord): Promise<boolean> {
    for await (const group of this.readAgain()) {
      if (group.firstLine > firstLine && recordsOf(group).some((record) => isAt(absent, record))) return true
    }
    return false
  }

  async #lastSeqsBefore({ firstLine }: SegmentGroup): Promise<LastSeqs> {
    const lastSeqs = new Map<string, number>()
    for await (const group of this.readAgain()) {
      if (group.firstLine >= firstLine) break
      for (const { trail, seq } of recordsOf(group)) lastSeqs.set(trail, seq)
    }
    return lastSeqs
  }
}

/** That of its seal. */
export function lastLineOf({ firstLine, lines }: SegmentGroup): number {
  return firstLine + lines.length
}
