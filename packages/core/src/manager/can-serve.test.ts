import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { AuditEvent, AuditTrail } from '../contract/audit.ts'
import type { SecretProvider, StoredSecret } from '../contract/provider.ts'
import { envProvider } from '../env/env-provider.ts'
import { SecretsError } from '../errors/secrets-error.ts'
import { refusal } from '../testing/refusal.ts'
import { canServe } from './can-serve.ts'
import { createSecretsManager } from './create-manager.ts'
import type { SecretsManager } from './secrets-manager.ts'

const now = 1_000_000
const canary = 'canary-71c2'

beforeEach(() => {
  vi.useFakeTimers({ now })
  vi.spyOn(process, 'emitWarning').mockReturnValue()
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

type Answer = () => Promise<StoredSecret | undefined>

const given: Answer = async () => ({ value: canary })
const down: Answer = async () => Promise.reject(new SecretsError('UNAVAILABLE', 'down'))
const denied: Answer = async () => Promise.reject(new SecretsError('PERMISSION_DENIED', 'denied'))
const hung: Answer = () => new Promise(() => {})

/** A store whose answer may change, and how often it was asked. */
function storeOf(answer: Answer, name = 'store'): { provider: SecretProvider; get: ReturnType<typeof vi.fn<Answer>> } {
  const get = vi.fn<Answer>(answer)
  return { provider: { specificationVersion: 'v1', name, get: async () => get() }, get }
}

type Options = Omit<Parameters<typeof createSecretsManager>[0], 'providers'>

function managerOf(providers: readonly SecretProvider[], options: Options = {}): SecretsManager {
  return createSecretsManager({ providers, ...options })
}

const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms)

describe('a secret that can be served', () => {
  it('is read once, and then looked up in memory while it is fresh', async () => {
    const { provider, get } = storeOf(given)
    const secrets = managerOf([provider])
    for (let second = 0; second < 200; second += 1) {
      expect(await canServe(secrets, ['db'])).toMatchObject({ ok: true, stale: 0, degraded: 0, failed: 0 })
      await pass(1_000)
    }
    expect(get).toHaveBeenCalledTimes(1)
  })

  it('says whose it is and how long memory alone suffices, and holds no value', async () => {
    const secrets = managerOf([storeOf(given).provider], { cache: { ttlSeconds: 100, maxStaleSeconds: 50 } })
    vi.spyOn(Math, 'random').mockReturnValue(1)
    const report = await canServe(secrets, ['db', 'db'])
    const servesUntil = now + 150_000
    const db = { status: 'ok', provider: 'store', stale: false, degraded: false, servesUntil }
    expect(report).toEqual({ ok: true, checkedAt: now, stale: 0, degraded: 0, failed: 0, servesUntil, secrets: { db } })
    expect(inspect(report, { depth: 9, showHidden: true })).not.toContain(canary)
  })

  it('gives that time in whole milliseconds, and never a later one', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.123_456_789)
    const secrets = managerOf([storeOf(given).provider], { cache: { ttlSeconds: 1, maxStaleSeconds: 50 } })
    const held = now + 800 + 24 + 50_000 // and 0.69 ms of the random fifth
    expect([await canServe(secrets, ['db']), await canServe(secrets, ['db'])]).toMatchObject([{ servesUntil: held }, { servesUntil: held }])
  })

  it('behind a store that does not have it is not degraded', async () => {
    const missing = storeOf(async () => undefined, 'first')
    const secrets = managerOf([missing.provider, storeOf(given).provider])
    for (let second = 0; second < 5; second += 1) {
      expect(await canServe(secrets, ['db'])).toMatchObject({ ok: true, degraded: 0, secrets: { db: { provider: 'store' } } })
      await pass(900)
    }
    expect(missing.get).toHaveBeenCalledTimes(1)
  })

  it('counts as no use: the entry leaves memory as if it were not looked at', async () => {
    const { provider, get } = storeOf(given)
    const secrets = managerOf([provider], { cache: { maxEntries: 2 } })
    for (const name of ['a', 'b']) await secrets.getSecret(name)
    await canServe(secrets, ['a'])
    await secrets.getSecret('c')
    await secrets.getSecret('b')
    expect(get).toHaveBeenCalledTimes(3)
    expect(secrets.cacheStats()).toMatchObject({ hits: 1, misses: 3 })
  })

  it('is asked for at most every 5 s, with nothing cached', async () => {
    const { provider, get } = storeOf(given)
    const secrets = managerOf([provider], { autoCleanup: true })
    for (let second = 0; second < 20; second += 1) {
      const report = await canServe(secrets, ['db'])
      expect([report.ok, report.servesUntil]).toEqual([true, undefined])
      await pass(1_000)
    }
    expect(get).toHaveBeenCalledTimes(4)
  })

  it('is read again at the moment at which it is fresh no more', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(1)
    const { provider, get } = storeOf(given)
    const secrets = managerOf([provider], { cache: { ttlSeconds: 100 } })
    const calls: number[] = []
    for (const ms of [0, 100_000]) {
      await pass(ms)
      await canServe(secrets, ['db'])
      calls.push(get.mock.calls.length)
    }
    expect(calls).toEqual([1, 2])
  })

  it('is known for 5 s with nothing cached, unless the clock is set back', async () => {
    const { provider, get } = storeOf(given)
    const secrets = managerOf([provider], { autoCleanup: true })
    const asked = async (): Promise<number> => {
      await canServe(secrets, ['db'])
      return get.mock.calls.length
    }
    expect([await asked(), await asked()]).toEqual([1, 1])
    vi.setSystemTime(now + 4_999)
    expect(await asked()).toBe(1)
    vi.setSystemTime(now + 5_000)
    expect(await asked()).toBe(2)
    vi.setSystemTime(now + 4_999)
    expect(await asked()).toBe(3)
  })

  it('tells the first end of all, if each is in memory', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(1)
    const env = envProvider({ env: { a: 'a', b: 'b' } })
    const secrets = managerOf([env], { cache: { ttlSeconds: 100, maxStaleSeconds: 50 } })
    await secrets.getSecret('a')
    await pass(1_000)
    await secrets.getSecret('b')
    expect((await canServe(secrets, ['b', 'a'])).servesUntil).toBe(now + 150_000)
    expect(await canServe(secrets, ['a', 'c'])).not.toHaveProperty('servesUntil')
  })

  it('lacks no field that its location names', async () => {
    const env = { DB: '{"user":"u"}' }
    const secrets = managerOf([envProvider({ env, names: { user: 'DB#user', password: 'DB#password' } })])
    for (const _ of ['read', 'remembered', 'memory']) {
      const { secrets: each } = await canServe(secrets, ['user', 'password'])
      expect(each).toMatchObject({ user: { status: 'ok' }, password: { status: 'failed', code: 'INVALID_ARGUMENT' } })
    }
  })
})

