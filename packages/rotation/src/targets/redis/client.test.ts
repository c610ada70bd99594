import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { SecretValue } from '@finchat/secrets-core'
import { createClient } from '@redis/client'
import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { secretValue } from '../../testing/secret-value.ts'
import type { RotationTarget } from '../target.ts'
import { redisAclUser } from './redis-acl-user.ts'

type Client = ReturnType<typeof clientAt>

const never = new AbortController().signal

function clientAt(port: number, reconnectStrategy: false | number = false): ReturnType<typeof createClient> {
  return createClient({ socket: { host: '127.0.0.1', port, reconnectStrategy } })
}

async function listening(onSocket: (socket: Socket) => void): Promise<{ port: number; nextSocket: () => Promise<Socket> }> {
  const server = createServer((socket) => onSocket(socket.on('error', () => {})))
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const nextSocket = async (): Promise<Socket> => {
    const [socket] = (await once(server, 'connection')) as [Socket]
    return socket
  }
  return { port: (server.address() as AddressInfo).port, nextSocket }
}

/** The same client changes passwords and tests them: only its connection matters here. */
function targetOf(clientOf: () => Client): RotationTarget {
  return redisAclUser({ nodes: [{ connect: clientOf, login: clientOf }], user: 'app' })
}

describe.each<[string, (target: RotationTarget, value: SecretValue, signal: AbortSignal) => Promise<unknown>]>([
  ['apply', (target, value, signal) => target.apply(value, { secret: 'login', token: 2 }, { signal })],
  ['test', (target, value, signal) => target.test(value, { signal })],
])('the connection of %s', (_, call) => {
  let value: SecretValue
  beforeAll(async () => void (value = await secretValue('a-password')))

  test('rejects if the server hangs up while it connects, and the process lives', async () => {
    const { port } = await listening((socket) => void socket.once('data', () => socket.destroy()))
    const calling = call(
      targetOf(() => clientAt(port)),
      value,
      never,
    )
    await expect(calling).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  })

  test('ends with the signal, though the client would try for ever', async () => {
    const attempts = vi.fn((socket: Socket) => void socket.destroy())
    const { port } = await listening(attempts)
    const client = clientAt(port, 5)
    const gone = new AbortController()
    const calling = call(
      targetOf(() => client),
      value,
      gone.signal,
    )
    await expect.poll(() => attempts.mock.calls.length).toBeGreaterThan(2)
    gone.abort()
    await expect(calling).rejects.toMatchObject({ code: 'ABORTED' })
    await expect.poll(() => client.isOpen).toBe(false)
  })

  // node-redis forgets a socket that is still being opened, and leaves it open.
  test('is closed too if the signal is aborted before the socket is open', async () => {
    const { port, nextSocket } = await listening((socket) => void socket.resume())
    const client = clientAt(port)
    const gone = new AbortController()
    const connect = client.connect.bind(client)
    client.connect = () => {
      const connecting = connect()
      gone.abort()
      return connecting
    }
    const [calling, opened] = [
      call(
        targetOf(() => client),
        value,
        gone.signal,
      ),
      nextSocket(),
    ]
    await expect(calling).rejects.toMatchObject({ code: 'ABORTED' })
    const socket = await opened
    await expect.poll(() => socket.closed).toBe(true)
  })

  test('is refused if the client is connected already', async () => {
    const { port } = await listening((socket) => void socket.resume())
    const client = clientAt(port).on('error', () => {})
    const opened = once(client, 'connect')
    void client.connect().catch(() => {})
    await opened
    const calling = call(
      targetOf(() => client),
      value,
      never,
    )
    await expect(calling).rejects.toMatchObject({ code: 'CONFIGURATION', remedy: expect.stringContaining('without connect()') })
    expect(client.isOpen).toBe(false)
  })
})
