const dayMs = 86_400_000
/** Hundreds of processes share the folder's lock: they must not all come at midnight. */
const spreadMs = 300_000
const soonestRetryMs = 5_000

/**
 * When this process, by chance, begins the segments of a new day. Times are of the host's clock.
 */
export class DayChange {
  readonly #afterMidnightMs = Math.random() * spreadMs
  #retryAt = -Infinity

  /** Whether a segment that was opened then is of a day that is over. */
  isDue(openedAt: number, now: number): boolean {
    const midnight = (Math.floor(openedAt / dayMs) + 1) * dayMs
    return now >= midnight + this.#afterMidnightMs && performance.now() >= this.#retryAt
  }

  /** It did not succeed, and is tried again in a while: there is another segment to write to. */
  failed(): void {
    this.#retryAt = performance.now() + soonestRetryMs * (1 + Math.random())
  }
}
