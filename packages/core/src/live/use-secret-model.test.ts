import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { SecretProvider } from '../contract/provider.ts'
import { SecretsError } from '../errors/secrets-error.ts'
import { liveSecret, useSecret } from '../live.ts'
import { createSecretsManager } from '../manager/create-manager.ts'
import { stagingStore, type StagingStore } from '../testing/staging-store.ts'
import type { SecretValue } from '../value/secret-value.ts'

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000_000 })
  vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
class Refused extends Error {}
const isAuthError = (error: unknown): boolean => error instanceof Refused

/** One rotation: what a rotator does, and how long it waits before each step. */
interface Rotation {
  readonly order: 'applied first' | 'promoted first'
  /** It dies before this step; the next rotation finishes what it finds. */
  readonly diesBefore: 'apply' | 'promote' | 'nothing'
  readonly gaps: readonly number[]
}

interface Plan {
  readonly rotations: readonly Rotation[]
  readonly callers: readonly { readonly at: number; readonly loginMs: number }[]
  readonly isFollowed: boolean
  readonly storeMs: number
  /** The store cannot be asked for this long, from this time on. */
  readonly outage: { readonly from: number; readonly ms: number }
}

const gap = fc.integer({ min: 0, max: 2_000 })
const plans: fc.Arbitrary<Plan> = fc.record({
  rotations: fc.array(
    fc.record({
      order: fc.constantFrom('applied first', 'promoted first'),
      diesBefore: fc.constantFrom('apply', 'promote', 'nothing', 'nothing'),
      gaps: fc.array(gap, { minLength: 3, maxLength: 3 }),
    }),
    { minLength: 1, maxLength: 6 },
  ),
  callers: fc.array(fc.record({ at: fc.integer({ min: 0, max: 20_000 }), loginMs: fc.integer({ min: 1, max: 80 }) }), {
    minLength: 20,
    maxLength: 80,
  }),
  isFollowed: fc.boolean(),
  storeMs: fc.integer({ min: 0, max: 30 }),
  outage: fc.record({ from: fc.integer({ min: 0, max: 20_000 }), ms: fc.integer({ min: 0, max: 1_500 }) }),
})

interface World {
  readonly store: StagingStore
  /** The password that the far side accepts. */
  password: string
  number: number
}

function promote({ store }: World): void {
  const { pending } = store
  if (pending !== undefined) Object.assign(store, { previous: store.current, current: pending, pending: undefined })
}

/** A rotator that finds a staged version finishes it. */
async function rotate(world: World, { order, diesBefore, gaps: [first = 0, second = 0, third = 0] }: Rotation): Promise<void> {
  const { store } = world
  await sleep(first)
  store.pending ??= { value: `password ${(world.number += 1)}`, version: world.number }
  const apply = (): void => void (world.password = String(store.pending?.value ?? store.current?.value))
  await sleep(second)
  if (diesBefore === 'apply') return
  const isPromotedFirst = order === 'promoted first'
  if (isPromotedFirst) promote(world)
  else apply()
  await sleep(third)
  // Promoted and never applied, nothing but another rotation would repair it.
  if (diesBefore === 'promote' && !isPromotedFirst) return
  if (isPromotedFirst) apply()
  else promote(world)
}

function slowly(world: World, { storeMs, outage }: Plan): SecretProvider {
  const { provider } = world.store
  const start = performance.now()
  const asked = async <T>(call: () => Promise<T>): Promise<T> => {
    await sleep(storeMs)
    const now = performance.now() - start
    if (now >= outage.from && now < outage.from + outage.ms) throw new SecretsError('UNAVAILABLE', 'down')
    return call()
  }
  const { getVersion, staging, probe } = provider
  return {
    ...provider,
    get: (...call) => asked(() => provider.get(...call)),
    getVersion: getVersion && ((...call) => asked(() => getVersion(...call))),
    probe: probe && ((...call) => asked(() => probe(...call))),
    staging: staging && { ...staging, get: (...call) => asked(() => staging.get(...call)) },
  }
}

async function played(plan: Plan): Promise<{ readonly failed: number; readonly logins: number }> {
  const world: World = { store: stagingStore({ value: 'password 1', version: 1 }), password: 'password 1', number: 1 }
  const secrets = createSecretsManager({ providers: [slowly(world, plan)] })
  const handle = plan.isFollowed ? liveSecret(secrets, 'db') : undefined
  const counts = { failed: 0, logins: 0 }
  const login = async (value: SecretValue, loginMs: number): Promise<void> => {
    counts.logins += 1
    const given = value.reveal()
    await sleep(loginMs)
    if (given !== world.password) throw new Refused()
  }
  const calling = plan.callers.map(async ({ at, loginMs }) => {
    await sleep(at)
    await useSecret(secrets, 'db', (value) => login(value, loginMs), { isAuthError, budgetMs: 8_000 }).catch((error: unknown) => {
      expect(error instanceof Refused || SecretsError.isInstance(error)).toBe(true)
      if (error instanceof Refused) counts.failed += 1
    })
  })
  const rotating = (async () => {
    for (const rotation of plan.rotations) await rotate(world, rotation)
  })()
  const all = Promise.all([...calling, rotating])
  await vi.advanceTimersByTimeAsync(60_000)
  await all
  handle?.[Symbol.dispose]()
  await Promise.all([secrets.close(), vi.advanceTimersByTimeAsync(1_000)])
  expect(vi.getTimerCount()).toBe(0)
  return counts
}

describe('useSecret beside any rotator', () => {
  it('refuses no caller, whenever a rotator dies and a store is down', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(plans, async (plan) => {
        expect((await played(plan)).failed).toBe(0)
      }),
      { numRuns: 60 },
    )
  })
})
