import { setTimeout as sleep } from 'node:timers/promises'
import { createSecretsManager, envProvider } from '@finchat/secrets-core'
import { type RaftCluster, type RaftNode, startRaftCluster } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { appRole } from './auth/app-role.ts'
import { codeOf, context } from './testing/stub-vault.ts'
import { vaultProvider } from './vault-provider.ts'

interface Made {
  readonly data: { readonly role_id: string; readonly secret_id: string }
}

describeWithServer('openbao', 'logins of fresh processes at a cluster', () => {
  let cluster: RaftCluster
  let roleId: string
  beforeAll(async () => {
    cluster = await startRaftCluster()
    const { api } = await cluster.leader()
    await api('POST', 'sys/mounts/secret', { type: 'kv', options: { version: '2' } })
    await api('POST', 'sys/auth/approle', { type: 'approle' })
    await api('PUT', 'sys/policies/acl/reader', { policy: 'path "secret/*" { capabilities = ["read"] }' })
    await api('POST', 'auth/approle/role/app', { token_policies: ['reader'] })
    roleId = (await api<Made>('GET', 'auth/approle/role/app/role-id')).data.role_id
    for (const { api: ask } of cluster.nodes) await vi.waitFor(() => ask('GET', 'secret/config'), { timeout: 20_000, interval: 50 })
    await api('POST', 'secret/data/app', { data: { value: 'the-value' } })
    for (const { api: ask } of cluster.nodes) await vi.waitFor(() => ask('GET', 'secret/data/app'), { timeout: 20_000, interval: 50 })
  }, 60_000)
  afterAll(() => cluster.stop())

  async function newSecretId(): Promise<string> {
    const { api } = await cluster.leader()
    return (await api<Made>('POST', 'auth/approle/role/app/secret-id')).data.secret_id
  }

  /** What a process that has just started reads: by Vault, or else by the environment. */
  async function firstRead(url: string, secretId: string): Promise<string> {
    const vault = vaultProvider({ url, auth: appRole({ roleId, secretId }), timeoutMs: 15_000, names: { TOKEN: 'app#value' } })
    const environment = envProvider({ env: { TOKEN: 'an-old-value' } })
    const secrets = createSecretsManager({ providers: [vault, environment], deadlineMs: 16_000 })
    try {
      return await secrets.getSecret('TOKEN')
    } catch (error) {
      return String(error)
    } finally {
      await secrets.close()
    }
  }

  test('a standby takes new secret ids, and twenty of them cause no lock-out', async () => {
    const [standby] = await cluster.standbys()
    for (let n = 0; n < 20; n += 1) expect(await firstRead(standby?.url ?? '', await newSecretId())).toBe('the-value')
  })

  test('wrong secret ids of four processes leave the right ones alone, at every node', async () => {
    for (let n = 0; n < 4; n += 1) {
      const wrong = vaultProvider({ url: cluster.nodes[n % 3]?.url ?? '', auth: appRole({ roleId, secretId: `wrong-${n}` }) })
      for (let times = 0; times < 5; times += 1) expect(await codeOf(wrong.get('app', context))).toBe('UNAUTHENTICATED')
    }
    for (const { url } of cluster.nodes) expect(await firstRead(url, await newSecretId())).toBe('the-value')
  })

  // Stepping down comes last: if elected within the next ten seconds, that node does not lead yet.
  test.each<[string, (leader: RaftNode) => Promise<unknown>, (leader: RaftNode) => Promise<void>]>([
    ['is killed', (leader) => leader.kill(), (leader) => leader.start()],
    ['steps down', (leader) => leader.api('PUT', 'sys/step-down', {}), async () => {}],
  ])(
    'no first read fails or is of the environment while the leader %s',
    async (_what, end, restore) => {
      const leader = await cluster.leader()
      const standbys = await cluster.standbys()
      const secretId = await newSecretId()
      const reads: Promise<string>[] = []
      await end(leader)
      for (let n = 0; n < 40; n += 1) {
        reads.push(firstRead(standbys[n % 2]?.url ?? '', secretId))
        await sleep(50)
      }
      expect(new Set(await Promise.all(reads))).toEqual(new Set(['the-value']))
      await restore(leader)
      await cluster.ready()
    },
    90_000,
  )
})
