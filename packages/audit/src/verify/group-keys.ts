import type { ChainKey, KeyBudget } from '../format/key-chain.ts'

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
