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
    ['is over when a probe found the provider well', 1_001, true],
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

  it('ends with an answer of such a call', () => {
    const memory = memoryOf(-Infinity)
    memory.recordFailure('k', down, 1_000, 2_000)
    const denied = new SecretsError('PERMISSION_DENIED', 'no')
    expect(memory.recordFailure('k', denied, 1_500, 2_100)).toBe(denied)
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
    const held = new SecretBytes({ value: 'v', shape: undefined }, { provider: 'p', askedAt: 0 }, new Zeroizer())
    stale.keep({ held, key: 'k', path: 'k', flight: ours(1, 0), leaving: [] }, { refreshAt: 500, freshUntil: 900, staleUntil: 60_000 })
    expect(stale.recordFailure('k', refused, 1_000, 1_000)).toBe(refused)
    expect([stale.failure('k', 1_999, 60_000), stale.failure('k', 2_000, 60_000)]).toEqual([refused, undefined])
  })
})
