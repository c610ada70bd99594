import type { CallContext, CredentialStatus, SecretProvider } from '@finchat/secrets-core'
import { type AccessRight, locator } from '@finchat/secrets-core/provider'
import { withCertificate } from './auth/cert.ts'
import { clientToken } from './auth/token.ts'
import type { VaultAuth } from './auth/vault-auth.ts'
import { ReplicaState } from './protocol/replica-state.ts'
import { timedProvider } from '@finchat/secrets-core/http'
import { httpTransport, type Transport } from './http/transport.ts'
import { checkAccess } from './kv/access.ts'
import { kvList } from './kv/list.ts'
import { kvMount } from './kv/mount.ts'
import { kvReads } from './kv/read.ts'
import { kvWrites } from './kv/write.ts'
import { leaseRequests, listeningMs } from './leases/requests.ts'
import { Leases } from './leases/leases.ts'
import { loginEvents } from './token/login-events.ts'
import { mountInPathWarning, unnamedLeaseCheck } from './kv/missing-path.ts'
import { type CheckedOptions, checkedOptions, type VaultProviderOptions } from './options.ts'
import { ownClientTransport } from './http/client-transport.ts'
import { canHoldPath } from './shared/paths.ts'
import type { Provides } from '@finchat/secrets-core/provider'
import { vaultSender } from './protocol/request.ts'
import { TokenCheck } from './token/token-check.ts'
import { TokenHolder } from './token/token-holder.ts'
import { assertMounts, type VaultApi, vaultApi } from './token/vault-api.ts'
import { routeLeases } from './leases/route.ts'

/** The operations of the contract that a KV v2 mount has. */
export interface VaultProvider
  extends Provides<Exclude<keyof SecretProvider, 'sharedAs' | 'getMany' | 'changes'>>, Pick<SecretProvider, 'sharedAs'> {
  /** What the token's policies allow at these paths, by `sys/capabilities-self`: nothing is read or written. */
  readonly checkAccess: (paths: readonly string[], context: CallContext) => Promise<readonly AccessRight[]>
  /** The life of the token and of the leases in use, and how logins and renewals ended. Vault is not asked. */
  readonly credentialStatus: () => CredentialStatus
  readonly close: (context?: Partial<CallContext>) => Promise<void>
}

/**
 * The secrets of a KV mount (version 2 or 1) of HashiCorp Vault or OpenBao. Returns a provider,
 * which reads and connects at its first call. A secret is a map: `names: { TOKEN:
 * 'finchat/token#token' }` reads one field, and a plain text is kept in the field `value`. Throws
 * `CONFIGURATION` for invalid options, and for plain http to another machine.
 *
 * @example
 * import { SecretsError } from '@finchat/secrets-core'
 * import { vaultProvider } from '@finchat/secrets-provider-vault'
 *
 * const vault = vaultProvider({ url: 'https://vault.example:8200', names: { TOKEN: 'finchat/token#token' } })
 * console.log(vault.locate('TOKEN')) // { path: 'finchat/token', field: 'token' }
 * const failure = await vault.get('finchat/token', { signal: new AbortController().signal }).catch((error: unknown) => error)
 * console.log(SecretsError.isInstance(failure) && failure.code) // CREDENTIALS_MISSING
 */
export function vaultProvider(options: VaultProviderOptions): VaultProvider {
  const checked = checkedOptions(options)
  const { name, server, mount, kvVersion, leased, namespace, timeoutMs } = checked
  const ending = new AbortController()
  const limits = { timeoutMs, closing: ending.signal }
  const transport = transportTo(server)
  const auth = authOver(transport, checked)
  const hasHeaders = !('client' in server)
  const send = vaultSender({ exchange: transport.exchange, state: new ReplicaState(), namespace, hasHeaders })
  const events = loginEvents(name, auth?.method ?? 'none')
  const tokens = new TokenHolder({ auth, send, events, ...limits })
  const access = { tokens, check: new TokenCheck(send, limits) }
  const api = vaultApi(send, access, limits)
  const patient = vaultApi(send, access, { ...limits, timeoutMs: Math.max(listeningMs, timeoutMs) })
  const requests = leaseRequests(api, patient, events)
  const leases = new Leases({ leased, requests, statusOf: (id) => tokens.statusOf(id), limits })
  const kv = kvMount(api, mount, kvVersion)
  const onMissing = missingPathCheck(name, mount, api)
  const provider: VaultProvider = {
    specificationVersion: 'v1',
    name,
    locate: locator(options, canHoldPath),
    keepsFields: (path) => !leases.isLeased(path),
    sharedAs: sharedAs(checked),
    ...routeLeases({ ...kvReads(kv, onMissing), ...kvWrites(kv), list: (prefix, context) => kvList(kv, prefix, context) }, leases),
    checkAccess: (paths, { signal }) => checkAccess(api, { kv, mount }, paths, signal),
    credentialStatus: () => ({ token: tokens.life, ...leases.status, logins: events.counts() }),
    checkHealth: async ({ signal }) => assertMounts(await api.mounts(signal)),
    close: async () => {
      await leases.close()
      await tokens.close()
      ending.abort('the Vault provider')
      transport.close()
    },
  }
  return timedProvider(provider, limits)
}

/** What a path that does not exist may be instead. */
function missingPathCheck(name: string, mount: string, api: VaultApi): (path: string, signal: AbortSignal) => Promise<void> {
  const [warnOfMount, checkLease] = [mountInPathWarning(name, mount), unnamedLeaseCheck(name, api)]
  return async (path, signal) => {
    warnOfMount(path)
    await checkLease(path, signal)
  }
}

function transportTo(server: CheckedOptions['server']): Transport {
  return 'client' in server ? ownClientTransport(server.client) : httpTransport(server.url, server.tls)
}

function authOver({ certificate }: Transport, { auth, server }: CheckedOptions): VaultAuth | undefined {
  const given = auth ?? ('client' in server ? clientToken(server.client) : undefined)
  return given && certificate ? withCertificate(given, certificate) : given
}

/**
 * A client may ask any server. A path that is leased here is a KV secret for a provider without
 * that `leased`.
 */
function sharedAs({ server, namespace = '', mount, leased }: CheckedOptions): string | undefined {
  const but = leased.length === 0 ? '' : ` but ${JSON.stringify(leased.toSorted())}`
  return 'client' in server ? undefined : `vault ${server.url.text} ${namespace} ${mount}${but}`
}
