// What vault/setup.sh does, on a mount of this example's own, which is removed at the end.
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { serviceAccountToken } from './cluster.ts'

export interface VaultSetup {
  readonly mount: string
  readonly stop: () => Promise<void>
}

/** `token` is an administrator's. `clusterUrl`: whom Vault asks whose token it is. */
export async function setUpVault(url: string, token: string, clusterUrl: string): Promise<VaultSetup> {
  const mount = `kubernetes-example-${randomBytes(4).toString('hex')}`
  const call = async (method: string, path: string, body?: object): Promise<void> => {
    const headers = { 'x-vault-token': token, 'x-vault-request': 'true' }
    const response = await fetch(new URL(`/v1/${path}`, url), { method, headers, ...(body && { body: JSON.stringify(body) }) })
    if (!response.ok) throw new Error(`${method} ${path} was answered ${response.status}`)
  }
  await call('POST', `sys/auth/${mount}`, { type: 'kubernetes' })
  await call('POST', `auth/${mount}/config`, {
    kubernetes_host: clusterUrl,
    kubernetes_ca_cert: 'none, over http',
    token_reviewer_jwt: serviceAccountToken('vault', 'vault'),
    disable_local_ca_jwt: true,
  })
  await call('PUT', `sys/policies/acl/${mount}`, { policy: await readFile(new URL('../vault/policy.hcl', import.meta.url), 'utf8') })
  await call('POST', `auth/${mount}/role/orders`, {
    bound_service_account_names: 'orders',
    bound_service_account_namespaces: 'shop',
    audience: 'vault',
    token_policies: [mount],
    token_ttl: '1h',
  })
  await call('POST', 'secret/data/orders/database', { data: { user: 'orders', password: randomBytes(24).toString('base64url') } })
  const stop = async (): Promise<void> => {
    await call('DELETE', `sys/auth/${mount}`)
    await call('DELETE', `sys/policies/acl/${mount}`)
    await call('DELETE', 'secret/metadata/orders/database')
  }
  return { mount, stop }
}
