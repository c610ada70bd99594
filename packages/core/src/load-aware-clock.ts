/** A timer is late by so much in a process that has nothing else to do. */
const usualDelayMs = 1
const longestStepMs = 5
/** Timers take whole milliseconds. */
const halfMs = 0.5
/** To have been held up for so long halves the pace. */
const halvingMs = 5
const slowest = 1 / 20
/** And counts for half as much after each such time. */
const halfLifeMs = 5_000

interface Waiting {
  readonly at: number
  readonly done: () => void
}

/**
 * Time for deadlines that blame somebody else. While a process is busy, or the system runs others in its stead, it hears no
 * answer and its timers are late: a step of this clock counts for no longer than it was meant to take. Where others were run
 * the clock goes slower for a while, since they also hold up what this process waits for, if that runs beside it. In a
 * process that is not held up it is a clock like any other. It stands still while nobody waits.
 */
export class LoadAwareClock {
  readonly #waiting = new Set<Waiting>()
  #timer: NodeJS.Timeout | undefined
  #now = 0
  #step = { begunAt: 0, cpuMs: 0, ms: 0, pace: 1 }
  #heldUp = { ms: 0, at: 0 }

  /** Milliseconds of this clock. */
  get now(): number {
    return this.#now + (this.#timer === undefined ? 0 : this.#passed())
  }

  /** How fast it goes beside the time of day: from 1, for a process that is not held up, down to a twentieth. */
  get pace(): number {
    return Math.max(slowest, 1 / (1 + this.#heldUpMs() / halvingMs))
  }

  /** Calls back once, after so much time, unless the function that it returns is called before. */
  after(ms: number, done: () => void): () => void {
    if (this.#timer === undefined) this.#schedule()
    const waiting = { at: this.now + ms, done }
    this.#waiting.add(waiting)
    if (ms < this.#step.ms - this.#elapsed()) this.#next()
    return () => {
      if (this.#waiting.delete(waiting) && this.#waiting.size === 0) this.#stop()
    }
  }

  #schedule(): void {
    const { pace } = this
    let ms = longestStepMs
    for (const { at } of this.#waiting) ms = Math.min(ms, Math.max((at - this.#now) / pace, 1))
    this.#step = { begunAt: performance.now(), cpuMs: cpuMs(), ms, pace }
    this.#timer = setTimeout(() => this.#tick(), ms)
  }

  #stop(): void {
    this.#now = this.now
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  /** Ends this step and begins another. */
  #next(): void {
    this.#heldUp = { ms: this.#heldUpMs(), at: performance.now() }
    this.#stop()
    this.#schedule()
  }

  #tick(): void {
    this.#next()
    const due = [...this.#waiting].filter(({ at }) => at <= this.#now + halfMs)
    for (const each of due) this.#end(each)
  }

  #end(waiting: Waiting): void {
    if (!this.#waiting.delete(waiting)) return
    if (this.#waiting.size === 0) this.#stop()
    waiting.done()
  }

  /** What is left of the longest time that others were run instead, in this step or before. */
  #heldUpMs(): number {
    const { ms, at } = this.#heldUp
    const before = ms * 2 ** ((at - performance.now()) / halfLifeMs)
    const late = this.#timer === undefined ? 0 : this.#elapsed() - this.#step.ms - usualDelayMs
    return late > before ? Math.max(before, late - (cpuMs() - this.#step.cpuMs)) : before
  }

  #elapsed(): number {
    return performance.now() - this.#step.begunAt
  }

  /** Of this clock, in this step. */
  #passed(): number {
    return Math.min(this.#elapsed(), this.#step.ms + usualDelayMs) * this.#step.pace
  }
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}
