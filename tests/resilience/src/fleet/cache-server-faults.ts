import type { TcpProxy } from '@finchat/secrets-test-servers'
import type { CacheServer } from './servers.ts'

export interface ProxiedServer {
  readonly server: CacheServer
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
  readonly begin: (proxied: ProxiedServer) => Promise<unknown>
  readonly end: (proxied: ProxiedServer) => Promise<unknown>
}

const nothing = async (): Promise<void> => {}
/** Beyond the deadline of a call. */
const slowMs = 150

export const faults: readonly Fault[] = [
  { name: 'killed', answers: false, begin: ({ server }) => server.kill(), end: ({ server }) => server.start() },
  { name: 'hung', answers: false, begin: ({ server }) => server.hang(), end: ({ server }) => server.wake() },
  { name: 'full', answers: true, begin: ({ server }) => server.setFull(true), end: ({ server }) => server.setFull(false) },
  { name: 'flushed', answers: true, begin: ({ server }) => server.flush(), end: nothing },
  { name: 'restarted', answers: true, begin: ({ server }) => server.restartEmpty(), end: nothing },
  { name: 'cut off', answers: false, begin: ({ proxy }) => proxy.refuse(), end: ({ proxy }) => proxy.accept() },
  {
    name: 'cut in mid-reply',
    answers: false,
    begin: async ({ proxy }) => proxy.cutReplies(3),
    end: async ({ proxy }) => proxy.cutReplies(undefined),
  },
  {
    name: 'slow',
    answers: false,
    begin: async ({ proxy }) => proxy.delayReplies(slowMs),
    end: async ({ proxy }) => proxy.delayReplies(0),
  },
]
