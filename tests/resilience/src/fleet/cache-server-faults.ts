import type { RedisServer, TcpProxy } from '@finchat/secrets-test-servers'

export interface CacheServer {
  readonly server: RedisServer
  /** Between the fleet and the server. */
  readonly proxy: TcpProxy
}

/** What can happen to a cache server, and how it ends. */
export interface Fault {
  readonly name: string
  /**
   * The server answers: a read may wait for another process, and not only as long as one call that
   * gets no answer.
   */
  readonly answers: boolean
  readonly begin: (cacheServer: CacheServer) => Promise<unknown>
  readonly end: (cacheServer: CacheServer) => Promise<unknown>
}

const nothing = async (): Promise<void> => {}

export const faults: readonly Fault[] = [
  { name: 'killed', answers: false, begin: ({ server }) => server.kill(), end: ({ server }) => server.start() },
  {
    name: 'hung',
    answers: false,
    begin: async ({ server }) => server.signal('SIGSTOP'),
    end: async ({ server }) => server.signal('SIGCONT'),
  },
  { name: 'full', answers: true, begin: ({ server }) => maxMemory(server, '1'), end: ({ server }) => maxMemory(server, '0') },
  { name: 'flushed', answers: true, begin: ({ server }) => server.command('FLUSHALL'), end: nothing },
  { name: 'restarted', answers: true, begin: ({ server }) => server.kill().then(server.start), end: nothing },
  {
    name: 'cut in mid-reply',
    answers: false,
    begin: async ({ proxy }) => proxy.cutReplies(3),
    end: async ({ proxy }) => proxy.cutReplies(undefined),
  },
]

function maxMemory(server: RedisServer, bytes: string): Promise<unknown> {
  return server.command('CONFIG', 'SET', 'maxmemory', bytes)
}
