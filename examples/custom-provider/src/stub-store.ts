import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Mood = 'well' | 'denied' | 'unauthenticated' | 'throttled' | 'hung' | 'garbage' | 'failing' | 'unreachable'

export interface StubStore {
  readonly url: string
  readonly secrets: Map<string, string | Uint8Array>
  readonly withdrawn: Set<string>
  mood: Mood
  requests: number
  readonly stop: () => Promise<void>
}

const statuses: Readonly<Partial<Record<Mood, number>>> = { denied: 403, unauthenticated: 401, throttled: 429, failing: 503 }

/** The store that the example's provider talks to, on a port of this machine. */
export async function startStubStore(): Promise<StubStore> {
  const server = createServer((request, response) => answer(store, request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // it listens on a port, not on a pipe
  const stop = async (): Promise<void> => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  const store: StubStore = {
    url: `http://127.0.0.1:${port}`,
    secrets: new Map(),
    withdrawn: new Set(),
    mood: 'well',
    requests: 0,
    stop,
  }
  return store
}

function answer(store: StubStore, request: IncomingMessage, response: ServerResponse): void {
  // Not by closing the server: another process could take its port.
  if (store.mood === 'unreachable') return void request.socket.resetAndDestroy()
  store.requests += 1
  if (store.mood === 'hung') return
  const path = String(request.url).replace(/^\/secrets\//, '')
  const value = store.secrets.get(path)
  if (store.mood === 'garbage') response.writeHead(200, { 'content-type': 'text/html' }).end('<html>maintenance</html>')
  else if (store.mood !== 'well') response.writeHead(statuses[store.mood] ?? 500, { 'retry-after': '1' }).end()
  else if (store.withdrawn.has(path)) response.writeHead(410).end()
  else if (value === undefined) response.writeHead(404).end()
  else
    response
      .writeHead(200, { 'content-type': typeof value === 'string' ? 'text/plain; charset=utf-8' : 'application/octet-stream' })
      .end(value)
}
