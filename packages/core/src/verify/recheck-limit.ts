import { Lru } from '../cache/keys/lru.ts'

/** A mismatch costs the store at most one read of that secret in this time. */
const recheckAfterMs = 5_000

interface Recheck {
  /** When the store was asked, epoch milliseconds. */
  readonly at: number
  /** While it is under way: settles when it has ended, and never rejects. */
  running: Promise<unknown> | undefined
}

/** When each secret of each store was last read because of a mismatch. Names on one path share it. */
export class RecheckLimit {
  readonly #byStore = new WeakMap<object, Lru<Recheck>>()
  readonly #maxEntries: number

  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries
  }

  /** Whether a mismatch may be put to the store: a recheck is due, or one is under way that can be joined. */
  isOpen(store: object, path: string): boolean {
    const last = this.#byStore.get(store)?.get(path)
    // A clock that was set back must not keep it closed.
    return last === undefined || last.running !== undefined || Math.abs(Date.now() - last.at) >= recheckAfterMs
  }

  running(store: object, path: string): Promise<unknown> | undefined {
    return this.#byStore.get(store)?.get(path)?.running
  }

  /** The store is asked now; `recheck` is what others may join. */
  record(store: object, path: string, recheck?: Promise<unknown>): void {
    if (this.running(store, path) !== undefined) return
    const last: Recheck = { at: Date.now(), running: undefined }
    const end = (): void => void (last.running = undefined)
    last.running = recheck?.then(end, end)
    const known = this.#byStore.get(store) ?? new Lru<Recheck>(this.#maxEntries)
    this.#byStore.set(store, known)
    known.set(path, last)
  }

  /** The recheck found a match, so nobody guessed: the next mismatch may ask at once. */
  reset(store: object, path: string): void {
    this.#byStore.get(store)?.delete(path)
  }
}
