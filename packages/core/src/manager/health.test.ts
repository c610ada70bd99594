import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { AuditTrail } from '../contract/audit.ts'
import type { SecretProvider } from '../contract/provider.ts'
import { pause } from '../guard/deadline.ts'
import { createSecretsManager } from './create-manager.ts'
import { HealthCheck, type HealthReport, type RotationHealth, type RotationReport } from './health.ts'
import { Observer } from '../observe/operation.ts'
import { SecretsError } from '../errors/secrets-error.ts'
import { chainEntryTo } from '../testing/chain-entries.ts'
import { SharedMap } from '../testing/shared-map.ts'
import { tracing } from '../observe/trace-channels.ts'

const now = 1_000_000
type Check = NonNullable<SecretProvider['checkHealth']>

beforeEach(() => void vi.useFakeTimers({ now }))
afterEach(() => vi.useRealTimers())

function healthOf(checks: Readonly<Record<string, Check | undefined>>): HealthCheck {
  const bounds = { deadlineMs: 5_000, closing: new AbortController().signal }
  const get = (): Promise<never> => Promise.reject(new Error('a secret was read'))
  const chainEntries = Object.entries(checks).map(([name, checkHealth]) => chainEntryTo({ name, get, checkHealth }))
  return new HealthCheck(chainEntries, new Observer(undefined, tracing(), bounds), bounds.closing)
}

describe('a health check', () => {
  it('asks all providers at once, and reports the state and duration of each', async () => {
    const after = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
    const report = healthOf({
      fine: () => after(200),
      down: () => after(300).then(() => Promise.reject(new SecretsError('UNAVAILABLE', 'down'))),
      without: undefined,
      unable: async () => Promise.reject(new SecretsError('UNSUPPORTED', 'x')),
    }).check()
    await vi.advanceTimersByTimeAsync(300)
    expect(await report).toEqual({
      ok: false,
      checkedAt: now + 300,
      providers: {
        fine: { status: 'ok', durationMs: 200 },
        down: { status: 'failed', durationMs: 300, code: 'UNAVAILABLE', message: "provider 'down': down" },
        without: { status: 'unchecked', durationMs: 0 },
        unable: { status: 'unchecked', durationMs: 0 },
      },
    })
  })

  it('shows nothing of a foreign error', async () => {
    const { ok, providers } = await healthOf({ odd: async () => Promise.reject(new Error('canary-27aa')) }).check()
    expect([ok, JSON.stringify(providers)]).toEqual([false, expect.not.stringContaining('canary')])
  })

  it('ends at the deadline', async () => {
    const report = healthOf({ hung: () => new Promise(() => {}) }).check()
    await vi.advanceTimersByTimeAsync(5_000)
    expect((await report).providers['hung']).toMatchObject({ status: 'failed', code: 'DEADLINE_EXCEEDED' })
  })

  it('is shared by concurrent callers, and remembered for 10 s', async () => {
    const check = vi.fn<Check>(async () => {})
    const health = healthOf({ p: check })
    const [first, second] = await Promise.all([health.check(), health.check()])
    expect(second).toBe(first)
    await vi.advanceTimersByTimeAsync(9_999)
    expect(await health.check()).toBe(first)
    expect(check).toHaveBeenCalledTimes(1)
    await vi.advanceTimersByTimeAsync(1)
    await health.check()
    expect(check).toHaveBeenCalledTimes(2)
  })

  it('ends for a caller that aborts, and goes on for the others', async () => {
    const checking = Promise.withResolvers<void>()
    const health = healthOf({ p: () => checking.promise })
    const caller = new AbortController()
    const [impatient, patient] = [health.check({ signal: caller.signal }), health.check()]
    caller.abort()
    await expect(impatient).rejects.toThrow(expect.objectContaining({ code: 'ABORTED' }))
    checking.resolve()
    expect((await patient).ok).toBe(true)
  })

  it('is forgotten if the clock goes back', async () => {
    const check = vi.fn<Check>(async () => {})
    const health = healthOf({ p: check })
    await health.check()
    vi.setSystemTime(now - 1)
    await health.check()
    expect(check).toHaveBeenCalledTimes(2)
  })
})

const overdue: RotationHealth = { status: 'overdue', dueAt: now - 2, overdueAt: now - 1 }

