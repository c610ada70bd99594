import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'

export interface CallOptions {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  readonly body?: unknown
  readonly ca?: string | undefined
  readonly timeoutMs?: number
}

export interface CallAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

/** One request on a connection of its own; follows no redirect and trusts only `ca`, if there is one. */
export function httpCall(url: string, { method = 'GET', headers, body, ca, timeoutMs = 10_000 }: CallOptions = {}): Promise<CallAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<CallAnswer>()
  const send = url.startsWith('https:') ? httpsRequest : httpRequest
  const outgoing = send(url, { method, headers, agent: false, ...(ca && { ca }) }, (incoming) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('error', reject)
    incoming.on('end', () =>
      resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text: Buffer.concat(chunks).toString() }),
    )
  })
  outgoing.on('error', reject)
  outgoing.setTimeout(timeoutMs, () => outgoing.destroy(new Error(`no answer within ${timeoutMs} ms`)))
  outgoing.end(body === undefined ? undefined : JSON.stringify(body))
  return promise
}
