import { chmodSync, existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** Undoes a breakage. */
type Repair = () => Promise<void>

/** Locks out every other connection; if others have the file open, only writers. */
export async function lockStore(path: string): Promise<Repair> {
  const sqlite = new DatabaseSync(path)
  try {
    sqlite.exec('PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE; DELETE FROM keys WHERE key_id IS NULL')
  } catch {
    sqlite.exec('PRAGMA locking_mode=NORMAL')
    if (!sqlite.isTransaction) sqlite.exec('BEGIN IMMEDIATE')
  }
  return async () => sqlite.close()
}

/**
 * Removes this process's right to the store's folder and file. Root, which nothing can be denied,
 * becomes another user.
 */
export async function denyStore(path: string, folderMode = 0o000, fileMode = 0o600): Promise<Repair> {
  const folder = dirname(path)
  if (existsSync(path)) chmodSync(path, fileMode)
  chmodSync(folder, folderMode)
  const isRoot = process.geteuid?.() === 0
  if (isRoot) process.seteuid?.(65_534)
  return async () => {
    if (isRoot) process.seteuid?.(0)
    chmodSync(folder, 0o700)
    if (existsSync(path)) chmodSync(path, 0o600)
  }
}

/** Writes a root MAC that no key has made. */
export async function garbleStore(path: string): Promise<Repair> {
  const sqlite = new DatabaseSync(path)
  const mac = sqlite.prepare('SELECT mac FROM root').get()?.['mac'] ?? null
  sqlite.exec('UPDATE root SET mac = randomblob(32)')
  return async () => {
    sqlite.prepare('UPDATE root SET mac = ?').run(mac)
    sqlite.close()
  }
}
