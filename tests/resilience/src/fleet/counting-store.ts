import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { SecretsError, type SecretProvider } from '@finchat/secrets-core'

/**
 * The one store that all processes ask, over loopback: it counts, takes 20 ms, and can be changed.
 */
export interface CountingStore {
  readonly port: number
  /** How often each path was asked for. */
  readonly calls: Map<string, number>
  readonly set: (path: string, value: string) => void
  readonly stop: () => Promise<void>
}

interface Stored {
  readonly version: number
  readonly value: string
}

const latencyMs = 20

export async function startCountingStore(values: Readonly<Record<string, string>>): Promise<CountingStore> {
  const stored = new Map<string, Stored>(Object.entries(values).map(([path, value]) => [path, { version: 1, value }]))
  const calls = new Map<string, number>()
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    createInterface(socket).on('line', (line) => {
      const { id, path } = JSON.parse(line) as Question // as `countingProvider` writes it
      calls.set(path, (calls.get(path) ?? 0) + 1)
      void sleep(latencyMs).then(() => socket.write(`${JSON.stringify({ id, secret: stored.get(path) })}\n`))
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port')
  const stop = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy()
    server.close()
    await once(server, 'close')
  }
  const set = (path: string, value: string): void => {
    stored.set(path, { version: (stored.get(path)?.version ?? 0) + 1, value })
  }
  return { port: address.port, calls, set, stop }
}

interface Question {
  readonly id: number
  readonly path: string
}

interface Answer {
  readonly id: number
  readonly secret?: Stored
}

/** The store as a provider; over one connection, opened with the first call. */
export function countingProvider(port: number): SecretProvider {
  const waiting = new Map<number, (answer: Answer) => void>()
  let socket: Socket | undefined
  let asked = 0
  const open = (): Socket => {
    const opened = connect(port, '127.0.0.1')
    opened.on('error', () => {})
    createInterface(opened).on('line', (line) => {
      const answer = JSON.parse(line) as Answer // as the store writes it
      waiting.get(answer.id)?.(answer)
      waiting.delete(answer.id)
    })
    return opened
  }
  const get = async (path: string): Promise<Stored | undefined> => {
    socket ??= open()
    const id = (asked += 1)
    const answered = new Promise<Answer>((resolve) => waiting.set(id, resolve))
    if (socket.destroyed) throw new SecretsError('UNAVAILABLE', 'the store has closed the connection')
    socket.write(`${JSON.stringify({ id, path } satisfies Question)}\n`)
    return (await answered).secret
  }
  return {
    specificationVersion: 'v1',
    name: 'store',
    sharedAs: 'counting-store',
    get,
    getMany: (paths) => Promise.allSettled(paths.map(get)),
    close: async () => void socket?.destroy(),
  }
}
