import { checkedTls, member, type ServerTls, type ServerUrl } from '@finchat/secrets-core/http'
import {
  assertWithin,
  configurationError,
  isVisibleAscii,
  knownOptions,
  longestTimerMs,
  type MembersOf,
  type NamesOptions,
} from '@finchat/secrets-core/provider'
import { tokenFunction, type TokenSource } from './auth/token.ts'
import type { VaultAuth } from './auth/vault-auth.ts'
import type { KvVersion } from './kv/version-detection.ts'
import type { VaultClient } from './http/client-transport.ts'
import { canHoldPath } from './shared/paths.ts'
import { vaultUrl } from './http/url.ts'

/** The options of `vaultProvider`. */
export interface VaultProviderOptions extends NamesOptions {
  /** The server's address: `https://vault.example:8200`. Plain http only to this machine. */
  readonly url?: string | undefined
  /**
   * How to log in: `appRole(…)`, `kubernetes(…)`, `tokenAuth(…)`, …, or a function that returns a
   * token. Without it every call is `CREDENTIALS_MISSING`.
   */
  readonly auth?: VaultAuth | TokenSource | undefined
  /** The KV mount. Default: `secret`. */
  readonly mount?: string | undefined
  /**
   * The mount's KV version. Default: detected by the first call, without further rights. A given
   * version is checked before the first write.
   */
  readonly kvVersion?: KvVersion | undefined
  /**
   * Paths of dynamic secrets, with all below them: `['database/creds']`. They start at the root of
   * the namespace, not in `mount`, and are never looked for there. Default: none.
   */
  readonly leased?: readonly string[] | undefined
  readonly namespace?: string | undefined
  readonly tls?: ServerTls | undefined
  /**
   * Allows plain http to another machine, which exposes the token and the secrets. Default: false.
   */
  readonly allowInsecureHttp?: boolean | undefined
  /**
   * Milliseconds for a call or a login, repeats included. Default: 4,500, less than the manager's
   * `deadlineMs`: the manager cannot tell whether Vault hangs, is sealed or elects a leader.
   */
  readonly timeoutMs?: number | undefined
  /**
   * Your own client of `node-vault`, in place of `url`. Its transport is used. Without `auth` its
   * token is used too.
   */
  readonly client?: VaultClient | undefined
  /** The provider's name in errors, audit events and health. Default: `vault`. */
  readonly name?: string | undefined
}

const members: MembersOf<VaultProviderOptions> = {
  url: 'string',
  auth: 'any',
  mount: 'string',
  kvVersion: 'number',
  leased: 'any',
  namespace: 'string',
  tls: 'any',
  allowInsecureHttp: 'boolean',
  timeoutMs: 'number',
  client: 'any',
  name: 'string',
  names: 'any',
  prefix: 'any',
  onlyNamed: 'boolean',
}

export interface CheckedOptions {
  readonly name: string
  readonly server: { readonly url: ServerUrl; readonly tls: ServerTls } | { readonly client: VaultClient }
  readonly auth: VaultAuth | undefined
  readonly mount: string
  readonly kvVersion: KvVersion | undefined
  readonly leased: readonly string[]
  readonly namespace: string | undefined
  readonly timeoutMs: number
}

/** Throws `CONFIGURATION` for invalid options. Reads no file and opens no connection. */
export function checkedOptions(given: VaultProviderOptions): CheckedOptions {
  const options = knownOptions(given, members)
  const { name = 'vault', mount = 'secret', leased = [], namespace, kvVersion, timeoutMs = 4_500 } = options
  if (!canHoldPath(mount))
    throw configurationError('`mount` is malformed', 'write it as `bao secrets list` shows it, without slashes around')
  if (namespace !== undefined && !isNamespace(namespace)) throw configurationError('`namespace` is malformed', 'write it without spaces')
  if (!Array.isArray(leased) || !leased.every(canHoldPath))
    throw configurationError('`leased` is no list of paths', "write them without slashes around, such as ['database/creds']")
  if (kvVersion !== undefined && ![1, 2].includes(kvVersion)) throw configurationError('`kvVersion` is neither 1 nor 2', 'leave it out')
  assertWithin('timeoutMs', timeoutMs, 1, longestTimerMs)
  const [server, auth] = [serverOf(options), authOf(options.auth)]
  if (auth?.method === 'cert' && 'url' in server && server.tls.cert === undefined)
    throw configurationError('`cert()` logs in with a client certificate, and there is none', 'give `tls.cert` and `tls.key`')
  return { name, server, auth, mount, kvVersion, leased, namespace, timeoutMs }
}

function serverOf(options: VaultProviderOptions): CheckedOptions['server'] {
  const { url, tls = {}, client, allowInsecureHttp = false } = options
  if (url === undefined && client === undefined) throw configurationError('one of `url` and `client` must be given', 'give `url`')
  if (url !== undefined && client !== undefined) throw configurationError('`url` and `client` are both given', 'give only one')
  if (client === undefined) return addressed(vaultUrl(url, allowInsecureHttp), checkedTls(tls))
  if (typeof client?.request !== 'function')
    throw configurationError('`client` is no client of node-vault', 'pass what its factory returned')
  if (options.tls !== undefined || options.allowInsecureHttp !== undefined)
    throw configurationError('`tls` and `allowInsecureHttp` do not reach a `client`', 'configure the client')
  const own = member(client, 'namespace')
  if (options.namespace !== undefined && typeof own === 'string' && own !== '' && own !== options.namespace)
    throw configurationError('`client` has another namespace than `namespace`, and would ask there', 'leave one of them out')
  return { client }
}

function addressed(url: ServerUrl, tls: ServerTls): CheckedOptions['server'] {
  if (!url.isSecure && Object.values(tls).some((part) => part !== undefined))
    throw configurationError(
      '`tls` is given, but `url` is http, where nothing is encrypted or verified',
      'write https:// in `url`, or leave out `tls`',
    )
  return { url, tls }
}

function authOf(auth: VaultProviderOptions['auth']): VaultAuth | undefined {
  if (auth === undefined) return undefined
  if (typeof auth === 'function') return tokenFunction(auth)
  if (typeof auth === 'object' && auth !== null && typeof auth.prepare === 'function') return auth
  throw configurationError('`auth` is no way to log in', "use tokenAuth('…'), appRole({ … }), …, or a function that returns a token")
}

function isNamespace(namespace: string): boolean {
  return isVisibleAscii(namespace) && namespace.length <= 512
}
