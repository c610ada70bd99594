import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { listen } from './http-proxy.ts'

export interface TcpProxy {
  /** The target's URL on a port of the proxy: https stays https, and its certificate is still the target's. */
  readonly url: string
  /** How many connections were opened so far: over https, the number of TLS handshakes. */
  readonly connections: () => number
  /** Resets the connections that are open; new ones are served. */
  readonly cut: () => void
  /** Resets the connections that are open and refuses new ones, as the port of a server that has ended does; `accept` undoes it. */
  readonly refuse: () => Promise<void>
  readonly accept: () => Promise<void>
  readonly stop: () => Promise<void>
}

/** Hands bytes on to the server of a URL, and counts connections. A function is asked at each connection, as a balancer chooses. */
export async function startTcpProxy(target: string | (() => string)): Promise<TcpProxy> {
  const chosen = (): URL => new URL(typeof target === 'string' ? target : target())
  const pairs = new Set<[Socket, Socket]>()
  let connections = 0
  const server = createServer((client) => {
    connections += 1
    const { hostname, port } = chosen()
    const upstream = connect(Number(port), hostname)
    const pair: [Socket, Socket] = [client, upstream]
    pairs.add(pair)
    const end = (): void => {
      pairs.delete(pair)
      for (const socket of pair) socket.destroy()
    }
    for (const socket of pair) socket.on('error', end).on('close', end)
    client.pipe(upstream).pipe(client)
  })
  const stop = async (): Promise<void> => {
    for (const pair of pairs) for (const socket of pair) socket.destroy()
    if (!server.listening) return
    server.close()
    await once(server, 'close')
  }
  const cut = (): void => {
    for (const [client] of pairs) client.resetAndDestroy()
  }
  const refuse = async (): Promise<void> => {
    cut()
    await stop()
  }
  const ownPort = await listen(server)
  const accept = async (): Promise<void> => {
    if (!server.listening) await listen(server, ownPort)
  }
  return { url: `${chosen().protocol}//127.0.0.1:${ownPort}`, connections: () => connections, cut, refuse, accept, stop }
}
