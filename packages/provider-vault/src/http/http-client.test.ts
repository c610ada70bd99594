import { type HttpClient, httpClient, timedCall, type TransportError } from '@finchat/secrets-core/http'
import { getEventListeners, once } from 'node:events'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { expect, onTestFinished, test, vi } from 'vitest'
import { stubVault } from '../testing/stub-vault.ts'

const request = { method: 'GET', path: '/v1/secret/data/app', headers: {} }

function clientAt(hostname: string, port: string): HttpClient {
  const client = httpClient({ hostname, port, isSecure: false }, {})
  onTestFinished(client.close)
  return client
}

/** Of a server that this starts. */
async function clientOf(server: Server): Promise<HttpClient> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo // of a server that listens on TCP
  return clientAt('127.0.0.1', String(port))
}

test('a request whose call has ended is not sent', async () => {
  const stub = await stubVault()
  const client = clientAt('127.0.0.1', new URL(stub.url).port)
  await expect(client.send(request, AbortSignal.abort())).rejects.toMatchObject({ code: 'ABORTED', sent: false })
  await expect(client.send(request, new AbortController().signal)).resolves.toMatchObject({ status: 200 })
  expect(stub.requests.length).toBe(1)
})

test('connections that died without a word cost one call, not one each', async () => {
  let isDead = false
  const server = createServer((socket) => {
    const isOld = !isDead
    socket.on('error', () => {})
    socket.on('data', () => void (isOld && isDead ? undefined : socket.write('HTTP/1.1 204 No Content\r\n\r\n')))
  })
  const client = await clientOf(server)
  const send = () => timedCall({ timeoutMs: 200, closing: new AbortController().signal }, (signal) => client.send(request, signal))
  await Promise.all([send(), send(), send()])
  isDead = true
  await expect(send()).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' })
  await expect(send()).resolves.toMatchObject({ status: 204 })
})

test('an answer has the headers that the provider acts on', async () => {
  const headers = { 'Retry-After': '3', 'X-Vault-Index': 'state', Date: 'Fri, 27 Nov 2026 10:00:00 GMT' }
  const stub = await stubVault(() => ({ status: 429, headers, body: { errors: [] } }))
  const client = clientAt('127.0.0.1', new URL(stub.url).port)
  const answer = await client.send(request, new AbortController().signal)
  expect(answer).toMatchObject({ status: 429, headers: { 'retry-after': '3', 'x-vault-index': 'state', date: headers.Date } })
})

