import { once } from 'node:events'
import { STATUS_CODES } from 'node:http'
import { createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { httpCall, type CallAnswer } from './http-call.ts'
import { follow, webPage, type Answer, type Passing, type Plan, type Reply } from './replies.ts'
import { requestsOf, type RecordedRequest } from './request-reader.ts'

export interface HttpProxy {
  /** http, on loopback. */
  readonly url: string
  /** Every request so far, in the order in which they came. */
  readonly requests: readonly RecordedRequest[]
  /** How many connections were opened so far. */
  readonly connections: () => number
  /** What to do with requests from now on; `'pass'` at first. */
  readonly plan: (plan: Plan) => void
  readonly stop: () => Promise<void>
}

export interface HttpProxyOptions {
  /** Default: `'pass'`. */
  readonly plan?: Plan
  /** The PEM certificate of the authority to trust, for a server behind it that speaks https. */
  readonly ca?: string
}

/**
 * Records requests and forwards them, or treats them by the plan. Without `target` none can pass.
 */
export async function startHttpProxy(target: string | undefined, options: HttpProxyOptions = {}): Promise<HttpProxy> {
  let reply = follow<RecordedRequest, Reply>(options.plan ?? 'pass')
  const requests: RecordedRequest[] = []
  const sockets = new Set<Socket>()
  let connections = 0
  const serve = async (socket: Socket): Promise<void> => {
    connections += 1
    for await (const request of requestsOf(socket, connections)) {
      requests.push(request)
      await carryOut(await reply(request), request, socket, { target, ca: options.ca })
    }
  }
  // Head and body are two writes, which Nagle would hold back 40 ms.
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy()) // the client went away
    serve(socket).catch(() => socket.resetAndDestroy())
  })
  const stop = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy()
    server.close()
    if (server.listening) await once(server, 'close')
  }
  const url = `http://127.0.0.1:${await listen(server)}`
  return { url, requests, connections: () => connections, plan: (plan) => void (reply = follow(plan)), stop }
}

/** Listens on a loopback port, by default a free one, and returns it. */
export async function listen(server: Server, port = 0): Promise<number> {
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port')
  return address.port
}

interface Upstream {
  readonly target: string | undefined
  readonly ca: string | undefined
}

async function carryOut(reply: Reply, request: RecordedRequest, socket: Socket, upstream: Upstream): Promise<void> {
  if (reply === 'hang') return
  if (reply === 'reset') return void socket.resetAndDestroy()
  if (reply === 'pass') return pass({ pass: 'whole' }, request, socket, upstream)
  if ('pass' in reply) return pass(reply, request, socket, upstream)
  await wait(reply.delayMs)
  send(socket, request, reply)
}

async function pass(how: Passing, request: RecordedRequest, socket: Socket, { target, ca }: Upstream): Promise<void> {
  if (target === undefined) throw new Error('there is no server behind this one')
  await wait(how.delayMs)
  const answer = await handOn(request, target, ca)
  if (how.pass === 'hang') return
  if (how.pass === 'reset') return void socket.resetAndDestroy()
  if (how.pass === 'garble') return send(socket, request, webPage)
  send(socket, request, { status: answer.status, headers: endToEnd(answer.headers), body: answer.text, truncate: how.pass === 'truncate' })
}

async function handOn(request: RecordedRequest, target: string, ca: string | undefined): Promise<CallAnswer> {
  const { method, path, body } = request
  const { 'transfer-encoding': _, connection: __, ...headers } = request.headers
  const length = body === '' ? {} : { 'content-length': String(Buffer.byteLength(body)) }
  return httpCall(target, { method, path, headers: { ...headers, ...length }, text: body, ca, timeoutMs: 60_000 })
}

/** Headers of one connection are not forwarded. */
function endToEnd(headers: CallAnswer['headers']): Record<string, string> {
  const own = ['connection', 'keep-alive', 'transfer-encoding', 'content-length']
  return Object.fromEntries(Object.entries(headers).flatMap(([name, value]) => (own.includes(name) ? [] : [[name, String(value)]])))
}

function send(socket: Socket, { method }: RecordedRequest, { status = 200, headers, body = '', truncate = false }: Answer): void {
  const content = body instanceof Uint8Array ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  const payload = method === 'HEAD' ? Buffer.alloc(0) : content
  const length = status === 204 ? {} : { 'content-length': String(content.length) }
  const lines = Object.entries({ ...headers, ...length }).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}\r\n${lines.join('')}\r\n`)
  if (!truncate) return void socket.write(payload)
  socket.write(payload.subarray(0, payload.length / 2), () => socket.resetAndDestroy())
}

async function wait(ms: number | undefined): Promise<void> {
  if (ms !== undefined) await sleep(ms)
}
