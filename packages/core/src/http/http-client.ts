import type { Agent, ClientRequest, IncomingHttpHeaders, IncomingMessage, RequestOptions } from 'node:http'
import type { Socket } from 'node:net'
import { leastTlsVersion } from '../kit/tls.ts'
import { interruption, isLate } from './call-bounds.ts'
import { connectionFailure } from './connection-failure.ts'
import type { TlsMaterial } from './tls-material.ts'
import { TransportError } from './transport-error.ts'

/** Vault's own limit of a request is as large (`max_request_size`, 32 MiB). */
const maxAnswerBytes = 33_554_432
/** Common load balancers drop idle connections after 60 s without notice. */
const idleMs = 30_000
const maxSockets = 64

/** Where a client connects. */
export interface HttpTarget {
  readonly hostname: string
  readonly port: string
  readonly isSecure: boolean
}

/** A request as it is sent. */
export interface WireRequest {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | undefined
  /** Gets the pieces of an answer below 300, whose text is then empty. They are overwritten. */
  readonly receive?: ((piece: Uint8Array) => void) | undefined
}

/** An answer of the server. */
export interface WireAnswer {
  readonly status: number
  /** The body exactly as sent. */
  readonly text: string
  readonly headers: IncomingHttpHeaders
}

/**
 * Sends requests over one keep-alive agent, without redirects and proxies. Rejects only with
 * `TransportError`, if there was no whole answer.
 */
export interface HttpClient {
  readonly send: (request: WireRequest, signal: AbortSignal) => Promise<WireAnswer>
  /** The next request opens a connection. */
  readonly needsConnection: () => boolean
  /** Ends each connection after its request. */
  readonly retire: () => void
  readonly close: () => void
}

/**
 * Returns a client for one server. Its first request connects.
 *
 * @example
 * import { httpClient } from '@finchat/secrets-core/http'
 *
 * const client = httpClient({ hostname: 'vault.example', port: '443', isSecure: true }, {})
 * console.log(client.needsConnection()) // true
 */
export function httpClient({ hostname, port, isSecure }: HttpTarget, tls: TlsMaterial): HttpClient {
  const { request, agent } = isSecure ? secureClient(tls) : plainClient()
  const target: RequestOptions = { hostname: hostname.startsWith('[') ? hostname.slice(1, -1) : hostname, port, agent }
  return {
    send: ({ method, path, headers, body, receive }, signal) => {
      if (signal.aborted) return Promise.reject(interruption(signal, false))
      const whole = body === undefined ? headers : { ...headers, 'Content-Length': String(Buffer.byteLength(body)) }
      return answered(request({ ...target, method, path, headers: whole }), { body, receive }, agent, signal)
    },
    needsConnection: () => countOf(agent.freeSockets) === 0 && countOf(agent.sockets) < maxSockets,
    retire: () => {
      agent.maxFreeSockets = 0
      dropIdle(agent)
    },
    close: () => agent.destroy(),
  }
}

interface Client {
  readonly request: (options: RequestOptions) => ClientRequest
  readonly agent: Agent
}

const kept = { keepAlive: true, timeout: idleMs, maxSockets } as const

function plainClient(): Client {
  // Importing node:http costs 25 ms, most of it for its facade as an ES module.
  const http = process.getBuiltinModule('node:http')
  return { request: http.request, agent: new http.Agent(kept) }
}

function secureClient(tls: TlsMaterial): Client {
  const https = process.getBuiltinModule('node:https')
  // Set here, so that neither NODE_TLS_REJECT_UNAUTHORIZED nor NODE_OPTIONS weakens them.
  return { request: https.request, agent: new https.Agent({ ...kept, ...tls, rejectUnauthorized: true, minVersion: leastTlsVersion() }) }
}

type Exchanged = Pick<WireRequest, 'body' | 'receive'>

function answered(outgoing: ClientRequest, { body, receive }: Exchanged, agent: Agent, signal: AbortSignal): Promise<WireAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<WireAnswer>()
  let isSent = false
  let isAnswered = false
  const done = (answer: WireAnswer): void => {
    signal.removeEventListener('abort', onAbort)
    resolve(answer)
  }
  const fail = (failure: TransportError): void => {
    signal.removeEventListener('abort', onAbort)
    reject(failure)
    outgoing.destroy()
  }
  const onAbort = (): void => {
    if (isLate(signal) && outgoing.reusedSocket) dropIdle(agent)
    fail(interruption(signal, isSent))
  }
  signal.addEventListener('abort', onAbort)
  outgoing.on('socket', (socket) => whenConnected(socket, () => (isSent = true)))
  outgoing.on('error', (error) => {
    if (outgoing.reusedSocket) dropIdle(agent)
    fail(connectionFailure(error, isSent, isAnswered))
  })
  outgoing.on('response', (incoming) => {
    isAnswered = true
    collect(incoming, receive, done, fail)
  })
  outgoing.on('upgrade', () => {
    fail(otherProtocol())
  })
  outgoing.end(body)
  return promise
}

function whenConnected(socket: Socket, then: () => void): void {
  if (socket.connecting) socket.once('encrypted' in socket ? 'secureConnect' : 'connect', then)
  else then()
}

function otherProtocol(): TransportError {
  return new TransportError('INTERNAL', 'the server wants to speak another protocol', {
    remedy: 'point `url` at the server itself',
    sent: true,
  })
}

type Sockets = Agent['sockets']

function countOf(sockets: Sockets): number {
  let count = 0
  for (const name in sockets) count += sockets[name]?.length ?? 0
  return count
}

/** If one idle connection is dead, the others are too. */
function dropIdle(agent: Agent): void {
  for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy()
}

/** Listeners cost half of an async iterator. */
function collect(
  incoming: IncomingMessage,
  receive: WireRequest['receive'],
  done: (answer: WireAnswer) => void,
  fail: (failure: TransportError) => void,
): void {
  const { statusCode = 0, headers } = incoming
  const chunks: Buffer[] = []
  let length = 0
  incoming.on('data', (chunk: Buffer) => {
    if (receive !== undefined && statusCode < 300) return handOn(chunk, receive)
    chunks.push(chunk)
    length += chunk.length
    if (length > maxAnswerBytes) fail(new TransportError('INTERNAL', `the answer is larger than ${maxAnswerBytes} bytes`, { sent: true }))
  })
  incoming.on('error', (error) => fail(connectionFailure(error, true)))
  incoming.on('end', () => {
    const [first] = chunks
    const whole = first !== undefined && chunks.length === 1 ? first : Buffer.concat(chunks)
    // A proxy's error page may have any encoding.
    const isReadable = statusCode >= 300 || process.getBuiltinModule('node:buffer').isUtf8(whole)
    const text = isReadable ? whole.toString() : ''
    whole.fill(0)
    for (const bytes of chunks) bytes.fill(0)
    if (!isReadable) return fail(notUtf8(statusCode))
    done({ status: statusCode, text, headers })
  })
}

/** A lenient decoder would return another value. */
function notUtf8(status: number): TransportError {
  const remedy = 'point `url` at the server itself, or at what passes its answers on unchanged'
  return new TransportError('INTERNAL', 'the answer is no text in UTF-8', { remedy, storeStatus: String(status), sent: true })
}

function handOn(piece: Buffer, receive: (piece: Uint8Array) => void): void {
  receive(piece)
  piece.fill(0)
}
