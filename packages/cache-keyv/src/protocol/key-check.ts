import type { Lifecycle } from '../store/lifecycle.ts'
import type { PatientStore } from '../store/bounded-store.ts'
import type { KeyMark } from '../sealed/key-names.ts'
import type { Reports } from './stats.ts'

const everyMs = 600_000
const longestMs = 8 * everyMs
/** After a failure, which is told where it is noticed. */
const againMs = 10_000
/** A fleet that has changed its key leaves its mark for no longer than this. */
const lastsMs = 1_800_000

export interface KeyCheckParts {
  readonly store: PatientStore
  readonly mark: KeyMark
  readonly reports: Reports
  readonly lifecycle: Lifecycle
}

/**
 * Who has another key than the fleet finds nothing where the fleet keeps it, and each of his reads is a miss: so processes leave a mark of their
 * key where others of their namespace find it, whatever their key. It tells the operator, once, and decides nothing.
 */
export class KeyCheck {
  readonly #parts: KeyCheckParts
  #nextAt = -Infinity
  /** How often in a row another key's mark was found. */
  #found = 0

  constructor(parts: KeyCheckParts) {
    this.#parts = parts
  }

  /** There was a gap. In the background, and once in ten minutes at most. */
  missed(): void {
    const now = performance.now()
    if (now < this.#nextAt) return
    this.#nextAt = now + everyMs
    this.#parts.lifecycle.run(() => this.#compare()).catch(() => (this.#nextAt = now + againMs))
  }

  async #compare(): Promise<void> {
    const { store, mark } = this.#parts
    const [there = ''] = await store.getMany([mark.place])
    const isOurs = there.startsWith(mark.text)
    const leftMs = leftOf(there.slice(mark.text.length))
    if (!isOurs && leftMs > 0) return this.#foundOther()
    this.#found = 0
    // A thousand processes that start together need not all write it.
    if (isOurs && leftMs > lastsMs - everyMs) return
    return store.set(mark.place, `${mark.text}${(Date.now() + lastsMs).toString(36)}`, lastsMs)
  }

  /** Anybody can plant a mark, and a fleet may change its key: this is told once, and looked at again, later each time. */
  #foundOther(): void {
    this.#nextAt = performance.now() + Math.min(everyMs * 2 ** this.#found, longestMs)
    this.#found += 1
    if (this.#found === 1) this.#parts.reports.foundOtherKey()
  }
}

/** There are stores that ignore what they are told of times to live. What makes no sense is over, too. */
function leftOf(time: string): number {
  const left = Number.parseInt(time, 36) - Date.now()
  return left > 0 && left <= lastsMs ? left : 0
}
