import type { EndedSegment } from './index-line.ts'
import { hashAt, packHash, PackedRows, StepNumbers } from '../tables/packed-rows.ts'
import { StepSet } from '../tables/step-set.ts'

/** When a segment was opened, and when its end was recorded: epoch milliseconds of the host's clock. */
export interface SegmentTimes {
  readonly opened: number
  readonly ended?: number | undefined
}

const numbers = ['step', 'bytes', 'group', 'records', 'torn'] as const
const found = ['ended', 'cut', 'missing', 'unused'] as const
const [recordedAt, sealsAt, foundAt, rowBytes] = [40, 48, 80, 81]
const hasNoSeals = 0x80

/**
 * What the lines of an index say of segments. A segment takes some 120 bytes: a job that runs each
 * minute has half a million in a year.
 */
export class IndexTable {
  /** The epochs that opened a segment. */
  readonly opened: StepSet = new StepSet()
  readonly #times = new StepNumbers()
  readonly #steps: StepSet = new StepSet()
  readonly #ends = new PackedRows(rowBytes)
  readonly #rowOf = new StepNumbers()
  /** Ends that we do not write so. */
  readonly #others = new Map<number, EndedSegment>()

  /** In ascending order. */
  addLine({ step, time, opens }: { readonly step: number; readonly time: number; readonly opens: boolean }): void {
    this.#steps.add(step)
    this.#times.set(step, time)
    if (opens) this.opened.add(step)
  }

  /** `at`: the epoch of the line that recorded it. */
  addEnd(end: EndedSegment, at: number): void {
    const row = this.#ends.add()
    const bytes = this.#ends.at(row)
    for (const [position, member] of numbers.entries()) bytes.writeDoubleLE(end[member], 8 * position)
    bytes.writeDoubleLE(at, recordedAt)
    const [isPacked, kind] = [end.seals === '' || packHash(bytes, sealsAt, end.seals), found.indexOf(end.found)]
    bytes[foundAt] = kind + (end.seals === '' ? hasNoSeals : 0)
    if (!isPacked || kind === -1) this.#others.set(row, end)
    this.#rowOf.set(end.step, row)
  }

  hasEnd(step: number): boolean {
    return this.#rowOf.get(step) !== undefined
  }

  endOf(step: number): EndedSegment | undefined {
    const row = this.#rowOf.get(step)
    return row === undefined ? undefined : this.#end(row)
  }

  timesOf(step: number): SegmentTimes | undefined {
    const [opened, row] = [this.opened.has(step) ? this.#times.get(step) : undefined, this.#rowOf.get(step)]
    if (opened === undefined) return undefined
    return row === undefined ? { opened } : { opened, ended: this.#times.get(this.#recordedAt(row)) }
  }

  *ends(): Generator<EndedSegment> {
    for (let row = 0; row < this.#ends.length; row++) yield this.#end(row)
  }

  /**
   * The segments whose end was recorded before this time by a line that no line as late precedes, in
   * ascending order, without those that are left out. Lines younger than `now` make no other late.
   */
  *endedBefore(time: number, now: number, isLeft: (step: number) => boolean): Generator<EndedSegment> {
    const late = this.#firstLate(time, now)
    for (const step of this.opened) {
      const row = isLeft(step) ? undefined : this.#rowOf.get(step)
      if (row === undefined) continue
      const at = this.#recordedAt(row)
      if (at < late && (this.#times.get(at) ?? Infinity) < time) yield this.#end(row)
    }
  }

  /** The times of the lines, in order. */
  *times(): Generator<number> {
    for (const step of this.#steps) yield this.#times.get(step) ?? 0
  }

  #firstLate(time: number, now: number): number {
    for (const step of this.#steps) {
      const written = this.#times.get(step) ?? 0
      if (written >= time && written <= now) return step
    }
    return Infinity
  }

  #recordedAt(row: number): number {
    return this.#ends.number(row, recordedAt)
  }

  #end(row: number): EndedSegment {
    const other = this.#others.get(row)
    if (other !== undefined) return other
    const bytes = this.#ends.at(row)
    const [step = 0, size = 0, group = 0, records = 0, torn = 0] = numbers.map((_, position) => bytes.readDoubleLE(8 * position))
    const kind = bytes[foundAt] ?? 0
    const seals = (kind & hasNoSeals) === 0 ? hashAt(bytes, sealsAt) : ''
    return { step, bytes: size, group, records, torn, seals, found: found[kind & ~hasNoSeals] ?? 'ended' }
  }
}
