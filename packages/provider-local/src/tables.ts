import type { DatabaseSync } from 'node:sqlite'
import type { Placed } from './bucket.ts'
import { addUnique, bytes, integer, present, type Row, text, unique } from './columns.ts'
import { leavesPerBucket } from './index-digests.ts'
import type { WrappedKey } from './keyring.ts'
import { limits } from './limits.ts'
import { factsOf, type RecordRows } from './record-facts.ts'
import { bucketsFrom, columns, headerFrom, keyFrom, placedFrom, recordRowsFrom, rootFrom } from './rows.ts'
import type { VersionRecord } from './secret-record.ts'
import type { StoreHeader } from './store-header.ts'

/** The statements that a store needs, prepared once, with their rows checked for type and bounds and for nothing else. */
export interface Tables {
  readonly root: () => { changes: number; mac: Buffer }
  /** The digests of all buckets, in order, one after the other. */
  readonly bucketDigests: () => Buffer
  readonly setRoot: (changes: number, mac: Buffer, bucketDigests: Buffer) => void
  /** Another number after every commit of another connection. Inside a transaction it is that of the state which the transaction sees. */
  readonly dataVersion: () => number
  readonly keys: () => WrappedKey[]
  readonly setKeys: (keys: readonly WrappedKey[]) => void
  /** The digest of each secret of one bucket. */
  readonly bucket: (bucket: number) => Map<string, Placed>
  readonly record: (leaf: number, path: string) => RecordRows | undefined
  readonly setRecord: (leaf: number, path: string, facts: string, digest: Buffer) => void
  readonly sealed: (leaf: number, path: string, version: number) => Buffer | undefined
  readonly addVersion: (leaf: number, path: string, version: VersionRecord, sealed: Buffer) => void
  readonly setVersion: (leaf: number, path: string, version: VersionRecord) => void
  readonly setSealed: (leaf: number, path: string, version: VersionRecord, sealed: Buffer) => void
  readonly dropVersion: (leaf: number, path: string, version: number) => void
}

export function prepareTables(sqlite: DatabaseSync): Tables {
  return { ...rootTables(sqlite), ...recordTables(sqlite), ...versionTables(sqlite) }
}

export function readHeader(sqlite: DatabaseSync): StoreHeader {
  return headerFrom(present(sqlite.prepare(`SELECT ${columns.header} FROM store WHERE id = 1`).get()))
}

export function writeHeader(sqlite: DatabaseSync, { storeId, salt, scrypt }: StoreHeader): void {
  sqlite.prepare('INSERT INTO store VALUES (1, ?, ?, ?, ?, ?)').run(storeId, salt, scrypt.log2N, scrypt.r, scrypt.p)
}

function rootTables(sqlite: DatabaseSync): Pick<Tables, 'root' | 'bucketDigests' | 'setRoot' | 'dataVersion' | 'keys' | 'setKeys'> {
  const root = sqlite.prepare(`SELECT ${columns.root} FROM root WHERE id = 1`)
  const buckets = sqlite.prepare(`SELECT ${columns.buckets} FROM root WHERE id = 1`)
  const setRoot = sqlite.prepare(
    `INSERT INTO root VALUES (1, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET changes = excluded.changes, mac = excluded.mac, buckets = excluded.buckets`,
  )
  const dataVersion = sqlite.prepare('PRAGMA data_version')
  // By the column itself: by what is selected under its name, all rows would be sorted before the first one is seen.
  const keys = sqlite.prepare(`SELECT ${columns.key} FROM keys ORDER BY keys.key_id`)
  const dropKeys = sqlite.prepare('DELETE FROM keys')
  const addKey = sqlite.prepare('INSERT INTO keys VALUES (?, ?)')
  return {
    root: () => rootFrom(present(root.get())),
    bucketDigests: () => bucketsFrom(present(buckets.get())),
    setRoot: (changes, mac, bucketDigests) => void setRoot.run(changes, mac, bucketDigests),
    dataVersion: () => Number(present(dataVersion.get())['data_version']),
    keys: () => [...unique(keys.iterate(), ({ key_id }) => key_id, keyFrom).values()],
    setKeys: (rows) => {
      dropKeys.run()
      for (const { keyId, wrapped } of rows) addKey.run(keyId, wrapped ?? null)
    },
  }
}

