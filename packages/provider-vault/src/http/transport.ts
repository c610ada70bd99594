import type { VaultAnswer } from './answer.ts'
import type { HttpClient } from './http-client.ts'
import { HttpClients } from './http-clients.ts'
import type { VaultTls } from './tls.ts'
import type { VaultUrl } from './url.ts'

/** One request, without the headers that all requests carry. */
export interface VaultRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** Behind `/v1/`; each segment is encoded. */
  readonly path: string
  readonly body?: string | undefined
  readonly headers: Readonly<Record<string, string>>
  /** Presents the client certificate as its file is now. */
  readonly isLogin?: boolean
}

/** Sends one request once. Rejects only with `TransportError`, if there was no whole answer. */
export type Exchange = (request: VaultRequest, signal: AbortSignal) => Promise<VaultAnswer>

export interface Transport {
  readonly exchange: Exchange
  /** The client certificate that a login presents, if this transport knows it. */
  readonly certificate?: (signal: AbortSignal) => Promise<string | undefined>
  /** Ends the connections. */
  readonly close: () => void
}

/**
 * HTTP to the server at `url`. The first request reads the files of `tls` and connects. A login and
 * each new connection read them again, because certificates are rotated.
 */
export function httpTransport(url: VaultUrl, tls: VaultTls): Transport {
  const clients = new HttpClients(url, tls)
  const send = ({ send: sendBy }: HttpClient, request: VaultRequest, signal: AbortSignal): Promise<VaultAnswer> =>
    sendBy({ ...request, path: `${url.basePath}/v1/${request.path}` }, signal)
  return {
    exchange: (request, signal) => {
      const client = clients.current(request.isLogin === true)
      return client === undefined ? clients.opened(signal).then((opened) => send(opened, request, signal)) : send(client, request, signal)
    },
    certificate: (signal) => clients.certificate(signal),
    close: () => clients.close(),
  }
}
