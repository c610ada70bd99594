import type { DatabaseSync } from 'node:sqlite'
import type { KeyTable } from '../keys/key-table.ts'
import type { StoreHeader } from '../keys/store-header.ts'
import { leafCount, leavesPerBucket, type LeafEntry } from '../record/tree-shape.ts'
import { fanOut } from '../record/version-node.ts'
import { addUnique, bytes, integer, present, type Row, text, unique } from './columns.ts'
import {
  bucketsFrom,
  columns,
  headerFrom,
  keyFrom,
  nodeFrom,
  leafEntryFrom,
  recordRowFrom,
  rootFrom,
  versionRowFrom,
  type RecordRow,
  type VersionRow,
} from './row-codecs.ts'

/** The node rows of one secret. */
export interface NodeRows {
  readonly node: (id: number) => Buffer | undefined
  readonly setNode: (id: number, node: Buffer) => void
  readonly dropNode: (id: number) => void
}

/** Prepared statements. Rows are checked for type and bounds only, not authenticated. */
export interface Tables {
  readonly root: () => { changes: number; mac: Buffer }
  /** All bucket digests, concatenated in order. */
  readonly bucketDigests: () => Buffer
  readonly setRoot: (changes: number, mac: Buffer, bucketDigests: Buffer) => void
  /** SQLite's `data_version`: changes after every commit of another connection. */
  readonly dataVersion: () => number
  readonly keys: () => KeyTable
  readonly setKeys: (keys: KeyTable) => void
  /** How many changes may have left residue in page gaps. */
  readonly residue: () => number
  readonly addResidue: () => void
  /** Clears the count, unless it has changed since. */
  readonly clearResidue: (count: number) => void
  /** The digest of each secret of one bucket. */
  readonly bucket: (bucket: number) => Map<string, LeafEntry>
  readonly record: (leaf: number, path: string) => RecordRow | undefined
  readonly setRecord: (leaf: number, path: string, row: RecordRow, digest: Buffer) => void
  readonly nodes: (leaf: number, path: string) => NodeRows
  readonly version: (leaf: number, path: string, version: number) => VersionRow | undefined
  readonly sealed: (leaf: number, path: string, version: number) => Buffer | undefined
  /** 0 if there is no such version. */
  readonly sealedLength: (leaf: number, path: string, version: number) => number
  readonly addVersion: (leaf: number, path: string, row: VersionRow, sealed: Buffer) => void
  readonly setVersion: (leaf: number, path: string, row: VersionRow) => void
  readonly setSealed: (leaf: number, path: string, row: VersionRow, sealed: Buffer) => void
  readonly dropVersion: (leaf: number, path: string, version: number) => void
  /** All rows of a secret but its own. */
  readonly dropVersions: (leaf: number, path: string) => void
}

export function prepareTables(sqlite: DatabaseSync): Tables {
  return {
    ...rootTables(sqlite),
    ...keyTables(sqlite),
    ...residueTables(sqlite),
    ...recordTables(sqlite),
    ...nodeTables(sqlite),
    ...versionTables(sqlite),
  }
}

export function readHeader(sqlite: DatabaseSync): StoreHeader {
  return headerFrom(present(sqlite.prepare(`SELECT ${columns.header} FROM store WHERE id = 1`).get()))
}

export function writeHeader(sqlite: DatabaseSync, { storeId, salt, scrypt }: StoreHeader): void {
  sqlite.prepare('INSERT INTO store VALUES (1, ?, ?, ?, ?, ?)').run(storeId, salt, scrypt.log2N, scrypt.r, scrypt.p)
}

/** What changes with every write. */
export function readRootMac(sqlite: DatabaseSync): Buffer {
  return rootTables(sqlite).root().mac
}

function rootTables(sqlite: DatabaseSync): Pick<Tables, 'root' | 'bucketDigests' | 'setRoot' | 'dataVersion'> {
  const root = sqlite.prepare(`SELECT ${columns.root} FROM root WHERE id = 1`)
  const buckets = sqlite.prepare(`SELECT ${columns.buckets} FROM root WHERE id = 1`)
  const setRoot = sqlite.prepare(
    `INSERT INTO root VALUES (1, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET changes = excluded.changes, mac = excluded.mac, buckets = excluded.buckets`,
  )
  const dataVersion = sqlite.prepare('PRAGMA data_version')
  return {
    root: () => rootFrom(present(root.get())),
    bucketDigests: () => bucketsFrom(present(buckets.get())),
    setRoot: (changes, mac, bucketDigests) => void setRoot.run(changes, mac, bucketDigests),
    dataVersion: () => Number(present(dataVersion.get())['data_version']),
  }
}

function keyTables(sqlite: DatabaseSync): Pick<Tables, 'keys' | 'setKeys'> {
  // Qualified: ordering by the selected expression would sort all rows before the first is read.
  const keys = sqlite.prepare(`SELECT ${columns.key} FROM keys ORDER BY keys.key_id`)
  const dropKeys = sqlite.prepare('DELETE FROM keys')
  const addKey = sqlite.prepare('INSERT INTO keys VALUES (?, ?)')
  const retired = sqlite.prepare(`SELECT ${columns.retired} FROM upkeep WHERE id = 1`)
  const setRetired = sqlite.prepare('INSERT INTO upkeep VALUES (1, ?, 0) ON CONFLICT (id) DO UPDATE SET retired = excluded.retired')
  return {
    keys: () => ({
      wrapped: [...unique(keys.iterate(), ({ key_id }) => key_id, keyFrom).values()],
      retired: bytes(present(retired.get())['retired']),
    }),
    setKeys: (table) => {
      dropKeys.run()
      for (const { keyId, wrapped } of table.wrapped) addKey.run(keyId, wrapped)
      setRetired.run(table.retired)
    },
  }
}

