/** What ends at a time, unless it was removed before. */
export interface Expiring {
  expire(): void
}

interface Entry {
  readonly at: number
  readonly expiring: Expiring
  before: Entry | undefined
  after: Entry | undefined
}

/**
 * One deadline for many: all wait equally long, so whoever came first ends first, and one timer does for thousands. The timer is ref'ed
 * while somebody waits: a process never ends with this unsettled.
 */
export class Deadlines {
  readonly milliseconds: number
  #first: Entry | undefined
  #last: Entry | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(milliseconds: number) {
    this.milliseconds = milliseconds
  }

  /** Returns what removes it. */
  add(expiring: Expiring): () => void {
    const entry: Entry = { at: performance.now() + this.milliseconds, expiring, before: this.#last, after: undefined }
    if (this.#last === undefined) this.#first = entry
    else this.#last.after = entry
    this.#last = entry
    this.#watch()
    return () => this.#remove(entry)
  }

  #remove(entry: Entry): void {
    if (entry.before === undefined && this.#first !== entry) return
    if (entry.before === undefined) this.#first = entry.after
    else entry.before.after = entry.after
    if (entry.after === undefined) this.#last = entry.before
    else entry.after.before = entry.before
    entry.before = entry.after = undefined
    if (this.#first === undefined) this.#timer?.unref()
  }

  /** The timer that runs stays, though whom it was for is gone: it is set anew when it ends. */
  #watch(): void {
    if (this.#timer === undefined) this.#set(this.milliseconds)
    else if (this.#first === this.#last) this.#timer.ref()
  }

  #set(milliseconds: number): void {
    this.#timer = setTimeout(() => this.#end(), Math.max(1, milliseconds))
  }

  #end(): void {
    this.#timer = undefined
    const now = performance.now()
    for (let entry = this.#first; entry !== undefined && entry.at <= now; entry = this.#first) {
      this.#remove(entry)
      entry.expiring.expire()
    }
    if (this.#first !== undefined) this.#set(this.#first.at - now)
  }
}
