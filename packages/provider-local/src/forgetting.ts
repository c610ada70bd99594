import { emptyLog, rewriteFile } from './database.ts'
import type { OpenStore } from './open-store.ts'

/**
 * Where removed ciphertext may still stand: in the log, to be emptied after a few more writes
 * (`late`) or at once, or in gaps of the file's pages too.
 */
export type Remnants = 'late' | 'log' | 'file'

/** Emptying the log costs as much as a write: `late`, it happens once for so many writes. */
const mostLate = 16

/** What is still to be done until nothing removed is left on disk: an earlier call may have had to leave it undone. */
export class Forgetting {
  #rewrite = false
  #empty = false
  #late = 0

  owe(remnants: Remnants): void {
    if (remnants === 'late') this.#late++
    if (remnants !== 'late' || this.#late >= mostLate) this.#empty = true
    if (remnants === 'file') this.#rewrite = true
  }

  /** Whether the next write does it. */
  get isDue(): boolean {
    return this.#empty
  }

  /** Whether there is anything to do for who closes the store. */
  get isOwed(): boolean {
    return this.#empty || this.#late > 0
  }

  /** Does what is owed. What fails, for a lock of another connection, stays owed; what was done is not done again. */
  settle({ sqlite, transaction }: Pick<OpenStore, 'sqlite' | 'transaction'>): void {
    if (this.#rewrite) {
      transaction('read', () => {}) // makes sure of the schema, by which the file is written anew
      rewriteFile(sqlite)
      this.#rewrite = false
    }
    if (this.isOwed) emptyLog(sqlite)
    this.#empty = false
    this.#late = 0
  }
}
