import assert from 'node:assert/strict'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Batch } from './batch.ts'
import { ProviderCache } from './provider-cache.ts'
import { CircuitBreaker } from '../guard/circuit-breaker.ts'
import type { SecretProvider, StoredSecret } from '../contract/provider.ts'
import type { Found, ReadMode } from './single-flight.ts'
import { SecretsError } from '../errors/secrets-error.ts'
import { SharedCacheClient } from './shared/shared-cache-client.ts'
import { Zeroizer } from '../value/zeroizer.ts'
import { SharedMap } from '../testing/shared-map.ts'
import { tracing } from '../observe/trace-channels.ts'

const ttlMs = 60_000
const maxStaleMs = 30_000
const briefMs = 1_000
const signal = new AbortController().signal

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 })
  vi.spyOn(Math, 'random').mockReturnValue(0) // no back-off: every failure may be asked about again at once
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

/** What the store has had, one after the other. `number`: of the version, where that has one. */
type State = { readonly is: 'value'; readonly number: number | undefined } | { readonly is: 'absent' | 'withdrawn' }
/** How a call is answered: as it was when it began, as it is now, or so many states ago; not at all; or by a denial. */
type Landing = 'begun' | 'now' | 1 | 2 | 3 | 'lost' | 'down' | 'denied'
type Change = 'put' | 'delete' | 'purge' | 'restore'
type Told = State['is'] | 'refused' | 'nothing'

type Step =
  | { readonly do: 'read'; readonly by: number; readonly mode: ReadMode; readonly inBatch: boolean }
  | { readonly do: 'describe'; readonly by: number }
  | { readonly do: 'land'; readonly which: number; readonly as: Landing }
  | { readonly do: 'change'; readonly by: number; readonly change: Change }
  | { readonly do: 'foreign'; readonly isNumbered: boolean }
  | { readonly do: 'sharedCache'; readonly isDown: boolean }
  | { readonly do: 'wait'; readonly ms: number }

const anyProcess = fc.nat(1)
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('read' as const),
      by: anyProcess,
      mode: fc.constantFrom<ReadMode>('cached', 'cached', 'cached', 'fresh', 'volatile'),
      inBatch: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('describe' as const), by: anyProcess }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('land' as const),
      which: fc.nat(5),
      as: fc.constantFrom<Landing>('begun', 'now', 'now', 'now', 1, 1, 2, 3, 'lost', 'down', 'denied'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('change' as const),
      by: anyProcess,
      change: fc.constantFrom<Change>('put', 'put', 'put', 'delete', 'purge', 'restore'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('foreign' as const), isNumbered: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('sharedCache' as const), isDown: fc.boolean() }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1, 500, 1_000, 5_000, 50_000, 60_000, 90_000) }),
  },
)

/** One call of a process to the store, numbered in the order in which they begin. */
interface Call {
  readonly number: number
  readonly by: number
  readonly isRead: boolean
  readonly at: number
  readonly begunAs: number
  readonly land: (as: Landing) => void
  landedAt: number | undefined
  state: number
  acknowledged: Told
  /** The process changed the secret, or heard of a change, since: what it brought is forgotten, or is not kept. */
  isOutdated: boolean
  /** From before a change of the process, as far as it can tell. */
  isBehind: boolean
  /** A later call has described the secret before this one was answered. */
  isDescribed: boolean
}

/** One process: its cache, and which state its own last change left. */
interface Process {
  readonly store: ProviderCache
  changedTo: number
}

/** Two processes over one store, with or without a shared cache, and what must be true of each answer. */
class World {
  readonly #calls: Call[] = []
  readonly #reads: Promise<void>[] = []
  readonly #failures: unknown[] = []
  readonly #processes: readonly Process[]
  readonly #history: { readonly state: State; readonly since: number }[] = [{ state: { is: 'value', number: 1 }, since: Date.now() }]
  readonly #sharedCache = new SharedMap()
  /** Numbers begin anew behind a purge: no replica lags that far. */
  #oldest = 0

  readonly #isShared: boolean

  constructor(isShared: boolean, failClosed: boolean) {
    this.#isShared = isShared
    this.#processes = [0, 1].map((each) => ({ store: this.#storeOf(each, isShared, failClosed), changedTo: -1 }))
  }

