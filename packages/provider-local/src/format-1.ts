import type { DatabaseSync } from 'node:sqlite'
import { lengthPrefixed } from '@finchat/secrets-core/sealing'
import { Bucket, type Placed } from './bucket.ts'
import { loadCrypto } from './builtins.ts'
import { altered, integer, type Row, text } from './columns.ts'
import { bucketCount, digestAt, type IndexDigests, indexDigests, leafCount, leafOf } from './index-digests.ts'
import { type Keyring, unwrapIndexKey } from './keyring.ts'
import { limits } from './limits.ts'
import { type VersionRow, recordOf, rowOf } from './record-facts.ts'
import { columns, versionRowFrom } from './rows.ts'
import { formatVersion, type StoreHeader } from './store-header.ts'
import type { Tables } from './tables.ts'
import { emptyNode, fanOut } from './version-node.ts'
import { VersionTree } from './version-tree.ts'

/*
 * Format 1 had the same tables, keys and sealed values. Its digest of a secret covered all versions
 * at once, so each write hashed all of them.
 */
const version1 = 1

interface OldSecret {
  readonly facts: string
  readonly versions: readonly VersionRow[]
}

/**
 * Upgrades a store of format 1 inside a transaction. Throws `INTEGRITY` unless the old index
 * vouches for all of it.
 */
export function upgradeFormat1(sqlite: DatabaseSync, tables: Tables, keyring: Keyring, header: StoreHeader): void {
  const [old, now] = [indexDigests(header, version1), indexDigests(header)]
  const { changes, mac } = tables.root()
  const keys = tables.keys()
  const indexKey = unwrapIndexKey(keys, keyring, header)
  const bucketDigests = tables.bucketDigests()
  if (!loadCrypto().timingSafeEqual(old.root(indexKey, changes, keys, bucketDigests), mac)) throw altered()
  const upgrade = secretUpgrade(sqlite, tables, now, header)
  const buckets = Array.from({ length: bucketCount }, (_, number) => {
    const secrets = tables.bucket(number)
    if (!new Bucket(old, secrets).digest().equals(digestAt(bucketDigests, number))) throw altered()
    return new Bucket(now, new Map([...secrets].map(([path, placed]) => [path, upgrade(path, placed)]))).digest()
  })
  const digests = Buffer.concat(buckets)
  tables.setRoot(changes + 1, now.root(indexKey, changes + 1, keys, digests), digests)
  sqlite.exec(`PRAGMA user_version=${formatVersion}`)
  // A new schema cookie: a process that has opened format 1 then checks the format again.
  sqlite.exec('CREATE TABLE upgraded (id); DROP TABLE upgraded')
}

function secretUpgrade(
  sqlite: DatabaseSync,
  tables: Tables,
  digests: IndexDigests,
  header: StoreHeader,
): (path: string, placed: Placed) => Placed {
  const read = oldSecrets(sqlite)
  const digestOf = oldDigest(header)
  const move = sqlite.prepare(`UPDATE secrets SET leaf = leaf + ${leafCount} WHERE leaf = ? AND path = ? AND version >= ${fanOut}`)
  return (path, { leaf, digest }) => {
    const secret = read(leaf, path)
    if (!secret || leaf !== leafOf(path) || !digestOf(path, secret).equals(digest)) throw altered()
    move.run(leaf, path)
    const { lastVersion, ...record } = recordOf(path, { facts: secret.facts, root: emptyNode })
    const tree = new VersionTree(digests, tables.nodes(leaf, path), { path, root: emptyNode, lastVersion })
    for (const row of secret.versions) tree.set(row.version, digests.version(path, row))
    const row = rowOf({ ...record, lastVersion, count: secret.versions.length, root: tree.write() })
    const next = digests.record(path, row)
    tables.setRecord(leaf, path, row, next)
    return { leaf, digest: next }
  }
}

/** A secret's own row and its versions. A damaged tree may repeat rows, but not in order. */
function oldSecrets(sqlite: DatabaseSync): (leaf: number, path: string) => OldSecret | undefined {
  const own = sqlite.prepare(`SELECT ${columns.record} FROM secrets WHERE leaf = ? AND path = ? AND version = 0`)
  const versions = sqlite.prepare(`SELECT ${columns.version} FROM secrets WHERE leaf = ? AND path = ? AND version > 0 ORDER BY version`)
  return (leaf, path) => {
    const row = own.get(leaf, path)
    return row && { facts: text(row['facts']), versions: ascending(versions.iterate(leaf, path)) }
  }
}

function ascending(rows: Iterable<Row>): VersionRow[] {
  const found: VersionRow[] = []
  for (const row of rows) {
    integer(row['version'], (found.at(-1)?.version ?? 0) + 1, limits.version)
    found.push(versionRowFrom(row))
  }
  return found
}

function oldDigest({ storeId }: StoreHeader): (path: string, secret: OldSecret) => Buffer {
  return (path, { facts, versions }) => {
    const rows = versions.flatMap((row) => [row.version, row.facts, row.seal])
    return loadCrypto().hash('sha256', lengthPrefixed(['finchat-secrets/local/secret', version1, storeId, path, facts, ...rows]), 'buffer')
  }
}
