import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'

/** What a syslog server got, as a receiver of RFC 6587's octet counting reads it: strictly, or not at all. */
class Frames {
  #rest = ''
  readonly messages: string[] = []

  add(chunk: Buffer): void {
    this.#rest += chunk.toString('latin1')
    for (;;) {
      const length = /^([1-9][0-9]*) /.exec(this.#rest)
      if (length === null) {
        if (/^[0-9]*$/.test(this.#rest)) return
        throw new Error('this is no frame of octet counting')
      }
      const [start, end] = [length[0].length, length[0].length + Number(length[1])]
      if (this.#rest.length < end) return
      this.messages.push(this.#rest.slice(start, end))
      this.#rest = this.#rest.slice(end)
    }
  }
}

/** The first byte of what a TLS client says. */
const clientHello = 0x16

export interface SyslogServer extends AsyncDisposable {
  readonly port: number
  /** In the order in which they came, of all connections. */
  readonly messages: readonly string[]
  /** One for each connection. */
  readonly connections: readonly Socket[]
  /** Resolves when so many messages are there. */
  readonly received: (count: number) => Promise<void>
}

export async function streamServer(options: { port?: number; tls?: TlsOptions } = {}): Promise<SyslogServer> {
  const connections: Socket[] = []
  const messages: string[] = []
  const accept = (socket: Socket): void => {
    const frames = new Frames()
    connections.push(socket)
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      if (chunk[0] === clientHello) return // to which a server without TLS says nothing
      frames.add(chunk)
      messages.push(...frames.messages.splice(0))
    })
  }
  const server =
    options.tls === undefined ? createServer(accept) : createTlsServer(options.tls, accept).on('tlsClientError', () => undefined)
  server.listen(options.port ?? 0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: portOf(server.address()),
    messages,
    connections,
    received: (count) => until(() => messages.length >= count),
    [Symbol.asyncDispose]: () => closed(server, connections),
  }
}

export async function datagramServer(): Promise<Omit<SyslogServer, 'connections'>> {
  const messages: string[] = []
  const socket = createSocket('udp4', (datagram) => messages.push(datagram.toString('latin1')))
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return {
    port: socket.address().port,
    messages,
    received: (count) => until(() => messages.length >= count),
    [Symbol.asyncDispose]: () => new Promise((resolve) => socket.close(() => resolve())),
  }
}

/** Looks again with each turn of the event loop: what is waited for comes from a socket. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve))
}

function portOf(address: AddressInfo | string | null): number {
  if (typeof address !== 'object' || address === null) throw new Error('the server listens on no port')
  return address.port
}

async function closed(server: Server, connections: readonly Socket[]): Promise<void> {
  for (const socket of connections) socket.destroy()
  await new Promise((resolve) => server.close(resolve))
}
