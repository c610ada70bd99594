import {
  findServer,
  type Nats,
  type Postgres,
  type RedisServer,
  startNats,
  startPostgres,
  startRedis,
  startValkey,
} from '@finchat/secrets-test-servers'
import type { Tally } from '../harness/fault-injection.ts'
import { createBucket, createTable, fillBucket, fillTable, tableName } from './provision.ts'

export type RedisKind = 'redis' | 'valkey'
export type ServerKind = RedisKind | 'postgres' | 'nats'
export const redisKinds: readonly RedisKind[] = ['redis', 'valkey']
export const serverKinds: readonly ServerKind[] = [...redisKinds, 'postgres', 'nats']

/** A cache server, and what can happen to it. */
export interface CacheServer {
  readonly url: string
  /** A crash, and a start on the same port, with what is left then. */
  readonly kill: () => Promise<unknown>
  readonly start: () => Promise<unknown>
  readonly hang: () => Promise<unknown>
  readonly wake: () => Promise<unknown>
  readonly setFull: (isFull: boolean) => Promise<unknown>
  /** Loses all that it held, while it runs. */
  readonly flush: () => Promise<unknown>
  /** Crashes, and starts again with nothing. */
  readonly restartEmpty: () => Promise<unknown>
  /** All bytes that it holds. */
  readonly dump: () => Promise<Buffer>
  readonly stop: () => Promise<void>
}

/** Runs the work with a server of its own; where that cannot be had, says so. */
export async function withServer(kind: ServerKind, tally: Tally, work: (server: CacheServer) => Promise<void>): Promise<void> {
  const found = findServer(kind)
  if (!found.found) {
    tally.notRun.push(`${found.title}: ${found.reason}: ${found.remedy}`)
    return
  }
  const server = await startServer(kind)
  try {
    await work(server)
  } finally {
    await server.stop()
  }
}

/** Ready to be shared over: with the table or the bucket. */
export function startServer(kind: ServerKind): Promise<CacheServer> {
  return starts[kind]()
}

const starts: Readonly<Record<ServerKind, () => Promise<CacheServer>>> = {
  redis: async () => ofRedis(await startRedis()),
  valkey: async () => ofRedis(await startValkey()),
  postgres: async () => ofPostgres(await startPostgres()),
  nats: async () => ofNats(await startNats()),
}

function ofRedis(server: RedisServer): CacheServer {
  return {
    ...server,
    hang: async () => server.signal('SIGSTOP'),
    wake: async () => server.signal('SIGCONT'),
    setFull: (isFull) => server.command('CONFIG', 'SET', 'maxmemory', isFull ? '1' : '0'),
    flush: () => server.command('FLUSHALL'),
    restartEmpty: () => server.kill().then(server.start),
  }
}

/** A crash empties an unlogged table. */
async function ofPostgres(server: Postgres): Promise<CacheServer> {
  await createTable(server.url)
  return {
    ...server,
    hang: () => server.signalAll('SIGSTOP'),
    wake: () => server.signalAll('SIGCONT'),
    setFull: (isFull) => fillTable(server, isFull),
    flush: () => server.query(`TRUNCATE ${tableName}`),
    restartEmpty: () => server.kill().then(server.start),
    dump: async () => Buffer.from(JSON.stringify(await server.query(`SELECT * FROM ${tableName}`))),
  }
}

async function ofNats(server: Nats): Promise<CacheServer> {
  await createBucket(server.url)
  const restartEmpty = async (): Promise<void> => {
    await server.kill()
    server.erase()
    await server.start()
    await createBucket(server.url)
  }
  return {
    ...server,
    hang: async () => server.signal('SIGSTOP'),
    wake: async () => server.signal('SIGCONT'),
    setFull: (isFull) => fillBucket(server.url, isFull),
    flush: () => createBucket(server.url, { isNew: true }),
    restartEmpty,
    dump: async () => server.dump(),
  }
}
