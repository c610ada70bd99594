import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { listen } from './http-proxy.ts'

export interface TcpProxy {
  /**
   * The target's URL on a port of the proxy: https stays https, and its certificate is still the
   * target's.
   */
  readonly url: string
  /** How many connections were opened so far: over https, the number of TLS handshakes. */
  readonly connections: () => number
  /** Resets the connections that are open; new ones are served. */
  readonly cut: () => void
  /** Truncates each further answer after so many bytes; `undefined` ends that. */
  readonly cutReplies: (bytes: number | undefined) => void
  /** Delivers each further answer so many milliseconds late; 0 ends that. */
  readonly delayReplies: (ms: number) => void
  /**
   * Resets open connections and refuses new ones, as the port of an ended server. `accept` undoes
   * it.
   */
  readonly refuse: () => Promise<void>
  readonly accept: () => Promise<void>
  readonly stop: () => Promise<void>
}

type Pair = readonly [client: Socket, upstream: Socket]

/**
 * Forwards bytes to the server of a URL, and counts connections. A function chooses per connection.
 */
export async function startTcpProxy(target: string | (() => string)): Promise<TcpProxy> {
  const chosen = (): URL => new URL(typeof target === 'string' ? target : target())
  const pairs = new Set<Pair>()
  let connections = 0
  const fault: ReplyFault = { length: undefined, delayMs: 0 }
  const server = createServer((client) => {
    connections += 1
    const { hostname, port } = chosen()
    const upstream = connect(Number(port), hostname)
    const pair = [client, upstream] as const
    pairs.add(pair)
    endTogether(pair, () => pairs.delete(pair))
    client.pipe(upstream)
    handReplies(upstream, client, fault)
  })
  const stop = async (): Promise<void> => {
    for (const pair of pairs) for (const socket of pair) socket.destroy()
    if (!server.listening) return
    server.close()
    await once(server, 'close')
  }
  const refuse = (): Promise<void> => {
    resetAll(pairs)
    return stop()
  }
  const ownPort = await listen(server)
  const accept = async (): Promise<void> => {
    if (!server.listening) await listen(server, ownPort)
  }
  return {
    url: `${chosen().protocol}//127.0.0.1:${ownPort}`,
    connections: () => connections,
    cut: () => resetAll(pairs),
    cutReplies: (bytes) => void (fault.length = bytes),
    delayReplies: (ms) => void (fault.delayMs = ms),
    refuse,
    accept,
    stop,
  }
}

function resetAll(pairs: Iterable<Pair>): void {
  for (const [client] of pairs) client.resetAndDestroy()
}

function endTogether(pair: Pair, ended: () => void): void {
  const end = (): void => {
    ended()
    for (const socket of pair) socket.destroy()
  }
  for (const socket of pair) socket.on('error', end).on('close', end)
}

/** Of all connections, from now on. */
interface ReplyFault {
  length: number | undefined
  delayMs: number
}

/** Like `pipe`, until a reply is truncated: its first bytes still arrive, then the end. */
function handReplies(upstream: Socket, client: Socket, fault: ReplyFault): void {
  let delayed = 0
  let last = Promise.resolve()
  const hand = (chunk: Buffer): void => {
    const { length } = fault
    if (client.writableEnded) return
    if (length !== undefined) client.end(chunk.subarray(0, length), () => upstream.destroy())
    else if (!client.write(chunk)) upstream.pause()
  }
  const handLate = (chunk: Buffer, ms: number): void => {
    delayed += 1
    const due = sleep(ms)
    last = last
      .then(() => due)
      .then(() => {
        delayed -= 1
        hand(chunk)
      })
  }
  upstream.on('data', (chunk: Buffer) => {
    const { delayMs } = fault
    if (delayMs === 0 && delayed === 0) hand(chunk)
    else handLate(chunk, delayMs)
  })
  client.on('drain', () => upstream.resume())
  upstream.on('end', () => (delayed === 0 ? client.end() : void last.then(() => client.end())))
}
