import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { CostFleet, type Phase, type Schedule } from './testing/cost-fleet.ts'
import { type Lie, lies } from './testing/lying-store.ts'
import { onOwnClocks } from './testing/own-clocks.ts'

onOwnClocks()

/** Calls to the store of one fleet over the schedule. Rejects if an answer is too old. */
async function callsOf(schedule: Schedule, hasSharedCache: boolean): Promise<number> {
  vi.spyOn(process, 'emitWarning').mockReturnValue()
  const fleet = new CostFleet(schedule, hasSharedCache)
  await fleet.run(schedule.phases)
  const { calls } = fleet
  await fleet.end()
  return calls
}

/** A change may cost each process one call: it shows at once. */
async function assertNoDearer(...schedules: readonly Schedule[]): Promise<void> {
  let [most, shared] = [0, 0]
  for (const schedule of schedules) {
    const changes = schedule.phases.filter(({ event }) => event !== 'none').length
    most += 1.2 * (await callsOf(schedule, false)) + changes * schedule.skewsMs.length
    shared += await callsOf(schedule, true)
  }
  expect(shared).toBeLessThanOrEqual(most)
}

const quiet = { event: 'none', by: 0 } as const
const halfAnHour = 1_800

test.each(lies)('a shared cache that does this costs no more calls to the store than none: it %s', (lie) =>
  assertNoDearer({
    skewsMs: [0, 0, 0],
    hasVersions: false,
    phases: [
      { ...quiet, lie: 'honest', seconds: 300 },
      { ...quiet, lie, seconds: halfAnHour },
    ],
  }),
)

test.each([30_000, -30_000, 600_000, -600_000])(
  'a process whose clock is %d ms ahead costs no more calls to the store than without a shared cache',
  (skewMs) => assertNoDearer({ skewsMs: [0, skewMs, 0], hasVersions: true, phases: [{ ...quiet, lie: 'honest', seconds: halfAnHour }] }),
)

/** Those that concern marks. */
const markLies: readonly Lie[] = ['honest', 'loses', 'replays', 'returns', 'keeps', 'fails']

test.each(markLies)('in an outage of the store a shared cache costs no more, and its end shows as soon as without one: it %s', (lie) =>
  assertNoDearer({
    skewsMs: [0, 0, 0],
    hasVersions: true,
    phases: [
      { ...quiet, lie: 'honest', seconds: 60 },
      { event: 'outage', by: 0, lie, seconds: 420 },
      { ...quiet, lie, seconds: 240 },
    ],
  }),
)

const anyLie = fc.constantFrom(...lies)
const anyEvent = fc.constantFrom<Phase['event']>('none', 'none', 'none', 'write', 'change elsewhere', 'restart', 'fresh read')
const anySkews = fc.oneof(
  fc.constant([0, 0, 0]),
  fc.array(fc.constantFrom(0, 30_000, -30_000, 600_000, -600_000), { minLength: 1, maxLength: 3 }),
)

function anySchedule(lie: fc.Arbitrary<Lie>, event: fc.Arbitrary<Phase['event']>, longest: number): fc.Arbitrary<Schedule> {
  const phase = fc.record({ lie, seconds: fc.integer({ min: 10, max: longest }), event, by: fc.nat(2) })
  return fc.record({ skewsMs: anySkews, hasVersions: fc.boolean(), phases: fc.array(phase, { minLength: 2, maxLength: 8 }) })
}

test('whatever the cache server and the clocks do, a shared cache costs no more, and no answer is older than its TTL and a minute', async () => {
  const property = fc.asyncProperty(anySchedule(anyLie, anyEvent, 600), (one) => assertNoDearer(one))
  await expect(fc.assert(property, { numRuns: 8 })).resolves.toBeUndefined()
})

/**
 * Together, since one outage costs a process up to twice as much if the last refresh was early: its
 * value is stale for so much longer, and random waits decide when it was.
 */
test('whatever the cache server and the clocks do, a shared cache costs no more over a dozen outages', async () => {
  const outages = fc.array(anySchedule(anyLie, fc.oneof(fc.constant('outage' as const), anyEvent), 600), { minLength: 12, maxLength: 12 })
  await expect(
    fc.assert(
      fc.asyncProperty(outages, (all) => assertNoDearer(...all)),
      { numRuns: 1 },
    ),
  ).resolves.toBeUndefined()
})

test('whatever the clocks do, a write shows in every process within `recheckSeconds`', async () => {
  const writes = anySchedule(fc.constant('honest'), fc.constantFrom('write', 'write', 'restart'), 60)
  await expect(
    fc.assert(
      fc.asyncProperty(writes, async (schedule) => void (await callsOf(schedule, true))),
      { numRuns: 20 },
    ),
  ).resolves.toBeUndefined()
})
