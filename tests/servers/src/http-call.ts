import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'

export interface CallOptions {
  readonly method?: string
  /** Instead of the URL's own, and sent as it is: nothing encoded, nothing resolved. */
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  readonly body?: unknown
  /** Sent as it is, instead of a `body`. */
  readonly text?: string
  /** The PEM certificate of the authority to trust. */
  readonly ca?: string | undefined
  /** Default: 10 s. */
  readonly timeoutMs?: number
}

export interface CallAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

/** One request on a connection of its own; follows no redirect. */
export function httpCall(url: string, options: CallOptions = {}): Promise<CallAnswer> {
  const { method = 'GET', path, headers, body, ca, timeoutMs = 10_000 } = options
  const { promise, resolve, reject } = Promise.withResolvers<CallAnswer>()
  const send = url.startsWith('https:') ? httpsRequest : httpRequest
  const outgoing = send(url, { method, headers, agent: false, ...(ca && { ca }), ...(path && { path }) }, (incoming) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('error', reject)
    incoming.on('end', () =>
      resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text: Buffer.concat(chunks).toString() }),
    )
  })
  outgoing.on('error', reject)
  outgoing.setTimeout(timeoutMs, () => outgoing.destroy(new Error(`no answer within ${timeoutMs} ms`)))
  outgoing.end(options.text ?? (body === undefined ? undefined : JSON.stringify(body)))
  return promise
}
