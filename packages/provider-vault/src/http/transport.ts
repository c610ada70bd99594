import { isLate, untilEnded } from '../shared/deadline.ts'
import type { VaultAnswer } from './answer.ts'
import { type HttpClient, httpClient } from './http-client.ts'
import { type TlsMaterial, tlsMaterial, type VaultTls } from './tls.ts'
import type { VaultUrl } from './url.ts'

/** One request, without the headers that all requests carry. */
export interface VaultRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** Behind `/v1/`; each segment is encoded. */
  readonly path: string
  readonly body?: string | undefined
  readonly headers: Readonly<Record<string, string>>
}

/** Sends one request once. Rejects only with `TransportError`, if there was no whole answer. */
export type Exchange = (request: VaultRequest, signal: AbortSignal) => Promise<VaultAnswer>

export interface Transport {
  readonly exchange: Exchange
  /** Ends the connections. */
  readonly close: () => void
}

/** HTTP to the server at `url`. The first request reads the files of `tls` and connects. */
export function httpTransport(url: VaultUrl, tls: VaultTls): Transport {
  let opening: Promise<HttpClient> | undefined
  let client: HttpClient | undefined
  const send = ({ send: sendBy }: HttpClient, request: VaultRequest, signal: AbortSignal): Promise<VaultAnswer> =>
    sendBy({ ...request, path: `${url.basePath}/v1/${request.path}` }, signal)
  const open = async (): Promise<HttpClient> => {
    const material: TlsMaterial = url.isSecure ? await tlsMaterial(tls, new AbortController().signal) : {}
    return (client ??= httpClient(url, material))
  }
  const opened: Exchange = async (request, signal) => {
    const current = (opening ??= open())
    try {
      return await send(await untilEnded(current, signal), request, signal)
    } finally {
      // What failed or hung is read again by the next request.
      const isGivenUp = signal.aborted && !isLate(signal)
      if (client === undefined && opening === current && !isGivenUp) opening = undefined
    }
  }
  return {
    exchange: (request, signal) => (client === undefined ? opened(request, signal) : send(client, request, signal)),
    close: () => client?.close(),
  }
}