  #storeOf(by: number, isShared: boolean, failClosed: boolean): ProviderCache {
    const bounds = { deadlineMs: 5_000, closing: signal, closingFills: signal }
    const clientOptions = { ...bounds, lifeMs: 0.64 * ttlMs, recheckMs: 5_000 }
    return new ProviderCache(this.#provider(by), {
      ttlMs,
      maxStaleMs,
      maxEntries: 1,
      deadlineMs: 5_000,
      patientMs: 1_250,
      circuit: new CircuitBreaker(),
      shared: isShared ? new SharedCacheClient(this.#sharedCache.seenBy(failClosed), 'store', clientOptions) : undefined,
      zeroizer: new Zeroizer(),
      tracing: tracing(),
      closing: signal,
    })
  }

  #provider(by: number): SecretProvider {
    const get = (path: string): Promise<StoredSecret | undefined> =>
      path === 'a' ? this.#called(by, true) : Promise.resolve({ value: path })
    const getMany = (paths: readonly string[]): Promise<PromiseSettledResult<StoredSecret | undefined>[]> =>
      Promise.allSettled(paths.map(get))
    return { specificationVersion: 'v1', name: 'p', get, getMany }
  }

  get #now(): number {
    return this.#history.length - 1
  }

  #called(by: number, isRead: boolean): Promise<StoredSecret | undefined> {
    const { promise, resolve, reject } = Promise.withResolvers<StoredSecret | undefined>()
    const land = (as: Landing): void => {
      if (as === 'lost' || as === 'down') reject(new SecretsError(as === 'lost' ? 'DEADLINE_EXCEEDED' : 'UNAVAILABLE', 'x'))
      else if (as === 'denied') reject(new SecretsError('PERMISSION_DENIED', 'x'))
      else this.#answer(call, as, resolve, reject)
    }
    const begun = { number: this.#calls.length + 1, by, isRead, at: Date.now(), begunAs: this.#now, land }
    const call: Call = {
      ...begun,
      landedAt: undefined,
      state: -1,
      acknowledged: 'nothing',
      isOutdated: false,
      isBehind: false,
      isDescribed: false,
    }
    this.#calls.push(call)
    return promise
  }

  #answer(
    call: Call,
    as: 'begun' | 'now' | 1 | 2 | 3,
    resolve: (secret: StoredSecret | undefined) => void,
    reject: (error: SecretsError) => void,
  ): void {
    const wanted = as === 'begun' ? call.begunAs : as === 'now' ? this.#now : this.#now - as
    call.state = Math.max(this.#oldest, wanted)
    const { state } = this.#history[call.state] ?? assert.fail()
    call.acknowledged = state.is
    if (state.is === 'withdrawn') reject(new SecretsError('DELETED', 'x'))
    else resolve(state.is === 'value' ? { value: `s${call.state}`, version: state.number } : undefined)
  }

  read(by: number, mode: ReadMode, inBatch: boolean): void {
    const { store, changedTo } = this.#processes[by] ?? assert.fail()
    const batch = inBatch ? new Batch(this.#provider(by), { signal }) : undefined
    const landed = this.#landed(by).length
    const calls = this.#calls.length
    const at = Date.now()
    const check = (found: Found | undefined, error?: SecretsError): void => {
      // Nothing came from the store since: it is what the process remembers.
      const isRemembered =
        this.#calls.length === calls && this.#landed(by).length === landed && Date.now() === at && found?.from !== 'shared'
      if (found !== undefined) this.#checkValue(by, found, changedTo)
      else if (isRemembered && error === undefined) this.#checkAbsence(by)
      else if (isRemembered && error?.code === 'PERMISSION_DENIED') this.#checkRefusal(by)
    }
    const reading = store.read({ path: 'a', mode, batch }).then(check, (error: unknown) => {
      assert.ok(SecretsError.isInstance(error))
      check(undefined, error)
    })
    this.#reads.push(reading.catch((error: unknown) => void this.#failures.push(error)))
    if (batch !== undefined)
      this.#reads.push(
        store.read({ path: 'b', mode, batch }).then(
          () => {},
          () => {},
        ),
      )
    batch?.seal()
  }

  describe(by: number): void {
    const { store } = this.#processes[by] ?? assert.fail()
    this.#reads.push(
      store
        .describe('a', () => this.#called(by, false))
        .then(
          () => {},
          () => {},
        ),
    )
  }

  #landed(by: number): Call[] {
    return this.#calls.filter((call) => call.by === by && call.landedAt !== undefined)
  }

  /** What the process was told by the call that began last, of those whose answers count. */
  #latest(by: number): Call | undefined {
    const isNone = (acknowledged: Told): boolean => acknowledged === 'absent' || acknowledged === 'withdrawn'
    return this.#landed(by).findLast(
      ({ isRead, acknowledged, isOutdated, isBehind, isDescribed }) =>
        isRead && acknowledged !== 'nothing' && !isOutdated && !isBehind && !(isDescribed && isNone(acknowledged)),
    )
  }

  #checkValue(by: number, { held, from, stale }: Found, changedTo: number): void {
    const state = Number(held.text().slice(1))
    const age = Date.now() - held.metadata.askedAt
    if (from === 'memory') assert.ok(age < (stale ? ttlMs + maxStaleMs : ttlMs), `served at the age of ${age} ms`)
    const call = this.#calls.find((each) => each.by === by && each.isRead && each.at === held.metadata.askedAt)
    if (state < changedTo) {
      assert.notEqual(from, 'shared', 'what is older than a change of its own was taken from others')
      const keptFor = Date.now() - (call?.landedAt ?? -Infinity)
      assert.ok(keptFor <= briefMs, `what is older than a change of its own was kept for ${keptFor} ms`)
      assert.ok(!stale, 'what is older than a change of its own was handed out in an outage')
    } else if (from === 'memory' && call !== undefined) {
      const latest = this.#latest(by)
      assert.ok(
        latest === undefined || latest.number <= call.number || latest.acknowledged === 'refused',
        'a later call was answered otherwise',
      )
    }
  }

  #checkAbsence(by: number): void {
    const latest = this.#latest(by)
    const isBrief = this.#landed(by).some(
      ({ acknowledged, landedAt }) => acknowledged === 'absent' && Date.now() - (landedAt ?? 0) < briefMs,
    )
    assert.ok(isBrief || latest === undefined || latest.acknowledged === 'absent', 'an absence was kept over a later answer')
    const { changedTo } = this.#processes[by] ?? assert.fail()
    const isOwn =
      this.#history[changedTo]?.state.is === 'value' && this.#history.slice(changedTo).every(({ state }) => state.is === 'value')
    assert.ok(isBrief || !isOwn, 'what this process wrote was absent for longer than a second')
  }

  #checkRefusal(by: number): void {
    const isOver = (call: Call): boolean =>
      this.#landed(by).some((each) => each.acknowledged !== 'refused' && each === this.#latest(by) && each.number > call.number)
    const refusals = this.#landed(by).filter(({ acknowledged }) => acknowledged === 'refused')
    assert.ok(
      refusals.some((call) => !isOver(call)),
      'a refusal was kept over a later answer',
    )
  }

  async land(which: number, as: Landing): Promise<void> {
    const flying = this.#calls.filter(({ landedAt }) => landedAt === undefined)
    const call = flying[which % Math.max(1, flying.length)]
    if (call === undefined) return
    call.landedAt = Date.now()
    if (as === 'denied') call.acknowledged = 'refused'
    call.land(as)
    const isFound = !call.isRead && call.acknowledged === 'value'
    for (const each of flying) each.isDescribed ||= isFound && each.by === call.by && each.number < call.number
    const { changedTo } = this.#processes[call.by] ?? assert.fail()
    call.isBehind = call.state >= 0 && (call.state < changedTo || this.#isUnsure(call.state, changedTo))
    await this.settle()
  }

  /** Whether it cannot be told from what was there before the change: a value after a withdrawal; none, or a lower number, after a write. */
  #isUnsure(state: number, changedTo: number): boolean {
    const [found, changed] = [this.#history[state]?.state, this.#history[changedTo]?.state]
    if (found === undefined || changed === undefined || found.is === 'withdrawn') return false
    if (found.is !== 'value' || changed.is !== 'value') return found.is !== changed.is && (found.is === 'value' || changed.is === 'value')
    return (found.number ?? 0) < (changed.number ?? 0)
  }

  async change(by: number, change: Change): Promise<void> {
    const process = this.#processes[by] ?? assert.fail()
    const { state } = this.#history[this.#now] ?? assert.fail()
    const begunAt = performance.now()
    if (change === 'restore' && state.is !== 'withdrawn') return
    if (change === 'delete' && state.is !== 'value') return
    const number = change === 'put' ? this.#nextNumber() : undefined
    this.#become(
      change === 'delete' ? { is: 'withdrawn' } : change === 'purge' ? { is: 'absent' } : { is: 'value', number: number ?? this.#last() },
    )
    const isHeard = this.#isShared && !this.#sharedCache.isDown
    for (const call of this.#calls) call.isOutdated ||= call.by === by || isHeard
    if (change === 'purge') process.store.purged('a')
    else process.store.changed('a', change === 'delete' ? new SecretsError('DELETED', 'x') : undefined)
    // As the writer does: 0 lifts the bound.
    await process.store.invalidate('a', number ?? 0, begunAt).catch(() => {})
    // A store may go back when it restores: no number shows that.
    process.changedTo = change === 'restore' ? -1 : this.#now
    await this.settle()
  }

  #last(): number | undefined {
    const last = this.#history.findLast(({ state }) => state.is === 'value')?.state
    return last?.is === 'value' ? last.number : undefined
  }

  #nextNumber(): number {
    const before = this.#history[this.#now]?.state
    if (before?.is === 'absent') this.#oldest = this.#now
    const numbers = this.#history.slice(this.#oldest).flatMap(({ state }) => (state.is === 'value' ? (state.number ?? 0) : 0))
    return Math.max(...numbers) + 1
  }

  /** Another process writes without an invalidation. */
  foreign(isNumbered: boolean): void {
    const number = this.#nextNumber()
    this.#become({ is: 'value', number: isNumbered ? number : undefined })
  }

  #become(state: State): void {
    this.#history.push({ state, since: Date.now() })
  }

  sharedCache(isDown: boolean): void {
    this.#sharedCache.isDown = isDown
  }

  async settle(): Promise<void> {
    await vi.advanceTimersByTimeAsync(0)
    for (const failure of this.#failures) throw failure
    for (const [by, process] of this.#processes.entries()) this.#look(by, process)
  }

  /** What a read would be answered at once. */
  #look(by: number, { store, changedTo }: Process): void {
    if (store.absence('a') !== undefined) this.#checkAbsence(by)
    const held = store.peek('a')?.held
    if (held !== undefined) this.#checkValue(by, { held, from: 'memory', stale: false }, changedTo)
  }

  /** Every call lands, and then no reader and no close() may be left waiting. */
  async end(): Promise<void> {
    while (this.#calls.some(({ landedAt }) => landedAt === undefined)) await this.land(0, 'now')
    let isOver = false
    const ending = Promise.all([...this.#reads, ...this.#processes.map(({ store }) => store.close())]).then(() => (isOver = true))
    await vi.advanceTimersByTimeAsync(10_000)
    await this.settle()
    assert.ok(isOver, 'a reader or close() waits without end')
    await ending
  }
}

async function run([steps, isShared, failClosed]: [readonly Step[], boolean, boolean]): Promise<void> {
  const world = new World(isShared, failClosed)
  for (const each of steps) {
    if (each.do === 'read') world.read(each.by, each.mode, each.inBatch)
    else if (each.do === 'describe') world.describe(each.by)
    else if (each.do === 'land') await world.land(each.which, each.as)
    else if (each.do === 'change') await world.change(each.by, each.change)
    else if (each.do === 'foreign') world.foreign(each.isNumbered)
    else if (each.do === 'sharedCache') world.sharedCache(each.isDown)
    else await vi.advanceTimersByTimeAsync(each.ms)
    await world.settle()
    // No two steps in the same millisecond: a call is known by when it began.
    await vi.advanceTimersByTimeAsync(1)
  }
  await world.end()
}

it('answers in order if calls are late or lost, stores lag or others write, with and without a shared cache', async () => {
  const runs = fc.tuple(fc.array(anyStep, { minLength: 5, maxLength: 60 }), fc.boolean(), fc.boolean())
  await expect(fc.assert(fc.asyncProperty(runs, run), { numRuns: 2_000 })).resolves.toBeUndefined()
})
