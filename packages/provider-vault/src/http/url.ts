import { type ServerUrl, serverUrl } from '@finchat/secrets-core/http'
import { configurationError } from '@finchat/secrets-core/provider'

/** Throws `CONFIGURATION` as `serverUrl`, and for an address that has the prefix of the API. */
export function vaultUrl(text: unknown, allowInsecureHttp: boolean): ServerUrl {
  const url = serverUrl(text, 'a Vault server', allowInsecureHttp)
  if (url.basePath.endsWith('/v1')) throw configurationError('`url` ends in /v1, which is added to it', 'leave it out')
  return url
}
