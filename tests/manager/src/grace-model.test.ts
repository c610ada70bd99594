import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { createSecretsManager, type SecretProvider, type SecretsManager, type StoredSecret } from '@finchat/secrets-core'
import { memoryAuditTrail, memorySharedCache, type MemoryAuditTrail } from '@finchat/secrets-testkit'
import fc from 'fast-check'
import { afterEach, beforeEach, it, vi } from 'vitest'

const start = 1_800_000_000_000
const second = 1_000
const graceMs = 600 * second
const processes = 50

/** The clock of the running process; timers and the monotonic clock are those of all. */
const clock = new AsyncLocalStorage<{ aheadMs: number }>()

beforeEach(() => {
  vi.useFakeTimers({ now: start })
  vi.spyOn(process, 'emitWarning').mockReturnValue()
  const now = Date.now
  vi.spyOn(Date, 'now').mockImplementation(() => now() + (clock.getStore()?.aheadMs ?? 0))
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

/** What the store of a process gave it, and when it did so last, by both clocks. */
interface Given {
  readonly value: string
  /** How far the clock was ahead at the read that was furthest ahead. */
  mostAheadMs: number
  at: number
  wall: number
}

interface Process {
  readonly secrets: SecretsManager
  readonly audit: MemoryAuditTrail
  readonly clock: { aheadMs: number }
  readonly given: Given[]
}

type Fleet = 'alone' | 'digests' | 'values'
type Told = 'nothing' | 'currentSince' | 'currentNotBefore'

/** A store whose secret another rotates, and processes that verify it. */
class World {
  readonly #processes: readonly Process[]
  readonly #told: Told
  readonly #fleet: Fleet
  #generation = 0
  #rotatedAt = start
  /** When each value was replaced, by the monotonic clock. */
  readonly #endedAt = new Map<string, number>()

  constructor(aheadMs: readonly number[], fleet: Fleet, told: Told) {
    this.#told = told
    this.#fleet = fleet
    const shared = memorySharedCache()
    this.#processes = aheadMs.map((ahead, index) => {
      const given: Given[] = []
      const cache = { ttlSeconds: 60 + 20 * (index % 20), ...(fleet !== 'alone' && { shared: shared.anotherProcess() }) }
      const audit = memoryAuditTrail()
      const secrets = createSecretsManager({ providers: [this.#provider(given, fleet)], cache, audit })
      return { secrets, audit, clock: { aheadMs: ahead }, given }
    })
  }

  rotate(): void {
    this.#endedAt.set(this.#value(0), performance.now())
    this.#generation += 1
    this.#rotatedAt = start + performance.now()
  }

  setClock(by: number, aheadMs: number): void {
    const each = this.#processes[by]
    if (each !== undefined) each.clock.aheadMs = aheadMs
  }

  /** Presents a value of so many rotations ago. */
  async verify(by: number, ago: number): Promise<void> {
    const each = this.#processes[by]
    const value = this.#value(ago)
    if (each === undefined) return
    const options = { acceptPreviousForSeconds: graceMs / second }
    await clock.run(each.clock, () => each.secrets.verifySecret('token', value, options))
    const { matched } = each.audit.events().at(-1) ?? {}
    if (matched === 'previous') this.#assertInTime(each, value)
    else if (matched === 'none') this.#assertNotPromised(each, value)
  }

  async end(): Promise<void> {
    await Promise.all(this.#processes.map(({ secrets }) => secrets.close()))
  }

  /** A time that the store tells is shifted by the clock that read it, at most by that furthest ahead. */
  #assertInTime({ given }: Process, value: string): void {
    const aheadMs = this.#told === 'nothing' ? 0 : Math.min(0, given.at(-1)?.mostAheadMs ?? 0)
    const endedAt = this.#endedAt.get(value) ?? Infinity
    assert.ok(performance.now() - endedAt + aheadMs <= graceMs, 'a former value is accepted after its grace')
  }

  #assertNotPromised({ given, clock: { aheadMs } }: Process, value: string): void {
    // Shared values were given to another process, which this one does not know by itself.
    if (this.#fleet === 'values') return
    const [former, current] = [given.at(-2), given.at(-1)]
    assert.notEqual(value, current?.value, 'the current value is refused')
    if (this.#told === 'currentSince' || value !== former?.value) return
    const ageMs = Math.max(performance.now() - former.at, start + performance.now() + aheadMs - former.wall)
    assert.ok(ageMs > graceMs, 'a value is refused within its grace')
  }

  #value(ago: number): string {
    return `value ${this.#generation - ago}`
  }

  #provider(given: Given[], fleet: Fleet): SecretProvider {
    const get = async (): Promise<StoredSecret> => {
      const value = this.#value(0)
      const now = { at: performance.now(), wall: Date.now() }
      const last = given.at(-1)
      const mostAheadMs = now.wall - start - now.at
      if (last?.value === value) Object.assign(last, { ...now, mostAheadMs: Math.max(last.mostAheadMs, mostAheadMs) })
      else given.push({ value, mostAheadMs, ...now })
      return { value, ...(this.#told !== 'nothing' && this.#generation > 0 && { [this.#told]: this.#rotatedAt }) }
    }
    const shared = fleet === 'values' ? { sharedAs: 'fleet' } : { graceSharedAs: 'fleet' }
    return { specificationVersion: 'v1', name: 'store', ...shared, get }
  }
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
    if (kind === 'rotate') world.rotate()
    else if (kind === 'pass') await vi.advanceTimersByTimeAsync(first)
    else if (kind === 'clock') world.setClock(first, other)
    else await world.verify(first, other)
  }
  await world.end()
}

const worlds = (['alone', 'digests', 'values'] as const).flatMap((fleet) =>
  (['nothing', 'currentSince', 'currentNotBefore'] as const).map((told) => [fleet, told] as const),
)

it.each(worlds)(
  'a former value is accepted as long as promised, and never longer (fleet: %s, the store tells %s)',
  { timeout: 120_000 },
  async (fleet, told) => {
    const clocks = fc.array(aheadMs, { minLength: processes, maxLength: processes })
    await fc.assert(
      fc.asyncProperty(clocks, fc.array(step, { maxLength: 120, size: 'max' }), async (ahead, steps) => {
        vi.setSystemTime(start)
        await play(new World(ahead, fleet, told), steps)
      }),
      { numRuns: 50 },
    )
  },
)
