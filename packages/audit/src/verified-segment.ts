import type { KeyObject } from 'node:crypto'
import { basename } from 'node:path'
import { ProblemFound } from './audit-problem.ts'
import { type AbsentRecord, isAt, type LastSeqs, locate, standsBeforeEarlier } from './bad-group.ts'
import type { EndedSegment } from './folder-index.ts'
import type { SegmentCheckpoints } from './held-checkpoints.ts'
import { derivedKey, isMac, laterKey, macOf } from './key-chain.ts'
import { asRecord, isCount, type Seal } from './segment-format.ts'
import { hasUnwritten, maxGroupRecords, readSegment, recordsOf, type SegmentGroup } from './segment-reader.ts'
import { assertSigned, checkpointBeyond } from './signed-checkpoints.ts'
import { indexTruncated } from './verified-index.ts'

export interface SegmentToVerify {
  readonly path: string
  /** Of group 0. */
  readonly key: KeyObject
  readonly ended: EndedSegment | undefined
  /** Of this segment, if there are any. */
  readonly checkpoints: SegmentCheckpoints | undefined
  /** How long the index is. */
  readonly indexLines: number
}

/** What was proven of one segment. */
export interface VerifiedSegment {
  readonly records: number
  /** Records that its sink did not acknowledge in time, as gap records say. */
  readonly missed: number
  readonly from: number | undefined
  readonly to: number | undefined
  readonly isEnded: boolean
  /** The number of the last line that is sealed. */
  readonly lastLine: number
  /** The time of the last checkpoint. */
  readonly checkpointedAt: number | undefined
  /** Bytes behind the last seal. */
  readonly torn: number
}

/** Verifies one segment, group by group. */
export class SegmentVerification {
  readonly #segment: SegmentToVerify
  readonly #file: string
  #key: KeyObject
  #next = 0
  #line = 0
  #bytes = 0
  #size = 0
  #records = 0
  #missed = 0
  #from: number | undefined
  #to: number | undefined
  #isEnded = false
  /** The first group with zeros in it. */
  #unwritten: SegmentGroup | undefined
  /** The lines behind that which no seal followed yet. */
  #unsealedLines: readonly Buffer[] = []
  /** The last group behind that of which was asked whether it was sealed, and its key. */
  #asked: { readonly group: number; readonly key: KeyObject } | undefined
  /** How many checkpoints were passed. There may be one for each second of a day, of which none is moved. */
  #passed = 0
  #checkpointedAt: number | undefined

  constructor(segment: SegmentToVerify) {
    this.#segment = segment
    this.#file = basename(segment.path)
    this.#key = segment.key
  }

