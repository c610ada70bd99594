import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type OpenBao, type Postgres, startOpenBao, startPostgres } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { tokenAuth } from './auth/token.ts'
import { codeOf, collected, context } from './testing/stub-vault.ts'
import { trialOn } from './testing/trials.ts'
import { type VaultTrial, writePolicy } from './testing/vault-harness.ts'
import { vaultProvider } from './vault-provider.ts'

/** The policies that a guide shows, in their order. */
function policiesIn(guide: string): string[] {
  const text = readFileSync(join(import.meta.dirname, '../../../docs', guide), 'utf8')
  return [...text.matchAll(/^```hcl\n(.*?)^```$/gms)].map(([, policy = '']) => policy)
}

const [reading = '', rotating = '', leasing = '', plain = ''] = policiesIn('vault.md')
const [unlocking = ''] = policiesIn('rights.md')

describeWithServer('openbao', 'the policies of docs/vault.md', () => {
  let bao: OpenBao
  beforeAll(async () => void (bao = await startOpenBao()))
  afterAll(() => bao.stop())

  async function trialUnder(policy: string, kv: 1 | 2 = 2): Promise<VaultTrial> {
    const trial = await trialOn(bao, { kv })
    await writePolicy(bao, trial.policy, policy.replaceAll('"secret/', `"${trial.mount}/`))
    return trial
  }

  test('allow what a reader does, and no more', async () => {
    const { provider, seed } = await trialUnder(reading)
    for (const value of ['v1', 'v2']) await seed('app/db', value)
    expect((await provider.get('app/db', context))?.version).toBe(2)
    expect((await provider.getVersion('app/db', 'previous', context))?.version).toBe(1)
    expect((await provider.describe('app/db', context))?.version).toBe(2)
    expect((await provider.probe('app/db', context))?.version).toBe(2)
    await seed('app/db.finchat-staged', 'not ours')
    expect(await codeOf(provider.staging.get('app/db', context))).toBe('INTEGRITY')
    await provider.checkHealth(context)
    expect(await codeOf(provider.put('app/db', { value: 'v3' }, context))).toBe('PERMISSION_DENIED')
    expect(await codeOf(provider.get('other/db', context))).toBe('PERMISSION_DENIED')
  })

  test('allow everything that a rotating service does', async () => {
    const { provider } = await trialUnder(rotating)
    await provider.put('app/db', { value: 'v1', ifCurrent: null, tags: { team: 'pay' } }, context)
    await provider.tag('app/db', { stage: 'test' }, context)
    await provider.staging.promote('app/db', await provider.staging.put('app/db', { value: 'v2' }, context), context)
    await provider.staging.discard('app/db', await provider.staging.put('app/db', { value: 'v3' }, context), context)
    expect(await provider.describe('app/db', context)).toMatchObject({ version: 2, tags: { team: 'pay', stage: 'test' } })
    expect(await collected(provider.list('app/', context))).toEqual([{ path: 'app/db' }])
    await provider.delete('app/db', { purge: false }, context)
    await provider.restore('app/db', context)
    expect((await provider.get('app/db', context))?.value).toBe('{"value":"v2"}')
    await provider.delete('app/db', { purge: true }, context)
    expect(await provider.get('app/db', context)).toBe(undefined)
    expect(await codeOf(provider.put('other/db', { value: 'v1' }, context))).toBe('PERMISSION_DENIED')
  })

  test('allow everything that KV v1 has', async () => {
    const { provider } = await trialUnder(plain, 1)
    await provider.put('app/db', { value: 'v1' }, context)
    expect((await provider.get('app/db', context))?.value).toBe('{"value":"v1"}')
    expect(await collected(provider.list('app/', context))).toEqual([{ path: 'app/db' }])
    await provider.delete('app/db', { purge: true }, context)
    expect(await codeOf(provider.get('other/db', context))).toBe('PERMISSION_DENIED')
  })
})

