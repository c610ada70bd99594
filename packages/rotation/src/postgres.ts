export { postgresRole, type PostgresRoleOptions } from './targets/postgres/postgres-role.ts'
export type { PostgresClient, PostgresLogin } from './targets/postgres/client.ts'
