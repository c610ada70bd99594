import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Invariants } from '../testing/invariants.ts'
import { RotationWorld, type Slots } from '../testing/rotation-world.ts'
import type { Fate } from '../testing/schedule.ts'

// Rotators that are stopped for ever keep their deadlines: fake timers hold no process.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
  vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

/** The next run, and another one where the target refused the value that the first one found. */
async function nextRun(world: RotationWorld): Promise<void> {
  const before = await world.current()
  for (let run = 0; run < 4; run += 1) {
    const failure = await world.rotate().then(
      () => undefined,
      (error: unknown) => error,
    )
    if (failure === undefined) break
    expect(failure).toMatchObject({ code: 'CONFIGURATION' }) // rolled back
  }
  const current = await world.current()
  expect(await world.pending()).toBeUndefined()
  expect(world.farSide.accepts(current)).toBe(true)
  expect(current).not.toBe(before)
}

describe.each<Slots>([1, 2, 'users'])('a target that keeps %s: a rotator', (slots) => {
  const fates: readonly Fate[] = ['dies before', 'dies after', 'fails', 'loses its answer', 'is late']

  test.each(fates)('that %s at any boundary leaves a working value, and the next run finishes', async (fate) => {
    let boundaries = 0
    for (let isReached = true; isReached; boundaries += 1) {
      const world = new RotationWorld(slots)
      await world.rotate() // so that there is a former value
      const invariants = new Invariants(world)
      await world.start(1)
      for (let at = 0; at < boundaries && world.schedule.waiting.length > 0; at += 1) await world.schedule.release(1, 'works')
      isReached = world.schedule.waiting.length > 0
      if (isReached) await world.schedule.release(1, fate)
      await invariants.check()
      await nextRun(world)
      await invariants.check()
    }
    expect(boundaries).toBeGreaterThan(8)
  })

  test('that was stopped at any boundary, while two others pass, and is killed after its next call, brings nothing back', async () => {
    for (let stoppedAt = 0, isReached = true; isReached; stoppedAt += 1) {
      const world = new RotationWorld(slots)
      await world.rotate()
      const invariants = new Invariants(world)
      await world.start(1)
      for (let at = 0; at < stoppedAt; at += 1) await world.schedule.release(1, 'works')
      isReached = world.schedule.waiting.length > 0
      for (const _ of [1, 2]) await nextRun(world)
      await invariants.check()
      await world.schedule.release(1, 'dies after')
      await invariants.check()
      expect(world.farSide.accepts(await world.current())).toBe(true)
    }
  })

  test('that goes on after its value was rolled back does not set it', async () => {
    for (let stoppedAt = 0, isReached = true; isReached; stoppedAt += 1) {
      const world = new RotationWorld(slots, { isBad: (number) => number === 2 })
      await world.rotate()
      const invariants = new Invariants(world)
      await world.start(1)
      for (let at = 0; at < stoppedAt; at += 1) await world.schedule.release(1, 'works')
      isReached = world.schedule.waiting.length > 0
      await world.rotate().catch(() => {})
      await world.schedule.release(1, 'dies after')
      await invariants.check()
      expect(world.farSide.accepts(await world.current())).toBe(true)
    }
  })

  test('that helps with what another staged, and is stopped at any boundary, breaks nothing', async () => {
    for (let stoppedAt = 0, isReached = true; isReached; stoppedAt += 1) {
      const world = new RotationWorld(slots)
      for (const _ of [1, 2]) await world.rotate()
      await world.start(1)
      while ((await world.pending()) === undefined) await world.schedule.release(1, 'works')
      await world.start(2)
      for (let at = 0; at < stoppedAt; at += 1) await world.schedule.release(2, 'works')
      isReached = world.schedule.waiting.includes(2)
      while (world.schedule.waiting.includes(1)) await world.schedule.release(1, 'works')
      if (isReached) await world.schedule.release(2, 'dies after')
      expect(world.farSide.accepts(await world.current())).toBe(true)
    }
  })
})