/** A token with this policy alone, without Vault's policy `default`. */
async function tokenUnder(bao: OpenBao, name: string, policy: string): Promise<string> {
  await writePolicy(bao, name, policy)
  const body = { policies: [name], no_default_policy: true, ttl: '1h' }
  const { auth } = await bao.api<{ auth: { client_token: string } }>('POST', 'auth/token/create', body)
  return auth.client_token
}

describeWithServer('openbao', 'the policy of docs/rights.md for an operator', () => {
  let bao: OpenBao
  beforeAll(async () => void (bao = await startOpenBao()))
  afterAll(() => bao.stop())

  test('unlocks an AppRole after five failed logins, and reads no secret', async () => {
    await bao.api('POST', 'sys/auth/approle', { type: 'approle' })
    await bao.api('POST', 'auth/approle/role/app', { token_ttl: '1h' })
    const { data } = await bao.api<{ data: { role_id: string } }>('GET', 'auth/approle/role/app/role-id')
    const role = data.role_id
    const secret = await bao.api<{ data: { secret_id: string } }>('POST', 'auth/approle/role/app/secret-id', {})
    const login = (secretId: string): Promise<unknown> => bao.api('POST', 'auth/approle/login', { role_id: role, secret_id: secretId })
    for (const secretId of ['1', '2', '3', '4', '5']) await expect(login(secretId)).rejects.toThrow('invalid')
    await expect(login(secret.data.secret_id)).rejects.toThrow('permission denied')

    const operator = await tokenUnder(bao, 'operator', unlocking)
    const locked = await bao.api<LockedUsers>('GET', 'sys/locked-users', undefined, operator)
    const accessor = locked.data.by_namespace[0]?.mount_accessors[0]?.mount_accessor
    await bao.api('PUT', `sys/locked-users/${accessor}/unlock/${role}`, {}, operator)
    await expect(login(secret.data.secret_id)).resolves.toBeDefined()
    await expect(bao.api('GET', 'secret/data/app', undefined, operator)).rejects.toThrow('permission denied')
  })
})

/** The part of Vault's answer that is read. */
interface LockedUsers {
  readonly data: { readonly by_namespace: readonly { readonly mount_accessors: readonly { readonly mount_accessor: string }[] }[] }
}

describeWithServer(['openbao', 'postgres'], 'the policy of docs/vault.md for leases', () => {
  let [bao, postgres]: [OpenBao, Postgres] | [] = []
  beforeAll(async () => {
    ;[bao, postgres] = await Promise.all([startOpenBao(), startPostgres()])
    const connection = { plugin_name: 'postgresql-database-plugin', connection_url: postgres.url, allowed_roles: '*' }
    const creation = [`CREATE ROLE "{{name}}" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'`]
    await bao.api('POST', 'sys/mounts/database', { type: 'database' })
    await bao.api('POST', 'database/config/app', connection)
    for (const role of ['app', 'other']) {
      await bao.api('POST', `database/roles/${role}`, { db_name: 'app', creation_statements: creation, default_ttl: '1h', max_ttl: '24h' })
    }
  })
  afterAll(() => Promise.all([bao?.stop(), postgres?.stop()]))

  test('allows an account of the role, its end with a token that was given, and no other role', async () => {
    if (bao === undefined || postgres === undefined) throw new Error('they have not been started')
    const token = await tokenUnder(bao, 'leases', leasing)
    const provider = vaultProvider({ url: bao.url, auth: tokenAuth(token), leased: ['database/creds'] })
    const accounts = async (): Promise<number> => (await postgres?.query("SELECT 1 FROM pg_roles WHERE rolname LIKE 'v-%'"))?.length ?? -1
    expect((await provider.get('database/creds/app', context))?.revision).toMatch(/^database\/creds\/app\//)
    expect(await codeOf(provider.get('database/creds/other', context))).toBe('PERMISSION_DENIED')
    expect(await accounts()).toBe(1)
    await provider.close()
    await expect.poll(accounts).toBe(0)
  })
})
