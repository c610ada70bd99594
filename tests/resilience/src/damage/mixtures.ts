import { copyFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'

/**
 * One change by an attacker who can write the file and has an earlier state or another store as
 * `old`.
 */
export interface Mixture {
  readonly what: string
  readonly sql: string
}

const tables = ['store', 'keys', 'upkeep', 'root', 'secrets'] as const
type Table = (typeof tables)[number]
const keyColumns: Readonly<Record<Table, readonly string[]>> = {
  store: ['id'],
  keys: ['key_id'],
  upkeep: ['id'],
  root: ['id'],
  secrets: ['leaf', 'path', 'version'],
}

/** Every set of tables replaced by those of `old`. */
export function tableMixtures(): Mixture[] {
  return Array.from({ length: 2 ** tables.length - 1 }, (_, index) => tables.filter((_table, bit) => ((index + 1) >> bit) & 1)).map(
    (chosen) => ({
      what: `${chosen.join(', ')} of another state`,
      sql: chosen.map((table) => `DELETE FROM ${table}; INSERT INTO ${table} SELECT * FROM old.${table};`).join(' '),
    }),
  )
}

/** Every row dropped, and every row, secret and version put back as it stands in `old`. */
export function rowMixtures(path: string): Mixture[] {
  return tables.flatMap((table) =>
    rowsOf(path, table).flatMap((row) => {
      const where = keyColumns[table].map((column) => `${column} = ${literal(row[column])}`).join(' AND ')
      const drop = `DELETE FROM ${table} WHERE ${where};`
      return [
        { what: `a row of ${table} dropped`, sql: drop },
        { what: `a row of ${table} replayed`, sql: `${drop} INSERT INTO ${table} SELECT * FROM old.${table} WHERE ${where};` },
      ]
    }),
  )
}

/** Each secret dropped, or put back as a whole. */
export function secretMixtures(path: string): Mixture[] {
  const secrets = rowsOf(path, 'secrets').filter(({ version }) => version === 0)
  return secrets.flatMap(({ path: name }) => {
    const where = `WHERE path = ${literal(name)}`
    const drop = `DELETE FROM secrets ${where};`
    return [
      { what: 'a secret dropped', sql: drop },
      { what: 'a secret replayed', sql: `${drop} INSERT INTO secrets SELECT * FROM old.secrets ${where};` },
    ]
  })
}

/** Each column of each row given the value that it has in another row. */
export function columnMixtures(path: string): Mixture[] {
  return (['keys', 'secrets'] as const).flatMap((table) => {
    const rows = rowsOf(path, table)
    return rows.flatMap((row) =>
      rows.flatMap((other) => {
        const where = keyColumns[table].map((column) => `${column} = ${literal(row[column])}`).join(' AND ')
        const columns = Object.keys(row).filter((column) => literal(row[column]) !== literal(other[column]))
        return columns.map((column) => ({
          what: `${table}.${column} of another row`,
          sql: `UPDATE OR REPLACE ${table} SET ${column} = ${literal(other[column])} WHERE ${where};`,
        }))
      }),
    )
  })
}

interface Mixed {
  readonly isChanged: boolean
  /** The store that the index's root belongs to: data of the other one must read as altered. */
  readonly root: 'base' | 'old'
}

/** Makes the mixture of two closed stores at `path`. */
export function mix(path: string, base: string, old: string, { sql }: Mixture): Mixed {
  copyFileSync(base, path)
  const sqlite = new DatabaseSync(path)
  sqlite.exec(`PRAGMA journal_mode=DELETE; ATTACH '${old}' AS old; BEGIN; ${sql} COMMIT; DETACH old`)
  sqlite.close()
  const root = rootOf(path)
  return { isChanged: dumpOf(path) !== dumpOf(base), root: root !== rootOf(base) && root === rootOf(old) ? 'old' : 'base' }
}

function rootOf(path: string): string | undefined {
  const [root] = rowsOf(path, 'root')
  return root && JSON.stringify(Object.values(root).map(literal))
}

function dumpOf(path: string): string {
  return JSON.stringify(tables.map((table) => rowsOf(path, table).map((row) => Object.values(row).map(literal))))
}

function rowsOf(path: string, table: Table): Record<string, unknown>[] {
  const sqlite = new DatabaseSync(path, { readOnly: true })
  const rows = sqlite.prepare(`SELECT * FROM ${table} ORDER BY ${keyColumns[table].join()}`).all()
  sqlite.close()
  return rows
}

function literal(value: unknown): string {
  if (value instanceof Uint8Array) return `x'${Buffer.from(value).toString('hex')}'`
  if (typeof value === 'number' || typeof value === 'bigint') return `${value}`
  return typeof value === 'string' ? `'${value.replaceAll("'", "''")}'` : 'NULL'
}
