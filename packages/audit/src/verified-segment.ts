import type { KeyObject } from 'node:crypto'
import type { AuditProblem, Problems } from './audit-problem.ts'
import type { EndedSegment } from './folder-index.ts'
import type { SegmentCheckpoints } from './held-checkpoints.ts'
import { derivedKey, isMac, type KeyBudget, laterKey, macOf } from './key-chain.ts'
import { SegmentCheckpointing } from './passed-checkpoints.ts'
import { lastLineOf, SegmentDamage } from './segment-damage.ts'
import { asRecord, isCount, type Seal } from './segment-format.ts'
import { hasUnwritten, maxGroupRecords, readSegment, type SegmentGroup } from './segment-reader.ts'
import { DamagedArchive } from './unpacked-file.ts'

export interface SegmentToVerify {
  readonly path: string
  /** The step that opened it. */
  readonly step: number
  /** Of group 0. */
  readonly key: KeyObject
  readonly ended: EndedSegment | undefined
  /** Of this segment, if there are any. */
  readonly checkpoints: SegmentCheckpoints | undefined
  /** How long the index is. */
  readonly indexLines: number
  readonly budget: KeyBudget
}

/** What was proven of one segment. */
export interface VerifiedSegment {
  readonly records: number
  /** Records that are there and not proven. */
  readonly damaged: number
  /** Records that were written, as the index or a seal says, and are not there. */
  readonly missing: number
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
  /** What is wrong with the segment. */
  readonly problems: Problems
  /** What is wrong with checkpoints that speak of it. */
  readonly ofCheckpoints: readonly AuditProblem[]
}

/** A group that is proven, and where its lines stand among those that are before the seal. */
interface Sealed {
  readonly lines: readonly Buffer[]
  readonly bytes: Buffer
  readonly at: number
}

/**
 * Verifies one segment, group by group. A group counts if its seal fits under the key of its number, and the numbers go up: what stands between two such groups,
 * or behind the last one, is damage, and verification goes on behind it.
 */
export class SegmentVerification {
  readonly #segment: SegmentToVerify
  readonly #damage: SegmentDamage
  readonly #checkpoints: SegmentCheckpointing
  #key: KeyObject
  #next = 0
  #line = 0
  #bytes = 0
  #size = 0
  /** Lines that are neither the header nor a seal, of all groups before. */
  #lines = 0
  #records = 0
  #missed = 0
  #from: number | undefined
  #to: number | undefined
  #isEnded = false
  /** The first group with zeros in it. */
  #unwritten: SegmentGroup | undefined
  #behindZeros = 0
  /** The last lines that no seal followed yet, and how many there are. */
  #unsealed: readonly Buffer[] = []
  #unsealedCount = 0
  /** The last group of which was asked whether it was sealed, and its key. */
  #asked: { readonly group: number; readonly key: KeyObject } | undefined
  #keysMade = 0
  /** Groups that were refused since the last one that was accepted, and the highest number that one of them claims. */
  #refused = 0
  #highestRefused = -1
  /** Groups that stand before one that came earlier, which was said of them. */
  readonly #displaced = new Set<number>()
  #fewer = 0

  constructor(segment: SegmentToVerify) {
    this.#segment = segment
    this.#damage = new SegmentDamage(segment.path, segment.step)
    this.#checkpoints = new SegmentCheckpointing(segment, this.#damage)
    this.#key = segment.key
  }

