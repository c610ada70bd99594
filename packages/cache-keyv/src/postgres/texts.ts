import type { PostgresPool } from './pool.ts'

/** One of so many writes also removes what has ended. */
const writesPerSweep = 500

/** Texts with a time to live in one table. The server's clock decides what has ended. */
export class PostgresTexts {
  readonly #pool: PostgresPool
  readonly #table: string

  constructor(pool: PostgresPool, table: string) {
    this.#pool = pool
    this.#table = table
  }

  async getMany(keys: readonly string[]): Promise<(string | undefined)[]> {
    const { rows } = await this.#pool.query(`SELECT key, value FROM ${this.#table} WHERE key = ANY($1) AND until > clock_timestamp()`, [
      keys,
    ])
    const found = new Map((rows as readonly { readonly key: string; readonly value: string }[]).map(({ key, value }) => [key, value])) // as selected
    return keys.map((key) => found.get(key))
  }

  /** With `isNew`, only if there is no text under the key. Returns whether it was written. */
  async set(key: string, text: string, ttlMs: number, { isNew = false }: { readonly isNew?: boolean | undefined } = {}): Promise<boolean> {
    const { rowCount } = await this.#pool.query(
      `INSERT INTO ${this.#table} AS held (key, value, until) VALUES ($1, $2, clock_timestamp() + $3::float8 * interval '1 millisecond')
       ON CONFLICT (key) DO UPDATE SET value = excluded.value, until = excluded.until${isNew ? ' WHERE held.until <= clock_timestamp()' : ''}`,
      [key, text, ttlMs],
    )
    if (Math.random() < 1 / writesPerSweep) this.#sweep()
    return rowCount === 1
  }

  async delete(key: string): Promise<boolean> {
    const { rowCount } = await this.#pool.query(`DELETE FROM ${this.#table} WHERE key = $1`, [key])
    return rowCount === 1
  }

  /** In the background: rows that others lock, or many rows, would fail a write that is done. */
  #sweep(): void {
    this.#pool.query(`DELETE FROM ${this.#table} WHERE until <= clock_timestamp()`).catch(() => {})
  }
}
