import type { Postgres } from '@finchat/secrets-test-servers'
import type { PostgresLogin } from './postgres-login.ts'
import { rotatedName, type RotatedStore, rotatedStore } from './rotated-store.ts'

export interface RotatedPostgres extends RotatedStore, Pick<PostgresLogin, 'config'> {
  readonly rotate: () => Promise<unknown>
}

export async function rotatedPostgres({ first, config, rotate }: PostgresLogin): Promise<RotatedPostgres> {
  const store = await rotatedStore(first)
  return { ...store, config, rotate: () => rotate(store.rotator, rotatedName) }
}

/** Gives the role a password that no store has. */
export async function changedElsewhere(server: Postgres, { config: { user } }: RotatedPostgres): Promise<void> {
  await server.query(`ALTER ROLE ${user} PASSWORD 'set by hand'`)
}

/** Logged in, or still logging in: a role is known only once it has logged in. */
export async function openConnections(server: Postgres): Promise<number> {
  const own = `backend_type = 'client backend' AND pid <> pg_backend_pid()`
  const [row = []] = await server.query(`SELECT count(*) FROM pg_stat_activity WHERE ${own}`)
  return Number(row[0])
}
