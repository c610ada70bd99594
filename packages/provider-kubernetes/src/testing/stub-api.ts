import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { StubCluster, type StubEvent, StubRefusal, type StubSecret } from './stub-cluster.ts'

/** How the API treats requests. `lost`, `garbled`: it does what it is asked, and its answer to a write is lost or garbage. */
export type Mood = 'well' | 'denied' | 'throttled' | 'hung' | 'failing' | 'garbage' | 'garbled' | 'reset' | 'lost' | 'redirecting'

const garbage = 'so long, and thanks for all the fish'

export interface StubRequest {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** An API server on loopback, over a `StubCluster`. */
export class StubApi {
  readonly cluster: StubCluster = new StubCluster()
  readonly requests: StubRequest[] = []
  mood: Mood = 'well'
  /** The accepted tokens; undefined: every one. */
  tokens: readonly string[] | undefined
  /** The refused verbs, such as `watch`. */
  readonly deniedVerbs: Set<string> = new Set()
  readonly #server: Server
  readonly #watches = new Map<ServerResponse, () => void>()

  private constructor() {
    this.#server = createServer({ noDelay: true }, (request, response) => {
      this.#serve(request, response).catch(() => response.destroy())
    })
  }

  static async start(): Promise<StubApi> {
    const api = new StubApi()
    api.#server.listen(0, '127.0.0.1')
    await once(api.#server, 'listening')
    return api
  }

  get url(): string {
    const { port } = this.#server.address() as AddressInfo // it listens on TCP
    return `http://127.0.0.1:${port}`
  }

  get watches(): number {
    return this.#watches.size
  }

  /** As the server does after `timeoutSeconds`. */
  endWatches(): void {
    for (const [response, end] of this.#watches) {
      end()
      response.end()
    }
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    if (this.#server.listening) await once(this.#server, 'close')
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '', headers } = request
    const body = await text(request)
    this.requests.push({ method, url, headers, body })
    if (this.mood === 'hung') return
    if (this.mood === 'reset') return void request.socket.resetAndDestroy()
    if (this.mood === 'garbage') return void response.end(garbage)
    if (this.mood === 'redirecting') return void response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()
    try {
      this.#admit(headers)
      this.#answer({ method, url: new URL(url, this.url), accept: headers.accept ?? '', body }, response)
    } catch (error) {
      if (!(error instanceof StubRefusal)) throw error
      respond(response, error.code, statusOf(error))
    }
    if (this.mood === 'lost' && method !== 'GET') request.socket.resetAndDestroy()
  }

  #admit({ authorization }: IncomingMessage['headers']): void {
    const isKnown = this.tokens?.some((token) => authorization === `Bearer ${token}`) ?? true
    if (!isKnown) throw new StubRefusal(401, 'Unauthorized')
    if (this.mood === 'denied') throw new StubRefusal(403, 'Forbidden', { kind: 'secrets' })
    if (this.mood === 'throttled') throw new StubRefusal(429, 'TooManyRequests', { retryAfterSeconds: 1 })
    if (this.mood === 'failing') throw new StubRefusal(503, 'ServiceUnavailable')
  }

  #answer({ method, url, accept, body }: Call, response: ServerResponse): void {
    if (url.pathname === '/readyz') return void (this.mood === 'lost' || response.end('ok'))
    if (url.pathname === reviews) return respond(response, 201, this.#reviewed(JSON.parse(body)))
    const [, namespace = '', name] = /^\/api\/v1\/namespaces\/([^/]+)\/secrets(?:\/([^/]+))?$/.exec(url.pathname) ?? []
    if (namespace === '') throw new StubRefusal(404, 'NotFound')
    const query = url.searchParams
    const isWatch = ['1', 'true'].includes(query.get('watch') ?? '')
    this.#assertAllowed(isWatch ? 'watch' : name === undefined && method === 'GET' ? 'list' : (verbs[method] ?? ''))
    if (isWatch) return this.#watch(namespace, query, accept, response)
    if (name === undefined && method === 'GET') return respond(response, 200, this.#list(namespace, query, accept))
    const secret = this.#change(method, namespace, name, body)
    if (this.mood === 'garbled' && method !== 'GET') return void response.end(garbage)
    respond(response, method === 'POST' ? 201 : 200, shownTo(accept, secret))
  }

  #reviewed({ spec }: { readonly spec: { readonly resourceAttributes: { readonly verb: string } } }): object {
    return { kind: 'SelfSubjectAccessReview', spec, status: { allowed: !this.deniedVerbs.has(spec.resourceAttributes.verb) } }
  }

  #assertAllowed(verb: string): void {
    if (this.deniedVerbs.has(verb)) throw new StubRefusal(403, 'Forbidden', { kind: 'secrets' })
  }

  #change(method: string, namespace: string, name: string | undefined, body: string): StubSecret {
    const given = body === '' ? {} : JSON.parse(body)
    if (method === 'POST') return this.cluster.create(namespace, given)
    if (method === 'GET') return this.cluster.get(namespace, name ?? '')
    if (method === 'DELETE') return this.cluster.remove(namespace, name ?? '')
    return this.cluster.update(namespace, name ?? '', given, method === 'PUT')
  }

  #list(namespace: string, query: URLSearchParams, accept: string): object {
    const { items, revision, next } = this.cluster.list(namespace, Number(query.get('limit') ?? 0), query.get('continue') ?? undefined)
    const kind = accept.includes('as=PartialObjectMetadataList')
      ? { apiVersion: 'meta.k8s.io/v1', kind: 'PartialObjectMetadataList' }
      : { apiVersion: 'v1', kind: 'SecretList' }
    const shown = items.filter(isSelected(query)).map((item) => (kind.kind === 'SecretList' ? item : partial(item)))
    return { ...kind, metadata: { resourceVersion: revision, ...(next !== undefined && { continue: next }) }, items: shown }
  }

  #watch(namespace: string, query: URLSearchParams, accept: string, response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.flushHeaders()
    const send = (event: object): void => void response.write(`${JSON.stringify(event)}\n`)
    const isWanted = isSelected(query)
    const heard = ({ type, object }: StubEvent): void => {
      if (type === 'BOOKMARK' ? query.get('allowWatchBookmarks') === 'true' : isWanted(object))
        send({ type, object: shownTo(accept, object) })
    }
    try {
      const end = this.cluster.watch(namespace, query.get('resourceVersion') ?? undefined, heard)
      this.#watches.set(response, end)
      response.on('close', () => {
        this.#watches.delete(response)
        end()
      })
    } catch (error) {
      // The server has accepted the watch, and ends it with an event.
      if (error instanceof StubRefusal) send({ type: 'ERROR', object: statusOf(error) })
      response.end()
    }
  }
}

const reviews = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews'

interface Call {
  readonly method: string
  readonly url: URL
  readonly accept: string
  readonly body: string
}

const verbs: Readonly<Record<string, string>> = { GET: 'get', POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' }

function isSelected(query: URLSearchParams): (secret: StubSecret) => boolean {
  const [, name] = /^metadata\.name=(.+)$/.exec(query.get('fieldSelector') ?? '') ?? []
  return ({ metadata }) => name === undefined || metadata.name === name
}

function shownTo(accept: string, secret: StubSecret): object {
  return accept.includes('as=PartialObjectMetadata;') ? partial(secret) : secret
}

function partial({ metadata }: StubSecret): object {
  return { apiVersion: 'meta.k8s.io/v1', kind: 'PartialObjectMetadata', metadata }
}

function statusOf({ code, reason, details }: StubRefusal): object {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message: `${reason}, in words`, reason, details, code }
}

function respond(response: ServerResponse, code: number, body: object): void {
  const retryAfter = code === 429 ? { 'retry-after': '1' } : {}
  response.writeHead(code, { 'content-type': 'application/json', ...retryAfter }).end(JSON.stringify(body))
}