interface Step {
  readonly who: number
  readonly fate: Fate
}

const steps = fc.array(
  fc.record({
    who: fc.nat(2),
    fate: fc.oneof(
      { weight: 12, arbitrary: fc.constant<Fate>('works') },
      { weight: 1, arbitrary: fc.constantFrom<Fate>('fails', 'loses its answer', 'is late', 'dies before', 'dies after') },
    ),
  }),
  { minLength: 5, maxLength: 70 },
)

async function play(world: RotationWorld, invariants: Invariants, plan: readonly Step[]): Promise<void> {
  for (const { who, fate } of plan) {
    const { waiting } = world.schedule
    const rotator = waiting[who % waiting.length]
    if (rotator === undefined) return
    await world.schedule.release(rotator, fate)
    await invariants.check()
  }
}

describe('rotators at once', () => {
  const slots = fc.constantFrom<Slots>(1, 2, 'users')
  const kinds = fc.array(fc.constantFrom('rotate' as const, 'rotate' as const, 'retire' as const), { minLength: 1, maxLength: 3 })
  const bad = fc.array(fc.boolean(), { minLength: 6, maxLength: 6 })

  test('leave a working value, whatever happens to them, and the next run makes it current', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(slots, kinds, bad, steps, steps, async (kept, rotators, isBad, plan, late) => {
        const world = new RotationWorld(kept, { isBad: (number) => isBad[number - 1] === true })
        await world.rotate().catch(() => {}) // so that there may be a former value
        const invariants = new Invariants(world)
        for (const [at, call] of rotators.entries()) await world.start(at, call)
        await play(world, invariants, plan)
        // The others are stopped.
        for (let run = 0; run < 3; run += 1) await world.rotate().catch(() => {})
        await invariants.check()
        await nextRun(world)
        await invariants.check()
        await play(world, invariants, late)
        await nextRun(world)
        await invariants.check()
      }),
      { numRuns: 200 },
    )
  })

  test('without faults end as one that rotated and others that say so', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(slots, fc.array(fc.nat(2), { maxLength: 60 }), async (kept, order) => {
        const world = new RotationWorld(kept)
        for (const rotator of [1, 2, 3]) await world.start(rotator)
        for (const who of order) await releaseOne(world, who)
        for (let calls = 0; world.schedule.waiting.length > 0; calls += 1) {
          expect(calls).toBeLessThan(500)
          await releaseOne(world, 0)
        }
        const outcomes = [...world.ended.values()]
        expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled'])
        expect(world.farSide.accepts(await world.current())).toBe(true)
        expect(await world.pending()).toBeUndefined()
        const staged = outcomes.flatMap((outcome) =>
          outcome.status === 'fulfilled' && outcome.value.outcome === 'rotated' ? [outcome.value.version] : [],
        )
        expect(new Set(staged).size).toBe(staged.length) // no rotator claims the version of another
        expect(staged.length).toBeGreaterThan(0)
      }),
      { numRuns: 60 },
    )
  })
})

async function releaseOne({ schedule }: RotationWorld, who: number): Promise<void> {
  const rotator = schedule.waiting[who % schedule.waiting.length]
  if (rotator !== undefined) await schedule.release(rotator, 'works')
}

describe('these tests find', () => {
  test('a target without a fence: a late call brings an old value back', async () => {
    const found: boolean[] = []
    for (let stoppedAt = 0; stoppedAt < 30; stoppedAt += 1) {
      const world = new RotationWorld(1, { isFenced: false })
      await world.start(1)
      for (let at = 0; at < stoppedAt && world.schedule.waiting.length > 0; at += 1) await world.schedule.release(1, 'works')
      for (const _ of [1, 2]) await nextRun(world)
      await world.schedule.release(1, 'dies after')
      found.push(!world.farSide.accepts(await world.current()))
    }
    expect(found).toContain(true)
  })
})