function residueTables(sqlite: DatabaseSync): Pick<Tables, 'residue' | 'addResidue' | 'clearResidue'> {
  const residue = sqlite.prepare('SELECT residue FROM upkeep WHERE id = 1')
  const add = sqlite.prepare('UPDATE upkeep SET residue = residue + 1')
  const clear = sqlite.prepare('UPDATE upkeep SET residue = 0 WHERE residue = ?')
  return {
    residue: () => integer(present(residue.get())['residue'], 0, Number.MAX_SAFE_INTEGER - 1),
    addResidue: () => void add.run(),
    clearResidue: (count) => void clear.run(count),
  }
}

function recordTables(sqlite: DatabaseSync): Pick<Tables, 'bucket' | 'record' | 'setRecord'> {
  const bucket = sqlite.prepare(
    `SELECT ${columns.leafEntry} FROM secrets WHERE (leaf, path) > (?, ?) AND leaf <= ? AND version = 0 ORDER BY leaf, secrets.path LIMIT ${pageRows}`,
  )
  const record = sqlite.prepare(`SELECT ${columns.record} FROM secrets WHERE leaf = ? AND path = ? AND version = 0`)
  const setSecret = sqlite.prepare(
    `INSERT INTO secrets VALUES (?, ?, 0, ?, ?, ?)
      ON CONFLICT DO UPDATE SET facts = excluded.facts, digest = excluded.digest, sealed = excluded.sealed`,
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
      const found = new Map<string, LeafEntry>()
      for (const rows of pages) addUnique(found, rows, ({ path }) => text(path), leafEntryFrom)
      return found
    },
    record: (leaf, path) => {
      const row = record.get(leaf, path)
      return row && recordRowFrom(row)
    },
    setRecord: (leaf, path, { facts, root }, digest) => void setSecret.run(leaf, path, facts, digest, root.length > 0 ? root : null),
  }
}

const which = 'leaf = ? AND path = ? AND version = ?'

/** Nodes have negative numbers. */
function nodeTables(sqlite: DatabaseSync): Pick<Tables, 'nodes'> {
  const node = sqlite.prepare(`SELECT ${columns.node} FROM secrets WHERE ${which}`)
  const set = sqlite.prepare(`INSERT INTO secrets VALUES (?, ?, ?, '', NULL, ?) ON CONFLICT DO UPDATE SET sealed = excluded.sealed`)
  const drop = sqlite.prepare(`DELETE FROM secrets WHERE ${which}`)
  return {
    nodes: (leaf, path) => ({
      node: (id) => {
        const row = node.get(leaf + leafCount, path, -id)
        return row && nodeFrom(row)
      },
      setNode: (id, content) => void set.run(leaf + leafCount, path, -id, content),
      dropNode: (id) => void drop.run(leaf + leafCount, path, -id),
    }),
  }
}

/**
 * First versions lie beside their secret, so that a write changes one page; others above all
 * leaves, so that reading a bucket skips few rows.
 */
function leafFor(leaf: number, version: number): number {
  return version < fanOut ? leaf : leaf + leafCount
}

/**
 * Faster than row by row. A damaged tree that repeats rows is noticed before they fill the memory.
 */
const pageRows = 1_000

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

type VersionTables = 'version' | 'sealed' | 'sealedLength' | 'addVersion' | 'setVersion' | 'setSealed' | 'dropVersion' | 'dropVersions'

function versionTables(sqlite: DatabaseSync): Pick<Tables, VersionTables> {
  const version = sqlite.prepare(`SELECT ${columns.version} FROM secrets WHERE ${which}`)
  const sealed = sqlite.prepare(`SELECT ${columns.sealed} FROM secrets WHERE ${which}`)
  const length = sqlite.prepare(`SELECT octet_length(sealed) AS length FROM secrets WHERE ${which}`)
  const add = sqlite.prepare('INSERT INTO secrets VALUES (?, ?, ?, ?, NULL, ?)')
  const set = sqlite.prepare(`UPDATE secrets SET facts = ? WHERE ${which}`)
  const setSealed = sqlite.prepare(`UPDATE secrets SET facts = ?, sealed = ? WHERE ${which}`)
  const drop = sqlite.prepare(`DELETE FROM secrets WHERE ${which}`)
  const dropAll = sqlite.prepare('DELETE FROM secrets WHERE leaf = ? AND path = ? AND version <> 0')
  return {
    version: (leaf, path, number) => {
      const row = version.get(leafFor(leaf, number), path, number)
      return row && versionRowFrom(row)
    },
    sealed: (leaf, path, number) => {
      const row = sealed.get(leafFor(leaf, number), path, number)
      return row && bytes(row['sealed'])
    },
    sealedLength: (leaf, path, number) => Number(length.get(leafFor(leaf, number), path, number)?.['length'] ?? 0),
    addVersion: (leaf, path, row, value) => void add.run(leafFor(leaf, row.version), path, row.version, row.facts, value),
    setVersion: (leaf, path, row) => void set.run(row.facts, leafFor(leaf, row.version), path, row.version),
    setSealed: (leaf, path, row, value) => void setSealed.run(row.facts, value, leafFor(leaf, row.version), path, row.version),
    dropVersion: (leaf, path, number) => void drop.run(leafFor(leaf, number), path, number),
    dropVersions: (leaf, path) => {
      for (const each of [leaf, leaf + leafCount]) dropAll.run(each, path)
    },
  }
}
