import type { ChainKey } from './key-chain.ts'
import type { StartKey } from './start-key.ts'

/** The keys of segments, one after the other: all at once would take 300 bytes each. */
export class SegmentKeys {
  readonly #key: ChainKey
  #step: number

  constructor({ key, step }: StartKey) {
    this.#key = key.later(0)
    this.#step = step
  }

  /** The key of group 0, for the caller to overwrite. Epochs must ascend. */
  of(step: number): ChainKey {
    for (; this.#step < step; this.#step++) this.#key.advance()
    return this.#key.derived('segment')
  }

  wipe(): void {
    this.#key.wipe()
  }
}
