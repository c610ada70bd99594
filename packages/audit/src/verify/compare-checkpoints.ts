import { type AuditProblem, indexEdited, indexTruncated, ProblemFound } from './audit-problem.ts'
import type { ChainKey } from '../keys/key-chain.ts'
import type { Checkpoint } from '../checkpoints/checkpoint-table.ts'
import type { SegmentDamage } from './locate-tampering.ts'
import { checkpointBeyond, isSigned, notSigned } from './checkpoint-signatures.ts'
import { noSeals, sealsWith } from '../record/digest.ts'
import { segmentName } from '../format/end-of-segment.ts'
import type { EndedSegment } from '../format/index-line.ts'
import type { SegmentToVerify } from './findings.ts'

interface End {
  /** The next group, and its key. */
  readonly group: number
  readonly key: ChainKey
  /** The highest group number in the file, proven or not. */
  readonly lastSeen: number
  readonly line: number
}

interface Passed {
  readonly bytes: number
  readonly line: number
  readonly sealLine: Buffer | undefined
}

/** A segment that was removed for its age: only the index says how it ended. */
export type RemovedSegment = Omit<SegmentToVerify, 'path' | 'ended'> & { readonly ended: EndedSegment }

/** What its checkpoints say otherwise than the index: a holder of the auditor's key may have removed it. */
export function problemsOfRemoved(segment: RemovedSegment): readonly AuditProblem[] {
  const { checkpoints, ended, key: first, budget } = segment
  const problems: AuditProblem[] = []
  let [key, group, position] = [first.later(0), 0, 0]
  try {
    for (let next = checkpoints?.at(0); next !== undefined && next.group <= ended.group; next = checkpoints?.at(++position)) {
      for (; group <= next.group; group++) key.advance()
      const problem = isSigned(next, key) ? otherwise(next, segment) : notSigned(next)
      if (problem !== undefined) problems.push(problem.problem)
    }
    for (; group <= ended.group; group++) key.advance()
    const beyond = checkpoints && checkpointBeyond(checkpoints, { group, key, position }, budget)
    if (beyond !== undefined) problems.push(removedOtherwise(segment, beyond).problem)
  } catch (error) {
    if (!(error instanceof ProblemFound)) throw error
    problems.push(error.problem)
  } finally {
    key.wipe()
  }
  return problems
}

function otherwise(checkpoint: Checkpoint, segment: RemovedSegment): ProblemFound | undefined {
  const { ended, indexLines, digests } = segment
  if (checkpoint.index >= indexLines) return indexTruncated(indexLines, checkpoint)
  if ((digests.get(checkpoint.index) ?? checkpoint.head) !== checkpoint.head) return indexEdited(checkpoint)
  const isEnd = checkpoint.group === ended.group
  const isAlike = checkpoint.seals === ended.seals && checkpoint.records === ended.records && checkpoint.bytes === ended.bytes
  return isEnd && !isAlike ? removedOtherwise(segment, checkpoint) : undefined
}

function removedOtherwise({ step }: RemovedSegment, { file, line }: Checkpoint): ProblemFound {
  const explanation = `the segment that was removed for its age ended otherwise, by a checkpoint: line ${line} of ${file}`
  return new ProblemFound({ what: 'edited', file: segmentName(step), line: 1, segment: step, explanation })
}

/** Compares a segment with its checkpoints while its groups are verified. */
export class CheckpointComparison {
  /** The time of the last one that fits. */
  at: number | undefined
  /** The number of records by the last signed one. */
  records = 0
  readonly problems: AuditProblem[] = []
  readonly #segment: SegmentToVerify
  readonly #damage: SegmentDamage
  #seals: Buffer | undefined = noSeals
  /** From where the hash is known. */
  #knownAt = 0
  /** The hash of what stands here, whatever checkpoints say. */
  #own: Buffer | undefined = noSeals
  /** The last group whose content a checkpoint confirmed. */
  #confirmed = -1
  /** The first checkpoint of other content. */
  #other: Checkpoint | undefined
  #isForked = false
  #isIndexEdited = false
  #isIndexCut = false
  /** An index into the checkpoints. */
  #compared = 0

