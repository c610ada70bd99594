import type { Terminal } from './terminal.ts'

/** A line on a terminal that tells how far a long work is; nothing elsewhere. */
export class ProgressLine {
  readonly #terminal: Terminal
  readonly #now: () => number
  #shownAt = 0
  #isShown = false

  constructor(terminal: Terminal, now: () => number = Date.now) {
    this.#terminal = terminal
    this.#now = now
    this.#shownAt = now()
  }

  /** At most ten times a second. */
  show(text: () => string): void {
    const now = this.#now()
    if (this.#terminal.stderr.isTTY !== true || now - this.#shownAt < 100) return
    this.#shownAt = now
    this.#isShown = true
    this.#terminal.stderr.write(`${clearLine}${text()}`)
  }

  /** The line is gone when the work has ended, before its result is written. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } finally {
      if (this.#isShown) this.#terminal.stderr.write(clearLine)
      this.#isShown = false
    }
  }
}

/** To the beginning of the line, and erase it. */
const clearLine = '\r\u001b[K'
