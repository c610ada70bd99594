import type { KeyObject } from 'node:crypto'
import { derivedKey, type KeyBudget, laterKey } from './key-chain.ts'

/** Of a seal alone. */
const leastGroupBytes = 90

/** The keys of a segment's groups, from the next one on. */
export class GroupKeys {
  readonly #budget: KeyBudget
  /** The last group that there was, where that is known. */
  readonly #lastGroup: number | undefined
  #key: KeyObject
  #next = 0
  /** The last group that was asked for, and its key. */
  #asked: { readonly group: number; readonly key: KeyObject } | undefined
  #made = 0

  constructor(first: KeyObject, lastGroup: number | undefined, budget: KeyBudget) {
    this.#key = first
    this.#lastGroup = lastGroup
    this.#budget = budget
  }

  get next(): number {
    return this.#next
  }

  get key(): KeyObject {
    return this.#key
  }

  goOn(): void {
    this.#key = derivedKey(this.#key, 'next')
    this.#next++
  }

  /**
   * Anybody can write a large number: beyond what has room in a file of this size, keys are taken
   * from the budget.
   */
  of(group: number, size: number): KeyObject | undefined {
    if (group === this.#next) return this.#key
    if (group < this.#next || (this.#lastGroup !== undefined && group > this.#lastGroup)) return undefined
    const asked = this.#asked
    const from = asked !== undefined && asked.group >= this.#next && asked.group <= group ? asked : { group: this.#next, key: this.#key }
    const steps = group - from.group
    const hasRoom = this.#made + steps <= 2 * Math.max(size / leastGroupBytes, (this.#lastGroup ?? 0) + 1)
    if (!hasRoom && !this.#budget.take(steps)) return undefined
    this.#made += hasRoom ? steps : 0
    this.#asked = { group, key: laterKey(from.key, steps) }
    return this.#asked.key
  }
}
