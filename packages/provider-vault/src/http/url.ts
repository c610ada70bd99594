import { SecretsError } from '@finchat/secrets-core'
import type { HttpTarget } from './http-client.ts'

/** Where the server is. */
export interface VaultUrl extends HttpTarget {
  /** Without a slash at its end: `https://vault:8200`, or `https://proxy/vault` behind one. */
  readonly text: string
  /** The path before `/v1/`, empty mostly. */
  readonly basePath: string
}

/** Throws `CONFIGURATION` unless it is https, or plain http to this machine, or that is allowed. The message does not show it: it may hold a password. */
export function vaultUrl(text: unknown, allowInsecureHttp: boolean): VaultUrl {
  const url = typeof text === 'string' && URL.canParse(text) ? new URL(text) : undefined
  if (!url || !['https:', 'http:'].includes(url.protocol) || url.username || url.password || url.search || url.hash) {
    throw misconfigured('`url` is not the address of a Vault server', 'write it as https://vault.example:8200, without a password, ? or #')
  }
  const isSecure = url.protocol === 'https:'
  if (!isSecure && !allowInsecureHttp && !isLoopback(url.hostname)) {
    throw misconfigured(
      '`url` is plain http to another machine, which would show it the token and the secrets',
      'use https, or allowInsecureHttp: true',
    )
  }
  const basePath = url.pathname.endsWith('/') ? url.pathname.slice(0, -1) : url.pathname
  if (basePath.endsWith('/v1')) throw misconfigured('`url` ends in /v1, which is added to it', 'leave it out')
  return { text: url.origin + basePath, basePath, hostname: url.hostname, port: url.port || (isSecure ? '443' : '80'), isSecure }
}

/** Addresses that never leave this machine (RFC 1122, RFC 4291). Of names below localhost the system may ask DNS, whatever RFC 6761 says. */
function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname)
}

function misconfigured(problem: string, remedy: string): SecretsError {
  return new SecretsError('CONFIGURATION', problem, { remedy })
}
