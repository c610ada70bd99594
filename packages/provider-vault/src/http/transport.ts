import { type HttpClient, HttpClients, type ServerTls, type ServerUrl, type WireAnswer } from '@finchat/secrets-core/http'
import { vaultAnswer, type VaultAnswer } from './answer.ts'

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
export function httpTransport(url: ServerUrl, tls: ServerTls): Transport {
  const clients = new HttpClients('Vault', url, tls)
  const send = ({ send: sendBy }: HttpClient, request: VaultRequest, signal: AbortSignal): Promise<VaultAnswer> =>
    sendBy({ ...request, path: `${url.basePath}/v1/${request.path}` }, signal).then(answerOf)
  return {
    exchange: (request, signal) => {
      const client = clients.current(request.isLogin === true)
      return client === undefined ? clients.opened(signal).then((opened) => send(opened, request, signal)) : send(client, request, signal)
    },
    certificate: (signal) => clients.certificate(signal),
    close: () => clients.close(),
  }
}

function answerOf({ status, text, headers }: WireAnswer): VaultAnswer {
  return vaultAnswer(status, text, { retryAfter: headers['retry-after'], index: textOf(headers['x-vault-index']), date: headers.date })
}

function textOf(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : undefined
}