function recordTables(sqlite: DatabaseSync): Pick<Tables, 'bucket' | 'record' | 'setRecord'> {
  const bucket = sqlite.prepare(
    `SELECT ${columns.placed} FROM secrets WHERE (leaf, path) > (?, ?) AND leaf <= ? AND version = 0 ORDER BY leaf, secrets.path LIMIT ${pageRows}`,
  )
  const record = sqlite.prepare(
    `SELECT ${columns.record} FROM secrets WHERE leaf = ? AND path = ? AND version > ? ORDER BY version LIMIT ${pageRows}`,
  )
  const setSecret = sqlite.prepare(
    `INSERT INTO secrets VALUES (?, ?, 0, ?, ?, NULL) ON CONFLICT DO UPDATE SET facts = excluded.facts, digest = excluded.digest`,
  )
  return {
    bucket: (number) => {
      const first = number * leavesPerBucket
      const last = first + leavesPerBucket - 1
      const pages = inPages<[leaf: number, path: string]>(
        (leaf, path) => bucket.all(leaf, path, last),
        [first, ''],
        (row) => [integer(row['leaf'], first, last), text(row['path'])],
      )
      const found = new Map<string, Placed>()
      for (const rows of pages) addUnique(found, rows, ({ path }) => text(path), placedFrom)
      return found
    },
    record: (leaf, path) => {
      const pages = inPages<[version: number]>(
        (version) => record.all(leaf, path, version),
        [-1],
        (row) => [integer(row['version'], 0, limits.version)],
      )
      return recordRowsFrom([...pages].flat())
    },
    setRecord: (leaf, path, facts, digest) => void setSecret.run(leaf, path, facts, digest),
  }
}

/** Faster than one by one; and a damaged tree that shows the same rows without end is noticed before memory is full of them. */
const pageRows = 1_000

/** All rows, so many at a time. */
function* inPages<Key extends readonly (string | number)[]>(
  rowsAfter: (...key: Key) => Row[],
  first: Key,
  keyOf: (row: Row) => Key,
): Iterable<readonly Row[]> {
  for (let key: Key | undefined = first; key;) {
    const rows = rowsAfter(...key)
    yield rows
    const last = rows.at(-1)
    key = last && rows.length === pageRows ? keyOf(last) : undefined
  }
}

function versionTables(sqlite: DatabaseSync): Pick<Tables, 'sealed' | 'addVersion' | 'setVersion' | 'setSealed' | 'dropVersion'> {
  const which = 'leaf = ? AND path = ? AND version = ?'
  const sealed = sqlite.prepare(`SELECT ${columns.sealed} FROM secrets WHERE ${which}`)
  const add = sqlite.prepare('INSERT INTO secrets VALUES (?, ?, ?, ?, NULL, ?)')
  const set = sqlite.prepare(`UPDATE secrets SET facts = ? WHERE ${which}`)
  const setSealed = sqlite.prepare(`UPDATE secrets SET facts = ?, sealed = ? WHERE ${which}`)
  const drop = sqlite.prepare(`DELETE FROM secrets WHERE ${which}`)
  return {
    sealed: (leaf, path, version) => {
      const row = sealed.get(leaf, path, version)
      return row && bytes(row['sealed'])
    },
    addVersion: (leaf, path, version, value) => void add.run(leaf, path, version.version, factsOf(version), value),
    setVersion: (leaf, path, version) => void set.run(factsOf(version), leaf, path, version.version),
    setSealed: (leaf, path, version, value) => void setSealed.run(factsOf(version), value, leaf, path, version.version),
    dropVersion: (leaf, path, version) => void drop.run(leaf, path, version),
  }
}
