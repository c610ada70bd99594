// The least that an encrypted store on SQLite can do, and files without it.
import { createCipheriv, createDecipheriv, createSecretKey, randomBytes, type KeyObject } from 'node:crypto'
import { closeSync, fdatasyncSync, fsyncSync, openSync, renameSync, writeFileSync, writeSync } from 'node:fs'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { Contender, Task } from '../harness/scenario.ts'
import { allThree, ownFile, pathAt, spread, valueAt } from './local-work.ts'

const size = 10_000
const tag = { authTagLength: 16 }

/** In the same mode as ours. */
function database(path: string): DatabaseSync {
  const sqlite = new DatabaseSync(path)
  sqlite.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON')
  sqlite.exec('CREATE TABLE IF NOT EXISTS secret (path TEXT PRIMARY KEY, sealed BLOB NOT NULL) STRICT, WITHOUT ROWID')
  return sqlite
}

export function seal(key: KeyObject, value: string): Uint8Array {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', key, nonce, tag)
  const sealed = [cipher.update(value), cipher.final()]
  return Buffer.concat([nonce, cipher.getAuthTag(), ...sealed])
}

function unseal(key: KeyObject, sealed: Uint8Array): string {
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12), tag).setAuthTag(sealed.subarray(12, 28))
  return decipher.update(sealed.subarray(28), undefined, 'utf8') + decipher.final('utf8')
}

interface Statements {
  readonly sqlite: DatabaseSync
  readonly writing: StatementSync
  readonly reading: StatementSync
}

interface BareStore extends Statements {
  readonly path: string
  readonly key: KeyObject
}

function statements(sqlite: DatabaseSync): Statements {
  const writing = sqlite.prepare('INSERT INTO secret VALUES (?, ?) ON CONFLICT (path) DO UPDATE SET sealed = excluded.sealed')
  return { sqlite, writing, reading: sqlite.prepare('SELECT sealed FROM secret WHERE path = ?') }
}

function filled(task: Task): BareStore {
  const [path, key] = [ownFile(task, 'bare.db'), createSecretKey(randomBytes(32))]
  const store = { path, key, ...statements(database(path)) }
  store.sqlite.exec('BEGIN')
  for (let index = 0; index < size * task.scale; index += 1) write(store, index)
  store.sqlite.exec('COMMIT')
  return store
}

function write({ key, writing }: BareStore, index: number): void {
  writing.run(pathAt(index), seal(key, valueAt(index)))
}

function assertThere({ key, reading }: BareStore, index: number): void {
  const row = reading.get(pathAt(index))
  if (!(row?.['sealed'] instanceof Uint8Array) || unseal(key, row['sealed']) !== valueAt(index)) throw new Error('another value came back')
}

export const get: Contender = (task) => {
  const store = filled(task)
  return { round: () => spread(task, 3_000, size, (index) => assertThere(store, index)) }
}

export const put: Contender = (task) => {
  const store = filled(task)
  return { round: () => spread(task, 300, size, (index) => write(store, index)) }
}

/** The same as of ours by its size. */
export const all: Contender = (task) => {
  let store = filled(task)
  const openAnew = (): void => {
    const { path, key } = store
    store = { path, key, ...statements(database(path)) }
    assertThere(store, 0)
  }
  return {
    round: async () => {
      store.sqlite.close()
      return allThree(task, size, {
        open: openAnew,
        get: (index) => assertThere(store, index),
        put: (index) => write(store, index),
      })
    },
  }
}

/** What durable costs on this disk at the least. */
export const append: Contender = (task) => {
  const file = openSync(ownFile(task, 'log'), 'a')
  const log = (index: number): void => {
    writeSync(file, `${pathAt(index)} ${valueAt(index)}\n`)
    fdatasyncSync(file)
  }
  return { round: () => spread(task, 300, size, log), close: async () => closeSync(file) }
}

/**
 * How small stores are often written: the whole file, beside the old one, and then in its place.
 */
export const rewrite: Contender = (task) => {
  const secrets = new Map(Array.from({ length: size * task.scale }, (_, index) => [pathAt(index), valueAt(index)]))
  const path = ownFile(task, 'secrets.json')
  const writeAll = (index: number): void => {
    secrets.set(pathAt(index), valueAt(index))
    const file = openSync(`${path}.new`, 'w')
    writeFileSync(file, JSON.stringify(Object.fromEntries(secrets)))
    fsyncSync(file)
    closeSync(file)
    renameSync(`${path}.new`, path)
  }
  return { round: () => spread(task, 20, size, writeAll) }
}
