import { Lru } from '../cache/keys/lru.ts'

/** Mismatches cost the store at most one read of a secret in this time. */
const recheckAfterMs = 5_000

interface Recheck {
  /** Epoch milliseconds. */
  readonly at: number
  /** Settles with the recheck and never rejects. */
  running: Promise<unknown> | undefined
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
    // abs: a clock that is set back must not keep it closed.
    return last === undefined || last.running !== undefined || Math.abs(Date.now() - last.at) >= recheckAfterMs
  }

  running(store: object, path: string): Promise<unknown> | undefined {
    return this.#byStore.get(store)?.get(path)?.running
  }

  /** `recheck`: the call that others may join. */
  record(store: object, path: string, recheck?: Promise<unknown>): void {
    if (this.running(store, path) !== undefined) return
    const last: Recheck = { at: Date.now(), running: undefined }
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
