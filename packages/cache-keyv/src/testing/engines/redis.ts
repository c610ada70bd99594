import { createClient } from '@keyv/redis'
import { type RedisServer, startRedis, startTcpProxy, startValkey, type TcpProxy } from '@finchat/secrets-test-servers'
import { Redis as Valkey } from 'iovalkey'
import type { KeyvStore } from '../../store/text-store.ts'
import type { Engine, EngineKind, EngineUser, Process } from './engine.ts'

export interface RedisEngine extends Engine {
  readonly server: RedisServer
}

/** The rights that docs/shared-cache.md asks for. */
export const leastRights: readonly string[] =
  '~fs1:* resetchannels &fs1:* +get +mget +set +del +unlink +publish +subscribe +unsubscribe +info'.split(' ')

const faults: EngineKind<RedisEngine>['faults'] = [
  ['is killed and starts again', ({ server }) => server.kill(), ({ server }) => server.start()],
  ['hangs', async ({ server }) => server.signal('SIGSTOP'), async ({ server }) => server.signal('SIGCONT')],
  ['forgets everything', ({ server }) => server.command('FLUSHALL'), async () => {}],
]

export const redisKind: EngineKind<RedisEngine> = {
  name: 'redis',
  title: 'Redis, by node-redis',
  start: () => startEngine(startRedis, byNodeRedis),
  faults,
}
export const valkeyKind: EngineKind<RedisEngine> = {
  name: 'valkey',
  title: 'Valkey, by iovalkey',
  start: () => startEngine(startValkey, byIovalkey),
  faults,
}

type Login = { readonly username?: string; readonly password?: string }

async function startEngine(
  start: () => Promise<RedisServer>,
  open: (proxy: TcpProxy, login: Login) => Promise<Process>,
): Promise<RedisEngine> {
  const server = await start()
  const proxy = await startTcpProxy(server.url)
  const makeUsers = async (): Promise<void> => {
    await server.command('ACL', 'SETUSER', 'least', 'reset', 'on', '>least', ...leastRights)
    await server.command('ACL', 'SETUSER', 'reader', 'reset', 'on', '>reader', ...leastRights, '-set')
  }
  return {
    server,
    proxy,
    open: (user?: EngineUser) => open(proxy, user === undefined ? {} : { username: user, password: user }),
    empty: async () => {
      await server.command('FLUSHALL')
      await makeUsers()
    },
    contents: () => server.dump(),
    setFull: async (isFull) => {
      await server.command('CONFIG', 'SET', 'maxmemory', isFull ? '1' : '0')
      await server.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')
    },
    stop: () => server.stop(),
  }
}

async function byNodeRedis({ url }: TcpProxy, login: Login): Promise<Process> {
  const connected = async (): Promise<ReturnType<typeof createClient>> => {
    const client = createClient({ url, ...login, socket: { reconnectStrategy: 50 } })
    client.on('error', () => {})
    await client.connect()
    return client as ReturnType<typeof createClient> // by the usual version of the protocol
  }
  const [client, subscriber] = [await connected(), await connected()]
  const store: KeyvStore = {
    get: async (name) => (await client.get(name)) ?? undefined,
    set: async (name, text, ttl = 1) => (await client.set(name, text, { PX: ttl })) === 'OK',
    delete: async (name) => (await client.del(name)) === 1,
  }
  const close = async (): Promise<void> => {
    for (const each of [client, subscriber]) each.destroy()
  }
  return { connections: { store, client, subscriber }, close }
}

async function byIovalkey({ url }: TcpProxy, login: Login): Promise<Process> {
  const connected = (): Valkey => new Valkey(url, { ...login, retryStrategy: () => 50 })
  const [client, subscriber] = [connected(), connected()]
  const close = async (): Promise<void> => {
    for (const each of [client, subscriber]) each.disconnect()
  }
  return { connections: { store: storeOver(client), client, subscriber }, close }
}

/** By a client of the ioredis family, also of a cluster. */
export function storeOver(client: Pick<Valkey, 'get' | 'set' | 'del'>): KeyvStore {
  return {
    get: (name) => client.get(name),
    set: (name, text, ttl = 1) => client.set(name, text, 'PX', ttl),
    delete: (name) => client.del(name),
  }
}