  /** The groups that are as they were sealed, as they are found to be. Throws `ProblemFound` at the first thing that is not, the segment's end included. */
  async *groups(): AsyncGenerator<SegmentGroup> {
    for await (const group of readSegment(this.#segment.path)) {
      if (await this.#verify(group)) yield group
    }
    this.#assertNotTruncated()
  }

  /** Whether the group is proven; what was being written when its process died is not. */
  async #verify(group: SegmentGroup): Promise<boolean> {
    const { seal, firstLine } = group
    this.#size = group.endsAt
    if (this.#isEnded) this.#fail('inserted', firstLine, 'the segment was ended before this line')
    if (this.#isBehindCut()) return false
    this.#unwritten ??= this.#mayBeTorn() && hasUnwritten(group) ? group : undefined
    if (this.#unwritten !== undefined) return this.#behindUnwritten(group, this.#unwritten)
    if (seal === undefined) return this.#unsealed(group)
    if (this.#bytes !== this.#size - sizeOf(group)) this.#fail('edited', this.#line + 1, 'these lines have no seal')
    if (seal.group !== this.#next) await this.#misplaced(group, seal)
    const bytes = Buffer.concat(group.lines)
    if (!isMac(macOf(this.#key, 'seal', bytes, seal.signed), seal.mac)) await this.#broken(group, seal)
    if (bytes.includes(gapMember)) this.#countMissed(group)
    this.#accept(group, seal)
    this.#passCheckpoints()
    return true
  }

  /** What is proven so far. */
  result(): VerifiedSegment {
    const [records, missed, from, to, torn] = [this.#records, this.#missed, this.#from, this.#to, this.#size - this.#bytes]
    return { records, missed, from, to, isEnded: this.#isEnded, lastLine: this.#line, checkpointedAt: this.#checkpointedAt, torn }
  }

  #accept(group: SegmentGroup, { records, end }: Seal): void {
    this.#key = derivedKey(this.#key, 'next')
    this.#next++
    this.#bytes = group.endsAt
    this.#line = group.firstLine + group.lines.length
    this.#records += records
    this.#isEnded = end === true
    if (records === 0) return
    for (const line of new Set([group.lines[0], group.lines.at(-1)])) this.#note(line && timeIn(line))
  }

  #countMissed({ lines }: SegmentGroup): void {
    for (const line of lines) {
      const missed = line.includes(gapMember) ? asRecord(line)?.missed : 0
      if (isCount(missed)) this.#missed += missed
    }
  }

  #note(time: number | undefined): void {
    if (time === undefined) return
    this.#from = Math.min(this.#from ?? time, time)
    this.#to = Math.max(this.#to ?? time, time)
  }

  /** Lines without a seal are at the end, where a process died or is at it, or somebody took a seal away. */
  #unsealed({ lines, firstLine, sealLine }: SegmentGroup): boolean {
    if (sealLine.at(-1) === lineFeed) this.#fail('edited', firstLine + lines.length, 'the seal is none')
    return false
  }

  /** Whoever found the segment cut has said how much stood there and how much of that counts. */
  #isBehindCut(): boolean {
    const { ended } = this.#segment
    return ended?.found === 'cut' && this.#bytes >= ended.bytes
  }

  /** Of what has ended, it is known how far it went. */
  #mayBeTorn(): boolean {
    const { ended } = this.#segment
    return ended === undefined || ended.found === 'unused'
  }

  /** Zeros are the torn end of what a power cut left, unless something was sealed after it: then they were written over what stood there. */
  #behindUnwritten({ seal, lines }: SegmentGroup, { firstLine, lines: unwritten }: SegmentGroup): boolean {
    // Where zeros stand in the place of a seal, the lines of its group come together with those of the next.
    const unsealed = [...this.#unsealedLines, ...lines]
    this.#unsealedLines = seal === undefined ? unsealed.slice(-maxGroupRecords) : []
    const key = seal && this.#keyBehindUnwritten(seal.group)
    if (seal === undefined || key === undefined) return false
    const sealed = unsealed.slice(unsealed.length - seal.records)
    if (!isMac(macOf(key, 'seal', ...sealed, seal.signed), seal.mac)) return false
    return this.#fail('edited', firstLine, overwritten, firstLine + unwritten.length)
  }

  /** Anybody can write a large number: it must go up, and no further than groups have room in the bytes until here. */
  #keyBehindUnwritten(group: number): KeyObject | undefined {
    const asked = this.#asked ?? { group: this.#next, key: this.#key }
    const most = this.#next + (this.#size - this.#bytes) / leastGroupBytes
    if (group < asked.group || group > most) return undefined
    this.#asked = { group, key: laterKey(asked.key, group - asked.group) }
    return this.#asked.key
  }

  async #misplaced({ firstLine, lines }: SegmentGroup, seal: Seal): Promise<never> {
    const line = firstLine + lines.length
    if (seal.group < this.#next) return this.#fail('duplicated', firstLine, 'the group stands here a second time, or out of order', line)
    for await (const later of readSegment(this.#segment.path)) {
      if (later.seal?.group === this.#next) return this.#fail('reordered', firstLine, 'the group stands before one that came earlier', line)
    }
    return this.#fail('missing', firstLine, 'a group, or the seal of one, is missing here', line)
  }

  async #broken(group: SegmentGroup, seal: Seal): Promise<never> {
    const isHeader = this.#next === 0
    if (isHeader) return this.#fail('edited', 1, 'the segment was replaced, or its header was edited', group.firstLine + group.lines.length)
    const { what, line, lastLine, explanation, absent } = locate(group, seal, await this.#lastSeqsBefore(group))
    if (absent !== undefined && (await this.#standsBehind(group, absent))) return this.#fail('reordered', line, standsBeforeEarlier)
    return this.#fail(what, line, explanation, lastLine)
  }

  /** Read again too: the groups there were not verified, which is enough to tell a swap from a deletion. */
  async #standsBehind({ firstLine }: SegmentGroup, absent: AbsentRecord): Promise<boolean> {
    for await (const group of readSegment(this.#segment.path)) {
      if (group.firstLine > firstLine && recordsOf(group).some((record) => isAt(absent, record))) return true
    }
    return false
  }

  /** Of groups that are authentic. Read again, since it is asked for once at most. */
  async #lastSeqsBefore({ firstLine }: SegmentGroup): Promise<LastSeqs> {
    const lastSeqs = new Map<string, number>()
    for await (const group of readSegment(this.#segment.path)) {
      if (group.firstLine >= firstLine) break
      for (const { trail, seq } of recordsOf(group)) lastSeqs.set(trail, seq)
    }
    return lastSeqs
  }

  #passCheckpoints(): void {
    const { checkpoints, indexLines } = this.#segment
    for (let next = checkpoints?.at(this.#passed); next?.group === this.#next - 1; next = checkpoints?.at(++this.#passed)) {
      assertSigned(next, this.#key)
      if (next.index >= indexLines) throw indexTruncated(indexLines, next)
      if (next.bytes !== this.#bytes) this.#fail('edited', this.#line, 'the segment is not as long here as a checkpoint says')
      this.#checkpointedAt = Math.max(this.#checkpointedAt ?? 0, next.time)
    }
  }

  #assertNotTruncated(): void {
    const { ended, checkpoints } = this.#segment
    const end = { group: this.#next, key: this.#key, position: this.#passed }
    const beyond = checkpoints && checkpointBeyond(checkpoints, end)
    if (beyond !== undefined)
      this.#fail('truncated', this.#line + 1, `a checkpoint says that the segment was longer: line ${beyond.line} of ${beyond.file}`)
    if (ended === undefined) return
    const cut = 'the segment was longer when it ended'
    if (ended.found === 'missing') this.#fail('missing', 1, 'the segment was gone when its process had ended')
    if (this.#bytes < ended.bytes) this.#fail('truncated', this.#line + 1, cut)
    if (this.#bytes > ended.bytes && ended.found !== 'unused') this.#fail('inserted', this.#line, 'the segment was shorter when it ended')
    if (ended.found === 'unused' && this.#records > 0) this.#fail('inserted', 2, 'the segment was never used')
    if (ended.found === 'cut' && this.#size > ended.bytes + ended.torn)
      this.#fail('inserted', this.#line + 1, 'less stood behind the last seal when its process had died')
    if (ended.found === 'ended' && this.#size > this.#bytes)
      this.#fail('inserted', this.#line + 1, 'the segment was ended before this line')
  }

  #fail(what: ProblemFound['problem']['what'], line: number, explanation: string, lastLine: number = line): never {
    throw new ProblemFound({ what, file: this.#file, line, lastLine, explanation })
  }
}

const overwritten =
  'there are zeros, and sealed groups behind them; after a power cut the process that opens the folder next says which of it was never acknowledged'

const lineFeed = 0x0a
/** Of a seal alone. */
const leastGroupBytes = 90
/** In this form they are members, never text: quotes in text are escaped. */
const gapMember = Buffer.from('"operation":"gap"')
const timeMember = Buffer.from(',"time":')

/** When the record was made, without a look at the rest of it; other members follow. */
function timeIn(line: Buffer): number | undefined {
  const from = line.lastIndexOf(timeMember) + timeMember.length
  const time = Number(line.toString('latin1', from, line.indexOf(',', from)))
  return isCount(time) ? time : undefined
}

function sizeOf({ lines, sealLine }: SegmentGroup): number {
  return lines.reduce((sum, line) => sum + line.length, sealLine.length)
}
