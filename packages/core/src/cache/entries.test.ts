import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { SecretBytes } from '../value/secret-bytes.ts'
import { CircuitBreaker, heldBackBy } from '../guard/circuit-breaker.ts'
import { MemoryCache } from './entries.ts'
import { SecretsError } from '../errors/secrets-error.ts'
import { Zeroizer } from '../value/zeroizer.ts'

/** A flight that began then, and brings what was asked of the store at `askedAt`: by itself, unless the shared cache had it. */
interface Bringing {
  readonly id: number
  readonly begunAt: number
  readonly askedAt: number
  readonly isShared: boolean
}

const lifetime = { refreshAt: 1e9, freshUntil: 1e9, staleUntil: 1e9 }

function entryOf(key: string): Parameters<MemoryCache['keep']>[0] {
  const held = new SecretBytes({ value: 'v', shape: undefined }, { provider: 'p', askedAt: 0 }, new Zeroizer())
  return { held, key, path: key, flight: { id: 1, isShared: false }, leaving: [] }
}

function isOvertaken(held: Bringing | undefined, flight: Bringing): boolean {
  const memory = new MemoryCache(
    { maxEntries: 10, recheckMs: undefined, circuit: new CircuitBreaker(), ttlMs: 1e9, maxStaleMs: 0 },
    () => {},
  )
  if (held !== undefined) {
    const secret = new SecretBytes({ value: 'v', shape: undefined }, { provider: 'p', askedAt: held.askedAt }, new Zeroizer())
    memory.keep({ held: secret, key: 'k', path: 'k', flight: held, leaving: [] }, lifetime)
  }
  return memory.isOvertaken({ key: 'k', id: flight.id, askedAt: flight.begunAt }, flight.isShared ? flight.askedAt : undefined)
}

const ours = (id: number, at: number): Bringing => ({ id, begunAt: at, askedAt: at, isShared: false })
const shared = (id: number, begunAt: number, askedAt: number): Bringing => ({ id, begunAt, askedAt, isShared: true })

it.each<[string, Bringing | undefined, Bringing, boolean]>([
  ['nothing is held', undefined, ours(1, 1_000), false],
  ['both were asked here: the flight that was begun later wins', ours(5, 1_000), ours(6, 1_100), false],
  ['so it does when the clock went back meanwhile', ours(5, 1_000), ours(6, 900), false],
  ['the one begun earlier comes too late, whatever the clock says', ours(5, 1_000), ours(4, 1_100), true],
  ['what the shared cache holds was asked for later than here', shared(5, 1_200, 1_000), ours(6, 900), true],
  ['by a millisecond, too', shared(5, 1_200, 1_000), ours(6, 999), true],
  ['what the shared cache holds was asked for earlier than here', shared(5, 1_200, 1_000), ours(4, 1_100), false],
  ['what is held was asked here later than what the shared cache brings', ours(5, 1_000), shared(6, 1_500, 900), true],
  ['what is held was asked here earlier than what the shared cache brings', ours(5, 1_000), shared(4, 1_500, 1_100), false],
  [
    'what the shared cache brings of the moment in which its flight began is not asked here',
    ours(6, 1_000),
    shared(5, 1_100, 1_100),
    false,
  ],
  ['what is asked here counts more than what the shared cache holds of the same moment', shared(6, 1_100, 1_000), ours(5, 1_000), false],
  ['what was asked here counts more than what the shared cache brings of the same moment', ours(5, 1_000), shared(6, 1_100, 1_000), true],
  ['both of the shared cache and of one moment: the later flight wins', shared(5, 1_200, 1_000), shared(6, 1_300, 1_000), false],
  ['both of the shared cache and of one moment: the earlier one comes too late', shared(5, 1_200, 1_000), shared(4, 1_100, 1_000), true],
])('an answer is overtaken only by one that was asked for later: %s', (_, held, flight, expected) => {
  expect(isOvertaken(held, flight)).toBe(expected)
})

