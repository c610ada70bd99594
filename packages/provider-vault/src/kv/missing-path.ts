import { member } from '@finchat/secrets-core/http'
import { configurationError, warnOperator } from '@finchat/secrets-core/provider'
import type { VaultApi } from '../token/vault-api.ts'

/**
 * Warns once if a missing path begins with the mount's name. It is no error: a secret may lie at
 * `secret/secret/…`.
 */
export function mountInPathWarning(provider: string, mount: string): (path: string) => void {
  let isTold = false
  return (path) => {
    if (isTold || !path.startsWith(`${mount}/`)) return
    isTold = true
    warnOperator(
      `Vault provider '${provider}': a path that begins with '${mount}/' is not there; paths are inside the mount, without '${mount}/' and 'data/'`,
      'FINCHAT_SECRETS_MOUNT_IN_PATH',
    )
  }
}

/**
 * Throws `CONFIGURATION` if a missing path such as `database/creds/app` belongs to another secrets
 * engine. If the token may not see that, a process warning asks for `leased`, once.
 */
export function unnamedLeaseCheck(provider: string, api: VaultApi): (path: string, signal: AbortSignal) => Promise<void> {
  let isTold = false
  return async (path, signal) => {
    if (!`/${path}`.includes('/creds/')) return
    const type = member(await api.mountAt(path, signal).catch(() => undefined), 'type')
    if (typeof type === 'string' && type !== 'kv' && type !== 'generic') throw unnamed(path)
    if (isTold || typeof type === 'string') return
    isTold = true
    warnNotLeased(provider)
  }
}

function warnNotLeased(provider: string): void {
  warnOperator(
    `Vault provider '${provider}': a path with 'creds/' is not there; if a secrets engine makes it, name it in \`leased\``,
    'FINCHAT_SECRETS_NOT_LEASED',
  )
}

function unnamed(path: string): Error {
  const folder = path.slice(0, path.indexOf('creds/') + 'creds'.length)
  return configurationError(
    'the secret is not in KV: a secrets engine makes it at this path',
    `name it in \`leased\`, as in ['${folder}'], or route the name away`,
  )
}
