import { type ChainKey, isMac, type KeyBudget } from '../format/key-chain.ts'
import type { Seal } from '../format/segment-format.ts'
import { maxGroupRecords, type SegmentGroup } from '../format/segment-reader.ts'

/** Of a seal alone. */
const leastGroupBytes = 90

/** The keys of a segment's groups, from the next one on. */
export class GroupKeys {
  readonly #budget: KeyBudget
  /** The last group that there was, where that is known. */
  readonly #lastGroup: number | undefined
  #key: ChainKey
  #next = 0
  /** The last group that was asked for, and its key. */
  #asked: { readonly group: number; readonly key: ChainKey } | undefined
  #made = 0

  constructor(first: ChainKey, lastGroup: number | undefined, budget: KeyBudget) {
    this.#key = first.later(0)
    this.#lastGroup = lastGroup
    this.#budget = budget
  }

  get next(): number {
    return this.#next
  }

  get key(): ChainKey {
    return this.#key
  }

  goOn(): void {
    const key = this.#key
    this.#key = key.derived('next')
    this.#next++
    key.wipe()
  }

  wipe(): void {
    this.#key.wipe()
    this.#asked?.key.wipe()
  }

  /**
   * Anybody can write a large number: beyond what has room in a file of this size, keys are taken
   * from the budget.
   */
  of(group: number, size: number): ChainKey | undefined {
    if (group === this.#next) return this.#key
    if (group < this.#next || (this.#lastGroup !== undefined && group > this.#lastGroup)) return undefined
    const asked = this.#asked
    const from = asked !== undefined && asked.group >= this.#next && asked.group <= group ? asked : { group: this.#next, key: this.#key }
    const steps = group - from.group
    const hasRoom = this.#made + steps <= 2 * Math.max(size / leastGroupBytes, (this.#lastGroup ?? 0) + 1)
    if (!hasRoom && !this.#budget.take(steps)) return undefined
    this.#made += hasRoom ? steps : 0
    const key = from.key.later(steps)
    asked?.key.wipe()
    this.#asked = { group, key }
    return key
  }
}

/** A group that is proven, and where its lines stand among those that are before the seal. */
export interface Sealed {
  readonly lines: readonly Buffer[]
  readonly bytes: Buffer
  readonly at: number
}

/** Which of these lines the seal fits: somebody may have put others before or behind them. */
export function sealedPart(key: ChainKey, seal: Seal, lines: readonly Buffer[]): Sealed | undefined {
  const count = linesUnder(seal)
  for (let at = lines.length - count; at >= 0; at--) {
    const sealed = at === 0 && count === lines.length ? lines : lines.slice(at, at + count)
    const bytes = Buffer.concat(sealed)
    if (isMac(key.mac('seal', bytes, seal.signed), seal.mac)) return { lines: sealed, bytes, at }
  }
  return undefined
}

/** Whether the seal fits the last of these lines. */
function isSealed(key: ChainKey, seal: Seal, lines: readonly Buffer[]): boolean {
  const sealed = lines.slice(Math.max(0, lines.length - linesUnder(seal)))
  return isMac(key.mac('seal', ...sealed, seal.signed), seal.mac)
}

/** In the first group the header too. */
function linesUnder({ group, records }: Seal): number {
  return records + (group === 0 ? 1 : 0)
}

/** What is sealed behind the place where a segment seems to end. */
export interface SealedBehind {
  /**
   * Something was written after what stood there had been: no crash leaves that, unless `durable` was
   * false.
   */
  readonly isLater: boolean
  /** How many records were written at once with it. */
  readonly records: number
}

/**
 * Reads on behind that place, which is where `first` should stand. A process writes only what follows
 * its last sync, and a seal says where that began: so a power cut takes the one part of a write and
 * leaves the other, but never takes what an authentic seal behind it says to have been on disk.
 */
export async function sealedBehind(
  groups: AsyncIterable<SegmentGroup>,
  place: { readonly firstLine: number; readonly first: number },
  keys: GroupKeys,
): Promise<SealedBehind> {
  let [lines, records]: [readonly Buffer[], number] = [[], 0]
  for await (const group of groups) {
    if (group.firstLine < place.firstLine) continue
    lines = [...lines, ...group.lines].slice(-maxGroupRecords - 1)
    const { seal, endsAt } = group
    if (seal === undefined) continue
    const key = keys.of(seal.group, endsAt)
    if (key !== undefined && isSealed(key, seal, lines)) {
      if (seal.start > place.first) return { isLater: true, records }
      records += seal.records
    }
    lines = []
  }
  return { isLater: false, records }
}
