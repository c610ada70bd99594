import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { createSecretsManager, type SecretProvider, type SecretsManager, type SharedCache, type StoredSecret } from '@finchat/secrets-core'
import { memoryAuditTrail, memorySharedCache, type MemoryAuditTrail, type MemorySharedCache } from '@finchat/secrets-testkit'
import fc from 'fast-check'
import { afterEach, beforeEach, it, vi } from 'vitest'

const start = 1_800_000_000_000
const second = 1_000
const graceMs = 600 * second
const processes = 50
/** As `keyvCache` has it: what was written further in the future is a miss. */
const toleranceMs = 5 * second

/** The clock of the running process; timers and the monotonic clock are those of all. */
const clock = new AsyncLocalStorage<{ aheadMs: number }>()

beforeEach(() => void vi.spyOn(process, 'emitWarning').mockReturnValue())
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

/** Both clocks begin anew, or each run would begin with the monotonic clock further ahead of the wall clock. */
function resetClocks(): void {
  vi.useRealTimers()
  vi.useFakeTimers({ now: start })
  const { now } = Date
  Date.now = () => now() + (clock.getStore()?.aheadMs ?? 0)
}

/** By both clocks of a process. */
interface Moment {
  readonly at: number
  readonly wall: number
}

const present = (): Moment => ({ at: performance.now(), wall: Date.now() })
const older = (one: Moment, other: Moment): Moment => ({ at: Math.min(one.at, other.at), wall: Math.min(one.wall, other.wall) })
const ageOf = ({ at, wall }: Moment): number => Math.max(performance.now() - at, Date.now() - wall)

/** What a process knows of one value: when its store gave it, and the store's time of it by this clock. */
interface Given {
  readonly generation: number
  readonly first: Moment
  last: Moment
  told: Moment
  /** How far the clock was ahead when the time was read, at most and at least. */
  readonly aheadMs: { most: number; least: number }
}

interface Process {
  readonly secrets: SecretsManager
  readonly audit: MemoryAuditTrail
  readonly clock: { aheadMs: number }
  /** In the order in which the store gave them. */
  readonly given: Given[]
  /** Brought by the shared cache too. */
  readonly known: Map<number, Given>
}

const fleets = ['alone', 'digests', 'values'] as const
const times = ['nothing', 'currentSince', 'currentNotBefore'] as const

interface Setting {
  readonly fleet: (typeof fleets)[number]
  readonly told: (typeof times)[number]
  readonly keeps: 'no versions' | 'numbered versions' | 'the previous version'
}

/** A store whose secret another rotates, and processes that verify it. */
class World {
  readonly #aheadMs: readonly number[]
  readonly #setting: Setting
  readonly #shared = memorySharedCache()
  readonly #processes = new Map<number, Process>()
  /** When each generation became current, by the monotonic clock. */
  readonly #rotatedAt = [-Infinity]

  constructor(aheadMs: readonly number[], setting: Setting) {
    this.#aheadMs = aheadMs
    this.#setting = setting
  }

  /** Not in the millisecond of a read, which no one could put in order. */
  async rotate(): Promise<void> {
    await vi.advanceTimersByTimeAsync(1)
    this.#rotatedAt.push(performance.now())
  }

  setClock(by: number, aheadMs: number): void {
    this.#process(by).clock.aheadMs = aheadMs
  }

  /** Presents a value of so many rotations ago. */
  async verify(by: number, ago: number): Promise<void> {
    const each = this.#process(by)
    const generation = this.#generation - ago
    await clock.run(each.clock, async () => {
      await each.secrets.verifySecret('token', valueOf(generation), { acceptPreviousForSeconds: graceMs / second })
      const { matched } = each.audit.events().at(-1) ?? {}
      if (matched === 'previous') this.#assertInTime(each, generation)
      else if (matched === 'none') this.#assertNotPromised(each, generation)
    })
  }

  async end(): Promise<void> {
    await Promise.all([...this.#processes.values()].map(({ secrets }) => secrets.close()))
  }

  get #generation(): number {
    return this.#rotatedAt.length - 1
  }

  #process(by: number): Process {
    const known = this.#processes.get(by) ?? this.#started(by)
    this.#processes.set(by, known)
    return known
  }

