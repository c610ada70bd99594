import { emptyLog, rewriteFile } from './database.ts'
import type { OpenStore } from './open-store.ts'

/** Where what was removed may still stand: in the log alone, or in gaps of the file's pages too. */
export type Remnants = 'log' | 'file'

/** What is still to be done until nothing removed is left on disk: an earlier call may have had to leave it undone. */
export class Forgetting {
  #rewrite = false
  #empty = false

  owe(remnants: Remnants): void {
    this.#empty = true
    if (remnants === 'file') this.#rewrite = true
  }

  get isOwed(): boolean {
    return this.#empty
  }

  /** Does what is owed. What fails, for a lock of another connection, stays owed; what was done is not done again. */
  settle({ sqlite, transaction }: Pick<OpenStore, 'sqlite' | 'transaction'>): void {
    if (this.#rewrite) {
      transaction('read', () => {}) // makes sure of the schema, by which the file is written anew
      rewriteFile(sqlite)
      this.#rewrite = false
    }
    if (this.#empty) emptyLog(sqlite)
    this.#empty = false
  }
}
