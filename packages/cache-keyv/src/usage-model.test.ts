import assert from 'node:assert/strict'
import type { SharedUsage, UsageMark, UsageMarks } from '@finchat/secrets-core'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { ScheduledRedis } from './testing/scheduled-redis.ts'
import { timelessUsage } from './testing/timeless-usage.ts'

const start = Date.UTC(2026, 0, 1)
beforeEach(() => void vi.useFakeTimers({ now: start, toFake: ['Date', 'performance', 'setTimeout', 'clearTimeout'] }))
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

const path = { sharedAs: 'store', path: 'db' }
const dayMs = 86_400_000
const reader = 0

/** What a process knows that it registered. */
interface Registered {
  readonly since: number
  readonly version: number
}

interface Call {
  readonly controller: AbortController
  isOver: boolean
}

/** One server, and processes whose every command waits for the schedule. */
class UsageWorld {
  readonly redis = new ScheduledRedis()
  readonly #processes: readonly SharedUsage[]
  /** Acknowledged, and not replaced since. */
  readonly #registered = new Map<number, Registered>()
  readonly #calls = new Map<number, Call>()
  #count = 0
  readonly failures: unknown[] = []
  /** Of all reads. */
  readonly completeSince: Set<number | undefined> = new Set()

  constructor(processes: number) {
    this.#processes = Array.from({ length: processes + 1 }, (_, n) => timelessUsage(this.redis.client(n)))
  }

  #snapshot: ScheduledRedis['held'] = new Map()

  save(): void {
    this.#snapshot = new Map(this.redis.held)
  }

  /** With the last snapshot: what was written since is forgotten. */
  restart(): void {
    this.redis.restart(this.#snapshot)
  }

  begin(process: number, work: (usage: SharedUsage, call: Call) => Promise<void>): void {
    const usage = this.#processes[process]
    if (usage === undefined || this.#calls.has(process)) return
    const call: Call = { controller: new AbortController(), isOver: false }
    this.#calls.set(process, call)
    work(usage, call)
      .catch((error: unknown) => (call.controller.signal.aborted ? undefined : this.failures.push(error)))
      .finally(() => {
        if (this.#calls.get(process) === call) this.#calls.delete(process)
      })
  }

  register(process: number, version: number): void {
    this.begin(process, (usage, call) => this.#register(process, version, usage, call))
  }

  /** As the core does it, every half a minute. */
  beat(process: number): void {
    const known = this.#registered.get(process)
    if (known === undefined) return
    this.begin(process, async (usage, call) => {
      const isThere = await usage.seen(path, String(process), call.controller)
      if (!isThere && !call.controller.signal.aborted) await this.#register(process, known.version, usage, call)
    })
  }

  /** Its deadline is over: it goes on without the answer, and what it sent may still happen. */
  giveUp(process: number): void {
    this.#calls.get(process)?.controller.abort()
    this.#calls.delete(process)
  }

  /** `isNew`: by a process that looks for the first time. */
  read(isNew = false): void {
    this.begin(reader, async (known, { controller }) => {
      const usage = isNew ? timelessUsage(this.redis.client(reader)) : known
      const before = new Map(this.#registered)
      const found = await usage.read(path, controller)
      if (before.size > 0) this.completeSince.add(found?.completeSince)
      if (found !== undefined) this.#assertComplete(found, before)
    })
  }

  #assertComplete({ completeSince, marks }: UsageMarks, before: ReadonlyMap<number, Registered>): void {
    for (const [process, registered] of before) {
      const isUnchanged = this.#registered.get(process) === registered && !this.#calls.has(process)
      if (!isUnchanged || completeSince === undefined || registered.since < completeSince) continue
      const mark = marks.find((each) => each.process === String(process))
      assert.ok(mark !== undefined, `the mark of ${process} is missing, though marks are complete since before it`)
      assert.deepEqual(mark.uses, [{ version: registered.version }], `the mark of ${process} is an old one`)
    }
  }

  async #register(process: number, version: number, usage: SharedUsage, { controller }: Call): Promise<void> {
    this.#registered.delete(process)
    const since = Date.now()
    const mark: UsageMark = { process: String(process), count: (this.#count += 1), host: 'h', since, uses: [{ version }] }
    await usage.register(path, mark, controller)
    if (!controller.signal.aborted) this.#registered.set(process, { since, version })
  }

  async step(process: number): Promise<void> {
    this.redis.run(process)
    vi.advanceTimersByTime(1)
    await new Promise((resolve) => setImmediate(resolve))
  }

  /** Lets these go on until they wait for nothing. */
  async settle(processes: readonly number[]): Promise<void> {
    for (let steps = 0; steps < 5_000; steps += 1) {
      if (!processes.some((process) => this.#calls.has(process))) return
      for (const process of processes) await this.step(process)
      vi.advanceTimersByTime(50)
    }
    throw new Error('it does not end')
  }
}

const processes = 4

/** Each run is the same for the same events. */
function newWorld(): UsageWorld {
  vi.spyOn(Math, 'random').mockReturnValue(0.5)
  vi.clearAllTimers()
  vi.setSystemTime(start)
  return new UsageWorld(processes)
}

/** No shrinking: it would take minutes. The report has the seed, and the events of the failure. */
const limits = { endOnFailure: true, interruptAfterTimeLimit: 60_000 }
const who = fc.integer({ min: 1, max: processes })
const anyone = fc.integer({ min: 0, max: processes })

type Event = readonly [
  kind: 'register' | 'beat' | 'read' | 'step' | 'giveUp' | 'flush' | 'evict' | 'week' | 'save' | 'restart',
  who: number,
  version: number,
]

const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 30, arbitrary: fc.tuple(fc.constant('step' as const), anyone, fc.integer({ min: 1, max: 12 })) },
  { weight: 6, arbitrary: fc.tuple(fc.constant('register' as const), who, fc.integer({ min: 1, max: 3 })) },
  { weight: 3, arbitrary: fc.tuple(fc.constant('beat' as const), who, fc.constant(0)) },
  { weight: 4, arbitrary: fc.tuple(fc.constant('read' as const), fc.constant(reader), fc.nat(1)) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('giveUp' as const), who, fc.constant(0)) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('flush' as const), fc.constant(0), fc.constant(0)) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('week' as const), fc.constant(0), fc.constant(0)) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('save' as const), fc.constant(0), fc.constant(0)) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('restart' as const), fc.constant(0), fc.constant(0)) },
)

