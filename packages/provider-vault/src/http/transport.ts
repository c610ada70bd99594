import type { VaultAnswer } from './answer.ts'
import { untilEnded } from '../shared/deadline.ts'
import { type HttpSender, httpSender } from './http-client.ts'
import { type TlsMaterial, tlsMaterial, type VaultTls } from './tls.ts'
import { Unanswered } from '../shared/transport-error.ts'
import type { VaultUrl } from './url.ts'

/** One request, complete but for what every request carries. */
export interface VaultRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** Behind `/v1/`, each segment encoded already. */
  readonly path: string
  /** JSON text, sent as it is. */
  readonly body?: string | undefined
  readonly headers: Readonly<Record<string, string>>
}

/** Sends one request, once. Rejects with `Unanswered`, and with nothing else, when there was no whole answer. */
export type Exchange = (request: VaultRequest, signal: AbortSignal) => Promise<VaultAnswer>

export interface Transport {
  readonly exchange: Exchange
  /** Ends the connections. */
  readonly close: () => void
}

/** What node-vault hands to the hook `request-promise`: our own members, which it passes on, and the address that it made. */
interface HookOptions extends Pick<VaultRequest, 'method' | 'body' | 'headers'> {
  readonly uri: string
  readonly signal: AbortSignal
}

/** Loaded and connected when the first request is sent. */
export function nodeVaultTransport(url: VaultUrl, tls: VaultTls): Transport {
  let opening: Promise<HttpSender> | undefined
  let sending: Promise<Exchange> | undefined
  let ready: Exchange | undefined
  const open = (): Promise<HttpSender> => {
    // A certificate's file that could not be read is read again by the next request.
    opening ??= sender(url, tls).catch((error: unknown) => {
      opening = undefined
      throw error
    })
    return opening
  }
  const opened: Exchange = async (request, signal) => {
    const { send } = await untilEnded(open(), signal) // all wait for one, and each may give up
    sending ??= clientExchange(url, (options) => sendHooked(url, send, options))
    ready = await sending
    return ready(request, signal)
  }
  return {
    exchange: (request, signal) => (ready === undefined ? opened(request, signal) : ready(request, signal)),
    close: () => void opening?.then(({ close }) => close()).catch(() => {}),
  }
}

async function sender(url: VaultUrl, tls: VaultTls): Promise<HttpSender> {
  const material: TlsMaterial = url.isSecure ? await tlsMaterial(tls, new AbortController().signal) : {}
  return httpSender(url, material)
}

/**
 * A client of node-vault whose hook `request-promise` replaces its own transport whole. That would follow redirects with the token, heed
 * HTTP_PROXY, wait for ever, and reject with errors that hold the token.
 */
async function clientExchange({ text }: VaultUrl, hook: (options: HookOptions) => Promise<VaultAnswer>): Promise<Exchange> {
  const { default: nodeVault } = await import('node-vault')
  const client = nodeVault({
    endpoint: text,
    apiVersion: 'v1',
    debug: () => {}, // under DEBUG=* its own would print secrets and passwords
    tv4: Object.assign(() => {}, { validate: () => true }), // it would look at the types of what is typed here, at every request
    'request-promise': { defaults: () => hook },
  })
  // It has read VAULT_TOKEN, VAULT_NAMESPACE and VAULT_PREFIX by itself, which would go with requests to a server that they are not for. And it
  // takes every answer but one of 200 for an error, of its own kind.
  Object.assign(client, { token: '', namespace: '', pathPrefix: '', handleVaultResponse: (answer: VaultAnswer) => answer })
  return ({ method, path, body, headers }, signal) =>
    // a copy of the headers, for node-vault writes into what it is given; its answer is what the hook returned
    client.request({ method, path: `/${path}`, body, headers: { ...headers }, signal }) as Promise<VaultAnswer>
}

function sendHooked(url: VaultUrl, send: HttpSender['send'], { uri, method, headers, body, signal }: HookOptions): Promise<VaultAnswer> {
  const start = `${url.text}/v1/`
  if (!uri.startsWith(start)) return Promise.reject(new Unanswered('INTERNAL', 'the address of a request was changed on its way'))
  return send({ method, path: `${url.basePath}/v1/${uri.slice(start.length)}`, headers, body }, signal)
}
