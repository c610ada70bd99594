import type { DatabaseSync } from 'node:sqlite'
import { SecretsError } from '@finchat/secrets-core'
import { shown } from '../shared/file-errors.ts'
import { formatVersion } from '../keys/store-header.ts'

/** `FSec`, in the file's header: tells a store from any other SQLite database. */
const applicationId = 0x46536563

/** Every object of the schema, as SQLite remembers it. A file that has others was made, or altered, by somebody else. */
const statements: readonly string[] = [
  `CREATE TABLE store (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    store_id BLOB NOT NULL, salt BLOB NOT NULL,
    scrypt_log2n INTEGER NOT NULL, scrypt_r INTEGER NOT NULL, scrypt_p INTEGER NOT NULL
  ) STRICT`,
  `CREATE TABLE keys (key_id TEXT PRIMARY KEY, wrapped BLOB NOT NULL) STRICT, WITHOUT ROWID`,
  // What is to be done or remembered beside the secrets: the sealed names of retired keys, and,
  // counted, the changes whose residue may still stand in gaps of the pages. Nobody vouches for the
  // count: who can reset it can keep the residue.
  `CREATE TABLE upkeep (id INTEGER PRIMARY KEY CHECK (id = 1), retired BLOB NOT NULL, residue INTEGER NOT NULL) STRICT`,
  // One row of one page, which is all that a commit writes of the index above the secrets.
  `CREATE TABLE root (id INTEGER PRIMARY KEY CHECK (id = 1), changes INTEGER NOT NULL, mac BLOB NOT NULL, buckets BLOB NOT NULL) STRICT`,
  // A secret is version 0, with its digest, and the root of its version tree in `sealed`.
  // Its first versions are its neighbours, so that a write changes one page. Later versions, and
  // the tree's nodes as negative versions, have a leaf behind all others.
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

/**
 * Makes sure of the schema whenever it is not the one that was last made sure of: called first in a transaction, it speaks
 * for all of it. Returns the data version of the state that the transaction sees. `path` is for the message.
 */
export function schemaGuard(sqlite: DatabaseSync, path: string | undefined): () => number {
  const [data, schema] = [sqlite.prepare('PRAGMA data_version'), sqlite.prepare('PRAGMA schema_version')]
  let seenAt: unknown
  let known: unknown
  return () => {
    const dataVersion = Number(data.get()?.['data_version'])
    if (dataVersion === seenAt) return dataVersion // nobody else has committed anything
    const now = schema.get()?.['schema_version']
    if (now !== known) assertSchema(sqlite, path)
    known = now
    seenAt = dataVersion
    return dataVersion
  }
}

/**
 * Throws `CONFIGURATION` for another program's database and for a store of a later format, `INTEGRITY` for a store whose
 * tables are not those that were made: a trigger or a view could make a statement mean something else.
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

/** Formats 1 and 2 are those of unpublished versions. */
function otherFormat(format: number): SecretsError {
  const remedy = 'read it with the version that wrote it, and store what it holds in a new file'
  return new SecretsError('CONFIGURATION', `the store has format ${format}, and this release reads format ${formatVersion}`, {
    remedy: format > formatVersion ? 'update @finchat/secrets-provider-local' : remedy,
  })
}

export function notAStore(path?: string): SecretsError {
  return new SecretsError(
    'CONFIGURATION',
    `the file ${path === undefined ? '' : `${shown(path)} `}is not a secrets store, or its header is damaged`,
    {
      remedy: 'check `path`; the file was left as it is',
    },
  )
}

function pragma(sqlite: DatabaseSync, name: string): unknown {
  return sqlite.prepare(`PRAGMA ${name}`).get()?.[name]
}
