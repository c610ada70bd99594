import { copiesOf, GroupKeys, type Sealed, sealedBehind, sealedPart } from '../format/sealed-groups.ts'
import type { EndedSegment } from '../format/index-line.ts'
import { isMac } from '../keys/key-chain.ts'
import { CheckpointComparison } from './compare-checkpoints.ts'
import { lastLineOf, SegmentDamage } from './locate-tampering.ts'
import { asHeader, maxGroupRecords, type Seal } from '../format/segment-format.ts'
import { SegmentTally, type SegmentToVerify, type SegmentFindings } from './findings.ts'
import { hasUnwritten, readSegment, type SegmentGroup } from '../format/segment-reader.ts'
import { DamagedArchive } from '../disk/gzip-file.ts'

/**
 * Verifies one segment, group by group. A group counts if its seal fits the key of its number, and
 * numbers ascend. Anything else is damage, and verification continues behind it.
 */
export class SegmentVerification {
  readonly #segment: SegmentToVerify
  readonly #damage: SegmentDamage
  readonly #checkpoints: CheckpointComparison
  readonly #keys: GroupKeys
  readonly #tally = new SegmentTally()
  #line = 0
  #bytes = 0
  #size = 0
  /** Records of all groups before, proven or not. */
  #lines = 0
  #isEnded = false
  /** Whether the segment ends at zeros, or where the index says. `whole`: it does not. */
  #end: 'unknown' | 'torn' | 'whole' = 'unknown'
  #sealedBehind = 0
  /** The last lines without a seal, and their number. */
  #unsealed: readonly Buffer[] = []
  #unsealedCount = 0
  /** Groups that were refused since the last accepted one, and their highest number. */
  #refused = 0
  #highestRefused = -1
  /** Groups that stand too early, and were reported. */
  readonly #displaced = new Set<number>()
  #fewer = 0

  constructor(segment: SegmentToVerify) {
    this.#segment = segment
    this.#damage = new SegmentDamage(segment.path, segment.step, this.#mostBytes())
    this.#checkpoints = new CheckpointComparison(segment, this.#damage)
    this.#keys = new GroupKeys(segment.key, segment.ended?.found === 'ended' ? segment.ended.group : undefined, segment.budget)
  }

