import { configurationError } from '@finchat/secrets-core/provider'

/** What this package uses of the answer to a query of `pg`. */
export interface PostgresAnswer {
  readonly rows: readonly unknown[]
  readonly rowCount: number | null
}

/** What this package uses of a connection that a `pg.Pool` lends. */
export interface PostgresConnection {
  readonly query: (sql: string) => Promise<unknown>
  on(event: 'notification' | 'error' | 'end', listener: (event: never) => void): unknown
  /** `true`: it is closed instead of lent again. */
  readonly release: (isBroken?: boolean) => void
}

/** What this package uses of a `Pool` of `pg`. */
export interface PostgresPool {
  readonly query: (sql: string, values?: unknown[]) => Promise<PostgresAnswer>
  readonly connect: () => Promise<PostgresConnection>
}

const identifier = '[a-z_][a-z0-9_]{0,62}'
const tableName = new RegExp(`^${identifier}(\\.${identifier})?$`)

/** Of a cache without a table of another name. */
export const usualTable = 'finchat_secrets_cache'

/** A table's name stands in SQL text, where no parameter can. */
export function assertTable(table: string): void {
  if (typeof table === 'string' && tableName.test(table)) return
  throw configurationError(
    '`table` is no plain name of a table',
    'give lower-case letters, digits and _, with a schema and a dot before it or without',
  )
}

export function assertPool(pool: unknown): asserts pool is PostgresPool {
  const isPool =
    typeof pool === 'object' && pool !== null && ['query', 'connect'].every((method) => typeof Reflect.get(pool, method) === 'function')
  if (!isPool) throw configurationError('the pool is none of `pg`', 'pass a `new Pool({ connectionString })` of the package `pg`')
}
