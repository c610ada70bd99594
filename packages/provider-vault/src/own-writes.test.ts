import { type RaftCluster, startRaftCluster } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { appRole } from './auth/app-role.ts'
import { tokenAuth } from './auth/token.ts'
import { codeOf, context } from './testing/stub-vault.ts'
import { type VaultProvider, vaultProvider } from './vault-provider.ts'

describeWithServer('openbao', 'a provider at a standby of a cluster', () => {
  let cluster: RaftCluster
  beforeAll(async () => {
    cluster = await startRaftCluster()
    const { api } = await cluster.leader()
    await api('POST', 'sys/mounts/secret', { type: 'kv', options: { version: '2' } })
    await api('POST', 'sys/auth/approle', { type: 'approle' })
    await api('PUT', 'sys/policies/acl/reader', { policy: 'path "secret/*" { capabilities = ["read"] }' })
    await api('POST', 'auth/approle/role/app', { token_policies: ['reader'] })
    // Standbys wait for the leader to make the new mount one of KV v2.
    for (const standby of await cluster.standbys())
      await vi.waitFor(() => standby.api('GET', 'secret/config'), { timeout: 20_000, interval: 50 })
  }, 60_000)
  afterAll(() => cluster.stop())

  async function providerAtStandby(auth = tokenAuth(cluster.rootToken)): Promise<VaultProvider> {
    const [standby] = await cluster.standbys()
    const provider = vaultProvider({ url: standby?.url, auth })
    onTestFinished(() => provider.close())
    return provider
  }

  test('reads what it wrote a moment before, 300 times of 300', async () => {
    const provider = await providerAtStandby()
    let stale = 0
    for (let version = 1; version <= 100; version += 1) {
      await provider.put('app', { value: `v${version}` }, context)
      const read = await Promise.all([
        provider.get('app', context),
        provider.describe('app', context),
        provider.getVersion('app', version, context),
      ])
      stale += read.filter((secret) => secret?.version !== version).length
    }
    expect(stale).toBe(0)
  })

  test('reads at once what it made, and misses at once what it purged', async () => {
    const provider = await providerAtStandby()
    for (let n = 1; n <= 50; n += 1) {
      await provider.put(`new-${n}`, { value: 'v1' }, context)
      expect((await provider.get(`new-${n}`, context))?.version).toBe(1)
      await provider.delete(`new-${n}`, { purge: false }, context)
      expect(await codeOf(provider.get(`new-${n}`, context))).toBe('DELETED')
    }
  })

  test('logs in with a secret id that was just made elsewhere', async () => {
    const { api } = await cluster.leader()
    const { data } = await api<{ data: { role_id: string } }>('GET', 'auth/approle/role/app/role-id')
    // Not more often: each may be refused once, and after five refusals the node locks the role.
    for (let times = 0; times < 3; times += 1) {
      const made = await api<{ data: { secret_id: string } }>('POST', 'auth/approle/role/app/secret-id')
      const provider = await providerAtStandby(appRole({ roleId: data.role_id, secretId: made.data.secret_id }))
      expect(await codeOf(provider.get('none', context))).toBe('ok')
    }
  })
})