describe('a back-off of an outage', () => {
  const down = new SecretsError('UNAVAILABLE', 'down')
  const memoryOf = (recoveredAt: number): MemoryCache =>
    new MemoryCache({ maxEntries: 10, recheckMs: undefined, circuit: { recoveredAt }, ttlMs: 1e9, maxStaleMs: 0 }, () => {})
  beforeEach(() => void vi.spyOn(Math, 'random').mockReturnValue(1))
  afterEach(() => vi.restoreAllMocks())

  it.each([
    ['stands until the provider is found well', 999, false],
    ['stands if the provider was found well in the same millisecond', 1_000, false],
    ['is over when a probe found the provider well', 1_001, true],
    ['is over as soon as a probe found the provider well', 1_100, true],
    ['stands where that is said to have been in the future, by a clock that was set back', 5_000, false],
  ])('%s', (_, recoveredAt, isOver) => {
    const memory = memoryOf(recoveredAt)
    memory.recordFailure('k', down, 1_000, 1_000)
    expect(memory.failure('k', 1_100) === undefined).toBe(isOver)
  })

  it('is not extended by a call that overlaps its begin', () => {
    const memory = memoryOf(-Infinity)
    memory.recordFailure('k', down, 1_000, 2_000)
    memory.recordFailure('k', down, 1_500, 2_400)
    expect([memory.failure('k', 2_499)?.retryAt, memory.failure('k', 2_500)]).toEqual([2_500, undefined])
    memory.recordFailure('k', down, 2_500, 2_600)
    expect(memory.failure('k', 2_600)?.retryAt).toBe(3_600)
  })

  it('is extended by a call that begins in the same millisecond, and not by one that ends in it', () => {
    const memory = memoryOf(-Infinity)
    memory.recordFailure('k', down, 1_000, 2_000)
    expect(memory.recordFailure('k', down, 1_500, 2_000).retryAt).toBe(2_500)
    expect(memory.recordFailure('k', down, 2_000, 2_400).retryAt).toBe(3_400)
  })

  it('ends with an answer of such a call', () => {
    const memory = memoryOf(-Infinity)
    memory.recordFailure('k', down, 1_000, 2_000)
    expect(memory.outage('k')?.code).toBe('UNAVAILABLE')
    const denied = new SecretsError('PERMISSION_DENIED', 'no')
    expect(memory.recordFailure('k', denied, 1_500, 2_100)).toBe(denied)
    expect(memory.outage('k')).toBeUndefined()
  })
})

describe('a call that the circuit breaker held back', () => {
  const refused = heldBackBy(new SecretsError('UNAVAILABLE', 'not asked', { retryAt: 1_500 }), 'p')
  const memory = (): MemoryCache =>
    new MemoryCache({ maxEntries: 10, recheckMs: undefined, circuit: new CircuitBreaker(), ttlMs: 1e9, maxStaleMs: 0 }, () => {})
  beforeEach(() => void vi.spyOn(Math, 'random').mockReturnValue(1))
  afterEach(() => vi.restoreAllMocks())

  it('leaves no back-off where no stale value is held: the circuit sets the time', () => {
    const without = memory()
    expect(without.recordFailure('k', refused, 1_000, 1_000)).toBe(refused)
    expect([without.outage('k'), without.failure('k', 1_000)]).toEqual([undefined, undefined])
  })

  it('spreads readers that have a stale value over time', () => {
    const stale = memory()
    stale.keep(entryOf('k'), { refreshAt: 500, freshUntil: 900, staleUntil: 60_000 })
    expect(stale.recordFailure('k', refused, 1_000, 1_000)).toBe(refused)
    expect([stale.failure('k', 1_999, 60_000), stale.failure('k', 2_000, 60_000)]).toEqual([refused, undefined])
    // A reader without it asks, and the circuit itself refuses or lets it through.
    expect([stale.failure('k', 1_499), stale.failure('k', 1_500)]).toEqual([undefined, undefined])
  })
})

