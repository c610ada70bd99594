import { asRecord, isCount } from '../format/segment-format.ts'

/** How many records of a segment are proven, and what they say of their times. */
export class SegmentTally {
  records = 0
  /** Records that the sink did not acknowledge, as gap records say. */
  missed = 0
  from: number | undefined
  to: number | undefined

  /** The lines of one group, and the same as bytes. */
  add(records: number, lines: readonly Buffer[], bytes: Buffer): void {
    this.records += records
    if (records > 0) for (const line of new Set([lines[0], lines.at(-1)])) this.#note(line && timeIn(line))
    if (bytes.includes(gapMember)) for (const line of lines) this.#countMissed(line)
  }

  #note(time: number | undefined): void {
    if (time === undefined) return
    this.from = Math.min(this.from ?? time, time)
    this.to = Math.max(this.to ?? time, time)
  }

  #countMissed(line: Buffer): void {
    const missed = line.includes(gapMember) ? asRecord(line)?.missed : 0
    if (isCount(missed)) this.missed += missed
  }
}

/** In this form they are members, never text: quotes in text are escaped. */
const gapMember = Buffer.from('"operation":"gap"')
const timeMember = Buffer.from(',"time":')

/** When the record was made, without a look at the rest of it; other members follow. */
function timeIn(line: Buffer): number | undefined {
  const from = line.lastIndexOf(timeMember) + timeMember.length
  const time = Number(line.toString('latin1', from, line.indexOf(',', from)))
  return isCount(time) ? time : undefined
}
