import { type HttpClients, TransportError, type WireAnswer } from '@finchat/secrets-core/http'
import { configurationError, type Credential, isJsonObject, isVisibleAscii, readCredential } from '@finchat/secrets-core/provider'
import { type KubeAnswer, statusError, unexpectedAnswer } from './status.ts'

/** One request, without the headers that all requests carry. */
interface KubeRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** Begins with a slash; each segment is encoded. */
  readonly path: string
  readonly body?: string | undefined
  /** The answer, an object or a list of them, holds names, versions and annotations, and no values. */
  readonly metadata?: keyof typeof metadataTypes | undefined
  /** The text of a success: any other page is not the server's. */
  readonly content?: string | undefined
  /** Gets the pieces of a watch. */
  readonly receive?: ((piece: Uint8Array) => void) | undefined
}

/** Rejects with a `SecretsError` for every answer that is no success. */
export interface KubeApi {
  readonly ask: (request: KubeRequest, signal: AbortSignal) => Promise<Readonly<Record<string, unknown>>>
  /** Ignores what a success says, apart from `content`. */
  readonly tell: (request: KubeRequest, signal: AbortSignal) => Promise<void>
}

interface ReadAnswer extends KubeAnswer {
  readonly text: string
}

export interface KubeServer {
  readonly clients: HttpClients
  /** The path of `url`. */
  readonly basePath: string
  readonly token: Credential | undefined
}

export function kubeApi(server: KubeServer): KubeApi {
  const successful = async (request: KubeRequest, signal: AbortSignal): Promise<ReadAnswer> => {
    const answer = await authorized(server, request, signal)
    if (answer.status >= 300) throw statusError(answer, isWrite(request))
    if (answer.text.trim() !== (request.content ?? answer.text.trim())) throw unexpectedAnswer(answer.status, isWrite(request))
    return answer
  }
  return {
    ask: async (request, signal) => {
      const { status, body } = await successful(request, signal)
      if (!isJsonObject(body)) throw unexpectedAnswer(status, isWrite(request))
      return body
    },
    tell: async (request, signal) => void (await successful(request, signal)),
  }
}

/**
 * Kubelet rotates the token's file, so each request reads it. A refused token that was replaced
 * meanwhile is repeated once: a refused request had no effect.
 */
async function authorized(server: KubeServer, request: KubeRequest, signal: AbortSignal): Promise<ReadAnswer> {
  const token = await tokenOf(server.token, signal)
  const answer = await sent(server, request, token, signal)
  if (answer.status !== 401) return answer
  const next = await tokenOf(server.token, signal)
  return next === token ? answer : sent(server, request, next, signal)
}

async function tokenOf(source: Credential | undefined, signal: AbortSignal): Promise<string | undefined> {
  if (source === undefined) return undefined
  const token = await readCredential(source, "the service account's token", signal)
  if (isVisibleAscii(token)) return token
  throw configurationError('the token is none: it has a space or another character that no token has', 'give the token alone')
}

/** A read is repeated once over a broken connection: a balancer drops idle ones without notice. */
async function sent(server: KubeServer, request: KubeRequest, token: string | undefined, signal: AbortSignal): Promise<ReadAnswer> {
  try {
    return await once(server, request, token, signal).catch((error: unknown) => {
      if (isWrite(request) || !isBroken(error)) throw error
      return once(server, request, token, signal)
    })
  } catch (error) {
    throw error instanceof TransportError ? error.toSecretsError(isWrite(request)) : error
  }
}

async function once({ clients, basePath }: KubeServer, request: KubeRequest, token: string | undefined, signal: AbortSignal): Promise<ReadAnswer> {
  const client = clients.current(false) ?? (await clients.opened(signal))
  const { method, path, body, receive } = request
  return answerOf(await client.send({ method, path: basePath + path, body, receive, headers: headersOf(request, token) }, signal))
}

const metadataTypes = {
  object: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1',
  list: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1',
} as const

function headersOf({ method, body, metadata }: KubeRequest, token: string | undefined): Record<string, string> {
  const accept = 'application/json'
  const headers: Record<string, string> = { Accept: metadata === undefined ? accept : `${metadataTypes[metadata]},${accept}` }
  if (body !== undefined) headers['Content-Type'] = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
  if (token !== undefined) headers['Authorization'] = `Bearer ${token}`
  return headers
}

function answerOf({ status, text, headers }: WireAnswer): ReadAnswer {
  return { status, text, body: parsed(text), retryAfter: headers['retry-after'] }
}

/** The parser's own message would quote the answer. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isWrite({ method }: KubeRequest): boolean {
  return method !== 'GET'
}

function isBroken(error: unknown): boolean {
  return error instanceof TransportError && error.code === 'UNAVAILABLE' && error.sent
}
