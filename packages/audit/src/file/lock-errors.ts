import { dirname } from 'node:path'
import { SecretsError } from '@finchat/secrets-core'
import { folderError, shownPath } from '../format/folder-errors.ts'

type Said = readonly [problem: string, remedy: string]

const cannotLock: Said = ['its file system has no locks', 'keep the folder on a local disk']
const isNotEmpty: Said = ['the file holds something', 'remove it while no process uses the folder']

/** By SQLite's result code (https://www.sqlite.org/rescode.html): the whole one first, then its last byte, which it has in common with others. */
const table: ReadonlyMap<number, Said> = new Map([
  [8, ['it is read-only', 'mount its file system writable, or give this process the right to write']],
  [11, isNotEmpty],
  [14, ['the file cannot be opened', 'let the user that this process runs as own the folder and what is in it']],
  [26, isNotEmpty],
  [2058, cannotLock],
  [2314, cannotLock],
  [3594, cannotLock],
  [3850, cannotLock],
])

/** What is the matter with the disk, and not with the lock. */
const ofDisk: ReadonlyMap<number, string> = new Map([
  [10, 'EIO'],
  [13, 'ENOSPC'],
])

/** Our own error for what SQLite said when it was to lock this file; never its own message. */
export function lockError(path: string, error: unknown): SecretsError {
  const code = error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode : 0
  const said = table.get(code) ?? table.get(code & 0xff)
  const systemCode = said ? undefined : ofDisk.get(code & 0xff)
  if (systemCode !== undefined) return folderError(Object.assign(new Error(), { code: systemCode }), dirname(path))
  const [problem, remedy] = said ?? [`SQLite says ${code}`, 'look at the file, and keep the folder on a local disk']
  return new SecretsError('AUDIT_FAILED', `the lock ${shownPath(path)} of the audit trail cannot be taken: ${problem}`, { remedy })
}
