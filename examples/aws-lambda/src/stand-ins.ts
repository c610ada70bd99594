// Stand-ins for what is outside: the partner, and a way to AWS that counts the calls.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer, text } from 'node:stream/consumers'

export interface StandIn {
  readonly url: string
  readonly calls: () => number
  readonly stop: () => void
}

async function serve(answer: (request: IncomingMessage, response: ServerResponse) => Promise<unknown>): Promise<StandIn> {
  let calls = 0
  const server = createServer((request, response) => {
    calls += 1
    answer(request, response).catch(() => response.destroy())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // it listens on a port, not on a pipe
  const stop = (): void => {
    server.close()
    server.closeAllConnections()
  }
  return { url: `http://127.0.0.1:${port}`, calls: () => calls, stop }
}

/** Accepts one token, which only the administrator's token changes. */
export function startPartner(first: string, adminToken: string): Promise<StandIn> {
  let [token, order] = [first, 0]
  return serve(async (request, response) => {
    const presented = request.headers.authorization?.replace('Bearer ', '')
    const wanted = request.method === 'PUT' ? adminToken : token
    if (presented !== wanted) return response.writeHead(401).end()
    if (request.method !== 'PUT') return response.end('the balance is 12.50')
    const given = Number(request.headers['x-order'])
    if (given < order) return response.writeHead(409).end()
    ;[token, order] = [await text(request), given]
    return response.writeHead(204).end()
  })
}

export function startCountingProxy(target: string): Promise<StandIn> {
  return serve(async (request, response) => {
    const { host: _, connection: __, 'content-length': ___, ...headers } = request.headers
    const answer = await fetch(new URL(request.url ?? '/', target), {
      method: request.method ?? 'POST',
      headers: headers as Record<string, string>, // the SDK repeats none
      body: await buffer(request),
    })
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' })
    return response.end(await answer.bytes())
  })
}
