import { longestTimerMs } from '../guard/deadline.ts'

const slotMs = 250

/** Runs many tasks with one timer, which keeps no process alive. Tasks are late by up to 250 ms. */
export class Schedule {
  /** Random, so that processes with synchronized clocks do not wake together. */
  readonly #origin = performance.now() - Math.random() * slotMs
  readonly #slots = new Map<number, Set<() => void>>()
  #timer: NodeJS.Timeout | undefined
  #next = Infinity

  /** Runs the task once. Returns the function that cancels it. */
  after(ms: number, task: () => void): () => void {
    const slot = Math.ceil((performance.now() + ms - this.#origin) / slotMs)
    const tasks = this.#slots.get(slot) ?? new Set()
    this.#slots.set(slot, tasks.add(task))
    if (slot < this.#next) this.#arm(slot)
    return () => this.#cancel(slot, task)
  }

  #cancel(slot: number, task: () => void): void {
    const tasks = this.#slots.get(slot)
    tasks?.delete(task)
    if (tasks?.size !== 0) return
    this.#slots.delete(slot)
    if (slot === this.#next) this.#arm(Math.min(Infinity, ...this.#slots.keys()))
  }

  #arm(slot: number): void {
    clearTimeout(this.#timer)
    this.#next = slot
    if (slot === Infinity) return
    const ms = Math.max(1, this.#origin + slot * slotMs - performance.now())
    this.#timer = setTimeout(() => this.#run(), Math.min(ms, longestTimerMs)).unref()
  }

  /** Tasks that are run may add others. */
  #run(): void {
    const now = (performance.now() - this.#origin) / slotMs
    // A timer may fire a moment early.
    const due = [...this.#slots.keys()].filter((slot) => slot <= now || slot === this.#next)
    const tasks = due.flatMap((slot) => [...(this.#slots.get(slot) ?? [])])
    for (const slot of due) this.#slots.delete(slot)
    this.#arm(Math.min(Infinity, ...this.#slots.keys()))
    for (const task of tasks) task()
  }
}