  #started(by: number): Process {
    const parts = { clock: { aheadMs: this.#aheadMs[by] ?? 0 }, given: [], known: new Map() }
    const shared = this.#setting.fleet !== 'alone' && { shared: this.#observed(this.#shared.anotherProcess(), parts) }
    const audit = memoryAuditTrail()
    const cache = { ttlSeconds: 60 + 20 * (by % 20), ...shared }
    return { ...parts, audit, secrets: createSecretsManager({ providers: [this.#provider(parts)], cache, audit }) }
  }

  #observed(shared: MemorySharedCache, parts: Pick<Process, 'known'>): SharedCache {
    const read: SharedCache['read'] = async (key, context) => {
      const answer = await shared.read(key, context)
      if ('hit' in answer && (answer.askedAt ?? 0) > Date.now() + toleranceMs) return { leaseToken: {} }
      if ('hit' in answer && key.version === undefined) this.#note(parts, Number(String(answer.hit.value).slice(valueOf('').length)))
      return answer
    }
    return { ...shared, read }
  }

  #provider(parts: Pick<Process, 'given' | 'known'>): SecretProvider {
    const { fleet, keeps } = this.#setting
    const get = async (): Promise<StoredSecret> => {
      const last = parts.given.at(-1)
      const now = this.#note(parts, this.#generation)
      if (last?.generation !== now.generation) parts.given.push(now)
      now.last = present()
      return this.#stored(this.#generation)
    }
    const getVersion = async (_: string, version: unknown): Promise<StoredSecret | undefined> => {
      const generation = version === 'previous' ? this.#generation - 1 : Number(version) - 1
      return generation < 0 ? undefined : this.#stored(generation)
    }
    const sharing = fleet === 'values' ? { sharedAs: 'fleet' } : { graceSharedAs: 'fleet' }
    return { specificationVersion: 'v1', name: 'store', ...sharing, get, ...(keeps !== 'no versions' && { getVersion }) }
  }

  #stored(generation: number): StoredSecret {
    const { told, keeps } = this.#setting
    const time = told !== 'nothing' && generation > 0 && { [told]: this.#timeOf(generation) }
    return { value: valueOf(generation), ...(keeps === 'numbered versions' && { version: generation + 1 }), ...time }
  }

  /** By the store's clock, which is right. */
  #timeOf(generation: number): number {
    return start + (this.#rotatedAt[generation] ?? 0)
  }

  /** A process learns of a value and of the store's time of it. */
  #note({ known }: Pick<Process, 'known'>, generation: number): Given {
    const now = present()
    const aheadMs = now.wall - start - now.at
    const time = this.#timeOf(generation)
    const told = { at: now.at - Math.max(0, now.wall - time), wall: time }
    const given = known.get(generation) ?? { generation, first: now, last: now, told, aheadMs: { most: aheadMs, least: aheadMs } }
    given.told = older(given.told, told)
    given.aheadMs.most = Math.max(given.aheadMs.most, aheadMs)
    given.aheadMs.least = Math.min(given.aheadMs.least, aheadMs)
    known.set(generation, given)
    return given
  }

  #assertInTime(by: Process, generation: number): void {
    const endedAt = this.#rotatedAt[generation + 1] ?? Infinity
    const lateMs = performance.now() - endedAt - graceMs
    assert.ok(lateMs <= this.#allowedMs(by, generation + 1, endedAt), `a former value is accepted ${lateMs} ms after its grace`)
  }

  /** Only a told time can be late: by how far this clock was behind, then and now, and until the first read. */
  #allowedMs({ known, clock: { aheadMs } }: Process, successor: number, endedAt: number): number {
    const { keeps, told, fleet } = this.#setting
    const given = known.get(successor)
    if (keeps === 'no versions' || told === 'nothing' || given === undefined) return 0
    // Of what the shared cache brings, not all is used.
    if (fleet === 'values') return Math.max(0, -Math.max(given.aheadMs.least, aheadMs))
    return Math.max(0, Math.min(-Math.max(given.aheadMs.most, aheadMs), given.first.at - endedAt))
  }

  #assertNotPromised({ given }: Process, generation: number): void {
    const { keeps, told, fleet } = this.#setting
    // Shared values were given to another process, which this one does not know by itself.
    if (fleet === 'values') return
    const [former, current] = [given.at(-2), given.at(-1)]
    assert.notEqual(generation, current?.generation, 'the current value is refused')
    const isKept = keeps !== 'no versions'
    if (current === undefined || generation !== (isKept ? current.generation - 1 : former?.generation)) return
    const isToldWithin = isKept && told !== 'nothing' && ageOf(current.told) <= graceMs
    const isSeenWithin = former !== undefined && !(isKept && told === 'currentSince') && ageOf(former.last) <= graceMs
    assert.ok(!isToldWithin && !isSeenWithin, 'a value is refused within its grace')
  }
}

function valueOf(generation: number | string): string {
  return `value ${generation}`
}

type Step = readonly ['rotate'] | readonly ['pass', number] | readonly ['verify', number, number] | readonly ['clock', number, number]

const aheadMs = fc.integer({ min: -3_600 * second, max: 3_600 * second })
/** Mostly two of them, so that much happens to one. */
const someProcess = fc.oneof({ weight: 3, arbitrary: fc.nat(1) }, { weight: 1, arbitrary: fc.nat(processes - 1) })
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 1, arbitrary: fc.constant(['rotate'] as const) },
  { weight: 3, arbitrary: fc.tuple(fc.constant('pass' as const), fc.integer({ min: 1, max: 400 * second })) },
  { weight: 8, arbitrary: fc.tuple(fc.constant('verify' as const), someProcess, fc.oneof(fc.nat(1), fc.nat(3))) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('clock' as const), someProcess, aheadMs) },
)

async function play(world: World, steps: readonly Step[]): Promise<void> {
  for (const [kind, first = 0, other = 0] of steps) {
    if (kind === 'rotate') await world.rotate()
    else if (kind === 'pass') await vi.advanceTimersByTimeAsync(first)
    else if (kind === 'clock') world.setClock(first, other)
    else await world.verify(first, other)
  }
  await world.end()
}

const settings: readonly Setting[] = times.flatMap((told) => [
  ...fleets.map((fleet) => ({ fleet, told, keeps: 'no versions' }) as const),
  { fleet: 'alone', told, keeps: 'numbered versions' } as const,
  { fleet: 'values', told, keeps: 'numbered versions' } as const,
  { fleet: 'alone', told, keeps: 'the previous version' } as const,
])

it.each(settings)(
  'a former value is accepted as long as promised, and never longer ($fleet; the store tells $told, keeps $keeps)',
  { timeout: 120_000 },
  async (setting) => {
    const clocks = fc.array(aheadMs, { minLength: processes, maxLength: processes })
    await fc.assert(
      fc.asyncProperty(clocks, fc.array(step, { maxLength: 120, size: 'max' }), async (ahead, steps) => {
        resetClocks()
        await play(new World(ahead, setting), steps)
      }),
      { numRuns: 50 },
    )
  },
)
