import { emptyLog, rewriteFile, type Transaction } from '../sqlite/connection.ts'
import { shown } from '../shared/file-errors.ts'
import type { DatabaseSync } from 'node:sqlite'
import type { Remnants } from './options.ts'
import type { Tables } from '../sqlite/tables.ts'

/** The parts of an open store that are erased from. */
export interface ErasedStore {
  readonly sqlite: DatabaseSync
  readonly transaction: Transaction
  readonly tables: Pick<Tables, 'residue' | 'clearResidue'>
}

/** Emptying the log costs as much as a write: `late`, it happens once for so many writes. */
const mostLate = 16

/** What is still to be done until nothing removed is left on disk: an earlier call may have had to leave it undone. */
export class Forgetting {
  #rewrite = false
  #empty = false
  #late = 0
  #isPromised = false

  owe(remnants: Remnants): void {
    this.#isPromised ||= remnants !== 'late'
    this.inherit(remnants)
  }

  /** What another process has left undone. */
  inherit(remnants: Remnants): void {
    if (remnants === 'late') this.#late++
    if (remnants !== 'late' || this.#late >= mostLate) this.#empty = true
    if (remnants === 'file') this.#rewrite = true
  }

  /** Whether the next write does it. */
  get isDue(): boolean {
    return this.#empty
  }

  /** Whether a caller was promised what is not done. */
  get isPromised(): boolean {
    return this.#isPromised && this.isOwed
  }

  /** Whether there is anything to do for who closes the store. */
  get isOwed(): boolean {
    return this.#empty || this.#rewrite || this.#late > 0
  }

  /** Does what is owed. What fails, for a lock of another connection, stays owed; what was done is not done again. */
  settle({ sqlite, transaction, tables }: ErasedStore): void {
    if (this.#rewrite) {
      // The transaction makes sure of the schema, by which the file is written anew.
      const residue = transaction('read', () => tables.residue())
      rewriteFile(sqlite)
      transaction('write', () => tables.clearResidue(residue))
      this.#rewrite = false
    }
    if (this.isOwed) emptyLog(sqlite)
    this.#empty = false
    this.#late = 0
    this.#isPromised = false
  }
}

/** Nobody is left to be told by an error. */
export function warnOfResidue(path: string | undefined): void {
  const file = path === undefined ? 'in memory' : `in ${shown(path)}`
  process.emitWarning(
    `The local store ${file} was closed before what was removed was gone from its file and log: it goes when the store is next opened and closed`,
    { type: 'SecretsWarning', code: 'FINCHAT_SECRETS_RESIDUE' },
  )
}
