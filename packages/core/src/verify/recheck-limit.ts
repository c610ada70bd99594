import { Lru } from '../cache/keys/lru.ts'

/** Mismatches cost the store at most one read of a secret in this time. */
const recheckAfterMs = 5_000

interface Recheck {
  /** Epoch milliseconds. */
  readonly at: number
  /** By `performance.now()`. */
  readonly since: number
  /** Settles with the recheck and never rejects. */
  running: Promise<unknown> | undefined
}

/** By both clocks: one that is set back, to whatever time, must not keep it closed. */
function ageOf({ at, since }: Recheck): number {
  return Math.max(performance.now() - since, Math.abs(Date.now() - at))
}

export class RecheckLimit {
  readonly #byStore = new WeakMap<object, Lru<Recheck>>()
  readonly #maxEntries: number

  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries
  }

  /** Whether a recheck is due or running. */
  isOpen(store: object, path: string): boolean {
    const last = this.#byStore.get(store)?.get(path)
    return last === undefined || last.running !== undefined || ageOf(last) >= recheckAfterMs
  }

  running(store: object, path: string): Promise<unknown> | undefined {
    return this.#byStore.get(store)?.get(path)?.running
  }

  /** `recheck`: the call that others may join. */
  record(store: object, path: string, recheck?: Promise<unknown>): void {
    if (this.running(store, path) !== undefined) return
    const last: Recheck = { at: Date.now(), since: performance.now(), running: undefined }
    const end = (): void => void (last.running = undefined)
    last.running = recheck?.then(end, end)
    const known = this.#byStore.get(store) ?? new Lru<Recheck>(this.#maxEntries)
    this.#byStore.set(store, known)
    known.set(path, last)
  }

  /** After a match, the next mismatch may ask at once: it was no guess. */
  reset(store: object, path: string): void {
    this.#byStore.get(store)?.delete(path)
  }
}
