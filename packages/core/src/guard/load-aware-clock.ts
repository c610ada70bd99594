/** The usual lateness of a timer in an idle process. */
const usualDelayMs = 1
const longestStepMs = 5
/** Timers take whole milliseconds. */
const halfMs = 0.5

interface Waiting {
  readonly at: number
  readonly done: () => void
}

/**
 * A clock for deadlines on a foreign answer. A busy or frozen process hears no answer and its
 * timers are late. So a step of this clock counts for no longer than planned. It stands still while
 * nothing waits.
 *
 * @example
 * import { LoadAwareClock } from '@finchat/secrets-core/provider'
 *
 * const clock = new LoadAwareClock()
 * const stop = clock.after(50, () => console.error('late')) // after 50 ms, or more while the process is busy
 * stop() // it was answered
 */
export class LoadAwareClock {
  readonly #waiting = new Set<Waiting>()
  #timer: NodeJS.Timeout | undefined
  #now = 0
  #step = { begunAt: 0, ms: 0 }

  get now(): number {
    return this.#now + (this.#timer === undefined ? 0 : Math.min(this.#elapsed(), this.#step.ms + usualDelayMs))
  }

  /** Calls back once after `ms` milliseconds, unless the returned function is called before. */
  after(ms: number, done: () => void): () => void {
    if (this.#timer === undefined) this.#schedule()
    const waiting = { at: this.now + ms, done }
    this.#waiting.add(waiting)
    if (ms < this.#step.ms - this.#elapsed()) this.#next()
    return () => this.#end(waiting)
  }

  #schedule(): void {
    let ms = longestStepMs
    for (const { at } of this.#waiting) ms = Math.min(ms, Math.max(at - this.#now, 1))
    this.#step = { begunAt: performance.now(), ms }
    this.#timer = setTimeout(() => this.#tick(), ms)
  }

  #stop(): void {
    this.#now = this.now
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #next(): void {
    this.#stop()
    this.#schedule()
  }

  #tick(): void {
    this.#next()
    const due = [...this.#waiting].filter(({ at }) => at <= this.#now + halfMs)
    for (const each of due) if (this.#end(each)) each.done()
  }

  #end(waiting: Waiting): boolean {
    const wasWaiting = this.#waiting.delete(waiting)
    if (wasWaiting && this.#waiting.size === 0) this.#stop()
    return wasWaiting
  }

  #elapsed(): number {
    return performance.now() - this.#step.begunAt
  }
}
