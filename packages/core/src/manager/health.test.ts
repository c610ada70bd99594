import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { SecretProvider } from '../contract/provider.ts'
import { HealthCheck } from './health.ts'
import { Observer } from '../observe/operation.ts'
import { SecretsError } from '../errors/secrets-error.ts'
import { chainEntryTo } from '../testing/chain-entries.ts'
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
