import assert from 'node:assert/strict'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { CircuitBreaker } from '../guard/circuit-breaker.ts'
import { ProviderCache } from './provider-cache.ts'
import type { StoredSecret } from '../contract/provider.ts'
import type { Found, ReadMode } from './single-flight.ts'
import { isOutage, isWithdrawal } from '../errors/error-classes.ts'
import { SecretsError } from '../errors/secrets-error.ts'
import { Zeroizer } from '../value/zeroizer.ts'
import { tracing } from '../observe/trace-channels.ts'

const ttlMs = 10_000
const maxStaleMs = 8_000
const clockToleranceMs = 1_000
const joinableMs = 1_250
const deadlineMs = 5_000

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }))
afterEach(() => vi.useRealTimers())

const codes = ['UNAVAILABLE', 'RATE_LIMITED', 'PERMISSION_DENIED', 'DELETED', 'INTERNAL'] as const
type Answer = 'value' | 'missing' | (typeof codes)[number]

/** One call that the store got. Its number is the value that it answers with. */
interface Call {
  readonly number: number
  readonly path: string
  readonly isFresh: boolean
  readonly at: number
  readonly land: (answer: Answer) => void
  isUnderWay: boolean
  /** The path was written since, or a call begun later was answered: it is not joined and keeps nothing. */
  isOutdated: boolean
  /** It took so long that another one was made, whatever the clock says now. */
  isOld: boolean
}

type Step =
  | { readonly do: 'read'; readonly path: string; readonly mode: ReadMode }
  | { readonly do: 'land'; readonly which: number; readonly answer: Answer }
  | { readonly do: 'write'; readonly path: string }
  | { readonly do: 'peek'; readonly path: string }
  | { readonly do: 'wait'; readonly ms: number }
  /** The clock is set, or the process was frozen: no timer runs meanwhile. */
  | { readonly do: 'jump'; readonly ms: number }

const anyPath = fc.constantFrom('a', 'b')
const anyAnswer = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Answer>('value') },
  fc.constant<Answer>('missing'),
  fc.constantFrom<Answer>(...codes),
)
const anyStep = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('read' as const),
      path: anyPath,
      mode: fc.constantFrom<ReadMode>('cached', 'cached', 'cached', 'fresh', 'volatile'),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('land' as const), which: fc.nat(5), answer: anyAnswer }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('write' as const), path: anyPath }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('peek' as const), path: anyPath }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('jump' as const),
      ms: fc.constantFrom(-31_536_000_000, -3_600_000, -1_001, -600, 9_000, 17_000, 3_600_000, 31_536_000_000),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.oneof(fc.integer({ min: 1, max: 700 }), fc.constantFrom(1_000, 8_000, 10_000, 18_000)),
    }),
  },
)

/** A store whose calls end on demand, its cache, and what must be true of every answer. */
class World {
  readonly calls: Call[] = []
  readonly reads: Promise<void>[] = []
  readonly store: ProviderCache
  /** By path: values of calls up to this number may not be served any more, since a write, a denial or a not-found. */
  readonly #barred = new Map<string, number>()
  #waiting = 0
  /** By path, the code of the latest failure. */
  readonly #latest = new Map<string, (typeof codes)[number]>()
  #failures = 0
  #peeks = 0
  #clock = Date.now()

  constructor() {
    const get = (path: string, { fresh = false }: { fresh?: boolean | undefined }): Promise<StoredSecret | undefined> =>
      this.#called(path, fresh)
    const options = {
      ttlMs,
      maxStaleMs,
      maxEntries: 10,
      deadlineMs,
      patientMs: joinableMs,
      circuit: new CircuitBreaker(),
      shared: undefined,
      zeroizer: new Zeroizer(),
      tracing: tracing(),
      closing: new AbortController().signal,
    }
    this.store = new ProviderCache({ specificationVersion: 'v1', name: 'p', get }, options)
  }

