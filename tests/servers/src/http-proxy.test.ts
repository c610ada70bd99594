import { createServer } from 'node:http'
import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { httpCall } from './http-call.ts'
import { listen, startHttpProxy, type HttpProxy, type HttpProxyOptions } from './http-proxy.ts'
import { brokenReplies, type Plan } from './replies.ts'

// A server that answers with what it was asked.
const server = createServer((request, response) => {
  let body = ''
  request.on('data', (chunk: Buffer) => (body += chunk.toString()))
  request.on('end', () => response.setHeader('x-index', '7').end(JSON.stringify({ method: request.method, path: request.url, body })))
})
let target = ''
beforeAll(async () => void (target = `http://127.0.0.1:${await listen(server)}`))
afterAll(() => void server.close())

async function proxyWith(plan: Plan, options: HttpProxyOptions = {}): Promise<HttpProxy> {
  const proxy = await startHttpProxy(target, { ...options, plan })
  onTestFinished(proxy.stop)
  return proxy
}

test('hands requests on and answers back, and records them as they were sent', async () => {
  const proxy = await proxyWith('pass')
  const path = '/v1/secret/../%2e%2e/a%2Fb?version=1'
  const { status, headers, text } = await httpCall(proxy.url, { method: 'PUT', path, headers: { 'X-Token': 't' }, body: { a: 1 } })
  expect(JSON.parse(text)).toEqual({ method: 'PUT', path, body: '{"a":1}' })
  expect([status, headers['x-index']]).toEqual([200, '7'])
  expect(proxy.requests).toEqual([
    { method: 'PUT', path, headers: expect.objectContaining({ 'x-token': 't' }), body: '{"a":1}', connection: 1 },
  ])
})

test('reads methods of which Node knows nothing, and chunked bodies', async () => {
  const proxy = await proxyWith({ body: 'heard' })
  const socket = connect(Number(new URL(proxy.url).port))
  socket.write('LIST /v1/secret HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n')
  socket.write('GET /next HTTP/1.1\r\n\r\n')
  let received = ''
  for await (const chunk of socket) if ((received += String(chunk)).split('heard').length === 3) break
  expect(proxy.requests.map(({ method, path, body, connection }) => [method, path, body, connection])).toEqual([
    ['LIST', '/v1/secret', 'abc', 1],
    ['GET', '/next', '', 1],
  ])
})

test('answers instead of the server, a redirect for example', async () => {
  const proxy = await proxyWith({ status: 307, headers: { location: 'http://127.0.0.1:1/' }, body: { errors: [] } })
  expect(await httpCall(proxy.url)).toMatchObject({ status: 307, headers: { location: 'http://127.0.0.1:1/' }, text: '{"errors":[]}' })
})

test('follows a list of replies, whose last one stays, and changes its plan', async () => {
  const proxy = await proxyWith([{ status: 503 }, { status: 429 }])
  const statuses = async (): Promise<number[]> => [(await httpCall(proxy.url)).status, (await httpCall(proxy.url)).status]
  expect([await statuses(), await statuses()]).toEqual([
    [503, 429],
    [429, 429],
  ])
  proxy.plan((request) => (request.path === '/' ? 'pass' : 'reset'))
  expect(await statuses()).toEqual([200, 200])
  await expect(httpCall(proxy.url, { path: '/other' })).rejects.toThrow(/ECONNRESET|hang up/)
})

test('loses the answer to a request that reached the server', async () => {
  let reached = 0
  server.on('request', () => (reached += 1))
  const proxy = await proxyWith([{ pass: 'reset' }, { pass: 'truncate' }, { pass: 'hang' }])
  await expect(httpCall(proxy.url)).rejects.toThrow(/ECONNRESET|hang up/)
  await expect(httpCall(proxy.url)).rejects.toThrow(/ECONNRESET|aborted/)
  await expect(httpCall(proxy.url, { timeoutMs: 2_000 })).rejects.toThrow('no answer within 2000 ms')
  expect(reached).toBe(3)
})

test('sends a web page for the answer to a request that reached the server', async () => {
  let reached = 0
  server.on('request', () => (reached += 1))
  const proxy = await proxyWith({ pass: 'garble' })
  expect(await httpCall(proxy.url)).toMatchObject({ status: 200, text: expect.stringContaining('<html>') })
  expect(reached).toBe(1)
})

test('holds a request back before it hands it on', async () => {
  const proxy = await proxyWith({ pass: 'whole', delayMs: 80 })
  const started = performance.now()
  expect((await httpCall(proxy.url)).status).toBe(200)
  expect(performance.now() - started).toBeGreaterThan(75)
})

test.each([
  ['hang', /no answer within/],
  ['reset', /ECONNRESET|hang up/],
  ['truncated', /ECONNRESET|aborted/],
])('breaks a connection: %s', async (name, message) => {
  const proxy = await proxyWith(brokenReplies[name] ?? 'pass')
  await expect(httpCall(proxy.url, { timeoutMs: 2_000 })).rejects.toThrow(message)
})

test('counts connections, and what came over each', async () => {
  const proxy = await proxyWith({ body: 'heard' })
  await httpCall(proxy.url)
  await httpCall(proxy.url)
  expect([proxy.connections(), proxy.requests.map(({ connection }) => connection)]).toEqual([2, [1, 2]])
})

test('stops at once, though a request hangs', async () => {
  const proxy = await startHttpProxy(target, { plan: 'hang' })
  const hanging = httpCall(proxy.url).catch((error: unknown) => error)
  await expect.poll(() => proxy.requests.length).toBe(1)
  await proxy.stop()
  expect(await hanging).toBeInstanceOf(Error)
  const socket = connect(Number(new URL(proxy.url).port))
  await expect(once(socket, 'connect')).rejects.toThrow('ECONNREFUSED')
})
