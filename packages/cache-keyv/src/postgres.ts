export { createCacheTable, postgresConnections, type PostgresConnections, type PostgresOptions } from './postgres/connections.ts'
export type { PostgresAnswer, PostgresConnection, PostgresPool } from './postgres/pool.ts'
