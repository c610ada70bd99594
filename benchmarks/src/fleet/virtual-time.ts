/** Time that passes only as fast as what happens in it, and chance that repeats itself. */
export interface VirtualTime {
  /** Milliseconds since the beginning. */
  readonly now: () => number
  /** Calls `run` once so many milliseconds from now. */
  readonly after: (ms: number, run: () => void) => void
  readonly sleep: (ms: number) => Promise<void>
  /** Lets everything happen until that moment, each time with all that follows from it. */
  readonly runUntil: (ms: number) => Promise<void>
}

interface Waiting {
  readonly at: number
  readonly run: () => void
}

/** Any moment will do: nothing of ours asks what day it is. */
const beginning = Date.UTC(2026, 0, 1)

/**
 * Runs `work` while `Date.now`, `performance.now`, `setTimeout`, `clearTimeout` and `Math.random` are those of a virtual time with
 * that seed. Everything else of Node.js stays as it is, so that what is tried is the code itself.
 */
export async function inVirtualTime<T>(seed: number, work: (time: VirtualTime) => Promise<T>): Promise<T> {
  const { setTimeout, clearTimeout } = globalThis
  const [dateNow, random, performanceNow] = [Date.now, Math.random, performance.now]
  const time = new Schedule()
  // Of a timer, only what the code under test uses is there: that it can be cleared.
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
    // What was begun before may be yet to add what it waits for.
    await allThatFollows()
    for (; this.current <= end; this.current += 1) {
      // What happens now may add what is due at once.
      for (let due = this.#taken(); due !== undefined; due = this.#taken()) {
        for (const { run } of due) run()
        await allThatFollows()
      }
    }
    this.current = end
  }

  /** What is due at this moment, once. */
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
