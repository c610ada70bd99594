import { basename } from 'node:path'
import type { AuditRecord } from '@finchat/secrets-core'
import { DamagedArchive } from '../disk/gzip-file.ts'
import { asRecord, type Seal } from '../format/segment-format.ts'
import { readSegment, recordsOf, type SegmentGroup } from '../format/segment-reader.ts'
import { type AuditProblem, Problems } from './audit-problem.ts'

/** The last number of each trail before the group. */
export type LastSeqs = ReadonlyMap<string, number>

/** A record that is not where it should be. */
export interface AbsentRecord {
  readonly trail: string
  readonly seq: number
}

interface Where extends Pick<AuditProblem, 'what' | 'line' | 'lastLine' | 'explanation'> {
  /** A record `missing` before the line, which may stand further down in the segment. */
  readonly absent?: AbsentRecord
}

interface Numbered {
  readonly line: number
  readonly trail: string
  readonly seq: number
  readonly text: string
  readonly missedFrom: number | undefined
}

const standsBeforeEarlier = 'the record stands before one that came earlier'

/**
 * Locates what is wrong with a group whose seal does not fit: by the records' numbers if they show
 * it, otherwise by the whole group.
 */
function locateTampering(group: SegmentGroup, seal: Seal, before: LastSeqs): Where {
  const { firstLine, lines } = group
  const records: Numbered[] = []
  for (const [index, line] of lines.entries()) {
    const record = asRecord(line)
    if (record === undefined) return at(firstLine + index, 'edited', 'the line is not a record')
    const { trail, seq, missedFrom } = record
    records.push({ line: firstLine + index, trail, seq, text: line.toString('latin1'), missedFrom })
  }
  return outOfOrder(records, before) ?? miscounted(group, seal, records, before) ?? somewhere(group)
}

function at(line: number, what: Where['what'], explanation: string): Where {
  return { what, line, lastLine: line, explanation }
}

/** A gap record stands for all that it missed. */
function isAt(absent: AbsentRecord, { trail, seq, missedFrom = seq }: Pick<AuditRecord, 'trail' | 'seq' | 'missedFrom'>): boolean {
  return trail === absent.trail && missedFrom <= absent.seq && absent.seq <= seq
}

/** The first record whose number does not follow. */
function outOfOrder(records: readonly Numbered[], before: LastSeqs): Where | undefined {
  const last = new Map(before)
  for (const [index, { line, trail, seq, missedFrom, text }] of records.entries()) {
    const previous = last.get(trail)
    const isLater = records.slice(index + 1).some((other) => isAt({ trail, seq: (previous ?? 0) + 1 }, other))
    if (previous !== undefined && seq <= previous) {
      const isCopy = records.slice(0, index).some((other) => other.text === text) || seq === previous
      if (isCopy) return at(line, 'duplicated', 'the record occurs here a second time')
      return at(line, 'reordered', 'the record stands behind one that came later')
    }
    if (previous !== undefined && (missedFrom ?? seq) > previous + 1) {
      if (isLater) return at(line, 'reordered', standsBeforeEarlier)
      return { ...at(line, 'missing', 'a record is missing before this one'), absent: { trail, seq: previous + 1 } }
    }
    last.set(trail, seq)
  }
  return undefined
}

function miscounted({ firstLine, lines }: SegmentGroup, seal: Seal, records: readonly Numbered[], before: LastSeqs): Where | undefined {
  const lastLine = firstLine + lines.length
  if (lines.length < seal.records) return { ...at(lastLine, 'missing', 'the group has fewer records than were sealed'), line: firstLine }
  if (lines.length === seal.records) return undefined
  const stranger = before.size > 0 ? records.find(({ trail }) => !before.has(trail)) : undefined
  if (stranger !== undefined) return at(stranger.line, 'inserted', 'the record is of a trail that is not in this segment')
  return { ...at(lastLine, 'inserted', 'the group has more records than were sealed'), line: firstLine }
}

function somewhere({ firstLine, lines }: SegmentGroup): Where {
  const explanation = lines.length === 1 ? 'the record or its seal is not as it was sealed' : 'one of these lines is not as it was sealed'
  return { what: 'edited', line: firstLine, lastLine: firstLine + lines.length, explanation }
}

const mostProblems = 100
/** Locating reads the segment again; beyond this, problems name their group only. */
const mostLooks = 16

/** What is wrong with one segment, and how many of its records are unproven. */
export class SegmentDamage {
  readonly problems: Problems = new Problems(mostProblems)
  records = 0
  readonly #path: string
  readonly #step: number
  readonly #mostBytes: number | undefined
  #looksLeft = mostLooks
  /** The lines under examination, and the records before them. */
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

  /** Sets where further problems are. */
  lookAt({ firstLine, lines }: SegmentGroup, recordsBefore: number): void {
    this.#firstLine = firstLine
    this.#lastLine = firstLine + lines.length - 1
    this.#recordsBefore = recordsBefore
  }

  report(what: AuditProblem['what'], line: number, explanation: string, lastLine: number = line, mayBeCopy = false): void {
    const records = { record: this.#recordAt(line), lastRecord: this.#recordAt(Math.min(lastLine, this.#lastLine)) }
    const isAtRecords = records.record !== undefined && records.lastRecord !== undefined
    const where = {
      file: basename(this.#path),
      line,
      lastLine,
      segment: this.#step,
      ...(isAtRecords && records),
      ...(mayBeCopy && { mayBeCopy }),
    }
    this.problems.add({ what, explanation, ...where })
  }

  /** A group whose seal does not fit, or which has extra lines. */
  async locate(group: SegmentGroup, seal: Seal): Promise<void> {
    if (!this.mayLook()) return this.report('edited', group.firstLine, 'the group is not as it was sealed', lastLineOf(group))
    const { what, line, lastLine, explanation, absent } = locateTampering(group, seal, await this.#lastSeqsBefore(group))
    if (absent !== undefined && (await this.#standsBehind(group, absent))) return this.report('reordered', line, standsBeforeEarlier)
    return this.report(what, line, explanation, lastLine)
  }

  mayLook(): boolean {
    return this.#looksLeft-- > 0
  }

  /** Ignores damage, which the first reader reports. */
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

  /** Unverified groups suffice to tell a swap from a deletion. */
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

/** The line of its seal. */
export function lastLineOf({ firstLine, lines }: SegmentGroup): number {
  return firstLine + lines.length
}
