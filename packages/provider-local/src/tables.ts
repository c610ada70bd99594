import type { DatabaseSync } from 'node:sqlite'
import { bytes, integer, present, text, unique } from './columns.ts'
import type { WrappedKey } from './keyring.ts'
import { columns, headerFrom, keyFrom, macFrom, recordFrom, versionFrom } from './rows.ts'
import type { SecretRecord, VersionRecord } from './secret-record.ts'
import type { StoreHeader } from './store-header.ts'

/** The statements that a store needs, prepared once, with their rows checked for type and bounds and for nothing else. */
export interface Tables {
  readonly root: () => { changes: number; mac: Buffer }
  readonly setRoot: (changes: number, mac: Buffer) => void
  /** Another number after every commit of another connection. Inside a transaction it is that of the state which the transaction sees. */
  readonly dataVersion: () => number
  readonly keys: () => WrappedKey[]
  readonly setKeys: (keys: readonly WrappedKey[]) => void
  /** The MACs of all buckets, in order, one after the other. */
  readonly bucketMacs: () => Buffer
  readonly setBucketMac: (bucket: number, mac: Buffer) => void
  /** The MAC of each secret of one bucket. */
  readonly bucket: (bucket: number) => Map<string, Buffer>
  readonly record: (bucket: number, path: string) => SecretRecord | undefined
  readonly setRecord: (record: SecretRecord, bucket: number, mac: Buffer) => void
  readonly sealed: (path: string, version: number) => Buffer | undefined
  readonly addVersion: (path: string, version: VersionRecord, sealed: Buffer) => void
  readonly setVersion: (path: string, version: VersionRecord) => void
  readonly setSealed: (path: string, version: VersionRecord, sealed: Buffer) => void
  readonly dropVersion: (path: string, version: number) => void
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

function rootTables(
  sqlite: DatabaseSync,
): Pick<Tables, 'root' | 'setRoot' | 'dataVersion' | 'keys' | 'setKeys' | 'bucketMacs' | 'setBucketMac'> {
  const root = sqlite.prepare(`SELECT changes, ${columns.mac} FROM buckets WHERE bucket = -1`)
  const dataVersion = sqlite.prepare('PRAGMA data_version')
  // By the column itself: by what is selected under its name, all rows would be sorted before the first one is seen.
  const keys = sqlite.prepare(`SELECT ${columns.key} FROM keys ORDER BY keys.key_id`)
  const dropKeys = sqlite.prepare('DELETE FROM keys')
  const addKey = sqlite.prepare('INSERT INTO keys VALUES (?, ?)')
  const macs = sqlite.prepare(`SELECT bucket, ${columns.mac} FROM buckets WHERE bucket >= 0 ORDER BY bucket`)
  const setMac = sqlite.prepare(
    'INSERT INTO buckets VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET changes = excluded.changes, mac = excluded.mac',
  )
  return {
    root: () => {
      const row = present(root.get())
      return { changes: integer(row['changes'], 0, Number.MAX_SAFE_INTEGER - 1), mac: macFrom(row) }
    },
    setRoot: (changes, mac) => void setMac.run(-1, changes, mac),
    dataVersion: () => Number(present(dataVersion.get())['data_version']),
    keys: () => [...unique(keys.iterate(), ({ key_id }) => key_id, keyFrom).values()],
    setKeys: (rows) => {
      dropKeys.run()
      for (const { keyId, wrapped } of rows) addKey.run(keyId, wrapped ?? null)
    },
    bucketMacs: () => Buffer.concat([...unique(macs.iterate(), ({ bucket }) => bucket, macFrom).values()]),
    setBucketMac: (bucket, mac) => void setMac.run(bucket, 0, mac),
  }
}

function recordTables(sqlite: DatabaseSync): Pick<Tables, 'bucket' | 'record' | 'setRecord'> {
  const bucket = sqlite.prepare(`SELECT ${columns.path}, ${columns.mac} FROM secrets WHERE bucket = ?`)
  const secret = sqlite.prepare(`SELECT ${columns.secret} FROM secrets WHERE bucket = ? AND path = ?`)
  const versions = sqlite.prepare(`SELECT ${columns.version} FROM versions WHERE path = ? ORDER BY version`)
  const setSecret = sqlite.prepare(
    `INSERT INTO secrets VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET last_version = excluded.last_version,
     current = excluded.current, previous = excluded.previous, pending = excluded.pending, deleted_at = excluded.deleted_at,
     tags = excluded.tags, mac = excluded.mac`,
  )
  return {
    bucket: (number) => unique(bucket.iterate(number), ({ path }) => text(path), macFrom),
    record: (number, path) => {
      const row = secret.get(number, path)
      return row && recordFrom(row, [...unique(versions.iterate(path), ({ version }) => version, versionFrom).values()])
    },
    setRecord: (record, number, mac) => {
      const { path, lastVersion, current, previous, pending, deletedAt, tags } = record
      const optionals = [current, previous, pending, deletedAt].map((value) => value ?? null)
      setSecret.run(number, path, lastVersion, ...optionals, JSON.stringify(tags), mac)
    },
  }
}

function versionTables(sqlite: DatabaseSync): Pick<Tables, 'sealed' | 'addVersion' | 'setVersion' | 'setSealed' | 'dropVersion'> {
  const sealed = sqlite.prepare(`SELECT ${columns.sealed} FROM versions WHERE path = ? AND version = ?`)
  const add = sqlite.prepare('INSERT INTO versions VALUES (?, ?, ?, ?, ?, ?, ?, ?)')
  const set = sqlite.prepare('UPDATE versions SET current_since = ? WHERE path = ? AND version = ?')
  const setSealed = sqlite.prepare('UPDATE versions SET key_id = ?, sealed = ? WHERE path = ? AND version = ?')
  const drop = sqlite.prepare('DELETE FROM versions WHERE path = ? AND version = ?')
  return {
    sealed: (path, version) => {
      const row = sealed.get(path, version)
      return row && bytes(row['sealed'])
    },
    addVersion: (path, { version, revision, keyId, kind, createdAt, currentSince }, value) =>
      void add.run(path, version, revision, keyId, kind, createdAt, currentSince ?? null, value),
    setVersion: (path, { version, currentSince }) => void set.run(currentSince ?? null, path, version),
    setSealed: (path, { version, keyId }, value) => void setSealed.run(keyId, value, path, version),
    dropVersion: (path, version) => void drop.run(path, version),
  }
}
