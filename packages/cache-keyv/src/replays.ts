/** Clocks may be apart by so much, and a message under way for so long. */
const toleranceMs = 60_000

/** Whoever has the server may tell again what he once heard. What was told is believed once, and soon. */
export class Replays {
  /** What was heard of late, and when it was told. */
  readonly #toldAt = new Map<string, number>()

  isNew(id: string, toldAt: number): boolean {
    const now = Date.now()
    this.#forget(now)
    if (!(Math.abs(now - toldAt) <= toleranceMs) || this.#toldAt.has(id)) return false
    this.#toldAt.set(id, toldAt)
    return true
  }

  /** What is too old to be believed need not be remembered; they stand in about the order of their times. */
  #forget(now: number): void {
    for (const [id, toldAt] of this.#toldAt) {
      if (now - toldAt <= toleranceMs) return
      this.#toldAt.delete(id)
    }
  }
}