describe('in an outage', () => {
  it('a held value is served as stale until it ends, and not a moment longer', async () => {
    const { provider, get } = storeOf(given)
    vi.spyOn(Math, 'random').mockReturnValue(1)
    const secrets = managerOf([provider], { cache: { ttlSeconds: 100, maxStaleSeconds: 50 } })
    await secrets.getSecret('db')
    get.mockImplementation(down)
    await pass(99_000)
    expect(await canServe(secrets, ['db'])).toMatchObject({ ok: true, stale: 0 })
    await pass(6_000)
    expect(await canServe(secrets, ['db'])).toMatchObject({ ok: true, stale: 1, servesUntil: now + 150_000 })
    await pass(44_500)
    expect(await canServe(secrets, ['db'])).toMatchObject({ ok: true, stale: 1 })
    await pass(500)
    const { ok, secrets: each } = await canServe(secrets, ['db'])
    expect([ok, each['db']]).toMatchObject([false, { status: 'failed', code: 'UNAVAILABLE' }])
  })

  it('a later provider answers, degraded, while checkHealth reports the failure', async () => {
    const first = { ...storeOf(down, 'vault').provider, checkHealth: down as unknown as () => Promise<void> } // it only rejects
    const secrets = managerOf([first, storeOf(given, 'env').provider])
    expect(await canServe(secrets, ['db'])).toMatchObject({ ok: true, degraded: 1, secrets: { db: { provider: 'env', degraded: true } } })
    expect((await secrets.checkHealth()).ok).toBe(false)
  })

  it('a probe each second asks the store at most every 5 s, whatever it answers', async () => {
    for (const answer of [down, denied, async () => undefined]) {
      const { provider, get } = storeOf(answer)
      const secrets = managerOf([provider])
      for (let second = 0; second < 20; second += 1) {
        expect((await canServe(secrets, ['db'])).ok).toBe(false)
        await pass(1_000)
      }
      expect(get.mock.calls.length).toBeLessThanOrEqual(4)
    }
  })

  it('a value that comes back by a read counts at once', async () => {
    const { provider, get } = storeOf(down)
    const secrets = managerOf([provider])
    expect((await canServe(secrets, ['db'])).ok).toBe(false)
    get.mockImplementation(given)
    await pass(1_000)
    await secrets.getSecret('db', { fresh: true })
    expect((await canServe(secrets, ['db'])).ok).toBe(true)
  })

  it('a withdrawn value counts no more within 5 s', async () => {
    const { provider, get } = storeOf(given)
    const secrets = managerOf([provider])
    expect((await canServe(secrets, ['db'])).ok).toBe(true)
    get.mockImplementation(denied)
    await refusal(secrets.getSecret('db', { fresh: true }))
    await pass(5_000)
    expect((await canServe(secrets, ['db'])).secrets['db']).toMatchObject({ code: 'PERMISSION_DENIED' })
  })

  it('of one of several secrets, the others are counted', async () => {
    const env = envProvider({ env: { a: 'a', b: 'b' } })
    expect(await canServe(managerOf([env]), ['a', 'b', 'c'])).toMatchObject({ ok: false, failed: 1, secrets: { c: { code: 'NOT_FOUND' } } })
  })
})