async function play(world: UsageWorld, [kind, process, number]: Event): Promise<void> {
  if (kind === 'register') world.register(process, number)
  if (kind === 'beat') world.beat(process)
  if (kind === 'read') world.read(number === 1)
  if (kind === 'save') world.save()
  if (kind === 'restart') world.restart()
  if (kind === 'giveUp') world.giveUp(process)
  if (kind === 'flush') world.redis.held.clear()
  if (kind === 'evict') world.redis.held.delete([...world.redis.held.keys()][number % Math.max(world.redis.held.size, 1)] ?? '')
  if (kind === 'week') vi.setSystemTime(Date.now() + 8 * dayMs) // without a deadline that passes
  for (let n = 0; n < (kind === 'step' ? number : 1); n += 1) await world.step(process)
}

async function readNow(world: UsageWorld): Promise<void> {
  await world.settle([reader])
  for (const isNew of [false, true]) {
    world.read(isNew)
    await world.settle([reader])
  }
}

describe('usage marks over a server that is slow, forgets, starts again, and gets commands late', () => {
  test('are never read without one that was made since they are complete', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(event, { minLength: 20, maxLength: 100 }),
        fc.option(fc.tuple(fc.nat(100), fc.nat(30))),
        async (events, evicted) => {
          const world = newWorld()
          for (const [n, each] of events.entries()) {
            if (n === evicted?.[0]) await play(world, ['evict', 0, evicted[1]])
            await play(world, each)
            expect(world.failures).toEqual([])
          }
          await readNow(world)
          expect(world.failures).toEqual([])
        },
      ),
      { ...limits, numRuns: 1_500 },
    )
  })

  test('are complete since the first one, as long as the server forgets nothing', { timeout: 120_000 }, async () => {
    const kept = event.filter(([kind]) => !['flush', 'week', 'restart'].includes(kind))
    await fc.assert(
      fc.asyncProperty(fc.array(kept, { minLength: 20, maxLength: 100 }), async (events) => {
        const world = newWorld()
        for (const each of events) await play(world, each)
        await readNow(world)
        expect([world.failures, world.completeSince.has(undefined)]).toEqual([[], false])
        expect(world.completeSince.size).toBeLessThan(2)
      }),
      { ...limits, numRuns: 500 },
    )
  })

  test('are all there after each process has looked again', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(event, { minLength: 10, maxLength: 60 }), async (events) => {
        const world = newWorld()
        for (const each of events) await play(world, each)
        const all = Array.from({ length: processes }, (_, n) => n + 1)
        await world.settle(all)
        for (let round = 0; round < 3; round += 1) {
          for (const process of all) world.beat(process)
          await world.settle(all)
        }
        await readNow(world)
        expect(world.failures).toEqual([])
      }),
      { ...limits, numRuns: 300 },
    )
  })
})
