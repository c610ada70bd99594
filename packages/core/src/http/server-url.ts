import { configurationError } from '../options/check-option.ts'
import type { HttpTarget } from './http-client.ts'

/** The address of a server, in the parts of a request. */
export interface ServerUrl extends HttpTarget {
  /** Without a trailing slash: `https://vault:8200`, or `https://proxy/vault`. */
  readonly text: string
  /** The path of `url`, mostly empty. */
  readonly basePath: string
}

/**
 * Returns the parts of `url`. Throws `CONFIGURATION` for plain http to another machine, unless
 * allowed. The message omits the URL, which may hold a password.
 *
 * @example
 * import { serverUrl } from '@finchat/secrets-core/http'
 *
 * console.log(serverUrl('https://vault.example', 'a Vault server', false).port) // 443
 */
export function serverUrl(text: unknown, what: string, allowInsecureHttp: boolean): ServerUrl {
  const url = typeof text === 'string' && URL.canParse(text) ? new URL(text) : undefined
  if (!url || !['https:', 'http:'].includes(url.protocol) || url.username || url.password || url.search || url.hash) {
    throw configurationError(`\`url\` is not the address of ${what}`, 'write it as https://HOST:PORT, without a password, ? or #')
  }
  const isSecure = url.protocol === 'https:'
  if (!isSecure && !allowInsecureHttp && !isLoopback(url.hostname)) {
    throw configurationError(
      '`url` is plain http to another machine, which would show it the token and the secrets',
      'use https, or allowInsecureHttp: true',
    )
  }
  const basePath = url.pathname.endsWith('/') ? url.pathname.slice(0, -1) : url.pathname
  return { text: url.origin + basePath, basePath, hostname: url.hostname, port: url.port || (isSecure ? '443' : '80'), isSecure }
}

/**
 * Addresses that never leave this machine (RFC 1122, RFC 4291). Names below localhost may be looked
 * up in DNS.
 */
function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname)
}
