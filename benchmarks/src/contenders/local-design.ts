// The least cost of the store's design: tables, hashes and checks of the files, in one function.
import { createHmac, createSecretKey, hash, randomBytes, randomUUID, type KeyObject } from 'node:crypto'
import { statSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { Contender, Task } from '../harness/scenario.ts'
import { seal } from './local-limits.ts'
import { ownFile, pathAt, spread, valueAt } from './local-work.ts'

const size = 10_000

interface Design {
  readonly file: string
  readonly key: KeyObject
  readonly statements: Readonly<Record<'begin' | 'commit' | 'seen' | 'addVersion' | 'setSecret' | 'setRoot', StatementSync>>
  readonly leaves: Buffer
  readonly buckets: Buffer
}

function created(task: Task): Design {
  const file = ownFile(task, 'design.db')
  const sqlite = new DatabaseSync(file)
  sqlite.exec(`PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON;
    CREATE TABLE root (id INTEGER PRIMARY KEY, changes INTEGER NOT NULL, mac BLOB NOT NULL, buckets BLOB NOT NULL) STRICT;
    CREATE TABLE secrets (leaf INTEGER, path TEXT, version INTEGER, facts TEXT NOT NULL, digest BLOB, sealed BLOB,
      PRIMARY KEY (leaf, path, version)) STRICT, WITHOUT ROWID`)
  const statements = {
    begin: sqlite.prepare('BEGIN IMMEDIATE'),
    commit: sqlite.prepare('COMMIT'),
    seen: sqlite.prepare('PRAGMA data_version'),
    addVersion: sqlite.prepare('INSERT INTO secrets VALUES (?, ?, ?, ?, NULL, ?)'),
    setSecret: sqlite.prepare(
      'INSERT INTO secrets VALUES (?, ?, 0, ?, ?, NULL) ON CONFLICT DO UPDATE SET facts = excluded.facts, digest = excluded.digest',
    ),
    setRoot: sqlite.prepare('INSERT OR REPLACE INTO root VALUES (1, ?, ?, ?)'),
  }
  const design = { file, key: createSecretKey(randomBytes(32)), statements, leaves: Buffer.alloc(2_048), buckets: Buffer.alloc(2_048) }
  sqlite.exec('BEGIN')
  for (let index = 0; index < size * task.scale; index += 1) write(design, index, 1)
  sqlite.exec('COMMIT')
  return design
}

/**
 * The rows of a version that is added and made current, and the digests from there up to the root.
 */
function write({ key, statements, leaves, buckets }: Design, index: number, version: number): void {
  const path = pathAt(index)
  const leaf = Number.parseInt(hash('sha256', path, 'hex').slice(0, 3), 16)
  const facts = JSON.stringify([randomUUID(), '0123456789abcdef', 0, Date.now(), Date.now()])
  const current = JSON.stringify([version, version, version - 1, null, null, {}])
  statements.addVersion.run(leaf, path, version, facts, seal(key, valueAt(index)))
  const digest = hash('sha256', `${path}${current}${facts}`, 'buffer')
  statements.setSecret.run(leaf, path, current, digest)
  leaves.set(hash('sha256', Buffer.concat([Buffer.from(path), digest]), 'buffer'), (leaf % 64) * 32)
  buckets.set(hash('sha256', leaves, 'buffer'), Math.floor(leaf / 64) * 32)
  statements.setRoot.run(version, createHmac('sha256', key).update(buckets).digest(), buckets)
}

function put(design: Design, index: number, version: number): void {
  const { file, statements } = design
  statSync(dirname(file), { bigint: true })
  statSync(file, { bigint: true })
  statements.begin.run()
  statements.seen.get()
  write(design, index, version)
  statements.commit.run()
  statSync(dirname(file), { bigint: true })
}

export const design: Contender = (task) => {
  const made = created(task)
  let version = 1
  return { round: () => spread(task, 300, size, (index) => put(made, index, (version += 1))) }
}
