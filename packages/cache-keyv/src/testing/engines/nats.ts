import { type Nats, startNats, startTcpProxy } from '@finchat/secrets-test-servers'
import { Kvm } from '@nats-io/kv'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { createCacheBucket, natsConnections } from '../../nats/connections.ts'
import type { Engine, EngineKind } from './engine.ts'

export interface NatsEngine extends Engine {
  readonly nats: Nats
  readonly admin: NatsConnection
  /** Closed by the test, past the proxy. */
  readonly connect: (user?: string) => Promise<NatsConnection>
}

export const usual = 'finchat_secrets_cache'

const users = `
  max_payload: 200000
  no_auth_user: app
  accounts: { A: { jetstream: enabled, users: [
    { user: app, password: app }
    { user: reader, password: reader, permissions: { publish: ["$JS.API.INFO", "$JS.API.STREAM.MSG.GET.KV_${usual}"], subscribe: "_INBOX.>" } }
    { user: maker, password: maker, permissions: {
      publish: ["$JS.API.INFO", "$JS.API.STREAM.INFO.KV_${usual}", "$JS.API.STREAM.CREATE.KV_${usual}"], subscribe: "_INBOX.>" } }
    { user: least, password: least, permissions: {
      publish: ["$JS.API.INFO", "$JS.API.STREAM.MSG.GET.KV_${usual}", "$KV.${usual}.>", "finchat_secrets.>"]
      subscribe: ["_INBOX.>", "finchat_secrets.>"] } }
  ] } }`

export const natsKind: EngineKind<NatsEngine> = {
  name: 'nats',
  title: 'NATS',
  start: startEngine,
  faults: [
    ['is killed and starts again', ({ nats }) => nats.kill(), ({ nats }) => nats.start()],
    ['hangs', async ({ nats }) => nats.signal('SIGSTOP'), async ({ nats }) => nats.signal('SIGCONT')],
    ['lost its bucket', ({ admin }) => destroyBucket(admin), ({ admin }) => createCacheBucket(new Kvm(admin))],
  ],
}

async function destroyBucket(admin: NatsConnection): Promise<void> {
  await (await new Kvm(admin).open(usual)).destroy()
}

async function startEngine(): Promise<NatsEngine> {
  const nats = await startNats({ config: users })
  const proxy = await startTcpProxy(nats.url.replace('nats:', 'http:'))
  const connected = (servers: string, user?: string): Promise<NatsConnection> =>
    connect({ servers, maxReconnectAttempts: -1, reconnectTimeWait: 50, ...(user !== undefined && { user, pass: user }) })
  const admin = await connected(nats.url)
  const limit = async (bytes: number): Promise<void> => {
    const { streams } = await new Kvm(admin).js.jetstreamManager()
    await streams.update(`KV_${usual}`, { max_bytes: bytes })
  }
  return {
    nats,
    proxy,
    admin,
    connect: (user) => connected(nats.url, user),
    open: async (user) => {
      const connection = await connected(proxy.url.replace('http:', 'nats:'), user)
      return { connections: natsConnections(connection, new Kvm(connection)), close: () => connection.close() }
    },
    empty: async () => {
      await createCacheBucket(new Kvm(admin))
      await destroyBucket(admin)
      await createCacheBucket(new Kvm(admin))
    },
    contents: async () => nats.dump(),
    setFull: (isFull) => limit(isFull ? 1 : -1),
    stop: async () => {
      await admin.close()
      await nats.stop()
    },
  }
}
