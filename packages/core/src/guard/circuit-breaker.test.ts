import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { CircuitBreaker, unhurried } from './circuit-breaker.ts'
import { SecretsError } from '../errors/secrets-error.ts'

const coolDownMs = 3_000

// The whole cool-down.
beforeEach(() => void vi.spyOn(Math, 'random').mockReturnValue(1))
afterEach(() => vi.restoreAllMocks())

const down = new SecretsError('UNAVAILABLE', 'down')

function fail(circuit: CircuitBreaker, times: number, now: number, paths: readonly string[] = ['a', 'b']): void {
  for (let count = 0; count < times; count += 1) circuit.failed([String(paths[count % paths.length])], now, down)
}

function opened(now: number): CircuitBreaker {
  const circuit = new CircuitBreaker()
  fail(circuit, 5, now)
  return circuit
}

describe('CircuitBreaker', () => {
  it('lets every call through until the fifth failure in a row', () => {
    const circuit = new CircuitBreaker()
    fail(circuit, 4, 0)
    expect(circuit.refusal(0)).toBeUndefined()
    circuit.failed(['a'], 0, down)
    expect(circuit.refusal(0)).toMatchObject({ code: 'UNAVAILABLE', retryAt: coolDownMs })
  })

  it("has the provider's failure and its remedy", () => {
    const circuit = new CircuitBreaker()
    fail(circuit, 5, 0)
    circuit.failed(['c'], 0, new SecretsError('UNAVAILABLE', 'the server is sealed', { remedy: 'unseal it' }))
    expect(circuit.refusal(0)).toMatchObject({
      problem: 'not asked for a while after repeated failures; the last: the server is sealed',
      remedy: 'unseal it',
    })
  })

  it('counts only failures in a row', () => {
    const circuit = new CircuitBreaker()
    fail(circuit, 4, 0)
    circuit.succeeded()
    fail(circuit, 4, 0)
    expect(circuit.refusal(0)).toBeUndefined()
  })

  it('stays closed if only one name fails', () => {
    const circuit = new CircuitBreaker()
    fail(circuit, 100, 0, ['bad'])
    expect(circuit.refusal(0)).toBeUndefined()
    circuit.failed(['other'], 0, down)
    expect(circuit.refusal(0)).toBeDefined()
  })

  it('forgets failed names after a success', () => {
    const circuit = new CircuitBreaker()
    circuit.failed(['other'], 0, down)
    circuit.succeeded()
    fail(circuit, 100, 0, ['bad'])
    expect(circuit.refusal(0)).toBeUndefined()
  })

  it('ends the cool-down with a single probe', () => {
    const circuit = opened(0)
    expect(circuit.refusal(coolDownMs - 1)).toBeDefined()
    expect(circuit.refusal(coolDownMs)).toBeUndefined()
    expect(circuit.refusal(coolDownMs)).toBeDefined()
    circuit.succeeded()
    expect(circuit.refusal(coolDownMs)).toBeUndefined()
    expect(circuit.refusal(coolDownMs)).toBeUndefined()
  })

  it('cools down for a random 1 to 3 s, so that a fleet does not probe in step', () => {
    const ends = [0, 0.5].map((random) => {
      vi.spyOn(Math, 'random').mockReturnValue(random)
      return opened(0).refusal(0)?.retryAt
    })
    expect(ends).toEqual([1_000, 2_000])
  })

  it('cools down for 8 to 10 s if no reader waits for it', () => {
    const ends = [0, 1].map((random) => {
      vi.spyOn(Math, 'random').mockReturnValue(random)
      const circuit = new CircuitBreaker({ pace: unhurried })
      fail(circuit, 5, 0)
      return circuit.refusal(0)?.retryAt
    })
    expect(ends).toEqual([8_000, 10_000])
  })

  it('lets another probe through if one takes too long', () => {
    const circuit = new CircuitBreaker({ probeMs: 1_250 })
    fail(circuit, 5, 0)
    expect(circuit.refusal(coolDownMs)).toBeUndefined()
    expect(circuit.refusal(coolDownMs + 1_250)).toBeDefined()
    expect(circuit.refusal(coolDownMs + 1_251)).toBeUndefined()
    expect(circuit.refusal(coolDownMs + 1_252)).toBeDefined()
  })

  it('has the outage while it is open, and the time of its end', () => {
    vi.setSystemTime(7_000)
    const circuit = new CircuitBreaker()
    circuit.failed(['a'], 0, down)
    circuit.succeeded()
    expect([circuit.outage, circuit.recoveredAt]).toEqual([undefined, -Infinity])
    fail(circuit, 5, 0)
    expect(circuit.outage).toMatchObject({ code: 'UNAVAILABLE' })
    circuit.succeeded()
    expect([circuit.outage, circuit.recoveredAt]).toEqual([undefined, 7_000])
    vi.useRealTimers()
  })

  it('lets readers with a stale value probe after 8 to 10 s, and not while it is closed or after the clock was set back', () => {
    const circuit = new CircuitBreaker()
    expect(circuit.rest(0)).toBeUndefined()
    fail(circuit, 5, 20_000)
    expect([circuit.rest(29_999)?.code, circuit.rest(30_000), circuit.rest(10_000)]).toEqual(['UNAVAILABLE', undefined, undefined])
    circuit.succeeded()
    expect(circuit.rest(21_000)).toBeUndefined()
  })

  it('ignores failures of calls that began before it opened', () => {
    const circuit = opened(1_000)
    circuit.failed(['a'], 4_000, down, 500)
    expect(circuit.refusal(5_000)).toBeUndefined()
  })

  it('opens at once without a credential, for up to a minute, with the same code', () => {
    const circuit = new CircuitBreaker()
    const missing = new SecretsError('CREDENTIALS_MISSING', 'none is configured', { remedy: 'configure one' })
    circuit.failed(['a'], 0, missing)
    expect(circuit.refusal(499)).toMatchObject({ code: 'CREDENTIALS_MISSING', problem: 'none is configured', remedy: 'configure one' })
    for (let now = 1_000; now < 1_000_000; now += 60_000) {
      expect(circuit.refusal(now)).toBeUndefined()
      circuit.failed(['a'], now, missing)
    }
    expect(circuit.refusal(1_000_000)).toMatchObject({ retryAt: 1_021_000 })
  })

  it('needs five failures again after a successful probe', () => {
    const circuit = opened(0)
    circuit.refusal(coolDownMs)
    circuit.succeeded()
    fail(circuit, 4, coolDownMs)
    expect(circuit.refusal(coolDownMs)).toBeUndefined()
    fail(circuit, 1, coolDownMs)
    expect(circuit.refusal(coolDownMs)).toBeDefined()
  })

  it('starts another cool-down when the probe fails', () => {
    const circuit = opened(0)
    circuit.refusal(coolDownMs)
    circuit.failed(['a'], coolDownMs, down)
    expect(circuit.refusal(2 * coolDownMs - 1)).toBeDefined()
    expect(circuit.refusal(2 * coolDownMs)).toBeUndefined()
  })

  it('lets another probe through if the first says nothing about the store', () => {
    const circuit = opened(0)
    circuit.refusal(coolDownMs)
    circuit.withdrawn()
    expect(circuit.refusal(coolDownMs)).toBeUndefined()
  })

  it('starts again if the probe fails after the clock was set back', () => {
    const circuit = opened(1_000_000)
    expect(circuit.refusal(0)).toBeUndefined()
    circuit.failed(['a'], 1, down)
    expect(circuit.refusal(coolDownMs)).toMatchObject({ retryAt: 1 + coolDownMs })
    expect(circuit.refusal(1 + coolDownMs)).toBeUndefined()
  })

  it('does not stretch the cool-down when the clock is set back', () => {
    const circuit = opened(1_000_000)
    expect(circuit.refusal(0)).toBeUndefined()
  })
})

