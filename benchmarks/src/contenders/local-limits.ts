// The least that an encrypted store on SQLite can do, and files without it.
import { createCipheriv, createDecipheriv, createSecretKey, randomBytes, type KeyObject } from 'node:crypto'
import { closeSync, fdatasyncSync, fsyncSync, openSync, renameSync, writeFileSync, writeSync } from 'node:fs'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { timed } from '../harness/measure.ts'
import type { Contender, Task } from '../harness/scenario.ts'
import { ownFile, pathAt, spread, valueAt } from './local-work.ts'

const size = 10_000
const tag = { authTagLength: 16 }

/** In the same mode as ours. */
function database(path: string): DatabaseSync {
  const sqlite = new DatabaseSync(path)
  sqlite.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON')
  sqlite.exec('CREATE TABLE IF NOT EXISTS secret (path TEXT PRIMARY KEY, sealed BLOB NOT NULL) STRICT, WITHOUT ROWID')
  return sqlite
}

function seal(key: KeyObject, value: string): Uint8Array {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', key, nonce, tag)
  const sealed = [cipher.update(value), cipher.final()]
  return Buffer.concat([nonce, cipher.getAuthTag(), ...sealed])
}

function unseal(key: KeyObject, sealed: Uint8Array): string {
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12), tag).setAuthTag(sealed.subarray(12, 28))
  return decipher.update(sealed.subarray(28), undefined, 'utf8') + decipher.final('utf8')
}

interface BareStore {
  readonly path: string
  readonly key: KeyObject
  readonly sqlite: DatabaseSync
  readonly write: StatementSync
  readonly read: StatementSync
}

function filled(task: Task): BareStore {
  const [path, key] = [ownFile(task, 'bare.db'), createSecretKey(randomBytes(32))]
  const sqlite = database(path)
  const write = sqlite.prepare('INSERT INTO secret VALUES (?, ?) ON CONFLICT (path) DO UPDATE SET sealed = excluded.sealed')
  sqlite.exec('BEGIN')
  for (let index = 0; index < size * task.scale; index += 1) write.run(pathAt(index), seal(key, valueAt(index)))
  sqlite.exec('COMMIT')
  return { path, key, sqlite, write, read: sqlite.prepare('SELECT sealed FROM secret WHERE path = ?') }
}

function assertThere({ key, read }: Pick<BareStore, 'key' | 'read'>, index: number): void {
  const row = read.get(pathAt(index))
  if (!(row?.['sealed'] instanceof Uint8Array) || unseal(key, row['sealed']) !== valueAt(index)) throw new Error('another value came back')
}

export const get: Contender = (task) => {
  const store = filled(task)
  return { round: () => spread(task, 3_000, size, (index) => assertThere(store, index)) }
}

export const put: Contender = (task) => {
  const { key, write } = filled(task)
  return { round: () => spread(task, 300, size, (index) => void write.run(pathAt(index), seal(key, valueAt(index)))) }
}

export const open: Contender = (task) => {
  const { path, key, sqlite } = filled(task)
  sqlite.close()
  const openOnce = (): void => {
    const again = database(path)
    assertThere({ key, read: again.prepare('SELECT sealed FROM secret WHERE path = ?') }, 0)
    again.close()
  }
  return { round: () => timed(1, 'ms', openOnce) }
}

/** What durable costs on this disk at the least. */
export const append: Contender = (task) => {
  const file = openSync(ownFile(task, 'log'), 'a')
  const write = (index: number): void => {
    writeSync(file, `${pathAt(index)} ${valueAt(index)}\n`)
    fdatasyncSync(file)
  }
  return { round: () => spread(task, 300, size, write), close: async () => closeSync(file) }
}

/** How small stores are often written: the whole file, beside the old one, and then in its place. */
export const rewrite: Contender = (task) => {
  const secrets = new Map(Array.from({ length: size * task.scale }, (_, index) => [pathAt(index), valueAt(index)]))
  const path = ownFile(task, 'secrets.json')
  const write = (index: number): void => {
    secrets.set(pathAt(index), valueAt(index))
    const file = openSync(`${path}.new`, 'w')
    writeFileSync(file, JSON.stringify(Object.fromEntries(secrets)))
    fsyncSync(file)
    closeSync(file)
    renameSync(`${path}.new`, path)
  }
  return { round: () => spread(task, 20, size, write) }
}
