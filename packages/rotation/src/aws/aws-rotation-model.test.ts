import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { allSteps, AwsWorld } from '../testing/aws-world.ts'
import { Invariants } from '../testing/invariants.ts'
import type { Slots } from '../testing/rotation-world.ts'
import type { Fate } from '../testing/schedule.ts'
import type { AwsRotationStep } from './rotation-event.ts'

// Invocations that are stopped for ever keep their deadlines: fake timers hold no process.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
  vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

/** AWS tries again until a rotation ends well, at most so many times. */
async function nextRotation(world: AwsWorld): Promise<void> {
  const before = await world.current()
  for (let tries = 0; tries < 8 && (await world.current()) === before; tries += 1) {
    const failure = await world.rotate().then(
      () => undefined,
      (error: unknown) => error,
    )
    if (failure !== undefined) expect(['CONFIGURATION', 'VERSION_CONFLICT']).toContain((failure as { code?: string }).code)
  }
  const current = await world.current()
  expect(current).not.toBe(before)
  expect(world.farSide.accepts(current)).toBe(true)
  expect(world.aws.holder('AWSPENDING')).toBeUndefined()
}

/** Steps one after the other. The call at `boundary` has the fate; false if there are fewer. */
async function playUntil(world: AwsWorld, token: string, boundary: number, fate: Fate | 'stop'): Promise<AwsRotationStep | undefined> {
  let calls = 0
  for (const [at, step] of allSteps.entries()) {
    await world.invoke(at, step, token)
    while (world.schedule.waiting.includes(at)) {
      if (calls === boundary && fate !== 'stop') await world.schedule.release(at, fate)
      if (calls === boundary) return step
      await world.schedule.release(at, 'works')
      calls += 1
    }
  }
  return undefined
}

const kinds: readonly [Slots, boolean][] = [
  [1, false],
  [1, true],
  [2, false],
  ['users', true],
]

describe.each(kinds)('a target that keeps %s, and AWS that drops AWSPENDING %s: an invocation', (slots, dropsPending) => {
  const fates: readonly Fate[] = ['dies before', 'dies after', 'fails', 'loses its answer', 'is late']

  test.each(fates)('that %s at any call leaves a working value, and the same step again completes it', async (fate) => {
    let boundaries = 0
    for (let reached: AwsRotationStep | undefined = 'createSecret'; reached !== undefined; boundaries += 1) {
      const world = new AwsWorld(slots, { dropsPending })
      await world.rotate()
      const invariants = new Invariants(world)
      const token = world.begin()
      reached = await playUntil(world, token, boundaries, fate)
      await invariants.check()
      await world.go(token, allSteps.slice(allSteps.indexOf(reached ?? 'finishSecret')))
      await invariants.check()
      for (const late of world.schedule.waiting) await world.schedule.release(late, 'works')
      await invariants.check()
      expect(world.aws.holder('AWSCURRENT')).toBe(token)
      await nextRotation(world)
    }
    expect(boundaries).toBeGreaterThan(20)
  })

  test.each(fates)('that %s at any call, then a new token: the value of that works', async (fate) => {
    for (let boundary = 0, reached: unknown = ''; reached !== undefined; boundary += 1) {
      const world = new AwsWorld(slots, { dropsPending })
      await world.rotate()
      reached = await playUntil(world, world.begin(), boundary, fate)
      world.cancel()
      await nextRotation(world)
      for (const late of world.schedule.waiting) await world.schedule.release(late, 'works')
      expect(world.farSide.accepts(await world.current())).toBe(true)
      await nextRotation(world)
    }
  })

  test('that was stopped at any call, while two rotations pass, and is killed after it, brings nothing back', async () => {
    for (let boundary = 0, reached: unknown = ''; reached !== undefined; boundary += 1) {
      const world = new AwsWorld(slots, { dropsPending })
      await world.rotate()
      reached = await playUntil(world, world.begin(), boundary, 'stop')
      world.cancel()
      for (const _ of [1, 2]) await nextRotation(world)
      const invariants = new Invariants(world)
      for (const stopped of world.schedule.waiting) await world.schedule.release(stopped, 'dies after')
      await invariants.check()
      expect(world.farSide.accepts(await world.current())).toBe(true)
      await nextRotation(world)
    }
  })

  test('in any order of steps, each repeated, sets what it makes current', async () => {
    const orders = fc.array(fc.constantFrom(...allSteps), { maxLength: 8 })
    await fc.assert(
      fc.asyncProperty(orders, async (order) => {
        const world = new AwsWorld(slots, { dropsPending })
        const invariants = new Invariants(world)
        const token = world.begin()
        for (const step of order) {
          await world.go(token, [step]).catch((error: unknown) => expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' }))
          await invariants.check()
          expect(world.farSide.accepts(await world.current()) || slots === 1).toBe(true)
        }
        if (world.aws.holder('AWSCURRENT') === token) expect(world.farSide.accepts(await world.current())).toBe(true)
        await world.go(token)
        expect(world.aws.holder('AWSCURRENT')).toBe(token)
        await nextRotation(world)
      }),
      { numRuns: 100 },
    )
  })
})

type Action =
  | { readonly kind: 'invoke'; readonly step: number; readonly ago: number }
  | { readonly kind: 'go on'; readonly who: number; readonly fate: Fate }
  | { readonly kind: 'cancel' | 'write by hand' | 'go back' | 'refuse' }

const fate = fc.oneof(
  { weight: 12, arbitrary: fc.constant<Fate>('works') },
  { weight: 1, arbitrary: fc.constantFrom<Fate>('fails', 'loses its answer', 'is late', 'dies before', 'dies after') },
)
const actionsOf = (cancels: number): fc.Arbitrary<readonly Action[]> =>
  fc.array(
    fc.oneof(
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('invoke' as const), step: fc.nat(3), ago: fc.nat(1) }) },
      { weight: 14, arbitrary: fc.record({ kind: fc.constant('go on' as const), who: fc.nat(3), fate }) },
      { weight: cancels, arbitrary: fc.record({ kind: fc.constant('cancel' as const) }) },
    ),
    { minLength: 10, maxLength: 120 },
  )
