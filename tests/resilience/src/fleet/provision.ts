import { createCacheBucket } from '@finchat/secrets-cache-keyv/nats'
import { createCacheTable } from '@finchat/secrets-cache-keyv/postgres'
import type { Postgres } from '@finchat/secrets-test-servers'
import { Kvm } from '@nats-io/kv'
import { connect } from '@nats-io/transport-node'
import { Pool } from 'pg'

/** What both make by default. */
export const tableName = 'finchat_secrets_cache'
const streamName = 'KV_finchat_secrets_cache'

export async function createTable(connectionString: string): Promise<void> {
  const pool = new Pool({ connectionString })
  await createCacheTable(pool)
  await pool.end()
}

/** Stands for a full disk, by its error. */
export async function fillTable({ query }: Pick<Postgres, 'query'>, isFull: boolean): Promise<void> {
  if (!isFull) return void (await query(`DROP TRIGGER disk_full ON ${tableName}`))
  await query(`CREATE OR REPLACE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'no space left on device' USING ERRCODE = 'disk_full'; END $$`)
  await query(`CREATE TRIGGER disk_full BEFORE INSERT OR UPDATE ON ${tableName} EXECUTE FUNCTION disk_full()`)
}

export function createBucket(servers: string, { isNew = false }: { readonly isNew?: boolean } = {}): Promise<void> {
  return asAdministrator(servers, async (buckets) => {
    if (isNew) await (await buckets.js.jetstreamManager()).streams.delete(streamName)
    await createCacheBucket(buckets)
  })
}

export function fillBucket(servers: string, isFull: boolean): Promise<void> {
  return asAdministrator(servers, async ({ js }) => {
    const { streams } = await js.jetstreamManager()
    await streams.update(streamName, { max_bytes: isFull ? 1 : -1 })
  })
}

async function asAdministrator(servers: string, work: (buckets: Kvm) => Promise<void>): Promise<void> {
  const connection = await connect({ servers })
  try {
    await work(new Kvm(connection))
  } finally {
    await connection.close()
  }
}