  constructor(segment: SegmentToVerify, damage: SegmentDamage) {
    this.#segment = segment
    this.#damage = damage
  }

  /** The hash over all seals, base64url; `undefined` behind a missing one. */
  get seals(): string | undefined {
    return this.#seals?.toString('base64url')
  }

  /** Compares the checkpoints of a group, which its successor's key signs. */
  pass(group: number, key: ChainKey, { bytes, line, sealLine }: Passed): void {
    const { checkpoints } = this.#segment
    this.#seals = this.#seals && sealLine && sealsWith(this.#seals, sealLine)
    this.#own = this.#own && sealLine && sealsWith(this.#own, sealLine)
    for (let next = checkpoints?.at(this.#compared); next?.group === group; next = checkpoints?.at(++this.#compared)) {
      if (!isSigned(next, key)) this.#found(notSigned(next))
      else this.#compare(next, bytes, line)
    }
  }

  judgeEnd({ group, key, lastSeen, line }: End): void {
    const { checkpoints, budget } = this.#segment
    if (this.#isForked) return // the other history may be longer
    try {
      const beyond = checkpoints && checkpointBeyond(checkpoints, { group, key, position: this.#compared }, budget)
      if (beyond === undefined) return
      this.records = Math.max(this.records, beyond.records)
      if (beyond.group <= lastSeen) return
      const explanation = `a checkpoint says that the segment was longer: line ${beyond.line} of ${beyond.file}`
      this.#damage.report('truncated', line + 1, explanation, line + 1, true)
    } catch (error) {
      this.#found(error)
    }
  }

  #compare(checkpoint: Checkpoint, bytes: number, line: number): void {
    this.#findFork(checkpoint, line)
    if (this.#isForked) return
    this.records = checkpoint.records
    this.#compareIndex(checkpoint)
    this.#compareSeals(checkpoint, line)
    if (!this.#damage.isNone) return
    if (checkpoint.bytes !== bytes)
      return this.#damage.report('edited', line, 'the length of the segment up to here differs from a checkpoint')
    this.at = Math.max(this.at ?? 0, checkpoint.time)
  }

  /**
   * Rewritten content fits no later checkpoint. So if some fit and one does not, two machines or
   * processes sealed on from the same key.
   */
  #findFork(checkpoint: Checkpoint, line: number): void {
    const own = this.#own?.toString('base64url')
    if (own === undefined || this.#isForked) return
    if (own === checkpoint.seals) this.#confirmed = checkpoint.group
    else this.#other ??= checkpoint
    if (this.#other === undefined || this.#confirmed < this.#other.group) return
    this.#isForked = true
    this.#damage.report('forked', line, `two authentic histories: this one, and that of line ${this.#other.line} of ${this.#other.file}`)
  }

  #compareIndex(checkpoint: Checkpoint): void {
    const { indexLines, digests } = this.#segment
    if (checkpoint.index >= indexLines) return this.#findIndexCut(indexTruncated(indexLines, checkpoint))
    const isEdited = (digests.get(checkpoint.index) ?? checkpoint.head) !== checkpoint.head
    if (isEdited && !this.#isIndexEdited) this.#found(indexEdited(checkpoint))
    this.#isIndexEdited ||= isEdited
  }

  /** One of them says it all. */
  #findIndexCut(problem: ProblemFound): void {
    if (!this.#isIndexCut) this.#found(problem)
    this.#isIndexCut = true
  }

  /** Behind damage the hash continues from a checkpoint. */
  #compareSeals({ seals, file, line: at }: Checkpoint, line: number): void {
    if (this.#seals !== undefined && this.seals !== seals) {
      const explanation = `the sealed content up to here differs from a checkpoint: line ${at} of ${file}`
      this.#damage.report('edited', this.#knownAt + 1, explanation, line)
    }
    this.#seals = Buffer.from(seals, 'base64url')
    this.#knownAt = line
  }

  #found(error: unknown): void {
    if (!(error instanceof ProblemFound)) throw error
    this.problems.push(error.problem)
  }
}
