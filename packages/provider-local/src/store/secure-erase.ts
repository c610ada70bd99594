import type { DatabaseSync } from 'node:sqlite'
import { warnOperator } from '@finchat/secrets-core/provider'
import { quotedPath } from '../shared/file-errors.ts'
import { emptyLog, rewriteFile, type Transaction } from '../sqlite/connection.ts'
import type { Tables } from '../sqlite/tables.ts'

/**
 * Where removed ciphertext may remain: in the log, emptied after several writes (`late`) or at once
 * (`log`), or in page gaps too (`file`).
 */
export type Residue = 'late' | 'log' | 'file'

/** What `SecureErase.run` needs of an open store. */
export interface ErasableStore {
  readonly sqlite: DatabaseSync
  readonly transaction: Transaction
  readonly tables: Pick<Tables, 'residue' | 'clearResidue'>
}

/** Emptying the log costs as much as a write, so `late` residue shares it. */
const maxLate = 16

/** Erases residue from file and log. What a lock prevents stays scheduled. */
export class SecureErase {
  #due: 'log' | 'file' | undefined
  #late = 0
  #isPromised = false

  /** Schedules the residue of a call of this process. */
  schedule(residue: Residue): void {
    this.#isPromised ||= residue !== 'late'
    this.inherit(residue)
  }

  /** Schedules the residue of another process. */
  inherit(residue: Residue): void {
    if (residue === 'late' && ++this.#late < maxLate) return
    if (this.#due !== 'file') this.#due = residue === 'file' ? 'file' : 'log'
  }

  /** Whether the next write must erase. */
  get isDue(): boolean {
    return this.#due !== undefined
  }

  /** Whether closing the store must erase. */
  get isPending(): boolean {
    return this.isDue || this.#late > 0
  }

  /** Whether an erase that a call promised is still pending. */
  get isPromised(): boolean {
    return this.#isPromised
  }

  /** Throws while another connection holds a lock; the steps done are not repeated. */
  run({ sqlite, transaction, tables }: ErasableStore): void {
    if (this.#due === 'file') {
      // The transaction checks the schema, which VACUUM executes.
      const residue = transaction('read', () => tables.residue())
      rewriteFile(sqlite)
      transaction('write', () => tables.clearResidue(residue))
      this.#due = 'log'
    }
    if (this.isPending) emptyLog(sqlite)
    this.#due = undefined
    this.#late = 0
    this.#isPromised = false
  }
}

/** A warning, because no call is left to fail. */
export function warnOfResidue(path: string | undefined): void {
  const file = path === undefined ? 'in memory' : `in ${quotedPath(path)}`
  warnOperator(
    `The local store ${file} was closed before removed values were erased from its file and log. The next process erases them when it writes or closes`,
    'FINCHAT_SECRETS_RESIDUE',
  )
}