describe('a health check with rotations', () => {
  it('reports them by secret, and stays ok though one is overdue', async () => {
    const health = healthOf({ fine: async () => {} })
    health.addRotations(async () => ({ db: overdue }))
    health.addRotations(async () => ({ mail: { status: 'unknown', code: 'UNAVAILABLE' }, ['__proto__']: overdue }))
    const { ok, rotations } = await health.check()
    expect(ok).toBe(true)
    expect(Object.entries(rotations ?? {})).toEqual([
      ['db', overdue],
      ['mail', { status: 'unknown', code: 'UNAVAILABLE' }],
      ['__proto__', overdue],
    ])
  })

  it('asks for them while it asks the providers, and remembers them for as long', async () => {
    const report = vi.fn<RotationReport>(async () => (await pause(100), { db: overdue }))
    const health = healthOf({ slow: async () => pause(100) })
    health.addRotations(report)
    for (const each of [1, 2]) {
      const check = health.check()
      await vi.advanceTimersByTimeAsync(each === 1 ? 100 : 0)
      expect((await check).checkedAt).toBe(now + 100)
    }
    expect(report).toHaveBeenCalledTimes(1)
    expect(report.mock.lastCall?.[0].aborted).toBe(false)
  })

  it('has them from the next check on, until they are taken out', async () => {
    const health = healthOf({ fine: async () => {} })
    expect(Object.keys(await health.check())).not.toContain('rotations')
    const end = health.addRotations(async () => ({ db: overdue }))
    expect((await health.check()).rotations).toEqual({ db: overdue })
    end()
    expect((await health.check()).rotations).toBeUndefined()
  })

  it('goes on without a report that fails', async () => {
    const health = healthOf({ fine: async () => {} })
    health.addRotations(() => {
      throw new Error('canary-9c51')
    })
    health.addRotations(async () => ({ db: overdue }))
    const report = await health.check()
    expect([report.ok, report.rotations]).toEqual([true, { db: overdue }])
    expect(JSON.stringify(report)).not.toContain('canary')
  })
})

describe('what stands beside the providers', () => {
  const trailOf = (health: unknown): AuditTrail => ({ specificationVersion: 'v1', record: async () => {}, health: health as never }) // as an application may write it

  async function checked(health: unknown): Promise<Pick<HealthReport, 'ok' | 'audit'>> {
    const bounds = { deadlineMs: 5_000, closing: new AbortController().signal }
    const trail = trailOf(health)
    const { ok, audit } = await new HealthCheck([], new Observer(trail, tracing(), bounds), bounds.closing, trail).check()
    return { ok, audit }
  }

  it('is not ok if a sink or the place of its checkpoints fails', async () => {
    const failed = { status: 'failed', since: 1, problem: 'the disk is full', remedy: 'make room' }
    expect(await checked(() => ({ file: { status: 'ok' }, late: { status: 'unchecked' } }))).toMatchObject({ ok: true })
    expect(await checked(() => ({ file: { status: 'ok' }, 'file checkpoints': failed }))).toEqual({
      ok: false,
      audit: { file: { status: 'ok' }, 'file checkpoints': failed },
    })
  })

  it('is looked at anew each time', async () => {
    const bounds = { deadlineMs: 5_000, closing: new AbortController().signal }
    let status = 'ok'
    const trail = trailOf(() => ({ file: { status } }))
    const health = new HealthCheck([], new Observer(undefined, tracing(), bounds), bounds.closing, trail)
    expect((await health.check()).ok).toBe(true)
    status = 'failed'
    expect(await health.check()).toMatchObject({ ok: false, audit: { file: { problem: 'it failed' } } })
  })

  it.each([undefined, 7, () => undefined, () => 7])('is left out or empty where a trail tells nothing: %s', async (health) => {
    expect((await checked(health)).ok).toBe(true)
  })

  it('is left out where a trail throws, and keeps nothing but what is known', async () => {
    const throwing = (): never => {
      throw new Error('canary-27aa')
    }
    expect(await checked(throwing)).toEqual({ ok: true, audit: undefined })
    expect(await checked(() => ({ file: { status: 'failed', since: 1, problem: 'p', value: 'canary-27aa' } }))).toEqual({
      ok: false,
      audit: { file: { status: 'failed', since: 1, problem: 'p' } },
    })
  })
})

describe('the shared cache', () => {
  it('is unchecked, then ok, and fails the report while it cannot be asked or does not acknowledge', async () => {
    vi.useRealTimers()
    const shared = new SharedMap()
    const store: SecretProvider = {
      specificationVersion: 'v1',
      name: 'store',
      sharedAs: 'eu',
      get: async () => ({ value: 'v', version: 1 }),
      put: async () => ({ version: 2 }),
    }
    await using secrets = createSecretsManager({ providers: [store], cache: { shared: shared.seenBy(false) } })
    const found = async (): Promise<unknown> => {
      const { ok, sharedCache } = await secrets.checkHealth()
      return [ok, sharedCache?.status]
    }
    expect(await found()).toEqual([true, 'unchecked'])
    await secrets.getSecret('a')
    expect(await found()).toEqual([true, 'ok'])
    shared.isDown = true
    await secrets.getSecret('b')
    expect(await found()).toEqual([false, 'failed'])
    shared.isDown = false
    await secrets.getSecret('c')
    expect(await found()).toEqual([true, 'ok'])
    shared.isDown = true
    await expect(secrets.storeSecret('a', 'w')).rejects.toMatchObject({ code: 'UNAVAILABLE', effect: 'done' })
    expect((await secrets.checkHealth()).sharedCache).toMatchObject({ problem: expect.stringContaining('invalidation') })
  })
})