const byHandOf = (fates: fc.Arbitrary<Fate>): fc.Arbitrary<readonly Action[]> =>
  fc.array(
    fc.oneof(
      { weight: 4, arbitrary: fc.record({ kind: fc.constant('invoke' as const), step: fc.nat(3), ago: fc.nat(1) }) },
      { weight: 14, arbitrary: fc.record({ kind: fc.constant('go on' as const), who: fc.nat(3), fate: fates }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('write by hand' as const, 'go back' as const, 'refuse' as const) }) },
    ),
    { minLength: 10, maxLength: 120 },
  )
const numRuns = Number(process.env['FINCHAT_MODEL_RUNS'] ?? 100)

/** Plays a plan. An operator who gives up a rotation takes away what its target may have. */
async function play(world: AwsWorld, plan: readonly Action[], check: () => Promise<void>): Promise<void> {
  const tokens = [world.begin()]
  for (const [at, action] of plan.entries()) {
    if (action.kind === 'cancel') world.cancel()
    if (action.kind === 'write by hand') world.writeByHand()
    if (action.kind === 'go back') world.goBack()
    if (action.kind === 'refuse') world.refusals += 1
    if (world.aws.holder('AWSPENDING') === undefined) tokens.unshift(world.begin())
    if (action.kind === 'invoke') await world.invoke(at, allSteps[action.step] ?? 'createSecret', tokens[action.ago] ?? tokens[0] ?? '')
    const { waiting } = world.schedule
    if (action.kind === 'go on') await world.schedule.release(waiting[action.who % waiting.length] ?? 0, action.fate)
    await check()
  }
}

/** Lets all that was stopped go on. */
async function goOn({ schedule }: AwsWorld, check: () => Promise<void>): Promise<void> {
  while (schedule.waiting.length > 0) {
    await schedule.release(schedule.waiting[0] ?? 0, 'works')
    await check()
  }
}

describe('invocations at once, of several rotations', () => {
  const slots = fc.constantFrom<Slots>(1, 2, 'users')
  const bad = fc.array(fc.boolean(), { minLength: 6, maxLength: 6 })

  test('leave current or pending working, whatever happens to them', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(slots, fc.boolean(), bad, actionsOf(0), async (kept, dropsPending, isBad, plan) => {
        const world = new AwsWorld(kept, { dropsPending, isBad: (number) => isBad[number - 2] === true })
        await world.rotate()
        const invariants = new Invariants(world)
        await play(world, plan, () => invariants.check())
        await nextRotation(world)
        await goOn(world, () => invariants.check())
        await nextRotation(world)
      }),
      { numRuns },
    )
  })

  test('and given up by an operator, leave it to the next rotation to make a working value current', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(slots, fc.boolean(), bad, actionsOf(1), async (kept, dropsPending, isBad, plan) => {
        const world = new AwsWorld(kept, { dropsPending, isBad: (number) => isBad[number - 2] === true })
        await world.rotate()
        await play(world, plan, async () => {})
        await nextRotation(world)
        await goOn(world, async () => {})
        expect(world.farSide.accepts(await world.current())).toBe(true)
        await nextRotation(world)
      }),
      { numRuns },
    )
  })
})

describe('writes by hand and moves to the version before, between any two calls of invocations', () => {
  const slots = fc.constantFrom<Slots>(1, 2, 'users')

  test('are not undone, and current or pending works once all have ended', { timeout: 7_200_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(slots, fc.boolean(), byHandOf(fc.constant('works')), async (kept, dropsPending, plan) => {
        const world = new AwsWorld(kept, { dropsPending })
        await world.rotate()
        await play(world, plan, async () => expect(world.undone).toEqual([]))
        world.refusals = 0
        await goOn(world, async () => expect(world.undone).toEqual([]))
        const [current, pending] = [await world.current(), await world.pending()]
        expect(world.farSide.accepts(current) || (pending !== undefined && world.farSide.accepts(pending))).toBe(true)
        await nextRotation(world)
        expect(world.undone).toEqual([])
      }),
      { numRuns },
    )
  })

  test(
    'are not undone where invocations die, fail or are late, and the next rotation makes a working value current',
    {
      timeout: 7_200_000,
    },
    async () => {
      await fc.assert(
        fc.asyncProperty(slots, fc.boolean(), byHandOf(fate), async (kept, dropsPending, plan) => {
          const world = new AwsWorld(kept, { dropsPending })
          await world.rotate()
          await play(world, plan, async () => expect(world.undone).toEqual([]))
          world.refusals = 0
          await nextRotation(world)
          await goOn(world, async () => {})
          await nextRotation(world)
          expect(world.undone).toEqual([])
        }),
        { numRuns },
      )
    },
  )
})

describe('these tests find', () => {
  test('a target without a fence: a late step sets an old value', async () => {
    const found: boolean[] = []
    for (let boundary = 0, reached: unknown = ''; reached !== undefined; boundary += 1) {
      const world = new AwsWorld(1, { isFenced: false })
      reached = await playUntil(world, world.begin(), boundary, 'stop')
      world.cancel()
      for (const _ of [1, 2]) await nextRotation(world)
      for (const stopped of world.schedule.waiting) await world.schedule.release(stopped, 'dies after')
      found.push(!world.farSide.accepts(await world.current()))
    }
    expect(found).toContain(true)
  })
})
