import { type Postgres, startPostgres, startTcpProxy } from '@finchat/secrets-test-servers'
import { Client, Pool } from 'pg'
import { createCacheTable, postgresConnections } from '../../postgres/connections.ts'
import type { Engine, EngineKind } from './engine.ts'

export interface PostgresEngine extends Engine {
  readonly postgres: Postgres
  /** Makes all others wait for the table, until it is unlocked. */
  readonly lock: () => Promise<unknown>
  readonly unlock: () => Promise<void>
}

const table = 'finchat_secrets_cache'
const users = `CREATE ROLE least LOGIN PASSWORD 'least'; CREATE ROLE reader LOGIN PASSWORD 'reader'`
const grants = `GRANT SELECT, INSERT, UPDATE, DELETE ON ${table} TO least; GRANT SELECT ON ${table} TO reader`
const diskFull = `
  CREATE OR REPLACE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'no space left on device' USING ERRCODE = 'disk_full'; END $$;
  CREATE TRIGGER disk_full BEFORE INSERT OR UPDATE ON ${table} EXECUTE FUNCTION disk_full()`

export const postgresKind: EngineKind<PostgresEngine> = {
  name: 'postgres',
  title: 'PostgreSQL',
  start: startEngine,
  faults: [
    ['is killed and starts again', ({ postgres }) => postgres.kill(), ({ postgres }) => postgres.start()],
    ['hangs', ({ postgres }) => postgres.signalAll('SIGSTOP'), ({ postgres }) => postgres.signalAll('SIGCONT')],
    [
      'lost its table',
      ({ postgres }) => postgres.query(`ALTER TABLE ${table} RENAME TO lost`),
      ({ postgres }) => postgres.query(`ALTER TABLE lost RENAME TO ${table}`),
    ],
    ['has its table locked', ({ lock }) => lock(), ({ unlock }) => unlock()],
    [
      'ends every connection',
      ({ postgres }) => postgres.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()'),
      async () => {},
    ],
  ],
}

async function startEngine(): Promise<PostgresEngine> {
  const postgres = await startPostgres()
  const proxy = await startTcpProxy(postgres.url)
  await postgres.query(users)
  let locker: Client | undefined
  return {
    postgres,
    proxy,
    lock: async () => {
      locker = new Client({ connectionString: postgres.url })
      await locker.connect()
      await locker.query(`BEGIN; LOCK TABLE ${table}`)
    },
    unlock: async () => locker?.end(),
    open: async (user) => {
      // The proxy's URL has no user.
      const url = postgres.url.replace(`:${postgres.port}/`, `:${new URL(proxy.url).port}/`)
      const pool = new Pool({ connectionString: user === undefined ? url : url.replace('postgres@', `${user}:${user}@`) })
      return { connections: postgresConnections(pool), close: () => pool.end() }
    },
    empty: async () => {
      await postgres.query(`DROP TABLE IF EXISTS ${table}`)
      const pool = new Pool({ connectionString: postgres.url })
      await createCacheTable(pool)
      await pool.end()
      await postgres.query(grants)
    },
    contents: async () => Buffer.from(JSON.stringify(await postgres.query(`SELECT * FROM ${table}`))),
    setFull: (isFull) => postgres.query(isFull ? diskFull : `DROP TRIGGER disk_full ON ${table}`),
    stop: () => postgres.stop(),
  }
}
