import type { DatabaseSync } from 'node:sqlite'
import { altered, bytes, integer, optional, present, type Row, text } from './columns.ts'
import type { WrappedKey } from './keyring.ts'
import { limits } from './limits.ts'
import { macLength } from './record-macs.ts'
import { sealLength } from './seal.ts'
import type { SecretRecord, VersionRecord } from './secret-record.ts'
import { idLength, saltLength, scryptBounds, type StoreHeader } from './store-header.ts'

/** The statements that a store needs, prepared once, with their rows checked for type and bounds and for nothing else. */
export interface Tables {
  readonly root: () => { changes: number; mac: Buffer }
  readonly setRoot: (changes: number, mac: Buffer) => void
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
  const row = present(sqlite.prepare('SELECT * FROM store').get())
  const cost = (column: string, [least, most]: readonly [number, number]): number => integer(row[column], least, most)
  const scrypt = {
    log2N: cost('scrypt_log2n', scryptBounds.log2N),
    r: cost('scrypt_r', scryptBounds.r),
    p: cost('scrypt_p', scryptBounds.p),
  }
  return { storeId: bytes(row['store_id'], idLength), salt: bytes(row['salt'], saltLength), scrypt }
}

export function writeHeader(sqlite: DatabaseSync, { storeId, salt, scrypt }: StoreHeader): void {
  sqlite.prepare('INSERT INTO store VALUES (1, ?, ?, ?, ?, ?)').run(storeId, salt, scrypt.log2N, scrypt.r, scrypt.p)
}

function rootTables(sqlite: DatabaseSync): Pick<Tables, 'root' | 'setRoot' | 'keys' | 'setKeys' | 'bucketMacs' | 'setBucketMac'> {
  const root = sqlite.prepare('SELECT changes, mac FROM buckets WHERE bucket = -1')
  const keys = sqlite.prepare('SELECT key_id, wrapped FROM keys ORDER BY key_id')
  const dropKeys = sqlite.prepare('DELETE FROM keys')
  const addKey = sqlite.prepare('INSERT INTO keys VALUES (?, ?)')
  const macs = sqlite.prepare('SELECT mac FROM buckets WHERE bucket >= 0 ORDER BY bucket')
  const setMac = sqlite.prepare(
    'INSERT INTO buckets VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET changes = excluded.changes, mac = excluded.mac',
  )
  return {
    root: () => {
      const row = present(root.get())
      return { changes: integer(row['changes'], 0, Number.MAX_SAFE_INTEGER - 1), mac: bytes(row['mac'], macLength) }
    },
    setRoot: (changes, mac) => void setMac.run(-1, changes, mac),
    keys: () => keys.all().map((row) => ({ keyId: text(row['key_id']), wrapped: bytes(row['wrapped']) })),
    setKeys: (rows) => {
      dropKeys.run()
      for (const { keyId, wrapped } of rows) addKey.run(keyId, wrapped)
    },
    bucketMacs: () => Buffer.concat(macs.all().map((row) => bytes(row['mac'], macLength))),
    setBucketMac: (bucket, mac) => void setMac.run(bucket, 0, mac),
  }
}

function recordTables(sqlite: DatabaseSync): Pick<Tables, 'bucket' | 'record' | 'setRecord'> {
  const bucket = sqlite.prepare('SELECT path, mac FROM secrets WHERE bucket = ?')
  const secret = sqlite.prepare('SELECT * FROM secrets WHERE bucket = ? AND path = ?')
  const versions = sqlite.prepare(
    `SELECT version, revision, key_id, kind, created_at, current_since, substr(sealed, 1, ${sealLength}) AS seal FROM versions
     WHERE path = ? ORDER BY version`,
  )
  const setSecret = sqlite.prepare(
    `INSERT INTO secrets VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET last_version = excluded.last_version,
     current = excluded.current, previous = excluded.previous, pending = excluded.pending, deleted_at = excluded.deleted_at,
     tags = excluded.tags, mac = excluded.mac`,
  )
  return {
    bucket: (number) => new Map(bucket.all(number).map((row) => [text(row['path']), bytes(row['mac'], macLength)])),
    record: (number, path) => {
      const row = secret.get(number, path)
      return row && recordFrom(row, versions.all(path).map(versionFrom))
    },
    setRecord: (record, number, mac) => {
      const { path, lastVersion, current, previous, pending, deletedAt, tags } = record
      const optionals = [current, previous, pending, deletedAt].map((value) => value ?? null)
      setSecret.run(number, path, lastVersion, ...optionals, JSON.stringify(tags), mac)
    },
  }
}

function versionTables(sqlite: DatabaseSync): Pick<Tables, 'sealed' | 'addVersion' | 'setVersion' | 'setSealed' | 'dropVersion'> {
  const sealed = sqlite.prepare('SELECT sealed FROM versions WHERE path = ? AND version = ?')
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

function recordFrom(row: Row, versions: readonly VersionRecord[]): SecretRecord {
  const version = (value: unknown): number => integer(value, 1, limits.version)
  return {
    path: text(row['path']),
    lastVersion: version(row['last_version']),
    current: optional(row['current'], version),
    previous: optional(row['previous'], version),
    pending: optional(row['pending'], version),
    deletedAt: optional(row['deleted_at'], time),
    tags: tagsFrom(text(row['tags'])),
    versions,
  }
}

function versionFrom(row: Row): VersionRecord {
  return {
    version: integer(row['version'], 1, limits.version),
    revision: text(row['revision']),
    keyId: text(row['key_id']),
    kind: integer(row['kind'], 0, 3),
    createdAt: time(row['created_at']),
    currentSince: optional(row['current_since'], time),
    seal: bytes(row['seal'], sealLength),
  }
}

/** As far as a `Date` reaches. */
function time(value: unknown): number {
  return integer(value, 0, 8.64e15)
}

function tagsFrom(json: string): Record<string, string> {
  try {
    // Only ever written by JSON.stringify of checked tags; whether that is so still is what the record's MAC decides.
    return JSON.parse(json) as Record<string, string>
  } catch {
    throw altered()
  }
}
