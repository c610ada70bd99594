import assert from 'node:assert/strict'
import type { SecretValue } from '@finchat/secrets-core'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { fleet, type Fleet, firstOfFleet, toldWithinMs } from '../testing/fleet.ts'
import { FarSide } from '../testing/rotation-world.ts'
import { retirePrevious } from './retire-previous.ts'
import { rotate } from './rotate.ts'
import type { RetireOptions } from './rotate-options.ts'
import { rotationStatus } from './rotation-status.ts'

beforeEach(() => void vi.useFakeTimers({ now: Date.UTC(2026, 0, 1) }))
afterEach(() => void vi.useRealTimers())

type Member = ReturnType<Fleet['member']>

/** A process, and the value that it has in hand. */
interface Process {
  readonly member: Member
  inHand: SecretValue | undefined
  /** Stopped, or killed: it may never go on. */
  isStopped: boolean
}

const size = 4
type Event = readonly [kind: 'take' | 'takePrevious' | 'stop' | 'goOn' | 'close' | 'rotate' | 'retire' | 'pass', who: number]
const event: fc.Arbitrary<Event> = fc.tuple(
  fc.constantFrom('take', 'take', 'take', 'takePrevious', 'stop', 'goOn', 'close', 'rotate', 'retire', 'retire', 'pass'),
  fc.nat(size - 1),
)

/** Processes that keep what they took, and a rotator that withdraws what nobody uses. */
class World {
  readonly fleet: Fleet = fleet()
  readonly far: FarSide = new FarSide(2)
  readonly processes: Process[] = Array.from({ length: size }, () => this.#made())
  retired = 0

  #made(): Process {
    return { member: this.fleet.member(), inHand: undefined, isStopped: false }
  }

  /** Marks are kept before version 2 is current, and version 1 is withdrawn. */
  async begin(): Promise<void> {
    const first = this.fleet.member()
    await first.take()
    await first.secrets.close()
    await vi.advanceTimersByTimeAsync(120_000)
    this.far.passwords = [firstOfFleet]
    await rotate(this.fleet.rotator, 'db', { ...this.#options(), generate: () => 'the second', force: true })
    await retirePrevious(this.fleet.rotator, 'db', { ...this.#options(), force: true })
  }

  async take(process: Process, version?: 'previous'): Promise<void> {
    const { secrets, use } = process.member
    const value = await secrets.getSecretValue('db', { fresh: true, version }).catch(() => undefined)
    if (value === undefined) return
    await use.uses(value, ...(process.inHand === undefined ? [] : [process.inHand])) // before the login
    process.inHand = value
    await use.uses(value)
    await vi.advanceTimersByTimeAsync(toldWithinMs)
  }

  async play([kind, who]: Event): Promise<void> {
    const process = this.processes[who]
    if (process === undefined) throw new Error('there are as many')
    if (kind === 'stop') process.isStopped = true
    if (kind === 'goOn') process.isStopped = false
    if (kind === 'pass') await vi.advanceTimersByTimeAsync(120_000)
    if (kind === 'rotate')
      await rotate(this.fleet.rotator, 'db', { ...this.#options(), generate: () => `password ${Math.random()}` }).catch(() => {})
    if (kind === 'retire' && (await retirePrevious(this.fleet.rotator, 'db', this.#options())).outcome === 'retired') this.retired += 1
    if (process.isStopped) return
    if (kind === 'take') await this.take(process)
    if (kind === 'takePrevious') await this.take(process, 'previous')
    if (kind !== 'close') return
    await process.member.secrets.close()
    this.processes[who] = this.#made()
  }

  #options(): RetireOptions {
    return { target: this.far.target, graceSeconds: 0, whenUnused: true }
  }

  /** Whoever has a value in hand can log in with it, though it is stopped for now. */
  async check(): Promise<void> {
    const { verdict, current, users } = await rotationStatus(this.fleet.rotator, 'db')
    const inHand = this.processes.flatMap((process) => process.inHand ?? [])
    const old = inHand.filter(({ revision }) => revision !== current.revision)
    assert.ok(verdict !== 'safe' || old.length === 0, 'said to be safe while a process has the former value in hand')
    assert.equal(users.length, verdict === 'nothing' ? 0 : old.length)
  }
}

describe('a rotator that withdraws what nobody uses', () => {
  test('locks nobody out, whatever processes do', { timeout: 120_000 }, async () => {
    let retired = 0
    await fc.assert(
      fc.asyncProperty(fc.array(event, { minLength: 10, maxLength: 40 }), async (events) => {
        const world = new World()
        await world.begin()
        for (const each of events) {
          const before = world.processes.flatMap(({ inHand }) => (inHand && world.far.accepts(inHand.reveal()) ? inHand : []))
          await world.play(each)
          await world.check()
          if (each[0] === 'close' || each[0] === 'take' || each[0] === 'takePrevious') continue
          for (const value of before) expect(world.far.accepts(value.reveal())).toBe(true)
        }
        retired += world.retired
      }),
      { numRuns: 100 },
    )
    expect(retired).toBeGreaterThan(10)
  })
})
