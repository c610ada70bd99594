// A provider of one's own: a store that answers `GET /secrets/PATH` with the value as its body.
import { type ProviderFromEnv, type SecretProvider, SecretsError, type SecretsErrorCode } from '@finchat/secrets-core'
import { invalidArgument, locator, namesFromEnv, type NamesOptions, type ProviderManifest } from '@finchat/secrets-core/provider'

export interface HttpProviderOptions extends NamesOptions {
  readonly url: string
  /** Called for each request, so that a token that was renewed is used. */
  readonly token: () => string | undefined
}

export const httpManifest: ProviderManifest = {
  supports: [],
  values: { minBytes: 0, maxBytes: 65_536, binary: true },
  canHoldPath: (path) => /^[\w.-]+(\/[\w.-]+)*$/.test(path) && !/(^|\/)\.\.?(\/|$)/.test(path) && path.length <= 512,
}

/** 404 is no error; every other status, such as 5xx or a redirect, is an outage. */
const codes: Record<number, SecretsErrorCode> = { 401: 'UNAUTHENTICATED', 403: 'PERMISSION_DENIED', 410: 'DELETED', 429: 'RATE_LIMITED' }

export function httpProvider({ url, token, ...names }: HttpProviderOptions): SecretProvider {
  return {
    specificationVersion: 'v1',
    name: 'http',
    locate: locator(names, httpManifest.canHoldPath),
    get: async (path, { signal }) => {
      if (!httpManifest.canHoldPath(path)) throw invalidArgument('the store cannot hold this path')
      const bearer = token()
      if (bearer === undefined) throw new SecretsError('CREDENTIALS_MISSING', 'no token is configured')
      const response = await ask(new URL(`/secrets/${path}`, url), bearer, signal)
      if (response.status === 404) return undefined
      if (response.status !== 200) throw refusal(response)
      return { value: await bodyOf(response) }
    },
  }
}

/** Made of variables, for `secretsManagerFromEnv`, and for `providers` in `finchat-secrets.config.json`. */
export const httpFromEnv: ProviderFromEnv = (env) => {
  const [url, token] = [env.required('FINCHAT_HTTP_URL'), env.optional('FINCHAT_HTTP_TOKEN')]
  return httpProvider({ url, token: () => token, ...namesFromEnv(env, 'HTTP') })
}

/** An error of fetch may hold the token: it is dropped. A redirect would get the token. */
async function ask(url: URL, bearer: string, signal: AbortSignal): Promise<Response> {
  try {
    return await fetch(url, { headers: { authorization: `Bearer ${bearer}` }, redirect: 'manual', signal })
  } catch {
    if (signal.aborted) throw new SecretsError('ABORTED', 'the call was aborted')
    throw new SecretsError('UNAVAILABLE', 'the store cannot be reached', { remedy: 'check the url, and that the store runs' })
  }
}

function refusal({ status, headers }: Response): SecretsError {
  const seconds = Number(headers.get('retry-after'))
  const retryAt = seconds > 0 ? Date.now() + seconds * 1000 : undefined
  return new SecretsError(codes[status] ?? 'UNAVAILABLE', 'the store refused', { storeStatus: String(status), retryAt })
}

/** A truncated body, or one of another type, is no secret. */
async function bodyOf(response: Response): Promise<string | Uint8Array> {
  const kind = response.headers.get('content-type')
  const bytes = await response.bytes().catch(() => undefined)
  if (bytes !== undefined && kind === 'text/plain; charset=utf-8') return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
  if (bytes !== undefined && kind === 'application/octet-stream') return bytes
  throw new SecretsError('UNAVAILABLE', 'the store answered what is not a secret')
}
