import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createClient } from '@redis/client'
import { requireServer } from './find-server.ts'
import { onFreePort } from './free-port.ts'
import { removeFolder, serverFolder, startProcess, waitUntilReady, type ServerProcess } from './server-process.ts'

/** A reply by version 2 of the protocol. */
export type RedisReply = string | number | null | readonly RedisReply[]

export interface RedisServer {
  readonly host: '127.0.0.1'
  readonly port: number
  /** `redis://127.0.0.1:PORT`, for the user who may do everything, who needs no password. */
  readonly url: string
  /** The file with its output. */
  readonly log: string
  readonly pid: () => number
  /**
   * One command over a connection of its own: `await command('CONFIG', 'SET', 'maxmemory', '2mb')`.
   */
  readonly command: (...parts: string[]) => Promise<RedisReply>
  /**
   * One command by a user that `ACL SETUSER` made:
   * `await commandAs(['app', 'password'], 'GET', 'key')`.
   */
  readonly commandAs: (login: readonly [user: string, password: string], ...parts: string[]) => Promise<RedisReply>
  /** All data in its file format, not compressed: what a thief of a disk or a backup gets. */
  readonly dump: () => Promise<Buffer>
  readonly signal: (name: NodeJS.Signals) => void
  /** A crash, and a start on the same port, with nothing of what it held. */
  readonly kill: () => Promise<void>
  readonly start: () => Promise<void>
  readonly stop: () => Promise<void>
}

export interface RedisOptions {
  /** Further arguments of the server, such as `['--maxmemory', '2mb']`. */
  readonly args?: readonly string[]
}

/** Starts an empty Redis in memory that only this machine reaches. */
export function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  return startServer('redis', options)
}

/** Valkey has the protocol of Redis. */
export function startValkey(options: RedisOptions = {}): Promise<RedisServer> {
  return startServer('valkey', options)
}

type Kind = 'redis' | 'valkey'

function startServer(kind: Kind, { args = [] }: RedisOptions): Promise<RedisServer> {
  const program = requireServer(kind)
  return onFreePort(async (port) => {
    const folder = serverFolder(kind)
    const run = (): Promise<ServerProcess> => startOn(port, kind, program, folder, args)
    try {
      return serverOf(port, folder, await run(), run)
    } catch (error) {
      removeFolder(folder)
      throw error
    }
  })
}

async function startOn(port: number, kind: Kind, program: string, folder: string, args: readonly string[]): Promise<ServerProcess> {
  const inMemory = ['--save', '', '--appendonly', 'no', '--rdbcompression', 'no', '--dir', folder]
  const own = ['--port', String(port), '--bind', '127.0.0.1', ...inMemory]
  const server = await startProcess({ folder, program, args: [...own, ...args] })
  const title = kind === 'redis' ? 'Redis' : 'Valkey'
  await waitUntilReady(title, server, /Ready to accept connections/, async () => (await send(port, ['PING'])) === 'PONG')
  return server
}

function serverOf(port: number, folder: string, first: ServerProcess, run: () => Promise<ServerProcess>): RedisServer {
  let server = first
  const command = (...parts: string[]): Promise<RedisReply> => send(port, parts)
  return {
    host: '127.0.0.1',
    port,
    url: `redis://127.0.0.1:${port}`,
    log: first.log,
    pid: () => server.pid,
    command,
    commandAs: ([username, password], ...parts) => send(port, parts, { username, password }),
    dump: async () => {
      await command('SAVE')
      return readFileSync(join(folder, 'dump.rdb'))
    },
    signal: (name) => server.signal(name),
    kill: async () => {
      server.signal('SIGKILL')
      await server.exited
    },
    start: async () => {
      server = await run()
    },
    stop: async () => {
      await server.end()
      removeFolder(folder)
    },
  }
}

/** One command over a connection of its own. Rejects with the server's words, or after 5 s of silence. */
async function send(port: number, parts: readonly string[], login: { username?: string; password?: string } = {}): Promise<RedisReply> {
  const socket = { host: '127.0.0.1', port, socketTimeout: 5000, reconnectStrategy: false } as const
  const client = createClient({ socket, ...login, RESP: 2, disableClientInfo: true })
  client.on('error', () => {}) // the call rejects too
  await client.connect()
  try {
    return await client.sendCommand<RedisReply>(parts)
  } finally {
    if (client.isOpen) client.destroy()
  }
}