describe('a store that does not answer', () => {
  it('ends the check in its time, and answers a later one', async () => {
    const { provider, get } = storeOf(hung)
    const secrets = managerOf([provider, storeOf(given, 'env').provider])
    const first = canServe(secrets, ['db'], { timeoutMs: 300 })
    await pass(300)
    expect((await first).secrets['db']).toMatchObject({ status: 'failed', code: 'DEADLINE_EXCEEDED' })
    await pass(5_000)
    expect(await canServe(secrets, ['db'], { timeoutMs: 300 })).toMatchObject({ ok: true, degraded: 1 })
    expect(get).toHaveBeenCalledTimes(1)
  })

  it('leaves the answer of a later provider degraded, not stale', async () => {
    const [first, later] = [storeOf(down, 'vault'), storeOf(given, 'env')]
    const secrets = managerOf([first.provider, later.provider], { deadlineMs: 60_000 })
    expect(await canServe(secrets, ['db'])).toMatchObject({ ok: true, stale: 0, degraded: 1 })
    first.get.mockImplementation(hung)
    await pass(5_000)
    const checking = canServe(secrets, ['db'])
    await pass(800)
    expect(await checking).toMatchObject({ ok: true, stale: 0, degraded: 1 })
  })

  it('leaves a value that memory held at the last check served as stale', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(1)
    const { provider, get } = storeOf(given)
    const secrets = managerOf([provider], { cache: { ttlSeconds: 10, maxStaleSeconds: 60 }, deadlineMs: 60_000 })
    await secrets.getSecret('db')
    await canServe(secrets, ['db'])
    get.mockImplementation(hung)
    await pass(10_500)
    const checking = canServe(secrets, ['db'])
    await pass(800)
    expect(await checking).toMatchObject({ ok: true, stale: 1 })
  })

  it('leaves a held value served as stale, until that ends', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(1)
    const { provider, get } = storeOf(given)
    const secrets = managerOf([provider], { cache: { ttlSeconds: 10, maxStaleSeconds: 6 }, deadlineMs: 60_000 })
    await canServe(secrets, ['db'])
    get.mockImplementation(hung)
    const later = async (ms: number): Promise<unknown> => {
      await pass(ms)
      const checking = canServe(secrets, ['db'])
      await pass(800)
      return checking
    }
    expect(await later(10_500)).toMatchObject({ ok: true, stale: 1, servesUntil: now + 16_000 })
    expect(await later(4_800)).toMatchObject({ ok: false, secrets: { db: { code: 'DEADLINE_EXCEEDED' } } })
  })
})

