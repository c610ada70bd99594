import { DatabaseSync } from 'node:sqlite'
import type { KeyvStore } from '../store/text-store.ts'

export interface SqliteStore extends KeyvStore {
  readonly capabilities: { readonly expires: true }
  readonly getMany: (keys: readonly string[]) => Promise<(string | undefined)[]>
  readonly close: () => void
}

/** An adapter like those of Keyv 6 over SQLite: `set` takes the time of expiry. */
export function sqliteStore(path: string): SqliteStore {
  const database = new DatabaseSync(path)
  database.exec('CREATE TABLE IF NOT EXISTS keyv (key TEXT PRIMARY KEY, value TEXT NOT NULL, expires INTEGER)')
  const select = database.prepare('SELECT value FROM keyv WHERE key = ? AND (expires IS NULL OR expires > ?)')
  const upsert = database.prepare(
    'INSERT INTO keyv VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires = excluded.expires',
  )
  const remove = database.prepare('DELETE FROM keyv WHERE key = ?')
  const get = async (key: string): Promise<string | undefined> => {
    const row = select.get(key, Date.now())
    return row === undefined ? undefined : String(row['value'])
  }
  return {
    capabilities: { expires: true },
    get,
    getMany: (keys) => Promise.all(keys.map(get)),
    set: async (key, value, expires) => upsert.run(key, value, expires ?? null).changes === 1,
    delete: async (key) => remove.run(key).changes === 1,
    close: () => database.close(),
  }
}
