import { jittered } from '../guard/deadline.ts'
import type { Schedule } from './schedule.ts'

/** In an outage the pauses double up to this, or to the interval if that is longer. */
const longestPauseMs = 60_000
/** A value that is about to expire is looked for no more often than this. */
const shortestPauseMs = 1_000

/** When a watch looks next. */
export class LookTimer {
  readonly #schedule: Schedule
  readonly #look: () => void
  intervalMs: number = Infinity
  /** The first pause is a random part of the interval, so that processes do not look in step. */
  #isInPhase = false
  #dueAt = Infinity
  #cancel: (() => void) | undefined

  constructor(schedule: Schedule, look: () => void) {
    this.#schedule = schedule
    this.#look = look
  }

  afterAnswer(expiresAt: number = Infinity): void {
    const pauseMs = this.#isInPhase ? this.intervalMs : this.intervalMs * Math.random()
    this.#isInPhase = true
    this.after(Math.min(pauseMs, Math.max(expiresAt - Date.now(), shortestPauseMs)))
  }

  afterFailures(failures: number): void {
    const doubled = this.intervalMs * 2 ** Math.min(failures, 10)
    this.after(jittered(Math.min(doubled, Math.max(this.intervalMs, longestPauseMs))))
  }

  /** Brings the look that is planned forward to a random moment within this time. */
  within(ms: number): void {
    const soonerMs = Math.random() * ms
    if (performance.now() + soonerMs < this.#dueAt) this.after(soonerMs)
  }

  after(ms: number): void {
    this.#cancel?.()
    this.#dueAt = performance.now() + ms
    this.#cancel = this.#schedule.after(ms, this.#look)
  }

  stop(): void {
    this.#cancel?.()
    this.#cancel = undefined
    this.#dueAt = Infinity
  }
}
