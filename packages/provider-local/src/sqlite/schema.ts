import type { DatabaseSync } from 'node:sqlite'
import { SecretsError } from '@finchat/secrets-core'
import { formatVersion } from '../keys/store-header.ts'
import { quotedPath } from '../shared/file-errors.ts'

/** `FSec`, in the file's header. */
const applicationId = 0x46536563

/** The whole schema, as SQLite stores it. A file with any other object was altered. */
const statements: readonly string[] = [
  `CREATE TABLE store (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    store_id BLOB NOT NULL, salt BLOB NOT NULL,
    scrypt_log2n INTEGER NOT NULL, scrypt_r INTEGER NOT NULL, scrypt_p INTEGER NOT NULL
  ) STRICT`,
  `CREATE TABLE keys (key_id TEXT PRIMARY KEY, wrapped BLOB NOT NULL) STRICT, WITHOUT ROWID`,
  // The residue count is not authenticated: who can reset it can keep the residue as well.
  `CREATE TABLE upkeep (id INTEGER PRIMARY KEY CHECK (id = 1), retired BLOB NOT NULL, residue INTEGER NOT NULL) STRICT`,
  // One row on one page: all that a commit writes above the secrets.
  `CREATE TABLE root (id INTEGER PRIMARY KEY CHECK (id = 1), changes INTEGER NOT NULL, mac BLOB NOT NULL, buckets BLOB NOT NULL) STRICT`,
  // Version 0 is the secret: its digest, and the root of its version tree in `sealed`. Its first
  // versions lie beside it, so that a write changes one page. Later versions, and tree nodes as
  // negative versions, lie above all leaves.
  `CREATE TABLE secrets (
    leaf INTEGER NOT NULL, path TEXT NOT NULL, version INTEGER NOT NULL,
    facts TEXT NOT NULL, digest BLOB, sealed BLOB,
    PRIMARY KEY (leaf, path, version)
  ) STRICT, WITHOUT ROWID`,
]

export function createSchema(sqlite: DatabaseSync): void {
  sqlite.exec(`PRAGMA application_id=${applicationId}; PRAGMA user_version=${formatVersion}`)
  for (const statement of statements) sqlite.exec(statement)
}

/** Call first in a transaction. Returns the transaction's data version. */
export function schemaGuard(sqlite: DatabaseSync, path: string | undefined): () => number {
  const [data, schema] = [sqlite.prepare('PRAGMA data_version'), sqlite.prepare('PRAGMA schema_version')]
  let seenAt: unknown
  let known: unknown
  return () => {
    const dataVersion = Number(data.get()?.['data_version'])
    if (dataVersion === seenAt) return dataVersion // no commit by another connection
    const now = schema.get()?.['schema_version']
    if (now !== known) assertSchema(sqlite, path)
    known = now
    seenAt = dataVersion
    return dataVersion
  }
}

/**
 * Throws `CONFIGURATION` for another program's database or another format, `INTEGRITY` for altered
 * tables: a trigger could change what a statement means.
 */
export function assertSchema(sqlite: DatabaseSync, path: string | undefined): void {
  if (pragma(sqlite, 'application_id') !== applicationId) throw notAStore(path)
  const format = pragma(sqlite, 'user_version')
  if (typeof format !== 'number' || format < 1) throw notAStore(path)
  if (format !== formatVersion) throw otherFormat(format)
  const found = sqlite
    .prepare(`SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL LIMIT ${statements.length + 1}`)
    .all()
    .map(({ sql }) => sql)
  if (found.length === statements.length && statements.every((statement) => found.includes(statement))) return
  throw new SecretsError('INTEGRITY', "the store's tables were altered", { remedy: 'restore a backup' })
}

function otherFormat(format: number): SecretsError {
  const remedy = 'read it with the version that wrote it, and copy its secrets into a new file'
  return new SecretsError('CONFIGURATION', `the store has format ${format}, and this release reads format ${formatVersion}`, {
    remedy: format > formatVersion ? 'update @finchat/secrets-provider-local' : remedy,
  })
}

export function notAStore(path?: string): SecretsError {
  return new SecretsError(
    'CONFIGURATION',
    `the file ${path === undefined ? '' : `${quotedPath(path)} `}is not a secrets store, or its header is damaged`,
    {
      remedy: 'check `path`; the file was left as it is',
    },
  )
}

function pragma(sqlite: DatabaseSync, name: string): unknown {
  return sqlite.prepare(`PRAGMA ${name}`).get()?.[name]
}