test('an answer in several pieces is put together, even within a character, and overwritten', async () => {
  const body = Buffer.from('{"data":"é"}')
  const within = body.indexOf('é') + 1
  const pieces = vi.spyOn(Buffer, 'concat')
  onTestFinished(() => pieces.mockRestore())
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => {
      socket.write(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${within.toString(16)}\r\n`)
      socket.write(body.subarray(0, within))
      socket.write(`\r\n${(body.length - within).toString(16)}\r\n`)
      socket.write(body.subarray(within))
      socket.write('\r\n0\r\n\r\n')
    })
  })
  const client = await clientOf(server)
  const answer = await client.send(request, new AbortController().signal)
  expect(answer).toMatchObject({ status: 200, text: '{"data":"é"}' })
  const [chunks = []] = pieces.mock.calls.at(-1) ?? []
  expect(chunks.length).toBe(2)
  for (const bytes of [...chunks, pieces.mock.results.at(-1)?.value as Buffer]) expect(Buffer.alloc(bytes.length).equals(bytes)).toBe(true)
})

test('an answer that breaks off is UNAVAILABLE, and no part of it is returned', async () => {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}', () => socket.destroy()))
  })
  const client = await clientOf(server)
  const sent = client.send(request, new AbortController().signal)
  await expect(sent).rejects.toMatchObject({ code: 'UNAVAILABLE', storeStatus: 'ECONNRESET', sent: true })
})

test('a connection that the server wants for another protocol is closed', async () => {
  const closed = Promise.withResolvers<boolean>()
  const server = createServer((socket) => {
    socket.on('error', () => {}).on('close', () => closed.resolve(true))
    socket.once('data', () => socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\nConnection: Upgrade\r\n\r\n'))
  })
  const client = await clientOf(server)
  const sent = client.send(request, new AbortController().signal)
  await expect(sent).rejects.toMatchObject({ code: 'INTERNAL', sent: true })
  expect(await closed.promise).toBe(true)
})

test('a caller that gives up costs the others no idle connection', async () => {
  const stub = await stubVault()
  const client = clientAt('127.0.0.1', new URL(stub.url).port)
  const { signal } = new AbortController()
  await Promise.all([client.send(request, signal), client.send(request, signal)])
  stub.plan(() => 'hang')
  const caller = new AbortController()
  const waiting = client.send(request, caller.signal)
  await expect.poll(() => stub.requests.length).toBe(3)
  caller.abort()
  await expect(waiting).rejects.toMatchObject({ code: 'ABORTED', sent: true })
  stub.plan(() => ({ status: 204, body: '' }))
  await client.send(request, signal)
  expect(stub.connections()).toBe(2)
})

test('a new connection that breaks costs the others no idle connection', async () => {
  const stub = await stubVault()
  const client = clientAt('127.0.0.1', new URL(stub.url).port)
  const { signal } = new AbortController()
  const idle = Promise.withResolvers<void>()
  stub.plan(async ({ path }) => (path === '/breaks' ? idle.promise.then(() => 'reset' as const) : { status: 204, body: '' }))
  const breaking = client.send({ ...request, path: '/breaks' }, signal)
  await client.send(request, signal)
  idle.resolve()
  await expect(breaking).rejects.toMatchObject({ code: 'UNAVAILABLE', sent: true })
  await client.send(request, signal)
  expect(stub.connections()).toBe(2)
})

test('an address of IPv6 is taken whole out of its brackets', async () => {
  const stub = await stubVault()
  const client = clientAt('[::ffff:127.0.0.1]', new URL(stub.url).port)
  // IPv4 as IPv6, which a machine without IPv6 cannot reach.
  const outcome: unknown = await client.send(request, new AbortController().signal).catch((error: unknown) => error)
  expect(outcome).toMatchObject(
    outcome instanceof Error ? { storeStatus: expect.stringMatching(/^(EAFNOSUPPORT|ENETUNREACH)$/) } : { status: 200 },
  )
})

test('at most 64 requests are under way at a time, and the others wait', async () => {
  let connections = 0
  const server = createServer((socket) => {
    connections += 1
    socket.on('error', () => {})
  })
  const client = await clientOf(server)
  const caller = new AbortController()
  const sent = Array.from({ length: 70 }, () => client.send(request, caller.signal))
  await expect.poll(() => connections).toBe(64)
  caller.abort()
  const reasons = (await Promise.allSettled(sent)).map((settled) => settled.status === 'rejected' && (settled.reason as TransportError))
  expect(reasons.filter((reason) => reason && reason.sent).length).toBe(64)
})

test('a body is announced by its length in bytes', async () => {
  const stub = await stubVault()
  const client = clientAt('127.0.0.1', new URL(stub.url).port)
  const { signal } = new AbortController()
  // Node.js adds the length to a POST by itself, but not to a DELETE.
  for (const method of ['POST', 'DELETE']) await client.send({ ...request, method, body: '{"a":"é"}' }, signal)
  await client.send(request, signal)
  expect(stub.requests.map(({ headers }) => headers['content-length'])).toEqual(['10', '10', undefined])
})

test('a call leaves no listener on its signal, answered or not', async () => {
  const stub = await stubVault(() => 'reset')
  const client = clientAt('127.0.0.1', new URL(stub.url).port)
  const { signal } = new AbortController()
  await expect(client.send(request, signal)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  stub.plan(() => ({ status: 204, body: '' }))
  await expect(client.send(request, signal)).resolves.toMatchObject({ status: 204 })
  expect(getEventListeners(signal, 'abort')).toEqual([])
})

test('over a connection that is refused nothing was sent', async () => {
  const stub = await stubVault()
  await stub.stop()
  const client = clientAt('127.0.0.1', new URL(stub.url).port)
  const sent = client.send({ ...request, method: 'POST', body: '{}' }, new AbortController().signal)
  await expect(sent).rejects.toMatchObject({ code: 'UNAVAILABLE', storeStatus: 'ECONNREFUSED', sent: false })
})

test('an address of IPv6 is not looked up as a name', async () => {
  const stub = await stubVault()
  const client = clientAt('[::1]', new URL(stub.url).port)
  // Nobody listens there, or the machine has no IPv6.
  const failure: unknown = await client.send(request, new AbortController().signal).catch((error: unknown) => error)
  expect(failure).toMatchObject({ storeStatus: expect.stringMatching(/^(ECONNREFUSED|EADDRNOTAVAIL|EAFNOSUPPORT|ENETUNREACH)$/) })
})

test('an answer of another length than it names is INTERNAL: the port is the right one', async () => {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.on('data', () => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{} and more'))
  })
  const client = await clientOf(server)
  const sent = client.send(request, new AbortController().signal)
  await expect(sent).rejects.toMatchObject({ code: 'INTERNAL', storeStatus: 'HPE_INVALID_CONSTANT', sent: true })
})
