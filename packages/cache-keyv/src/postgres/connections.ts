import { knownOptions, loadCrypto, type MembersOf } from '@finchat/secrets-core/provider'
import { ignoreConnectionErrors } from '../store/error-events.ts'
import type { RedisClient, RedisSubscriber } from '../store/redis-client.ts'
import type { KeyvStore } from '../store/text-store.ts'
import { channelName, type MessageListener, PostgresChannels } from './channels.ts'
import { assertPool, assertTable, type PostgresPool, usualTable } from './pool.ts'
import { PostgresTexts } from './texts.ts'

/** What `postgresConnections` takes. */
export interface PostgresOptions {
  /** Of `createCacheTable`. Default: `finchat_secrets_cache`. */
  readonly table?: string | undefined
}

/** What `keyvCache` takes of a PostgreSQL server. */
export interface PostgresConnections {
  readonly store: KeyvStore
  /** Grants fill leases by the server's clock, and announces invalidations by `NOTIFY`. */
  readonly client: RedisClient
  /** Receives them by `LISTEN`, on one connection of the pool. */
  readonly subscriber: RedisSubscriber
}

const members: MembersOf<PostgresOptions> = { table: 'string' }

/** As of Redis: with `NX`, only a text that is new is written. */
interface SetOptions {
  readonly PX: number
  readonly NX?: boolean
}

/**
 * A shared cache over a PostgreSQL server that a fleet already has: spread the result into the
 * options of `keyvCache`. Calls nothing by itself. Throws `CONFIGURATION` for an invalid option.
 * The pool stays yours: close it after the cache. Let it serve nothing else, with a
 * `statement_timeout`: a table that another user locks would take all its connections.
 *
 * @example
 * import { generateKey, keyvCache } from '@finchat/secrets-cache-keyv'
 * import { createCacheTable, postgresConnections } from '@finchat/secrets-cache-keyv/postgres'
 * import { Pool } from 'pg'
 *
 * const pool = new Pool({ connectionString: process.env['CACHE_DATABASE_URL'], statement_timeout: 2_000 })
 * const openCache = async () => {
 *   await createCacheTable(pool) // or once, by your migrations
 *   return keyvCache({ ...postgresConnections(pool), encryptionKey: process.env['CACHE_KEY'] ?? generateKey() })
 * }
 * console.log(typeof openCache) // function
 */
export function postgresConnections(pool: PostgresPool, options: PostgresOptions = {}): PostgresConnections {
  const { table = usualTable } = knownOptions(options, members)
  assertPool(pool)
  assertTable(table)
  ignoreConnectionErrors(pool)
  const [texts, channels] = [new PostgresTexts(pool, table), new PostgresChannels(pool)]
  return { store: storeOf(texts), client: clientOf(pool, texts), subscriber: subscriberOf(channels) }
}

function storeOf(texts: PostgresTexts): KeyvStore & { readonly getMany: (keys: readonly string[]) => Promise<(string | undefined)[]> } {
  return {
    get: async (key) => (await texts.getMany([key]))[0],
    getMany: (keys) => texts.getMany(keys),
    set: (key, text, ttl = 1) => texts.set(key, text, ttl),
    delete: (key) => texts.delete(key),
  }
}

function clientOf(pool: PostgresPool, texts: PostgresTexts): RedisClient {
  return {
    get: async (key) => (await texts.getMany([key]))[0] ?? null,
    set: async (key: string, text: string, { PX, NX }: SetOptions) => ((await texts.set(key, text, PX, { isNew: NX })) ? 'OK' : null),
    del: async (key) => Number(await texts.delete(key)),
    publish: (channel, message) => pool.query('SELECT pg_notify($1, $2)', [channelName(channel), message]),
    info: () => runOf(pool),
  }
}

/** An unlogged table is empty after a crash, so that each start counts as another run. */
async function runOf(pool: PostgresPool): Promise<string> {
  const { rows } = await pool.query('SELECT pg_postmaster_start_time()::text AS at')
  const [row] = rows as readonly { readonly at: string }[] // as selected
  return `run_id:${loadCrypto()
    .createHash('sha1')
    .update(row?.at ?? '')
    .digest('hex')}`
}

function subscriberOf(channels: PostgresChannels): RedisSubscriber {
  return {
    subscribe: (channel: string, listener: MessageListener) => channels.subscribe(channel, listener),
    unsubscribe: (channel: string, listener?: MessageListener) => channels.unsubscribe(channel, listener),
  }
}

/** Two processes may create it at once, which PostgreSQL answers by one of these. */
const createdMeanwhile = new Set(['23505', '42710', '42P07'])

/**
 * Creates the cache's table unless there is one: unlogged, since a lost cache costs only calls.
 * Its user needs the right to create tables; the cache itself needs `SELECT`, `INSERT`, `UPDATE` and
 * `DELETE` on it. Throws `CONFIGURATION` for an invalid name, and rejects with the error of `pg`.
 */
export async function createCacheTable(pool: PostgresPool, { table = usualTable }: PostgresOptions = {}): Promise<void> {
  assertPool(pool)
  assertTable(table)
  try {
    await pool.query(`CREATE UNLOGGED TABLE IF NOT EXISTS ${table} (key text PRIMARY KEY, value text NOT NULL, until timestamptz NOT NULL)`)
  } catch (error) {
    const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined
    if (typeof code !== 'string' || !createdMeanwhile.has(code)) throw error
  }
}
