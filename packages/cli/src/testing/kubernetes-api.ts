import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'

interface Stored {
  readonly data: Readonly<Record<string, string>>
  readonly metadata: Readonly<Record<string, unknown>>
}

/** What the API has: base64 by field, by the name of a Secret. */
export interface KubernetesApi {
  readonly url: string
  readonly secrets: Map<string, Stored>
  /** Methods that the role does not allow. */
  readonly denied: Set<string>
}

/** The Secrets of the namespace `default`: read, created, and merged over the resource version that was read. */
export async function startKubernetesApi(): Promise<KubernetesApi> {
  const [secrets, denied] = [new Map<string, Stored>(), new Set<string>()]
  let revision = 100
  const answer = (request: IncomingMessage, body: string): readonly [code: number, content: object] => {
    const name = /^\/api\/v1\/namespaces\/default\/secrets\/([^/?]+)/.exec(request.url ?? '')?.[1]
    if (denied.has(request.method ?? '')) return status(403, 'Forbidden')
    const found = name === undefined ? undefined : secrets.get(name)
    if (request.method === 'GET' && found !== undefined) return [200, shown(found)]
    if (request.method === 'GET' || (request.method === 'PATCH' && found === undefined)) return status(404, 'NotFound')
    const change = JSON.parse(body) as Stored // of our own provider
    const key = name ?? String(change.metadata['name'])
    if (found === undefined && secrets.has(key)) return status(409, 'AlreadyExists')
    const expected = change.metadata['resourceVersion']
    if (found !== undefined && expected !== undefined && expected !== found.metadata['resourceVersion']) return status(409, 'Conflict')
    const data = Object.entries({ ...found?.data, ...change.data }).filter(([, value]) => value !== null)
    const metadata = { ...found?.metadata, name: key, namespace: 'default', uid: key, creationTimestamp: '2026-01-01T00:00:00Z' }
    revision += 1
    const stored = { data: Object.fromEntries(data), metadata: { ...metadata, resourceVersion: String(revision) } }
    secrets.set(key, stored)
    return [found === undefined ? 201 : 200, shown(stored)]
  }
  const server = createServer((request, response) => void respond(request, response, answer))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, secrets, denied } // it listens on TCP
}

type Answer = (request: IncomingMessage, body: string) => readonly [code: number, content: object]

async function respond(request: IncomingMessage, response: ServerResponse, answer: Answer): Promise<void> {
  const [code, content] = answer(request, await text(request))
  response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(content))
}

function shown(stored: Stored): object {
  return { apiVersion: 'v1', kind: 'Secret', type: 'Opaque', ...stored }
}

function status(code: number, reason: string): readonly [number, object] {
  const message = `${reason}, in words`
  return [code, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, details: { kind: 'secrets' }, code }]
}