it('the error of an outage is shown only while the circuit is open', () => {
  const circuit = new CircuitBreaker()
  fail(circuit, 4, 0)
  expect(circuit.outage).toBeUndefined()
  fail(circuit, 1, 0)
  expect(circuit.outage?.code).toBe('UNAVAILABLE')
  circuit.succeeded()
  expect(circuit.outage).toBeUndefined()
})

it('a reader with a stale value rests from the very moment that the circuit opens', () => {
  const circuit = opened(1_000)
  expect(circuit.rest(1_000)?.code).toBe('UNAVAILABLE')
  expect(circuit.rest(999)).toBeUndefined()
})

describe('a further failure is expected', () => {
  const restMs = 10_000
  const tellingMs = 10_000

  it.each([
    ['after a call that hung', 1_250, 'UNAVAILABLE'],
    ['not after one that failed sooner', 1_249, undefined],
  ] as const)('%s', (_, tookMs, code) => {
    const circuit = new CircuitBreaker({ probeMs: 1_250 })
    circuit.failed(['a'], tookMs, down, 0)
    expect(circuit.expected(tookMs)?.code).toBe(code)
  })

  it('not after an answer', () => {
    const circuit = new CircuitBreaker({ probeMs: 1_250 })
    circuit.failed(['a'], 1_250, down, 0)
    circuit.succeeded()
    circuit.failed(['a'], 1_300, down, 1_300)
    expect(circuit.expected(1_300)).toBeUndefined()
  })

  it('while the circuit is open, until 10 s after the cool-down of readers with a stale value', () => {
    const circuit = opened(1_000)
    const end = 1_000 + restMs + tellingMs
    expect([999, 1_000, end - 1, end].map((now) => circuit.expected(now)?.code)).toEqual([
      undefined,
      'UNAVAILABLE',
      'UNAVAILABLE',
      undefined,
    ])
  })

  it('not for want of a credential, which ends no call late', () => {
    const circuit = new CircuitBreaker()
    circuit.failed(['a'], 0, new SecretsError('CREDENTIALS_MISSING', 'none'))
    expect(circuit.expected(0)).toBeUndefined()
  })
})
