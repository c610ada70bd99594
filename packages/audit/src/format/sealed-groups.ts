import { type ChainKey, isMac, type KeyBudget } from '../keys/key-chain.ts'
import type { Seal } from './segment-format.ts'
import { maxGroupRecords } from './segment-format.ts'
import type { SegmentGroup } from './segment-reader.ts'

/** A bare seal. */
const leastGroupBytes = 90

/** The keys of a segment's groups, from the next one on. */
export class GroupKeys {
  readonly #budget: KeyBudget
  /** The last group, if it is known. */
  readonly #lastGroup: number | undefined
  readonly #key: ChainKey
  #next = 0
  /** The last key that was derived ahead. */
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
    this.#key.advance()
    this.#next++
  }

  wipe(): void {
    this.#key.wipe()
    this.#asked?.key.wipe()
  }

  /** Numbers may be forged: keys beyond what fits in `size` bytes come out of the budget. */
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

/** A proven group, and where its lines stand among those before the seal. */
export interface Sealed {
  readonly lines: readonly Buffer[]
  readonly bytes: Buffer
  readonly at: number
}

/** Finds the lines that the seal fits: others may have been inserted around them. */
export function sealedPart(key: ChainKey, seal: Seal, lines: readonly Buffer[]): Sealed | undefined {
  const count = linesUnder(seal)
  for (let at = lines.length - count; at >= 0; at--) {
    const sealed = at === 0 && count === lines.length ? lines : lines.slice(at, at + count)
    const bytes = joined(sealed)
    if (isMac(key.mac('seal', bytes, seal.signed), seal.mac)) return { lines: sealed, bytes, at }
  }
  return undefined
}

/** Without a copy where the lines stand one behind the other in memory, as most do. */
function joined(lines: readonly Buffer[]): Buffer {
  const [first] = lines
  if (first === undefined) return Buffer.alloc(0)
  let end = first.byteOffset
  for (const line of lines) {
    if (line.buffer !== first.buffer || line.byteOffset !== end) return Buffer.concat(lines)
    end += line.length
  }
  return Buffer.from(first.buffer, first.byteOffset, end - first.byteOffset)
}

function isSealed(key: ChainKey, seal: Seal, lines: readonly Buffer[]): boolean {
  const sealed = lines.slice(Math.max(0, lines.length - linesUnder(seal)))
  return isMac(key.mac('seal', ...sealed, seal.signed), seal.mac)
}

/** The first group has the header too. */
function linesUnder({ group, records }: Seal): number {
  return records + (group === 0 ? 1 : 0)
}

/** To be kept: the memory of a group is used again. */
export function copiesOf(lines: readonly Buffer[]): readonly Buffer[] {
  return lines.map((line) => Buffer.from(line))
}

/** What is sealed behind the apparent end of a segment. */
export interface SealedBehind {
  /**
   * Written after the bytes before it were on disk: no crash leaves that, unless `durable` was
   * false.
   */
  readonly isLater: boolean
  /** Records of the same write. */
  readonly records: number
}

/**
 * Reads on behind the apparent end, where group `first` should stand. A power cut may take any part
 * of the last write, and nothing before it. A seal names the first group of its own write.
 */
export async function sealedBehind(
  groups: AsyncIterable<SegmentGroup>,
  place: { readonly firstLine: number; readonly first: number },
  keys: GroupKeys,
): Promise<SealedBehind> {
  let [lines, records]: [readonly Buffer[], number] = [[], 0]
  for await (const group of groups) {
    if (group.firstLine < place.firstLine) continue
    const { seal, endsAt } = group
    lines = [...lines, ...(seal === undefined ? copiesOf(group.lines) : group.lines)].slice(-maxGroupRecords - 1)
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
