import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo, Server as NetServer } from 'node:net'
import { type Connection, createServer } from 'mysql2'

/** The server's half of mysql2: it compares passwords by `mysql_native_password` and answers OK. */
export interface MysqlServer {
  readonly port: number
  readonly setPassword: (password: string) => void
  readonly stop: () => void
}

interface Login {
  readonly authPluginData1: Buffer
  readonly authPluginData2: Buffer
  readonly authToken: Buffer
}

/** Each command counts its packets anew, which the server half leaves to its user. */
interface ServerHalf {
  readonly writeOk: () => void
  sequenceId: number
}

const greeting = {
  protocolVersion: 10,
  serverVersion: '8.0',
  connectionId: 1,
  statusFlags: 2,
  characterSet: 8,
  capabilityFlags: 0xff_ff_ff,
}

export async function startMysqlServer(first: string): Promise<MysqlServer> {
  let password = first
  const connections = new Set<Connection>()
  const server = createServer((connection: Connection) => {
    connections.add(connection)
    connection.on('error', () => {}) // clients hang up
    const half = connection as unknown as ServerHalf
    connection.on('query', () => {
      half.writeOk()
      half.sequenceId = 0
    })
    connection.serverHandshake({
      ...greeting,
      authCallback: (login: Login, done: (error: null, refusal?: { message: string; code: number }) => void) => {
        done(null, isRight(login, password) ? undefined : { message: 'Access denied', code: 1045 })
        half.sequenceId = 0
      },
    })
  })
  server.listen(0)
  const { _server: listener } = server as unknown as { _server: NetServer }
  await once(listener, 'listening')
  const stop = (): void => {
    for (const connection of connections) connection.destroy()
    listener.close()
  }
  return { port: (listener.address() as AddressInfo).port, setPassword: (next) => void (password = next), stop }
}

function isRight({ authPluginData1, authPluginData2, authToken }: Login, password: string): boolean {
  const stage = sha1(password)
  const mask = sha1(authPluginData1.subarray(0, 8), authPluginData2.subarray(0, 12), sha1(stage))
  return authToken.equals(stage.map((byte, index) => byte ^ (mask[index] ?? 0)))
}

function sha1(...parts: readonly (string | Uint8Array)[]): Buffer {
  const hash = createHash('sha1')
  for (const part of parts) hash.update(part)
  return hash.digest()
}
