import * as fc from 'fast-check'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { context, leasesOf, leasingVault, path, sealed, userIn } from '../testing/leasing-vault.ts'

beforeEach(() => void vi.useFakeTimers({ now: Date.UTC(2026, 10, 25) }))
afterEach(() => void vi.useRealTimers())

const seconds = fc.integer({ min: 1, max: 2_000 })
const step = fc.oneof(
  fc.record({ kind: fc.constant('read' as const) }),
  fc.record({ kind: fc.constant('fresh' as const) }),
  fc.record({ kind: fc.constant('run' as const), seconds }),
  fc.record({ kind: fc.constant('freeze' as const), seconds }),
  fc.record({ kind: fc.constant('outage' as const), isOut: fc.boolean() }),
)
const server = fc.record({
  leaseSeconds: fc.integer({ min: 30, max: 3_600 }),
  maxSeconds: fc.integer({ min: 30, max: 20_000 }),
  tokenSeconds: fc.integer({ min: 30, max: 20_000 }),
  tokenType: fc.constantFrom('service' as const, 'batch' as const),
})

test('whatever happens when, an account that is handed out is good then, until its end, and no more are made than lives ran out', async () => {
  await fc.assert(
    fc.asyncProperty(server, fc.array(step, { minLength: 1, maxLength: 60 }), async (setting, steps) => {
      const vault = Object.assign(leasingVault(), setting)
      const { leases, close } = leasesOf(vault)
      const startedAt = Date.now()
      let freshes = 0
      for (const each of steps) {
        if (each.kind === 'run') await vi.advanceTimersByTimeAsync(each.seconds * 1000)
        if (each.kind === 'freeze') vi.setSystemTime(Date.now() + each.seconds * 1000)
        if (each.kind === 'outage') vault.answer = () => (each.isOut ? sealed : undefined)
        if (each.kind !== 'read' && each.kind !== 'fresh') continue
        if (each.kind === 'fresh') freshes += 1
        const [read] = await Promise.allSettled([leases.get(path, { ...context, fresh: each.kind === 'fresh' })])
        if (read.status === 'rejected') continue
        expect(vault.endOf(userIn(read.value))).toBeGreaterThan(Date.now())
        expect(read.value?.expiresAt).toBeGreaterThan(Date.now())
        expect(read.value?.expiresAt).toBeLessThanOrEqual(vault.endOf(userIn(read.value)))
      }
      const shortest = Math.min(setting.leaseSeconds, setting.maxSeconds, setting.tokenSeconds)
      const lives = (Date.now() - startedAt) / (shortest * 1000)
      expect(vault.accounts.length).toBeLessThanOrEqual(1 + freshes + 3 * lives)
      await close()
    }),
  )
})