describe('the time until the shared cache is probed again', () => {
  afterEach(() => {
    vi.restoreAllMocks()
    vi.useRealTimers()
  })

  it.each([
    [0, 4_000],
    [0.5, 4_500],
    [1, 5_000],
  ])('is the recheck interval less a random fifth: by %d', (random, ms) => {
    vi.useFakeTimers({ now: 1_000_000 })
    vi.spyOn(Math, 'random').mockReturnValue(random)
    const memory = new MemoryCache({ maxEntries: 10, recheckMs: 5_000, circuit: new CircuitBreaker(), ttlMs: 1e9, maxStaleMs: 0 }, () => {})
    memory.keep(entryOf('k'), lifetime)
    expect(memory.entry('k')?.freshUntil).toBe(1_000_000 + ms)
  })
})

describe('"does not exist"', () => {
  const ttlMs = 300_000
  const memoryOf = (maxEntries: number): MemoryCache =>
    new MemoryCache({ maxEntries, recheckMs: undefined, circuit: new CircuitBreaker(), ttlMs, maxStaleMs: 0 }, () => {})

  it.each([
    ['first', [true], 5_000],
    ['after one that was certain', [false, true], 10_000],
    ['again', [true, true], 5_000],
  ])('of a lagging store does not lengthen a certain one: %s', (_, earlier, lastsMs) => {
    const memory = memoryOf(10)
    for (const isBehind of earlier) memory.recordAbsence('k', 1_000, isBehind)
    memory.recordAbsence('k', 2_000)
    expect(memory.absence('k', 2_000)?.until).toBe(2_000 + lastsMs)
  })

  it('ends with a value, and every reference to it sees the end', () => {
    const memory = memoryOf(10)
    for (const end of [() => memory.recordAbsence('k', 1_001), () => memory.keep(entryOf('k'), lifetime)]) {
      memory.recordAbsence('k', 1_000)
      const known = memory.absence('k', 1_000)
      end()
      expect(known?.until).toBe(0)
    }
    expect(memory.absence('k', 1_000)).toBeUndefined()
  })

  it('leaves the cache when it was read the longest time ago', () => {
    const memory = memoryOf(2)
    for (const key of ['a', 'b']) memory.recordAbsence(key, 1_000)
    memory.touchAbsence('a')
    memory.recordAbsence('c', 1_000)
    expect(['a', 'b', 'c'].map((key) => memory.absence(key, 1_000) !== undefined)).toEqual([true, false, true])
  })
})

describe('a held value', () => {
  const memory = (): MemoryCache =>
    new MemoryCache({ maxEntries: 10, recheckMs: undefined, circuit: new CircuitBreaker(), ttlMs: 1e9, maxStaleMs: 0 }, () => {})

  it.each([
    [1_999, true, { refreshAt: 2_000, freshUntil: 2_000 }],
    [1_000, true, { refreshAt: 2_000, freshUntil: 2_000 }],
    [900, true, { refreshAt: 1_900, freshUntil: 2_000 }],
    [2_000, false, { refreshAt: 1_500, freshUntil: 2_000 }],
    [2_001, false, { refreshAt: 1_500, freshUntil: 2_000 }],
  ])('is retained at %d ms while it is fresh, and refreshed within a second: %s', (now, isRetained, bounds) => {
    const held = memory()
    held.keep(entryOf('k'), { refreshAt: 1_500, freshUntil: 2_000, staleUntil: 9_000 })
    const entry = held.entry('k')
    if (entry === undefined) throw new Error('it was kept')
    expect(held.retain(entry, now)).toBe(isRetained)
    expect(held.entry('k')).toMatchObject(bounds)
  })

  it('expires with its path, and no other does', () => {
    const held = memory()
    for (const key of ['a', 'b']) held.keep(entryOf(key), lifetime)
    held.expire('a', 1_000)
    expect(['a', 'b'].map((key) => held.entry(key)?.freshUntil)).toEqual([1_000, 1e9])
  })
})
