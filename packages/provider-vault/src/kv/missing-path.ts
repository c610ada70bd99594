import { SecretsError } from '@finchat/secrets-core'
import { member } from '../http/answer.ts'
import type { VaultApi } from '../token/vault-api.ts'

/**
 * Says once, as a process warning, that paths are inside the mount, when one that begins with its name is missing. No more than that: a secret
 * may truly lie at `secret/secret/…`.
 */
export function mountInPathWarning(provider: string, mount: string): (path: string) => void {
  let isTold = false
  return (path) => {
    if (isTold || !path.startsWith(`${mount}/`)) return
    isTold = true
    process.emitWarning(
      `Vault provider '${provider}': a path that begins with '${mount}/' is not there; paths are inside the mount, without '${mount}/' and 'data/'`,
      { type: 'SecretsWarning', code: 'FINCHAT_SECRETS_MOUNT_IN_PATH' },
    )
  }
}

/**
 * Checks a path such as `database/creds/app` that is missing in KV. Throws `CONFIGURATION` if
 * another secrets engine is mounted there. If the token may not see that, a process warning asks
 * for `leased`, once.
 */
export function unnamedLeaseCheck(provider: string, api: VaultApi): (path: string, signal: AbortSignal) => Promise<void> {
  let isTold = false
  return async (path, signal) => {
    if (!`/${path}`.includes('/creds/')) return
    const type = member(await api.mountAt(path, signal).catch(() => undefined), 'type')
    if (typeof type === 'string' && type !== 'kv' && type !== 'generic') throw unnamed(path)
    if (isTold || typeof type === 'string') return
    isTold = true
    process.emitWarning(
      `Vault provider '${provider}': a path with 'creds/' is not there; if a secrets engine makes it, name it in \`leased\``,
      { type: 'SecretsWarning', code: 'FINCHAT_SECRETS_NOT_LEASED' },
    )
  }
}

function unnamed(path: string): SecretsError {
  const folder = path.slice(0, path.indexOf('creds/') + 'creds'.length)
  return new SecretsError('CONFIGURATION', 'the secret is not in KV: a secrets engine makes it at this path', {
    remedy: `name it in \`leased\`, as in ['${folder}'], or route the name away`,
  })
}