describe('the audit trail', () => {
  function trailOf(record: AuditTrail['record']): { audit: AuditTrail; events: AuditEvent[] } {
    const events: AuditEvent[] = []
    const audit: AuditTrail = {
      specificationVersion: 'v1',
      record: (event, context) => {
        events.push(event)
        return record(event, context)
      },
    }
    return { audit, events }
  }

  it('has one record of the check each 5 s, and one of each read', async () => {
    const { audit, events } = trailOf(async () => {})
    const secrets = managerOf([storeOf(given).provider], { audit })
    for (let second = 0; second < 10; second += 1) {
      await canServe(secrets, ['db'])
      await pass(1_000)
    }
    expect(events.map(({ operation, name }) => `${operation} ${name}`)).toEqual(['health *', 'get db', 'health *'])
  })

  it('that fails means that nothing can be served', async () => {
    const { audit } = trailOf(async () => Promise.reject(new Error(canary)))
    const report = await canServe(managerOf([storeOf(given).provider], { audit }), ['db'])
    expect(report).toMatchObject({ ok: false, failed: 1, secrets: { db: { code: 'AUDIT_FAILED' } } })
    expect(JSON.stringify(report)).not.toContain(canary)
  })

  it('that fails later means so too, though memory holds the value', async () => {
    const record = vi.fn<AuditTrail['record']>(async () => {})
    const secrets = managerOf([storeOf(given).provider], { audit: trailOf(record).audit })
    expect((await canServe(secrets, ['db'])).ok).toBe(true)
    record.mockImplementation(() => Promise.reject(new Error('full')))
    await pass(5_000)
    expect(await canServe(secrets, ['db'])).toMatchObject({ ok: false, secrets: { db: { code: 'AUDIT_FAILED' } } })
  })

  it('has one record of checks that run at once', async () => {
    const { audit, events } = trailOf(async () => {})
    const secrets = managerOf([storeOf(given).provider], { audit })
    await Promise.all([canServe(secrets, ['db']), canServe(secrets, ['db'])])
    expect(events.map(({ operation, name }) => `${operation} ${name}`)).toEqual(['health *', 'get db'])
  })

  it('that does not answer ends the check in its time', async () => {
    const { audit } = trailOf(() => new Promise(() => {}))
    const checking = canServe(managerOf([storeOf(given).provider], { audit }), ['db'])
    await pass(800)
    expect(await checking).toMatchObject({ ok: false, secrets: { db: { code: 'DEADLINE_EXCEEDED' } } })
  })
})

describe('a check', () => {
  it('leaves no timer', async () => {
    const secrets = managerOf([storeOf(given).provider])
    await canServe(secrets, ['db'])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('fails from the moment on that close() is called', async () => {
    const { provider, get } = storeOf(given)
    const secrets = managerOf([provider])
    await canServe(secrets, ['db'])
    get.mockImplementation(hung)
    const draining = secrets.getSecret('db', { fresh: true }).catch(() => {})
    const closing = secrets.close()
    expect(await canServe(secrets, ['db'])).toMatchObject({ ok: false, secrets: { db: { code: 'ABORTED' } } })
    await pass(60_000)
    await Promise.all([draining, closing])
    expect((await canServe(secrets, ['db'])).ok).toBe(false)
  })

  it('ends with the signal, while its read goes on for the next one', async () => {
    const { provider, get } = storeOf(hung)
    const secrets = managerOf([provider])
    const caller = new AbortController()
    const checking = refusal(canServe(secrets, ['db'], { signal: caller.signal }))
    await pass(10)
    caller.abort()
    expect((await checking).code).toBe('ABORTED')
    void canServe(secrets, ['db'])
    await pass(100)
    expect(get).toHaveBeenCalledTimes(1)
  })

  it.each<[string, unknown, unknown]>([
    ['the list of names is empty', [], {}],
    ['the list of names is text', 'db', {}],
    ['is not a valid secret name', ['../x'], {}],
    ['timeoutMs is 0', ['db'], { timeoutMs: 0 }],
    ['timeoutMs is NaN', ['db'], { timeoutMs: NaN }],
    ['timeoutMs is 60001', ['db'], { timeoutMs: 60_001 }],
    ['the option "timeout" is not known', ['db'], { timeout: 5 }],
  ])('refuses wrong arguments: %s', async (said, names, options) => {
    const error = await refusal(canServe(managerOf([envProvider({ env: {} })]), names as string[], options as object))
    expect([error.code, error.message]).toEqual(['INVALID_ARGUMENT', expect.stringContaining(said)])
  })

  it('needs a manager', async () => {
    expect((await refusal(canServe({} as SecretsManager, ['db']))).code).toBe('INVALID_ARGUMENT')
  })
})
