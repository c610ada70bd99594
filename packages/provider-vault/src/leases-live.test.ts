import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createSecretsManager, type SecretsManager } from '@finchat/secrets-core'
import { type OpenBao, type Postgres, startHttpProxy, startOpenBao, startPostgres } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { userpass } from './auth/userpass.ts'
import { tokenAuth } from './auth/token.ts'
import type { VaultAuth } from './auth/vault-auth.ts'
import type { LoginMessage } from './token/login-events.ts'
import { codeOf, collected, context } from './testing/stub-vault.ts'
import { tokenOf, writePolicy } from './testing/vault-harness.ts'
import { type VaultProvider, vaultProvider } from './vault-provider.ts'

const creds = 'database/creds/app'
/** With each account PostgreSQL notes which were there already, so that nothing hangs on when this process gets to look. */
const creation = [
  `INSERT INTO made SELECT '{{name}}', rolname FROM pg_roles WHERE rolname LIKE 'v-%'`,
  `CREATE ROLE "{{name}}" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'`,
]

describeWithServer(['openbao', 'postgres'], 'accounts of PostgreSQL that OpenBao leases', () => {
  let [bao, postgres]: [OpenBao, Postgres] | [] = []

  beforeAll(async () => {
    ;[bao, postgres] = await Promise.all([startOpenBao(), startPostgres()])
    await postgres.query('CREATE TABLE made (name text, beside text)')
    await bao.api('POST', 'sys/mounts/database', { type: 'database' })
    const connection = { plugin_name: 'postgresql-database-plugin', connection_url: postgres.url, allowed_roles: '*' }
    await bao.api('POST', 'database/config/app', connection)
    await writePolicy(bao, 'app', 'path "database/creds/*" { capabilities = ["read"] }')
    await bao.api('POST', 'sys/auth/userpass', { type: 'userpass' })
    for (const type of ['service', 'batch']) {
      await bao.api('POST', `auth/userpass/users/${type}`, { password: 'pw', token_policies: ['app'], token_type: type, token_ttl: '1h' })
    }
  }, 60_000)
  afterAll(() => Promise.all([bao?.stop(), postgres?.stop()]))
  beforeEach(async () => {
    await role({ default_ttl: '1h', max_ttl: '24h' })
    await servers().bao.api('PUT', 'sys/leases/revoke-prefix/database/creds', {})
    await untilAccounts(0)
  })

  function servers(): { bao: OpenBao; postgres: Postgres } {
    if (bao === undefined || postgres === undefined) throw new Error('they have not been started')
    return { bao, postgres }
  }

  async function role(lives: { default_ttl: string; max_ttl: string }): Promise<void> {
    await servers().bao.api('POST', 'database/roles/app', { db_name: 'app', creation_statements: creation, ...lives })
  }

  async function accounts(): Promise<string[]> {
    const rows = await servers().postgres.query("SELECT rolname FROM pg_roles WHERE rolname LIKE 'v-%' ORDER BY 1")
    return rows.map(([name]) => String(name))
  }

  async function untilAccounts(count: number): Promise<void> {
    await vi.waitFor(async () => expect(await accounts()).toHaveLength(count), { timeout: 30_000, interval: 50 })
  }

  function provider(auth: VaultAuth = userpass({ username: 'service', password: 'pw' }), url = servers().bao.url): VaultProvider {
    const vault = vaultProvider({
      url,
      auth,
      leased: ['database/creds'],
      names: { database: creds, user: `${creds}#username`, password: `${creds}#password` },
    })
    onTestFinished(() => vault.close())
    return vault
  }

  function manager(vault: VaultProvider, ttlSeconds = 300): SecretsManager {
    const secrets = createSecretsManager({ providers: [vault], cache: { ttlSeconds } })
    onTestFinished(() => secrets.close())
    return secrets
  }

  test('are one for a process, whatever reads it and refreshes it, and none when it has closed', async () => {
    const [vault, other] = [provider(), provider()]
    const secrets = manager(vault, 1)
    const users = await Promise.all(Array.from({ length: 1000 }, () => secrets.getSecret('user')))
    for (let until = Date.now() + 3_000; Date.now() < until;) {
      users.push(await secrets.getSecret('user'), await secrets.getSecret('user', { autoCleanup: true }))
      await secrets.describeSecret('database')
    }
    expect(await accounts()).toEqual([...new Set(users)])
    await other.get(creds, context)
    expect(await accounts()).toHaveLength(2)
    await Promise.all([secrets.close(), other.close()])
    await untilAccounts(0)
  })

  test('are others, while the former are still good, when the maximum is near; and what belongs together is read together', async () => {
    await role({ default_ttl: '12s', max_ttl: '14s' }) // the former is good for some two seconds more
    const secrets = manager(provider())
    const seen = new Map<string, string>()
    const together: { user: string; password: string }[] = []
    while (seen.size < 2) {
      const database = await secrets.getSecretValue('database')
      const { username, password } = database.json() as { username: string; password: string } // as Vault's documentation has it
      together.push(await secrets.getSecrets(['user', 'password']))
      const good = await accounts()
      if (Date.now() < (database.expiresAt ?? 0)) expect(good).toContain(username)
      seen.set(username, password)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    const [first, second] = seen.keys()
    expect(await servers().postgres.query(`SELECT beside FROM made WHERE name = '${second}'`)).toEqual([[first]])
    for (const { user, password } of together) expect(seen.get(user) ?? password).toBe(password)
    await secrets.close()
    await untilAccounts(0)
  })

  test('that a target refuses are replaced when asked for freshly', async () => {
    const secrets = manager(provider())
    const first = await secrets.getSecret('user')
    const second = await secrets.getSecret('user', { fresh: true })
    expect(await accounts()).toEqual([first, second].toSorted())
    expect(await secrets.getSecret('user')).toBe(second)
  })

  test('stay, and an event reports it, if the token cannot be revoked', async () => {
    const told: LoginMessage[] = []
    const listen = (message: unknown): void => void told.push(message as LoginMessage) // what this channel carries
    subscribe('finchat.secrets.login', listen)
    onTestFinished(() => void unsubscribe('finchat.secrets.login', listen))
    const given = await tokenOf(servers().bao, 'app')
    for (const auth of [userpass({ username: 'batch', password: 'pw' }), tokenAuth(given)]) {
      const vault = provider(auth)
      await vault.get(creds, context)
      await vault.close()
    }
    expect(await accounts()).toHaveLength(2)
    const failed = told.filter(({ outcome }) => outcome === 'error').map(({ operation, method, code }) => [operation, method, code])
    expect(failed).toEqual([
      ['revoke-lease', 'userpass', 'PERMISSION_DENIED'],
      ['revoke', 'userpass', 'UNSUPPORTED'],
      ['revoke-lease', 'token', 'PERMISSION_DENIED'],
    ])
  })

  test('are revoked one by one under a token that was handed in, where a policy allows it', async () => {
    const guide = readFileSync(join(import.meta.dirname, '../../../docs/vault.md'), 'utf8')
    const [policy = ''] = guide.match(/^path "database.*?(?=^```$)/ms) ?? []
    await writePolicy(servers().bao, 'as-the-guide-says', policy)
    const vault = provider(tokenAuth(await tokenOf(servers().bao, 'as-the-guide-says')))
    await vault.get(creds, context)
    await vault.get(creds, { ...context, fresh: true })
    expect(await accounts()).toHaveLength(2)
    await vault.close()
    await untilAccounts(0)
  })

  test('are renewed for as long as the role allows, by a process that never asks again', async () => {
    await role({ default_ttl: '8s', max_ttl: '1h' }) // renewed some three seconds before its end
    const vault = provider()
    await vault.get(creds, context)
    const [only] = await accounts()
    await new Promise((resolve) => setTimeout(resolve, 17_000))
    expect(await accounts()).toEqual([only])
  })

  test('go on being read while Vault is down', async () => {
    const proxy = await startHttpProxy(servers().bao.url)
    onTestFinished(proxy.stop)
    await role({ default_ttl: '14s', max_ttl: '1h' })
    const secrets = manager(provider(undefined, proxy.url))
    const endsAt = Date.now() + 10_500 // its renewal is long due
    const first = await secrets.getSecret('user')
    proxy.plan('reset')
    while (Date.now() < endsAt) {
      const value = await secrets.getSecretValue('database')
      expect([(value.json() as { username: string }).username, value.degraded, value.stale]).toEqual([first, false, false]) // as above
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    proxy.plan('pass')
  })

  test('are made once when the answer is late, and not again and again when it is lost', async () => {
    const proxy = await startHttpProxy(servers().bao.url)
    onTestFinished(proxy.stop)
    proxy.plan(({ path }) => (path.includes('creds') ? { pass: 'whole', delayMs: 700 } : 'pass'))
    const patient = provider(undefined, proxy.url)
    const given = new AbortController()
    setTimeout(() => given.abort(), 300)
    expect(await codeOf(patient.get(creds, { signal: given.signal }))).toBe('ABORTED')
    await patient.get(creds, context)
    expect(await accounts()).toHaveLength(1)

    proxy.plan(({ path }) => (path.includes('creds') ? { pass: 'reset' } : 'pass'))
    const unlucky = provider(undefined, proxy.url)
    await Promise.allSettled(Array.from({ length: 100 }, () => unlucky.get(creds, context)))
    for (let times = 0; times < 100; times += 1) await Promise.allSettled([unlucky.get(creds, context)])
    expect(await codeOf(unlucky.get(creds, context))).toBe('UNAVAILABLE')
    expect(await accounts()).toHaveLength(2)
    await unlucky.close()
    await untilAccounts(1)
  })

  test('cannot be written, versioned, listed or deleted', async () => {
    const vault = provider(tokenAuth(servers().bao.rootToken))
    const calls = [
      vault.put(creds, { value: '{}' }, context),
      vault.tag(creds, { a: 'b' }, context),
      vault.delete(creds, { purge: true }, context),
      vault.restore(creds, context),
      vault.staging.put(creds, { value: '{}' }, context),
      vault.staging.get(creds, context),
      vault.getVersion(creds, 'previous', context),
    ]
    expect(await Promise.all(calls.map(codeOf))).toEqual(calls.map(() => 'UNSUPPORTED'))
    await servers().bao.api('POST', 'secret/data/database/creds/app', { data: { username: 'shadowed' } })
    await vault.put('database/other', { value: 'v1' }, context)
    expect(await collected(vault.list('', context))).toEqual([{ path: 'database/other' }])
    expect(await codeOf(vault.get('database/creds/none', context))).toBe('ok')
    expect(await vault.get('database/creds/none', context)).toBe(undefined)
    expect(await codeOf(vault.get('database/creds/app/more', context))).toBe('CONFIGURATION')
    expect(await accounts()).toEqual([])
  })
})
