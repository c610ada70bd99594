import { Lru } from '../cache/keys/lru.ts'
import { ageOf, type Moment, presentMoment } from '../value/moment.ts'

/** Mismatches cost the store at most one read of a secret in this time. */
const recheckAfterMs = 5_000

interface Recheck {
  readonly at: Moment
  /** Settles with the recheck and never rejects. */
  running: Promise<unknown> | undefined
}

/** A clock that is set back, to whatever time, must not keep it closed. */
function isDue({ at }: Recheck): boolean {
  return Math.max(ageOf(at), at.wall - Date.now()) >= recheckAfterMs
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
    return last === undefined || last.running !== undefined || isDue(last)
  }

  running(store: object, path: string): Promise<unknown> | undefined {
    return this.#byStore.get(store)?.get(path)?.running
  }

  /** `recheck`: the call that others may join. */
  record(store: object, path: string, recheck?: Promise<unknown>): void {
    if (this.running(store, path) !== undefined) return
    const last: Recheck = { at: presentMoment(), running: undefined }
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