  #called(path: string, isFresh: boolean): Promise<StoredSecret | undefined> {
    const { promise, resolve, reject } = Promise.withResolvers<StoredSecret | undefined>()
    const number = this.calls.length + 1
    const land = (answer: Answer): void => {
      if (answer === 'missing') resolve(undefined)
      else if (answer === 'value') resolve({ value: `v${number}` })
      else reject(new SecretsError(answer, 'x'))
    }
    this.calls.push({ number, path, isFresh, at: Date.now(), land, isUnderWay: true, isOutdated: false, isOld: false })
    return promise
  }

  read(path: string, mode: ReadMode): void {
    const before = { barred: this.#barred.get(path) ?? 0, calls: this.calls.length, at: Date.now() }
    this.#waiting += 1
    const reading = this.store.read({ path, mode }).then(
      (found) => this.#check(path, mode, found, before),
      (error: unknown) => assert.ok(SecretsError.isInstance(error)),
    )
    this.reads.push(reading.finally(() => (this.#waiting -= 1)).then(() => {}))
  }

  #check(path: string, mode: ReadMode, found: Found | undefined, before: { barred: number; calls: number; at: number }): void {
    if (found === undefined) return
    const text = found.held.text()
    assert.match(text, /^v\d+$/)
    const call = this.calls[Number(text.slice(1)) - 1]
    if (call === undefined) throw new Error(`no call stored ${text}`)
    assert.equal(call.path, path)
    // Nothing that was barred before the read began is handed out; from memory not even what was barred since.
    assert.ok(call.number > (found.from === 'memory' ? (this.#barred.get(path) ?? 0) : before.barred))
    if (found.from === 'memory') this.#checkAge(call, found.stale ? ttlMs + maxStaleMs : ttlMs)
    if (mode === 'fresh') assert.deepEqual([found.from, found.stale, call.isFresh], ['store', false, true])
    if (found.stale) assert.ok(isOutage(this.#latest.get(path) ?? 'INTERNAL') || this.#hangs(path))
  }

  /** A call that is older than the deadline was frozen with the process, and tells nothing of the store. */
  #hangs(path: string): boolean {
    return this.calls.some(({ path: asked, isUnderWay, at }) => {
      const age = Date.now() - at
      return asked === path && isUnderWay && age > joinableMs && age <= deadlineMs
    })
  }

  /** By a clock that was set back by more than a second, nothing that is held was asked for in the future. */
  #checkAge({ at }: Call, mostMs: number): void {
    const age = Date.now() - at
    assert.ok(age < mostMs && age >= -clockToleranceMs, `served at the age of ${age} ms`)
  }

  /** A clock that went back by more than the store tolerates outdates what is under way; here it notices at once. */
  noticeClock(): void {
    const now = Date.now()
    const isBack = now < this.#clock - clockToleranceMs
    this.#clock = isBack ? now : Math.max(now, this.#clock)
    if (isBack) for (const call of this.calls) call.isOutdated = true
    this.store.peek('a path that is never read')
  }

  peek(path: string): void {
    const held = this.store.peek(path)?.held
    if (held === undefined) return
    this.#peeks += 1
    const call = this.calls[Number(held.text().slice(1)) - 1]
    if (call === undefined) throw new Error('no call stored what is held')
    assert.ok(call.path === path && call.number > (this.#barred.get(path) ?? 0))
    this.#checkAge(call, ttlMs)
  }

  async land(which: number, answer: Answer): Promise<void> {
    const flying = this.calls.filter(({ isUnderWay }) => isUnderWay)
    const call = flying[which % Math.max(1, flying.length)]
    if (call === undefined) return
    call.isUnderWay = false
    if (answer !== 'value' && answer !== 'missing') {
      this.#failures += 1
      this.#latest.set(call.path, answer)
    }
    // What was asked for before the store said no is older news.
    if (!call.isOutdated && this.#isNo(call, answer)) this.#bar(call.path, call.number)
    if (!call.isOutdated && answer === 'value') this.#dismiss(call.path, call.number - 1)
    call.land(answer)
    await this.settle()
  }

  /** A not-found counts for nothing when a later call has found it already. */
  #isNo(call: Call, answer: Answer): boolean {
    if (answer !== 'missing') return answer !== 'value' && isWithdrawal(answer)
    const held = this.store.peek(call.path)?.held.text()
    if (held !== undefined) this.#peeks += 1
    return held === undefined || Number(held.slice(1)) < call.number
  }

  async write(path: string): Promise<void> {
    this.#bar(path, this.calls.length)
    await this.store.invalidate(path)
  }

  #bar(path: string, upTo: number): void {
    this.#barred.set(path, Math.max(upTo, this.#barred.get(path) ?? 0))
    this.#dismiss(path, upTo)
  }

  #dismiss(path: string, upTo: number): void {
    for (const call of this.calls) if (call.path === path && call.number <= upTo) call.isOutdated = true
  }

  /** Lets promises and the turn of the event loop run, in which what was let go is wiped. */
  async settle(): Promise<void> {
    await vi.advanceTimersByTimeAsync(0)
    this.#assertOneFlight()
  }

  /** At most one young call for the same: cached and volatile reads do not share theirs. */
  #assertOneFlight(): void {
    for (const call of this.calls) call.isOld ||= Math.abs(Date.now() - call.at) > joinableMs
    for (const each of ['a', 'b']) {
      const flying = this.calls.filter(({ path, isUnderWay, isOutdated, isOld }) => path === each && isUnderWay && !isOutdated && !isOld)
      assert.ok(flying.filter(({ isFresh }) => isFresh).length <= 1)
      assert.ok(flying.filter(({ isFresh }) => !isFresh).length <= 2)
    }
  }

  /** Every call that is still under way lands: then no reader may be left waiting. */
  async end(): Promise<void> {
    while (this.calls.some(({ isUnderWay }) => isUnderWay)) await this.land(0, 'value')
    await Promise.all(this.reads)
    const { hits, misses, flightsJoined, refreshes } = this.store.counts
    assert.equal(this.#waiting, 0)
    // A miss begins a call, joins one, or is held back after a failure.
    assert.ok(this.calls.length <= misses - flightsJoined + refreshes)
    if (this.#failures === 0) assert.equal(this.calls.length, misses - flightsJoined + refreshes)
    assert.equal(hits + misses, this.reads.length + this.#peeks)
  }
}

async function run(steps: readonly Step[]): Promise<void> {
  const world = new World()
  for (const each of steps) {
    if (each.do === 'read') world.read(each.path, each.mode)
    else if (each.do === 'land') await world.land(each.which, each.answer)
    else if (each.do === 'write') await world.write(each.path)
    else if (each.do === 'peek') world.peek(each.path)
    else if (each.do === 'jump') vi.setSystemTime(Date.now() + each.ms)
    else await vi.advanceTimersByTimeAsync(each.ms)
    world.noticeClock()
    await world.settle()
    // No two steps in the same millisecond: their order is known.
    await vi.advanceTimersByTimeAsync(1)
  }
  await world.end()
}

it('never serves old, withdrawn, denied, missing or overwritten values, and answers every reader, whatever store and clock do', async () => {
  await expect(
    fc.assert(fc.asyncProperty(fc.array(anyStep, { minLength: 5, maxLength: 60 }), run), { numRuns: 300 }),
  ).resolves.toBeUndefined()
})