  /** The authentic groups, in order. */
  async *groups(): AsyncGenerator<SegmentGroup> {
    try {
      yield* this.#verifiedGroups()
      this.#judgeEnd()
    } finally {
      this.#keys.wipe()
    }
    if (this.#keys.next === 0) this.#damage.problems.keepFirst()
  }

  async *#verifiedGroups(): AsyncGenerator<SegmentGroup> {
    try {
      for await (const group of readSegment(this.#segment.path, this.#mostBytes(), 'at once')) {
        const verified = await this.#verify(group)
        if (group.lines.length > 0) this.#lines += group.lines.length - (group.firstLine === 1 ? 1 : 0)
        if (verified !== undefined) yield verified
      }
    } catch (error) {
      if (!(error instanceof DamagedArchive)) throw error
      this.#damage.report('edited', this.#line + 1, error.message)
    }
  }

  /** Complete once all groups were read. */
  result(): SegmentFindings {
    const { host, records, missed, from, to } = this.#tally
    const torn = this.#size - this.#bytes
    const [lastLine, isEnded, checkpointedAt] = [this.#line, this.#isEnded, this.#checkpoints.at]
    const [problems, ofCheckpoints] = [this.#damage.problems, this.#checkpoints.problems]
    return {
      host,
      records,
      ...this.#lost(),
      missed,
      from,
      to,
      isEnded,
      lastLine,
      checkpointedAt,
      torn,
      sealedBehind: this.#sealedBehind,
      problems,
      ofCheckpoints,
    }
  }

  /** `undefined` if it is not proven. */
  async #verify(group: SegmentGroup): Promise<SegmentGroup | undefined> {
    this.#damage.lookAt(group, this.#lines)
    if (this.#end === 'unknown' && this.#seemsToEnd(group)) await this.#judgeCut(group)
    this.#size = group.endsAt
    if (this.#end === 'torn') return undefined
    if (this.#isEnded) return this.#behindEnd(group)
    if (group.seal === undefined) return this.#withoutSeal(group)
    const sealed = this.#sealedLines(group, group.seal)
    const isEarly = sealed !== undefined && group.seal.group > this.#keys.next && (await this.#isEarly(group))
    if (sealed === undefined || isEarly) await this.#refuse(group, group.seal, isEarly)
    else await this.#accept(group, group.seal, sealed)
    this.#unsealed = []
    this.#unsealedCount = 0
    return sealed === undefined || isEarly ? undefined : { ...group, lines: sealed.lines }
  }

  /** Lines may have been inserted, or the seal before removed. */
  #sealedLines(group: SegmentGroup, seal: Seal): Sealed | undefined {
    const key = this.#keys.of(seal.group, this.#size)
    const lines = this.#unsealed.length === 0 ? group.lines : [...this.#unsealed, ...group.lines]
    return key && sealedPart(key, seal, lines)
  }

  /** Whether a group with a lower number stands behind this one. */
  async #isEarly({ firstLine }: SegmentGroup): Promise<boolean> {
    if (!this.#damage.mayLook()) return false
    for await (const { seal, lines, firstLine: line } of this.#damage.readAgain()) {
      if (line <= firstLine || seal?.group !== this.#keys.next) continue
      if (isMac(this.#keys.key.mac('seal', ...lines, seal.signed), seal.mac)) return true
    }
    return false
  }

  async #accept(group: SegmentGroup, seal: Seal, { lines, bytes, at }: Sealed): Promise<void> {
    const skipped = seal.group - this.#keys.next
    const extra = this.#unsealedCount + group.lines.length - lines.length
    if (skipped > this.#refused + this.#displacedBefore(seal.group)) this.#groupsMissing(group)
    else if (this.#unsealedCount > 0) this.#damage.report('edited', this.#line + 1, 'these lines have no seal')
    else if (extra > 0) await this.#damage.locate(group, seal)
    if (skipped > 0) this.#damage.records += at > 0 ? extra : 0
    this.#passTo(seal.group, group)
    this.#refused = 0
    this.#isEnded = seal.end === true
    if (seal.group === 0) this.#tally.host = lines[0] && asHeader(lines[0])?.host
    this.#tally.add(seal.records, lines, bytes)
  }

  #passTo(accepted: number, group: SegmentGroup): void {
    this.#bytes = group.endsAt
    this.#line = lastLineOf(group)
    while (this.#keys.next <= accepted) {
      this.#keys.goOn()
      const current = this.#keys.next - 1
      const sealLine = current === accepted ? group.sealLine : undefined
      this.#checkpoints.pass(current, this.#keys.key, { bytes: this.#bytes, line: this.#line, sealLine })
    }
  }

  #groupsMissing(group: SegmentGroup): void {
    this.#damage.report('missing', group.firstLine, 'a group, or the seal of one, is missing here', lastLineOf(group))
  }

  #displacedBefore(group: number): number {
    return [...this.#displaced].filter((one) => this.#keys.next <= one && one < group).length
  }

  async #refuse(group: SegmentGroup, seal: Seal, isEarly: boolean): Promise<void> {
    const records = this.#unsealedCount + group.lines.length - (group.firstLine === 1 ? 1 : 0)
    this.#damage.records += records
    if (isEarly) return this.#displace(group, seal)
    if (seal.group < this.#keys.next) return this.#again(group, seal)
    this.#refused++
    this.#highestRefused = Math.max(this.#highestRefused, Math.min(seal.group, this.#segment.ended?.group ?? this.#keys.next))
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
    this.#damage.report('duplicated', group.firstLine, 'the group occurs here a second time, or out of order', lastLineOf(group))
  }

  /** Its process died or is writing, or someone removed the seal. */
  #withoutSeal({ lines, firstLine, sealLine }: SegmentGroup): undefined {
    if (sealLine.at(-1) === lineFeed) {
      this.#damage.report('edited', firstLine + lines.length, 'the seal is malformed')
      this.#damage.records += this.#unsealedCount + lines.length
      this.#refused++
      this.#highestRefused = Math.max(this.#highestRefused, this.#keys.next)
      this.#unsealed = []
      this.#unsealedCount = 0
      return
    }
    this.#unsealed = [...this.#unsealed, ...copiesOf(lines)].slice(-maxGroupRecords - 1)
    this.#unsealedCount += lines.length
  }

  #behindEnd({ firstLine }: SegmentGroup): undefined {
    const isFirst = this.#unsealedCount++ === 0
    if (isFirst) this.#damage.report('inserted', firstLine, 'the segment was ended before this line')
  }

  /** At zeros, if nothing recorded the end; or where a dead segment's recorded end is. */
  #seemsToEnd(group: SegmentGroup): boolean {
    const { ended } = this.#segment
    if (ended?.found !== 'cut') return !this.#isLengthKnown() && hasUnwritten(group)
    return this.#size >= ended.bytes || this.#keys.next > ended.group
  }

  /** The process that recorded the end had no key to verify it. */
  async #judgeCut({ firstLine }: SegmentGroup): Promise<void> {
    const { ended } = this.#segment
    const first = ended?.found !== 'cut' ? this.#keys.next : ended.bytes === 0 ? 0 : ended.group + 1
    const { isLater, records } = await sealedBehind(this.#damage.readAgain(), { firstLine, first }, this.#keys)
    this.#end = isLater ? 'whole' : 'torn'
    if (isLater && ended !== undefined) this.#damage.report('edited', firstLine, overwritten)
    else if (!isLater) this.#sealedBehind = records
  }

  /** The highest group number in the file, proven or not. */
  #lastSeen(): number {
    return Math.max(this.#keys.next - 1, this.#highestRefused)
  }

  /** Whether the index records its length. */
  #isLengthKnown(): boolean {
    const found = this.#segment.ended?.found
    return found === 'ended' || (found === 'cut' && this.#end !== 'whole')
  }

  #mostBytes(): number | undefined {
    const { bytes, torn } = this.#segment.ended ?? { bytes: 0, torn: 0 }
    return this.#isLengthKnown() ? bytes + torn : undefined
  }

  #judgeEnd(): void {
    const { ended } = this.#segment
    this.#checkpoints.judgeEnd({ group: this.#keys.next, key: this.#keys.key, lastSeen: this.#lastSeen(), line: this.#line })
    if (ended === undefined) return
    if (this.#isLengthKnown() && !this.#isEnded) this.#damage.records += this.#unsealedCount
    if (this.#damage.isNone) this.#judgeRecordedEnd(ended)
    else if (this.#lastSeen() < ended.group && !this.#damage.problems.list.some(({ what }) => what === 'truncated')) this.#truncated()
  }

  #truncated(): void {
    const line = this.#line + 1
    this.#damage.report('truncated', line, 'the segment was longer when it ended', line, true)
  }

  #judgeRecordedEnd({ found, bytes, torn, seals }: EndedSegment): void {
    const report = this.#damage.report.bind(this.#damage)
    if (found === 'missing') return report('missing', 1, 'the segment was gone when its process had ended')
    if (this.#bytes < bytes) return this.#truncated()
    if (this.#bytes === bytes && bytes > 0 && this.#checkpoints.seals !== seals)
      return report('edited', 1, 'the sealed content of the segment differs from the index', this.#line)
    if (this.#bytes > bytes && found !== 'unused') return report('inserted', this.#line, 'the segment was shorter when it ended')
    if (found === 'unused' && this.#tally.records > 0) return report('inserted', 2, 'the segment was never used')
    if (found === 'cut' && this.#size > bytes + torn)
      return report('inserted', this.#line + 1, 'fewer bytes followed the last seal when its process died')
    if (found === 'ended' && this.#size > this.#bytes) report('inserted', this.#line + 1, 'the segment was ended before this line')
  }

  /** The number of written records is known from the index, a checkpoint, or the seals. */
  #lost(): Pick<SegmentFindings, 'damaged' | 'missing'> {
    const { ended } = this.#segment
    if (this.#damage.isNone) return { damaged: 0, missing: 0 }
    const unproven = Math.max(0, this.#damage.records)
    const least = Math.max(this.#tally.records + unproven + this.#fewer, this.#checkpoints.records)
    const written = this.#isLengthKnown() ? Math.max(ended?.records ?? 0, this.#tally.records) : least
    const damaged = Math.min(unproven, written - this.#tally.records)
    return { damaged, missing: written - this.#tally.records - damaged }
  }
}

const overwritten =
  'the index says that the segment ended before this line, but later records are sealed behind it: what stood here was overwritten'

const lineFeed = 0x0a
