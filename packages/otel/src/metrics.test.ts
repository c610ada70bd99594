import { readFileSync } from 'node:fs'
import { diag, DiagLogLevel } from '@opentelemetry/api'
import type { SecretProvider } from '@finchat/secrets-core'
import { addRotationReport } from '@finchat/secrets-core/staging'
import { faults, leaksOf, memoryProvider } from '@finchat/secrets-testkit'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { catalogue, prefix } from './metrics/catalogue.ts'
import { canary, pass, trial } from './testing/trial.ts'

beforeEach(() => {
  vi.useFakeTimers({ now: Date.UTC(2026, 0, 1), toFake: ['Date'] })
  vi.spyOn(Math, 'random').mockReturnValue(1)
  vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

const later = memoryProvider({ name: 'later', secrets: { db: canary, other: canary } })

describe('the histogram of durations', () => {
  test('has each operation that memory did not answer by its provider, its source and its outcome, in seconds', async () => {
    const { secrets, scrape } = await trial()
    for (let reads = 0; reads < 3; reads++) await secrets.getSecret('db')
    await secrets.getSecret('missing').catch(() => {})
    await secrets.rotateSecret('db', 'next')
    const { value, text } = await scrape()
    const count = (labels: Readonly<Record<string, string>>): number | undefined =>
      value('operation_duration_count', { manager_name: 'default', ...labels })
    expect(count({ operation_name: 'get', provider_name: 'store', source: 'store' })).toBe(1)
    expect(count({ operation_name: 'get', source: 'memory' })).toBeUndefined()
    expect(count({ operation_name: 'get', error_type: 'NOT_FOUND' })).toBe(1)
    expect(count({ operation_name: 'rotate', provider_name: 'store' })).toBe(1)
    expect(value('operation_duration_sum')).toBeLessThan(1)
    expect(text).toContain('le="0.001"')
  })

  test('shows that a former version was presented', async () => {
    const { secrets, scrape } = await trial()
    await secrets.rotateSecret('db', 'next')
    for (const presented of ['next', canary, 'wrong']) await secrets.verifySecret('db', presented, { acceptPreviousForSeconds: 60 })
    const { value } = await scrape()
    const matched = ['current', 'previous', 'none'].map((each) => value('operation_duration_count', { matched: each }))
    expect(matched).toEqual([1, 1, 1])
  })

  test('marks stale and degraded answers, and counts why the store was not asked', async () => {
    const made = await trial({}, { providers: [later] })
    await made.secrets.getSecret('db')
    pass(11)
    made.plan = () => faults.reject('UNAVAILABLE')
    await made.secrets.getSecret('db')
    await made.secrets.getSecret('other')
    const { value } = await made.scrape()
    expect(value('operation_duration_count', { provider_name: 'store', stale: 'true' })).toBe(1)
    expect(value('operation_duration_count', { provider_name: 'later', degraded: 'true' })).toBe(1)
    const of = { provider_name: 'store', error_type: 'UNAVAILABLE' }
    expect([
      value('fallbacks_total', { ...of, fallback_answer: 'stale' }),
      value('fallbacks_total', { ...of, fallback_answer: 'next' }),
    ]).toEqual([1, 1])
  })
})

describe('the counters of a cache', () => {
  test('are those of cacheStats(), by provider', async () => {
    const { secrets, scrape } = await trial({}, { cache: { ttlSeconds: 10, maxEntries: 1 } })
    await Promise.all(['db', 'db'].map((name) => secrets.getSecret(name, { fresh: true })))
    await secrets.getSecret('db')
    await secrets.getSecret('other')
    pass(8.5)
    await secrets.getSecret('other')
    const { value } = await scrape()
    const { hits, misses, flightsJoined, refreshes, evictions, entries } = secrets.cacheStats()
    const of = { provider_name: 'store' }
    expect([value('cache_reads_total', { ...of, result: 'hit' }), value('cache_reads_total', { ...of, result: 'miss' })]).toEqual([
      hits,
      misses,
    ])
    expect([value('cache_joined_reads_total', of), value('cache_refreshes_total', of), value('cache_evictions_total', of)]).toEqual([
      flightsJoined,
      refreshes,
      evictions,
    ])
    expect([hits, misses, flightsJoined, refreshes, evictions].every((count) => count > 0)).toBe(true)
    expect(value('cache_entry_count', of)).toBe(entries)
  })
})

describe('the gauges of a provider', () => {
  test('show an outage: degraded, its circuit, its last answer, the age of what is served', async () => {
    const made = await trial({}, { providers: [later] })
    const show = async (): Promise<unknown> => {
      const { value } = await made.scrape()
      const names = ['provider_degraded', 'provider_circuit_open', 'provider_last_answer_age', 'provider_stale_age']
      return names.map((name) => value(name, { provider_name: 'store' }))
    }
    expect(await show()).toEqual([0, 0, undefined, 0])
    await made.secrets.getSecret('db')
    await made.secrets.getSecret('other')
    pass(30)
    expect(await show()).toEqual([0, 0, 30, 0])
    made.plan = () => faults.reject('UNAVAILABLE')
    await made.secrets.getSecret('db')
    expect(await show()).toEqual([1, 0, 30, 30])
    for (const name of ['other', 'a', 'b', 'c']) await made.secrets.getSecret(name, { fresh: true }).catch(() => {})
    expect(await show()).toEqual([1, 1, 30, 30])
    made.plan = () => undefined
    pass(120)
    await made.secrets.getSecret('db', { fresh: true })
    expect(await show()).toEqual([0, 0, 0, 0])
  })

  test('count the stale reads too', async () => {
    const made = await trial()
    await made.secrets.getSecret('db')
    pass(11)
    made.plan = () => faults.reject('UNAVAILABLE')
    await made.secrets.getSecret('db')
    const { value } = await made.scrape()
    expect(value('cache_stale_reads_total', { provider_name: 'store' })).toBe(1)
  })

  test('have its health only once `checkHealth` was called, and how long ago', async () => {
    const made = await trial()
    expect((await made.scrape()).value('provider_check_failed')).toBeUndefined()
    await made.secrets.checkHealth()
    pass(30)
    const first = await made.scrape()
    expect([first.value('provider_check_failed', { provider_name: 'store' }), first.value('health_age')]).toEqual([0, 30])
    made.plan = () => faults.reject('UNAVAILABLE')
    await made.secrets.checkHealth()
    const second = await made.scrape()
    expect([second.value('provider_check_failed', { provider_name: 'store' }), second.value('health_age')]).toEqual([1, 0])
  })

  test('have the health that `checkHealthSeconds` asks for', async () => {
    const made = await trial({ checkHealthSeconds: 10 })
    await vi.waitFor(async () => expect((await made.scrape()).value('provider_check_failed')).toBe(0), 20_000)
    expect(made.calls()).toBe(1)
  })
})

describe('the gauge of rotations', () => {
  test('counts secrets by state, so that an alert resolves', async () => {
    const { secrets, scrape } = await trial()
    let status: 'overdue' | 'ok' = 'overdue'
    addRotationReport(secrets, async () => ({ db: { status }, other: { status: 'due' }, third: { status: 'due' } }))
    await secrets.checkHealth()
    const counts = async (): Promise<unknown> => {
      const { value } = await scrape()
      return ['ok', 'due', 'overdue', 'unknown'].map((each) => value('rotation_secret_count', { rotation_status: each }))
    }
    expect(await counts()).toEqual([0, 2, 1, 0])
    status = 'ok'
    pass(11)
    await secrets.checkHealth()
    expect(await counts()).toEqual([1, 2, 0, 0])
  })

  test('names them where names are shown', async () => {
    const { secrets, scrape } = await trial({ names: 'plain' })
    addRotationReport(secrets, async () => ({ db: { status: 'overdue' }, other: { status: 'overdue' } }))
    await secrets.checkHealth()
    const { value } = await scrape()
    expect(['db', 'other'].map((name) => value('rotation_secret_count', { rotation_status: 'overdue', secret_name: name }))).toEqual([1, 1])
    expect(value('rotation_secret_count', { rotation_status: 'due' })).toBe(0)
  })

  test('is 0 for a name that is in another state now, though the SDK remembers it', async () => {
    const { secrets, scrape } = await trial({ names: 'plain' })
    let status: 'overdue' | 'ok' = 'overdue'
    addRotationReport(secrets, async () => ({ db: { status } }))
    const count = async (rotation_status: string): Promise<unknown> =>
      (await scrape()).value('rotation_secret_count', { rotation_status, secret_name: 'db' })
    await secrets.checkHealth()
    expect([await count('overdue'), await count('ok')]).toEqual([1, undefined])
    status = 'ok'
    pass(11)
    await secrets.checkHealth()
    expect([await count('overdue'), await count('ok')]).toEqual([0, 1])
  })
})

describe('secrets with names', () => {
  test('are so many that the SDK keeps them apart; later ones are counted, so that an alert still fires', async () => {
    const { secrets, scrape } = await trial({ names: 'plain' })
    let round = 0
    addRotationReport(secrets, async () =>
      Object.fromEntries(Array.from({ length: 900 }, (_, index) => [`${round}/${index}`, { status: 'overdue' }])),
    )
    for (; round < 4; round++) {
      pass(11)
      await secrets.checkHealth()
      const { value, text } = await scrape()
      expect([value('rotation_secret_count', { rotation_status: 'overdue' }), text.includes('overflow')]).toEqual([900, false])
    }
  })
})

describe('a malformed report of an author’s provider', () => {
  const reporting = (report: () => unknown): SecretProvider => ({
    ...memoryProvider({ name: 'later' }),
    credentialStatus: report as NonNullable<SecretProvider['credentialStatus']>, // as an author without types
  })

  test.each<unknown>([
    null,
    {},
    { leases: canary, logins: [] },
    { leases: 0, logins: [], token: null },
    { leases: 1, logins: [{ operation: canary, count: 1 }] },
    { leases: 1, logins: [], token: { expiresAt: NaN, grantedMs: 0 } },
  ])('hides no outage of another one, and shows none of its text: %o', async (malformed) => {
    const reports: unknown[] = []
    const log = (...words: unknown[]): void => void reports.push(words)
    diag.setLogger({ error: log, warn: log, info: log, debug: log, verbose: log }, DiagLogLevel.ALL)
    onTestFinished(() => diag.disable())
    const life = { expiresAt: Date.now() + 5_000, grantedMs: 10_000 }
    let report: unknown = { leases: 3, logins: [], token: life }
    const made = await trial({}, { providers: [reporting(() => report)] })
    made.plan = () => faults.reject('UNAVAILABLE')
    await made.secrets.getSecret('db').catch(() => {})
    expect((await made.scrape()).value('token_utilization', { provider_name: 'later' })).toBe(0.5)
    report = malformed
    const { value, text } = await made.scrape()
    expect(value('provider_degraded', { provider_name: 'store' })).toBe(1)
    expect(text).not.toContain('NaN')
    expect(leaksOf([text, reports], canary)).toEqual([])
  })

  test('leaves its own gauges as they were: a 0 would end an alert', async () => {
    const life = { expiresAt: Date.now(), grantedMs: 10_000 }
    let report: unknown = { leases: 3, logins: [], token: life }
    const { scrape } = await trial({}, { providers: [reporting(() => report)] })
    expect((await scrape()).value('token_utilization')).toBe(1)
    report = {}
    expect((await scrape()).value('token_utilization')).toBe(1)
  })
})

describe('a scrape', () => {
  test('asks no store', async () => {
    const { secrets, scrape, calls } = await trial()
    await secrets.getSecret('db')
    const before = calls()
    for (let scrapes = 0; scrapes < 3; scrapes++) await scrape()
    expect(calls()).toBe(before)
  })

  test('has as many series after reads of two thousand names as after one, whatever they are', async () => {
    const { secrets, scrape } = await trial({ names: 'plain' })
    const series = async (): Promise<number> => (await scrape()).samples.length
    await secrets.getSecret('db')
    await secrets.getSecret('missing').catch(() => {})
    const few = await series()
    await secrets.getSecretValues(Array.from({ length: 2_000 }, (_, index) => ({ name: `user/${index}` })))
    expect(await series()).toBe(few)
  })

  test('shows no number below zero if the clock was set back', async () => {
    const { secrets, scrape } = await trial()
    await secrets.getSecret('db')
    await secrets.checkHealth()
    pass(-500)
    const { value } = await scrape()
    expect([value('provider_last_answer_age'), value('health_age')]).toEqual([0, 0])
  })
})

test('the README lists every metric with its unit, and no other', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const listed = [...readme.matchAll(/^\| `(finchat\.secrets\.[\w.]+)` +\| (\S+)/gm)].map(([, name, unit]) => `${name} ${unit}`)
  const sync = [`${prefix}operation.duration s`, `${prefix}fallbacks {fallback}`]
  const known = Object.entries(catalogue).map(([name, [, unit]]) => `${prefix}${name} ${unit}`)
  expect(listed.toSorted()).toEqual([...sync, ...known].toSorted())
})
