import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { requireServer } from './find-server.ts'
import { onFreePort } from './free-port.ts'
import { type ServerCertificate, writeCertificate } from './server-certificate.ts'
import { removeFolder, serverFolder, startProcess, waitUntilReady, type ServerProcess } from './server-process.ts'

export interface Nats {
  readonly host: '127.0.0.1'
  readonly port: number
  /** `nats://127.0.0.1:PORT` */
  readonly url: string
  /** The file with its output. */
  readonly log: string
  readonly signal: (name: NodeJS.Signals) => void
  /** A crash, and a start on the same port, with what JetStream wrote to its folder. */
  readonly kill: () => Promise<void>
  readonly start: () => Promise<void>
  /** All that JetStream has written, while it is not running. */
  readonly erase: () => void
  /** All files of JetStream: what a thief of a disk or a backup gets. */
  readonly dump: () => Buffer
  readonly stop: () => Promise<void>
}

export interface NatsOptions {
  /** Its configuration file, such as `max_payload: 1000`. */
  readonly config?: string
  /** Serve TLS only, with this certificate and key, both as PEM. */
  readonly tls?: ServerCertificate | undefined
}

/** Starts a NATS server with an empty JetStream that only this machine reaches. */
export function startNats({ config = '', tls }: NatsOptions = {}): Promise<Nats> {
  const program = requireServer('nats')
  return onFreePort(async (port) => {
    const folder = serverFolder('nats')
    writeFileSync(join(folder, 'nats.conf'), tls === undefined ? config : `${config}\n${tlsIn(folder, tls)}`)
    const run = (): Promise<ServerProcess> => startOn(port, program, folder)
    try {
      return serverOf(port, folder, await run(), run)
    } catch (error) {
      removeFolder(folder)
      throw error
    }
  })
}

function tlsIn(folder: string, tls: ServerCertificate): string {
  const { certFile, keyFile } = writeCertificate(folder, tls)
  return `tls { cert_file: "${certFile}", key_file: "${keyFile}" }\n`
}

async function startOn(port: number, program: string, folder: string): Promise<ServerProcess> {
  const listens = ['--addr', '127.0.0.1', '--port', String(port), '--jetstream', '--store_dir', folder]
  const args = [...listens, '--config', join(folder, 'nats.conf')]
  const server = await startProcess({ folder, program, args })
  await waitUntilReady('NATS', server, /Server is ready/, async () => (await greeting(port)).startsWith('INFO '))
  return server
}

function serverOf(port: number, folder: string, first: ServerProcess, run: () => Promise<ServerProcess>): Nats {
  let server = first
  return {
    host: '127.0.0.1',
    port,
    url: `nats://127.0.0.1:${port}`,
    log: first.log,
    signal: (name) => server.signal(name),
    kill: async () => {
      server.signal('SIGKILL')
      await server.exited
    },
    start: async () => {
      server = await run()
    },
    erase: () => removeFolder(join(folder, 'jetstream')),
    dump: () => bytesBelow(join(folder, 'jetstream')),
    stop: async () => {
      await server.end()
      removeFolder(folder)
    },
  }
}

/** What the server says first on a connection. */
function greeting(port: number): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const socket = connect(port, '127.0.0.1')
  socket.once('data', (data) => resolve(data.toString()))
  socket.once('error', reject)
  return promise.finally(() => socket.destroy())
}

function bytesBelow(folder: string): Buffer {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return Buffer.concat(files.map(({ parentPath, name }) => readFileSync(join(parentPath, name))))
}
