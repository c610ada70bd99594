import { readFileSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import KeyvRedis, { createClient } from '@keyv/redis'
import { auditTrail, bestEffort, functionSink } from '@finchat/secrets-audit'
import { keyvCache } from '@finchat/secrets-cache-keyv'
import { createSecretsManager, type SecretsManager, type SecretsManagerOptions, type SecretValue } from '@finchat/secrets-core'
import { useSecret } from '@finchat/secrets-core/live'
import { observeSecrets, type ObserveOptions } from '@finchat/secrets-otel'
import { userpass, vaultProvider, type VaultProvider } from '@finchat/secrets-provider-vault'
import { reportRotations, rotationSchedule } from '@finchat/secrets-rotation'
import {
  type OpenBao,
  type Postgres,
  samplesIn,
  startOpenBao,
  startPostgres,
  startValkey,
  type RedisServer,
} from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { faults, faultyProvider, leaksOf, memoryProvider } from '@finchat/secrets-testkit'
import { afterAll, afterEach, beforeAll, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { startTelemetry, type Telemetry } from './testing/telemetry.ts'

const canary = 'c4n4ry of a scrape'
const days = 86_400_000
const provider = { provider_name: 'vault' }

/** The selectors by the names of this exporter: `_total` for counters, and no units. */
const asExported = (text: string): string =>
  text
    .replaceAll('\\"', '"')
    .replaceAll('(_total)?', '_total')
    .replaceAll(/\(_(?:ratio|seconds)\)\?/g, '')

describeWithServer(['openbao', 'postgres', 'valkey'], 'every metric, scraped from the newest SDK', () => {
  let [bao, postgres, valkey]: [OpenBao, Postgres, RedisServer] = [] as never // beforeAll
  let telemetry: Telemetry
  let names = 0

  beforeAll(async () => {
    ;[bao, postgres, valkey, telemetry] = await Promise.all([startOpenBao(), startPostgres(), startValkey(), startTelemetry()])
    await bao.api('POST', 'sys/auth/userpass', { type: 'userpass' })
    const policy = ['secret/data/*', 'database/creds/*']
      .map((path) => `path "${path}" { capabilities = ["create", "update", "read"] }`)
      .join('\n')
    await bao.api('PUT', 'sys/policies/acl/app', { policy })
    await bao.api('POST', 'auth/userpass/users/app', { password: 'pw', token_policies: ['app'], token_ttl: '1h' })
    await bao.api('POST', 'secret/data/db', { data: { value: canary } })
    await bao.api('POST', 'sys/mounts/database', { type: 'database' })
    const connection = { plugin_name: 'postgresql-database-plugin', connection_url: postgres.url, allowed_roles: '*' }
    await bao.api('POST', 'database/config/app', connection)
    const creation = [`CREATE ROLE "{{name}}" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'`]
    await bao.api('POST', 'database/roles/app', { db_name: 'app', creation_statements: creation, default_ttl: '1h', max_ttl: '2h' })
  })
  afterAll(() => Promise.all([bao.stop(), postgres.stop(), valkey.stop(), telemetry.stop()]))
  beforeEach(() => void vi.spyOn(process, 'emitWarning').mockImplementation(() => {}))
  afterEach(() => void vi.restoreAllMocks())

  const vault = (password = 'pw'): VaultProvider =>
    vaultProvider({ url: bao.url, auth: userpass({ username: 'app', password }), leased: ['database/creds'], timeoutMs: 1_000 })

  /** Each under a name of its own, so that the series of one test are not those of another. */
  function observed(options: SecretsManagerOptions, observe: ObserveOptions = {}): { secrets: SecretsManager; of: Record<string, string> } {
    const manager = `m${(names += 1)}`
    const secrets = createSecretsManager(options)
    const { meter, tracer } = telemetry
    const stop = observeSecrets(secrets, { meter, tracer, manager, ...observe })
    onTestFinished(async () => {
      stop()
      await secrets.close()
    })
    return { secrets, of: { manager_name: manager } }
  }

  const value: Telemetry['value'] = (name, labels) => telemetry.value(name, labels)

  test('the life of a token, and how its logins ended', async () => {
    const { secrets, of } = observed({ providers: [vault()] })
    expect([await value('token_remaining', of), await value('token_utilization', of)]).toEqual([0, 0])
    await secrets.getSecret('db')
    const remaining = Number(await value('token_remaining', { ...of, ...provider }))
    expect(remaining).toBeGreaterThan(3_500)
    expect(remaining).toBeLessThanOrEqual(3_600)
    await vi.waitFor(async () => expect(await value('token_remaining', of)).toBeLessThan(remaining), 20_000)
    expect(await value('token_utilization', of)).toBeLessThan(0.1)
    expect(await value('logins_total', { ...of, login_operation: 'login' })).toBe(1)
    const wrong = observed({ providers: [vault('wrong')] })
    await wrong.secrets.getSecret('db').catch(() => {})
    expect(await value('logins_total', { ...wrong.of, login_operation: 'login', error_type: 'UNAUTHENTICATED' })).toBe(1)
    expect(await value('token_remaining', wrong.of)).toBe(0)
  })

  test('the life of a lease of an account in PostgreSQL, and that it is revoked', async () => {
    const { secrets, of } = observed({ providers: [vault()] })
    await secrets.getSecretValue('database/creds/app')
    expect([await value('lease_count', of), await value('logins_total', { ...of, login_operation: 'lease' })]).toEqual([1, 1])
    const remaining = Number(await value('lease_remaining', { ...of, ...provider }))
    expect(remaining).toBeGreaterThan(3_500)
    await vi.waitFor(async () => expect(await value('lease_utilization', of)).toBeGreaterThan(0), 20_000)
    await secrets.close()
    expect([await value('lease_count', of), await value('lease_remaining', of)]).toEqual([0, 0])
  })

  test('an outage of OpenBao: degraded, its circuit, and the stale values that stand in, until it is back', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    onTestFinished(() => void vi.useRealTimers())
    const later = memoryProvider({ name: 'later', secrets: { db: 'old', other: 'old' } })
    const { secrets, of } = observed({ providers: [vault(), later], cache: { ttlSeconds: 10, maxStaleSeconds: 600 } })
    await secrets.getSecret('db')
    await bao.api('PUT', 'sys/seal')
    vi.setSystemTime(Date.now() + 11_000)
    expect(await secrets.getSecret('db')).toBe(canary)
    for (const name of ['other', 'a', 'b', 'c']) await secrets.getSecret(name, { fresh: true }).catch(() => {})
    const show = async (): Promise<unknown> => {
      const shown = ['provider_degraded', 'provider_circuit_open', 'provider_stale_age', 'provider_last_answer_age']
      return Promise.all(shown.map((name) => value(name, { ...of, ...provider })))
    }
    expect(await show()).toEqual([1, 1, expect.closeTo(11, 0), expect.closeTo(11, 0)])
    expect(await value('cache_stale_reads_total', { ...of, ...provider })).toBe(1)
    expect(await value('fallbacks_total', { ...of, ...provider, error_type: 'UNAVAILABLE', fallback_answer: 'stale' })).toBe(1)
    expect(await value('operation_duration_count', { ...of, degraded: 'true' })).toBe(1)
    await secrets.checkHealth()
    expect([
      await value('provider_check_failed', { ...of, ...provider }),
      await value('provider_check_failed', { ...of, provider_name: 'later' }),
    ]).toEqual([1, 0])
    await bao.api('PUT', 'sys/unseal', { key: bao.unsealKey })
    vi.setSystemTime(Date.now() + 70_000)
    await vi.waitFor(async () => expect(await secrets.getSecret('db', { fresh: true })).toBe(canary), { timeout: 10_000 })
    vi.setSystemTime(Date.now() + 61_000)
    await secrets.checkHealth()
    expect(await show()).toEqual([0, 0, 0, expect.closeTo(61, 0)])
    expect([await value('provider_check_failed', { ...of, ...provider }), await value('health_age', of)]).toEqual([0, 0])
    vi.setSystemTime(Date.now() + 5_000)
    expect(await value('health_age', of)).toBeCloseTo(5, 0)
  })

  test('rotations that are overdue, by the times of the store', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    onTestFinished(() => void vi.useRealTimers())
    const store = memoryProvider({ secrets: { db: 'one', other: 'one' } })
    const { secrets, of } = observed({ providers: [store] }, { names: 'plain' })
    onTestFinished(
      reportRotations(secrets, { db: rotationSchedule({ every: '30d', jitter: 0 }), other: rotationSchedule({ every: '90d', jitter: 0 }) }),
    )
    const overdue = async (): Promise<unknown> => {
      vi.setSystemTime(Date.now() + 11_000)
      await secrets.checkHealth()
      return value('rotation_secret_count', { ...of, rotation_status: 'overdue', secret_name: 'db' })
    }
    await secrets.checkHealth()
    expect(await value('rotation_secret_count', { ...of, rotation_status: 'ok' })).toBe(2)
    vi.setSystemTime(Date.now() + 31 * days)
    expect(await overdue()).toBe(1)
    await secrets.rotateSecret('db', 'two')
    vi.setSystemTime(Date.now() + 61_000)
    expect(await overdue()).toBe(0)
  })

  test('a former version in use: logged in with, and presented', async () => {
    const { secrets, of } = observed({ providers: [memoryProvider({ secrets: { db: 'one' } })] }, { names: 'plain' })
    await secrets.rotateSecret('db', 'two')
    class Refused extends Error {}
    const logIn = async ({ version }: SecretValue): Promise<void> => {
      if (version !== 1) throw new Refused()
    }
    await useSecret(secrets, 'db', logIn, { isAuthError: (error) => error instanceof Refused })
    await secrets.verifySecret('db', 'one', { acceptPreviousForSeconds: 3_600 })
    expect(await value('former_version_count', { ...of, secret_name: 'db' })).toBe(1)
    expect(await value('operation_duration_count', { ...of, matched: 'previous' })).toBe(1)
  })

  test('an audit sink that does not acknowledge, though no read fails for it', async () => {
    let isDown = true
    const down = functionSink(() => (isDown ? Promise.reject(new Error(canary)) : undefined), { name: 'siem' })
    const audit = auditTrail({ sinks: [bestEffort(down), bestEffort(functionSink(() => {}, { name: 'file' }))] })
    const { secrets, of } = observed({ providers: [memoryProvider({ secrets: { db: 'one' } })], audit })
    for (let reads = 0; reads < 3; reads++) await secrets.getSecret('db')
    const labels = { ...of, audit_sink_name: 'siem' }
    expect([await value('audit_failing', labels), await value('audit_refused_records_total', labels)]).toEqual([1, 3])
    expect([await value('audit_failing', { ...of, audit_sink_name: 'file' })]).toEqual([0])
    isDown = false
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 61_000 })
    onTestFinished(() => void vi.useRealTimers())
    await secrets.getSecret('db')
    expect(await value('audit_failing', labels)).toBe(0)
  })

  async function shared(encryptionKey: string): Promise<{ secrets: SecretsManager; of: Record<string, string> }> {
    const client = createClient({ url: valkey.url, socket: { reconnectStrategy: 20 } })
    client.on('error', () => {})
    await client.connect()
    onTestFinished(() => client.destroy())
    const cache = keyvCache({
      store: new KeyvRedis<string>(client),
      encryptionKey,
      namespace: 'payments',
      client,
      timeoutMs: 20,
      coolDownMs: 100,
    })
    const store = memoryProvider({ sharedAs: 'store', secrets: { db: canary, a: 'v', b: 'v' } })
    return observed({ providers: [store], cache: { shared: cache, ttlSeconds: 0.001, recheckSeconds: 0.001 } })
  }

  test('a shared cache in Valkey that cannot be reached, is full of what it cannot open, or has another key', async () => {
    const [key, otherKey] = [randomBytes(32).toString('hex'), randomBytes(32).toString('hex')]
    const { secrets, of } = await shared(key)
    for (const name of ['db', 'db', 'a']) await secrets.getSecret(name, { fresh: true })
    expect(Number(await value('shared_cache_reads_total', { ...of, result: 'miss' }))).toBeGreaterThan(0)
    const other = await shared(otherKey)
    await other.secrets.getSecret('db')
    await vi.waitFor(async () => expect(await value('shared_cache_other_key', other.of)).toBe(1), 20_000)
    expect(await value('shared_cache_other_key', of)).toBe(0)
    for (const name of (await valkey.command('KEYS', '*')) as string[]) await valkey.command('SET', name, 'planted', 'EX', '60')
    for (const name of ['db', 'a', 'b']) await secrets.getSecret(name, { fresh: true })
    await vi.waitFor(
      async () => expect(await value('shared_cache_ignored_entries_total', { ...of, reason: 'unreadable' })).toBeGreaterThan(0),
      20_000,
    )
    valkey.signal('SIGSTOP')
    onTestFinished(() => valkey.signal('SIGCONT'))
    for (const name of ['db', 'a', 'b', 'db', 'a', 'b']) await secrets.getSecret(name).catch(() => {})
    await secrets.rotateSecret('db', 'next').catch(() => {})
    await vi.waitFor(async () => expect(await value('shared_cache_cool_down', of)).toBe(1), { timeout: 20_000 })
    expect(await value('shared_cache_failures_total', { ...of, error_type: 'timeout' })).toBeGreaterThan(0)
    expect(await value('shared_cache_reads_total', { ...of, result: 'unavailable' })).toBeGreaterThan(0)
    expect(await value('shared_cache_pending_invalidation_count', of)).toBe(1)
    valkey.signal('SIGCONT')
    await vi.waitFor(
      async () => {
        await secrets.getSecret('a')
        expect(await value('shared_cache_cool_down', of)).toBe(0)
      },
      { timeout: 20_000 },
    )
    await vi.waitFor(async () => {
      await secrets.getSecret('db')
      expect(await value('shared_cache_pending_invalidation_count', of)).toBe(0)
    }, 20_000)
  })

  test('what a cache does: it joins, refreshes and evicts', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    onTestFinished(() => void vi.useRealTimers())
    const slow = faultyProvider(memoryProvider({ secrets: { a: 'v', b: 'v' } }), ({ method }) =>
      method === 'get' ? faults.delay(20) : undefined,
    )
    const { secrets, of } = observed({ providers: [slow], cache: { ttlSeconds: 10, maxEntries: 1 } })
    await Promise.all([1, 2, 3].map(() => secrets.getSecretValue('a', { version: undefined })))
    await secrets.getSecret('a')
    await secrets.getSecret('b')
    vi.setSystemTime(Date.now() + 7_950)
    await secrets.getSecret('b')
    expect([
      await value('cache_joined_reads_total', of),
      await value('cache_evictions_total', of),
      await value('cache_entry_count', of),
    ]).toEqual([2, 1, 1])
    expect(await value('cache_reads_total', { ...of, result: 'hit' })).toBeGreaterThan(0)
    await vi.waitFor(async () => expect(await value('cache_refreshes_total', of)).toBe(1), 20_000)
  })

  test('shows no value, wherever one was, and has moved every metric of the README', async () => {
    expect(leaksOf(await telemetry.text(), canary)).toEqual([])
    expect(
      leaksOf(
        telemetry.spans().map(({ name, attributes, status, events }) => ({ name, attributes, status, events })),
        canary,
      ),
    ).toEqual([])
    expect(telemetry.spans().length).toBeGreaterThan(20)
    const readme = readFileSync(new URL('../../../packages/otel/README.md', import.meta.url), 'utf8')
    const listed = [...readme.matchAll(/^\| `(finchat\.secrets\.[\w.]+)` +\| \S+ +\| (\w+)/gm)].map(([, name = '', kind]) => {
      const suffix = { counter: '_total', histogram: '_count' }[kind ?? ''] ?? ''
      return name.replaceAll('.', '_') + suffix
    })
    expect(listed.length).toBe(30)
    expect(listed.filter((name) => !telemetry.moved.has(name))).toEqual([])
  })

  test('has every metric and label that the rules and the dashboard of examples/monitoring name', async () => {
    const samples = samplesIn(await telemetry.text())
    const files = ['rules.yml', 'dashboard.json'].map((file) =>
      asExported(readFileSync(new URL(`../../../examples/monitoring/${file}`, import.meta.url), 'utf8')),
    )
    const named = new Set(files.flatMap((text) => text.match(/\bfinchat_secrets_\w+/g) ?? []))
    const known = new Set(samples.flatMap(({ name, labels }) => [name, ...Object.keys(labels)]))
    expect(named.size).toBeGreaterThan(30)
    expect([...named].filter((name) => !known.has(name))).toEqual([])
    // What a selector or a grouping names must be a label of that very metric.
    const selectors = files.flatMap((text) => [...text.matchAll(/\{__name__=~"(\w+)"([^}]*)\}|\b(finchat_secrets_\w+)\{([^}]*)\}/g)])
    for (const [, matched = '', others = '', metric = matched, selector = others] of selectors) {
      const labels = new Set(samples.filter(({ name }) => name === metric).flatMap((sample) => Object.keys(sample.labels)))
      for (const [, label = ''] of selector.matchAll(/(\w+)(?==~|!~|!=|=)/g))
        if (label !== 'job') expect([metric, ...labels]).toContain(label)
    }
    expect(selectors.length).toBeGreaterThan(20)
  })
})