  /** The groups that are as they were sealed, as they are found to be. */
  async *groups(): AsyncGenerator<SegmentGroup> {
    try {
      for await (const group of readSegment(this.#segment.path, this.#mostBytes())) {
        const verified = await this.#verify(group)
        if (group.lines.length > 0) this.#lines += group.lines.length - (group.firstLine === 1 ? 1 : 0)
        if (verified !== undefined) yield verified
      }
    } catch (error) {
      if (!(error instanceof DamagedArchive)) throw error
      this.#damage.report('edited', this.#line + 1, error.message)
    }
    this.#judgeEnd()
    if (this.#next === 0) this.#damage.problems.keepFirst()
  }

  /** What is proven, once all groups were read. */
  result(): VerifiedSegment {
    const [records, missed, from, to, torn] = [this.#records, this.#missed, this.#from, this.#to, this.#size - this.#bytes]
    const [lastLine, isEnded, checkpointedAt] = [this.#line, this.#isEnded, this.#checkpoints.at]
    const [problems, ofCheckpoints] = [this.#damage.problems, this.#checkpoints.problems]
    return { records, ...this.#lost(), missed, from, to, isEnded, lastLine, checkpointedAt, torn, problems, ofCheckpoints }
  }

  /** The group, if it is proven; what was being written when its process died is not. */
  async #verify(group: SegmentGroup): Promise<SegmentGroup | undefined> {
    this.#size = group.endsAt
    if (this.#isBehindCut()) return undefined
    this.#damage.lookAt(group, this.#lines)
    if (this.#isEnded) return this.#behindEnd(group)
    this.#unwritten ??= !this.#isLengthKnown() && hasUnwritten(group) ? group : undefined
    if (group.seal === undefined) return this.#withoutSeal(group)
    const sealed = this.#sealedLines(group, group.seal)
    const isEarly = sealed !== undefined && group.seal.group > this.#next && (await this.#isEarly(group))
    if (sealed === undefined || isEarly) await this.#refuse(group, group.seal, isEarly)
    else await this.#accept(group, group.seal, sealed)
    this.#unsealed = []
    this.#unsealedCount = 0
    return sealed === undefined || isEarly ? undefined : { ...group, lines: sealed.lines }
  }

  /** Somebody may have put lines before or behind those that were sealed, or have taken away the seal before. */
  #sealedLines(group: SegmentGroup, seal: Seal): Sealed | undefined {
    const key = this.#keyOf(seal.group)
    const lines = this.#unsealed.length === 0 ? group.lines : [...this.#unsealed, ...group.lines]
    const count = seal.records + (seal.group === 0 ? 1 : 0)
    for (let at = lines.length - count; key !== undefined && at >= 0; at--) {
      const sealed = at === 0 && count === lines.length ? lines : lines.slice(at, at + count)
      const bytes = Buffer.concat(sealed)
      if (isMac(macOf(key, 'seal', bytes, seal.signed), seal.mac)) return { lines: sealed, bytes, at }
    }
    return undefined
  }

  /** Whether a group that came earlier stands behind this one. */
  async #isEarly({ firstLine }: SegmentGroup): Promise<boolean> {
    if (this.#unwritten !== undefined || !this.#damage.mayLook()) return false
    for await (const { seal, lines, firstLine: line } of readSegment(this.#segment.path, this.#mostBytes())) {
      if (line <= firstLine || seal?.group !== this.#next) continue
      if (isMac(macOf(this.#key, 'seal', Buffer.concat(lines), seal.signed), seal.mac)) return true
    }
    return false
  }

  async #accept(group: SegmentGroup, seal: Seal, { lines, bytes, at }: Sealed): Promise<void> {
    const skipped = seal.group - this.#next
    const extra = this.#unsealedCount + group.lines.length - lines.length
    if (this.#unwritten !== undefined) this.#overwrittenAt(this.#unwritten)
    else if (skipped > this.#refused + this.#displacedBefore(seal.group)) this.#groupsMissing(group)
    else if (this.#unsealedCount > 0) this.#damage.report('edited', this.#line + 1, 'these lines have no seal')
    else if (extra > 0) await this.#damage.locate(group, seal)
    if (skipped > 0) this.#damage.records += at > 0 ? extra : 0
    this.#passTo(seal.group, group)
    this.#refused = 0
    this.#records += seal.records
    this.#isEnded = seal.end === true
    if (seal.records > 0) this.#note(lines)
    if (bytes.includes(gapMember)) this.#countMissed(lines)
  }

  #passTo(accepted: number, group: SegmentGroup): void {
    this.#bytes = group.endsAt
    this.#line = lastLineOf(group)
    for (; this.#next <= accepted; this.#next++) {
      this.#key = derivedKey(this.#key, 'next')
      this.#checkpoints.pass(this.#next, this.#key, { bytes: this.#bytes, line: this.#line })
    }
  }

  #groupsMissing(group: SegmentGroup): void {
    this.#damage.report('missing', group.firstLine, 'a group, or the seal of one, is missing here', lastLineOf(group))
  }

  #displacedBefore(group: number): number {
    return [...this.#displaced].filter((one) => this.#next <= one && one < group).length
  }

  /** Zeros are the torn end of what a power cut left, unless something was sealed after it: then they were written over what stood there. */
  #overwrittenAt(group: SegmentGroup): void {
    this.#damage.records += this.#behindZeros
    this.#behindZeros = 0
    this.#damage.report('edited', group.firstLine, overwritten, lastLineOf(group))
    this.#unwritten = undefined
  }

  /** Behind zeros nothing is a problem until something is sealed again. */
  async #refuse(group: SegmentGroup, seal: Seal, isEarly: boolean): Promise<void> {
    const records = this.#unsealedCount + group.lines.length - (group.firstLine === 1 ? 1 : 0)
    if (this.#unwritten !== undefined) {
      this.#behindZeros += records
      return
    }
    this.#damage.records += records
    if (isEarly) return this.#displace(group, seal)
    if (seal.group < this.#next) return this.#again(group, seal)
    this.#refused++
    this.#highestRefused = Math.max(this.#highestRefused, Math.min(seal.group, this.#segment.ended?.group ?? this.#next))
    this.#fewer += Math.max(0, Math.min(seal.records, maxGroupRecords) - group.lines.length)
    if (group.firstLine > 1) return this.#damage.locate(group, seal)
    return this.#damage.report('edited', 1, 'the segment was replaced, or its header was edited', lastLineOf(group))
  }

  #displace(group: SegmentGroup, seal: Seal): void {
    this.#displaced.add(seal.group)
    this.#highestRefused = Math.max(this.#highestRefused, seal.group)
    this.#damage.report('reordered', group.firstLine, 'the group stands before one that came earlier', lastLineOf(group))
  }

  #again(group: SegmentGroup, seal: Seal): void {
    if (this.#displaced.delete(seal.group)) return
    this.#damage.records -= group.lines.length // what was written is not damaged by a copy of it
    this.#damage.report('duplicated', group.firstLine, 'the group stands here a second time, or out of order', lastLineOf(group))
  }

  /** At the end a process died, or is at it, or somebody took a seal away. */
  #withoutSeal({ lines, firstLine, sealLine }: SegmentGroup): undefined {
    if (sealLine.at(-1) === lineFeed && this.#unwritten === undefined) {
      this.#damage.report('edited', firstLine + lines.length, 'the seal is none')
      this.#damage.records += this.#unsealedCount + lines.length
      this.#refused++
      this.#highestRefused = Math.max(this.#highestRefused, this.#next)
      this.#unsealed = []
      this.#unsealedCount = 0
      return
    }
    this.#unsealed = [...this.#unsealed, ...lines].slice(-maxGroupRecords - 1)
    this.#unsealedCount += lines.length
  }

  #behindEnd({ firstLine }: SegmentGroup): undefined {
    const isFirst = this.#unsealedCount++ === 0
    if (isFirst) this.#damage.report('inserted', firstLine, 'the segment was ended before this line')
  }

  /** Anybody can write a large number: beyond what has room in the file, keys are taken from the budget. */
  #keyOf(group: number): KeyObject | undefined {
    const { ended, budget } = this.#segment
    if (group === this.#next) return this.#key
    if (group < this.#next || (this.#isLengthKnown() && group > (ended?.group ?? 0))) return undefined
    const nearest = this.#asked !== undefined && this.#asked.group >= this.#next && this.#asked.group <= group ? this.#asked : undefined
    const from = nearest ?? { group: this.#next, key: this.#key }
    const steps = group - from.group
    const hasRoom = this.#keysMade + steps <= 2 * Math.max(this.#size / leastGroupBytes, (ended?.group ?? 0) + 1)
    if (!hasRoom && !budget.take(steps)) return undefined
    this.#keysMade += hasRoom ? steps : 0
    this.#asked = { group, key: laterKey(from.key, steps) }
    return this.#asked.key
  }

  #note(lines: readonly Buffer[]): void {
    for (const line of new Set([lines[0], lines.at(-1)])) {
      const time = line && timeIn(line)
      if (time === undefined) continue
      this.#from = Math.min(this.#from ?? time, time)
      this.#to = Math.max(this.#to ?? time, time)
    }
  }

  #countMissed(lines: readonly Buffer[]): void {
    for (const line of lines) {
      const missed = line.includes(gapMember) ? asRecord(line)?.missed : 0
      if (isCount(missed)) this.#missed += missed
    }
  }

  /** Whoever found the segment cut has said how much stood there and how much of that counts. */
  #isBehindCut(): boolean {
    const { ended } = this.#segment
    if (ended?.found !== 'cut') return false
    return ended.bytes === 0 || this.#lastSeen() >= ended.group
  }

  /** The highest number of a group that is there, proven or not. */
  #lastSeen(): number {
    return Math.max(this.#next - 1, this.#highestRefused)
  }

  /** Of what has ended, it is known how far it went. */
  #isLengthKnown(): boolean {
    const found = this.#segment.ended?.found
    return found === 'ended' || found === 'cut'
  }

  #mostBytes(): number | undefined {
    const { bytes, torn } = this.#segment.ended ?? { bytes: 0, torn: 0 }
    return this.#isLengthKnown() ? bytes + torn : undefined
  }

  #judgeEnd(): void {
    const { ended } = this.#segment
    this.#checkpoints.judgeEnd({ group: this.#next, key: this.#key, lastSeen: this.#lastSeen(), line: this.#line })
    if (ended === undefined) return
    if (this.#isLengthKnown() && !this.#isEnded && !this.#isBehindCut()) this.#damage.records += this.#unsealedCount
    if (this.#damage.isNone) this.#judgeRecordedEnd(ended)
    else if (this.#lastSeen() < ended.group && !this.#damage.problems.list.some(({ what }) => what === 'truncated')) this.#truncated()
  }

  #truncated(): void {
    this.#damage.report('truncated', this.#line + 1, 'the segment was longer when it ended')
  }

  #judgeRecordedEnd({ found, bytes, torn }: EndedSegment): void {
    const report = this.#damage.report.bind(this.#damage)
    if (found === 'missing') return report('missing', 1, 'the segment was gone when its process had ended')
    if (this.#bytes < bytes) return this.#truncated()
    if (this.#bytes > bytes && found !== 'unused') return report('inserted', this.#line, 'the segment was shorter when it ended')
    if (found === 'unused' && this.#records > 0) return report('inserted', 2, 'the segment was never used')
    if (found === 'cut' && this.#size > bytes + torn)
      return report('inserted', this.#line + 1, 'less stood behind the last seal when its process had died')
    if (found === 'ended' && this.#size > this.#bytes) report('inserted', this.#line + 1, 'the segment was ended before this line')
  }

  /** How many records were written the index says, or a checkpoint; or as many as stand there, and are missing in groups that have fewer than were sealed. */
  #lost(): Pick<VerifiedSegment, 'damaged' | 'missing'> {
    const { ended } = this.#segment
    if (this.#damage.isNone) return { damaged: 0, missing: 0 }
    const unproven = Math.max(0, this.#damage.records)
    const least = Math.max(this.#records + unproven + this.#fewer, this.#checkpoints.records)
    const written = this.#isLengthKnown() ? Math.max(ended?.records ?? 0, this.#records) : least
    const damaged = Math.min(unproven, written - this.#records)
    return { damaged, missing: written - this.#records - damaged }
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
