/** A simulated clock, with repeatable random numbers. */
export interface VirtualTime {
  /** Milliseconds since the beginning. */
  readonly now: () => number
  /** Calls `run` once so many milliseconds from now. */
  readonly after: (ms: number, run: () => void) => void
  readonly sleep: (ms: number) => Promise<void>
  /** Runs all timers up to that moment, each with the promises that follow from it. */
  readonly runUntil: (ms: number) => Promise<void>
}

interface Waiting {
  readonly at: number
  readonly run: () => void
}

/** Any moment: no tested code depends on the date. */
const beginning = Date.UTC(2026, 0, 1)

/**
 * Runs `work` while `Date.now`, `performance.now`, `setTimeout`, `clearTimeout` and `Math.random`
 * belong to a virtual time with that seed. The rest of Node.js stays as it is.
 */
export async function inVirtualTime<T>(seed: number, work: (time: VirtualTime) => Promise<T>): Promise<T> {
  const { setTimeout, clearTimeout } = globalThis
  const [dateNow, random, performanceNow] = [Date.now, Math.random, performance.now]
  const time = new Schedule()
  // A timer can only be cleared: the code under test uses nothing else of it.
  globalThis.setTimeout = ((run: () => void, ms = 0) => time.add(ms, run)) as unknown as typeof setTimeout
  globalThis.clearTimeout = (timer: unknown) => time.remove(timer)
  Date.now = () => beginning + time.current
  performance.now = () => time.current
  Math.random = seeded(seed)
  try {
    return await work(time)
  } finally {
    Object.assign(globalThis, { setTimeout, clearTimeout })
    Date.now = dateNow
    performance.now = performanceNow
    Math.random = random
  }
}

class Schedule implements VirtualTime {
  current = 0
  readonly #due = new Map<number, Set<Waiting>>()

  now = (): number => this.current

  add(ms: number, run: () => void): Waiting {
    const waiting = { at: Math.ceil(this.current + ms), run }
    const others = this.#due.get(waiting.at)
    if (others) others.add(waiting)
    else this.#due.set(waiting.at, new Set([waiting]))
    return waiting
  }

  remove(timer: unknown): void {
    const waiting = timer as Waiting | undefined // what `add` returned
    if (waiting) this.#due.get(waiting.at)?.delete(waiting)
  }

  after = (ms: number, run: () => void): void => void this.add(ms, run)

  sleep = (ms: number): Promise<void> => new Promise((resolve) => this.after(ms, resolve))

  runUntil = async (end: number): Promise<void> => {
    // Work begun before may still add its timers.
    await allThatFollows()
    for (; this.current <= end; this.current += 1) {
      // A timer may add another one that is due at once.
      for (let due = this.#taken(); due !== undefined; due = this.#taken()) {
        for (const { run } of due) run()
        await allThatFollows()
      }
    }
    this.current = end
  }

  /** The timers due now, taken from the schedule. */
  #taken(): Set<Waiting> | undefined {
    const due = this.#due.get(this.current)
    if (due) this.#due.delete(this.current)
    return due?.size === 0 ? undefined : due
  }
}

/** Promises settle, in chains of any length, before the event loop turns. */
function allThatFollows(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** mulberry32. */
function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
