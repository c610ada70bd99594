import type { KeyObject } from 'node:crypto'
import { type AuditProblem, ProblemFound } from './audit-problem.ts'
import type { Checkpoint } from './held-checkpoints.ts'
import type { SegmentDamage } from './segment-damage.ts'
import { checkpointBeyond, isSigned, notSigned } from './signed-checkpoints.ts'
import { indexTruncated } from './verified-index.ts'
import type { SegmentToVerify } from './segment-verdict.ts'

/** How far the segment that is there goes. */
interface End {
  /** The group that would come next, and its key. */
  readonly group: number
  readonly key: KeyObject
  /** The highest number of a group that is there, proven or not. */
  readonly lastSeen: number
  readonly line: number
}

/** Compares a segment with what its checkpoints say, while its groups are verified. */
export class SegmentCheckpointing {
  /** The time of the last one that fits. */
  at: number | undefined
  /** How many records the segment had, as the last one says that was signed. */
  records = 0
  readonly problems: AuditProblem[] = []
  readonly #segment: SegmentToVerify
  readonly #damage: SegmentDamage
  /** There may be one for each second of a day, of which none is moved. */
  #passed = 0

  constructor(segment: SegmentToVerify, damage: SegmentDamage) {
    this.#segment = segment
    this.#damage = damage
  }

  /** Those of a group, which are signed by the key of the next. */
  pass(group: number, key: KeyObject, { bytes, line }: { readonly bytes: number; readonly line: number }): void {
    const { checkpoints } = this.#segment
    for (let next = checkpoints?.at(this.#passed); next?.group === group; next = checkpoints?.at(++this.#passed)) {
      if (!isSigned(next, key)) this.#found(notSigned(next))
      else this.#compare(next, bytes, line)
    }
  }

  judgeEnd({ group, key, lastSeen, line }: End): void {
    const { checkpoints, budget } = this.#segment
    try {
      const beyond = checkpoints && checkpointBeyond(checkpoints, { group, key, position: this.#passed }, budget)
      if (beyond === undefined) return
      this.records = Math.max(this.records, beyond.records)
      if (beyond.group <= lastSeen) return
      const explanation = `a checkpoint says that the segment was longer: line ${beyond.line} of ${beyond.file}`
      this.#damage.report('truncated', line + 1, explanation)
    } catch (error) {
      this.#found(error)
    }
  }

  #compare(checkpoint: Checkpoint, bytes: number, line: number): void {
    const { indexLines } = this.#segment
    this.records = checkpoint.records
    if (checkpoint.index >= indexLines) this.#found(indexTruncated(indexLines, checkpoint))
    if (!this.#damage.isNone) return
    if (checkpoint.bytes !== bytes) return this.#damage.report('edited', line, 'the segment is not as long here as a checkpoint says')
    this.at = Math.max(this.at ?? 0, checkpoint.time)
  }

  #found(error: unknown): void {
    if (!(error instanceof ProblemFound)) throw error
    this.problems.push(error.problem)
  }
}
