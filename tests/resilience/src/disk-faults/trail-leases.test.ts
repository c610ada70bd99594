import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { auditTrail, type AuditRecord, type AuditSink, jsonLinesFile, required } from '@finchat/secrets-audit'
import { verifiedTrail } from '@finchat/secrets-audit/report'
import { createSecretsManager, type SecretsManager } from '@finchat/secrets-core'
import { userpass, vaultProvider } from '@finchat/secrets-provider-vault'
import { type OpenBao, type Postgres, startOpenBao, startPostgres } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { newTrailFolder } from '../workload/trail-folder.ts'

const path = 'database/creds/app'

describeWithServer(['openbao', 'postgres'], 'accounts that OpenBao leases, under an audit trail', () => {
  let [bao, postgres]: [OpenBao, Postgres] | [] = []

  beforeAll(async () => {
    ;[bao, postgres] = await Promise.all([startOpenBao(), startPostgres()])
    await bao.api('POST', 'sys/mounts/database', { type: 'database' })
    const connection = { plugin_name: 'postgresql-database-plugin', connection_url: postgres.url, allowed_roles: '*' }
    await bao.api('POST', 'database/config/app', connection)
    const creation_statements = [`CREATE ROLE "{{name}}" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'`]
    await bao.api('POST', 'database/roles/app', { db_name: 'app', creation_statements, default_ttl: '1h', max_ttl: '24h' })
    await bao.api('PUT', 'sys/policies/acl/app', { policy: 'path "database/creds/*" { capabilities = ["read"] }' })
    await bao.api('POST', 'sys/auth/userpass', { type: 'userpass' })
    await bao.api('POST', 'auth/userpass/users/app', { password: 'pw-0123456789', token_policies: ['app'], token_ttl: '1h' })
  }, 60_000)
  afterAll(() => Promise.all([bao?.stop(), postgres?.stop()]))
  beforeEach(async () => {
    vi.spyOn(process, 'emitWarning').mockReturnValue() // of each refusal
    await bao?.api('PUT', 'sys/leases/revoke-prefix/database/creds', {})
    await vi.waitUntil(async () => (await accounts()).length === 0, 30_000)
  })

  async function accounts(): Promise<unknown[]> {
    const rows = await postgres?.query("SELECT rolname FROM pg_roles WHERE rolname LIKE 'v-%'")
    return (rows ?? []).map(([name]) => name)
  }

  /** A manager whose trail goes to a sealed file, and to a sink that refuses chosen records. */
  async function audited(
    refuses: (record: AuditRecord) => boolean = () => false,
  ): Promise<{ secrets: SecretsManager; records: () => Promise<AuditRecord[]> }> {
    const folder = mkdtempSync(join(tmpdir(), 'secrets-leases-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const made = await newTrailFolder(folder)
    const choosy: AuditSink = {
      specificationVersion: 'v1',
      name: 'choosy',
      write: async (record) => {
        if (refuses(record)) throw new Error('refused')
      },
    }
    const audit = auditTrail({ sinks: [jsonLinesFile({ folder: made.folder }), required(choosy)], sinkDeadlineMs: 20_000 })
    const vault = vaultProvider({
      url: bao?.url ?? '',
      auth: userpass({ username: 'app', password: 'pw-0123456789' }),
      leased: ['database/creds'],
      names: { database: path },
    })
    const secrets = createSecretsManager({ providers: [vault], audit, deadlineMs: 30_000 })
    onTestFinished(() => secrets.close().catch(() => {}))
    const records = async (): Promise<AuditRecord[]> => {
      await secrets.close().catch(() => {})
      const kept: AuditRecord[] = []
      const { verification } = await verifiedTrail(made.folder, { key: made.key }, async (found) => {
        for await (const record of found) kept.push(record)
      })
      expect(verification).toMatchObject({ ok: true })
      return kept
    }
    return { secrets, records }
  }

  test('stand there from the login to their end, each with its intent first', async () => {
    const { secrets, records } = await audited()
    const value = await secrets.getSecretValue('database', { actor: 'webapp', requestId: 'r-1' })
    const { username, password } = value.json() as { username: string; password: string } // as Vault's documentation has it
    const recorded = await records()
    const login = { operation: 'login', provider: 'vault', method: 'userpass', outcome: 'ok' }
    const lease = { operation: 'lease', provider: 'vault', name: path }
    expect(recorded.slice(0, 4)).toMatchObject([
      { ...lease, phase: 'intent' },
      login,
      { ...lease, phase: 'outcome', outcome: 'ok' },
      { operation: 'get', name: 'database', outcome: 'ok', actor: 'webapp' },
    ])
    expect(recorded.slice(4).map(({ operation }) => operation)).toContain('revoke')
    expect(recorded.every(({ actor, requestId }) => actor === undefined || (actor === 'webapp' && requestId === 'r-1'))).toBe(true)
    for (const text of [password, username, 'pw-0123456789']) expect(JSON.stringify(recorded)).not.toContain(text)
  }, 60_000)

  test('are not made while the trail cannot take the intent, and nothing is given out', async () => {
    const { secrets, records } = await audited(({ operation, phase }) => operation === 'lease' && phase === 'intent')
    await expect(secrets.getSecret('database', { field: 'username' })).rejects.toMatchObject({ code: 'AUDIT_FAILED' })
    expect(await accounts()).toEqual([])
    expect((await records()).filter(({ operation, phase }) => operation === 'lease' && phase === 'outcome')).toMatchObject([
      { outcome: 'error', code: 'AUDIT_FAILED' },
    ])
  }, 60_000)

  test('are not handed out while the trail cannot record the outcome; the error says that they exist', async () => {
    const { secrets, records } = await audited(
      ({ operation, phase, outcome }) => operation === 'lease' && phase === 'outcome' && outcome === 'ok',
    )
    await expect(secrets.getSecret('database', { field: 'username' })).rejects.toMatchObject({ code: 'AUDIT_FAILED', effect: 'done' })
    expect(await accounts()).toHaveLength(1)
    expect((await records()).filter(({ operation, phase }) => operation === 'lease' && phase === 'intent')).toHaveLength(1)
  }, 60_000)
})
