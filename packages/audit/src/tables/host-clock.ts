/** A host's clock that was wrong, by the times of the index: those of records are wrong too. */
export interface WrongClock {
  /** The furthest that it was set back, milliseconds; 0 if it was not. */
  readonly setBackMs: number
  /** The index and the line behind which that shows, from 1. */
  readonly file: string
  readonly line: number
  /** How far the latest line is ahead of this machine's clock, milliseconds; 0 if it is not. */
  readonly aheadMs: number
}

/** Less is usual: records are written after their event, and clocks are corrected. A range has as much to spare. */
export const mostSkewMs = 3_600_000

/** Watches the times of an index line by line, each of which was written behind the one before. */
export class HostClock {
  earliest: number | undefined
  latest: number | undefined
  #setBackMs = 0
  #line = 0

  add(time: number, line: number): void {
    const backMs = (this.latest ?? time) - time
    if (backMs > this.#setBackMs) [this.#setBackMs, this.#line] = [backMs, line]
    this.earliest = Math.min(this.earliest ?? time, time)
    this.latest = Math.max(this.latest ?? time, time)
  }

  /** `undefined`: nothing shows that it was wrong. */
  wrong(file: string): WrongClock | undefined {
    const aheadMs = (this.latest ?? 0) - Date.now()
    if (Math.max(this.#setBackMs, aheadMs) <= mostSkewMs) return undefined
    const isBack = this.#setBackMs > mostSkewMs
    return { setBackMs: isBack ? this.#setBackMs : 0, file, line: isBack ? this.#line : 1, aheadMs: aheadMs > mostSkewMs ? aheadMs : 0 }
  }
}
