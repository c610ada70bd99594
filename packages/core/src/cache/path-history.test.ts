import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { isFinal, OwnWrites, Refusals } from './path-history.ts'
import { SecretsError } from '../errors/secrets-error.ts'

const now = 1_000_000_000
const lastMs = 3_600_000
beforeEach(() => void vi.useFakeTimers({ now }))
afterEach(() => void vi.useRealTimers())

const [down, denied, deleted] = (['UNAVAILABLE', 'PERMISSION_DENIED', 'DELETED'] as const).map(
  (code) => new SecretsError(code, `it is ${code}`),
) as [SecretsError, SecretsError, SecretsError] // three codes

/** What a read of the path gets in an outage. */
function inOutage(refusals: Refusals): SecretsError {
  return refusals.orElse(down, ['a'])
}

describe('a refusal in an outage', () => {
  it('is given again, with the time since the store said it', () => {
    const refusals = new Refusals(lastMs)
    refusals.record('a', denied, 1)
    vi.setSystemTime(now + 600_000)
    expect(inOutage(refusals)).toMatchObject({
      code: 'PERMISSION_DENIED',
      problem: 'it is PERMISSION_DENIED, as the store said 600 s ago; it cannot be asked now (UNAVAILABLE)',
    })
  })

  it('ends with the values of its time, and a clock that is set back does not extend it', () => {
    const refusals = new Refusals(lastMs)
    refusals.record('a', denied, 1)
    vi.setSystemTime(now + lastMs - 1)
    expect(inOutage(refusals).code).toBe('PERMISSION_DENIED')
    vi.setSystemTime(now + lastMs)
    expect(inOutage(refusals)).toBe(down)
    vi.setSystemTime(now - lastMs)
    expect(inOutage(refusals).code).toBe('PERMISSION_DENIED')
    vi.setSystemTime(now)
    expect(inOutage(refusals)).toBe(down)
  })

  it('is replaced by one of the same call or a later one, not of an earlier one', () => {
    const refusals = new Refusals(lastMs)
    refusals.record('a', denied, 5)
    refusals.record('a', deleted, 4)
    expect(inOutage(refusals).code).toBe('PERMISSION_DENIED')
    refusals.record('a', deleted, 5)
    expect(inOutage(refusals).code).toBe('DELETED')
  })

  it('is over after an answer to the same call or a later one, not to an earlier one', () => {
    const refusals = new Refusals(lastMs)
    refusals.record('a', denied, 5)
    refusals.answered(['a'], 4)
    expect(inOutage(refusals).code).toBe('PERMISSION_DENIED')
    refusals.answered(['a'], 5)
    expect(inOutage(refusals)).toBe(down)
  })

  it('of a withdrawal is over after a write, a denial is not', () => {
    const refusals = new Refusals(lastMs)
    for (const [refusal, code] of [
      [deleted, 'UNAVAILABLE'],
      [denied, 'PERMISSION_DENIED'],
    ] as const) {
      refusals.record('a', refusal, 1)
      refusals.restored('a')
      expect(inOutage(refusals).code).toBe(code)
    }
  })

  it('is forgotten when the cache is closed', () => {
    const refusals = new Refusals(lastMs)
    refusals.record('a', denied, 1)
    refusals.clear()
    expect(inOutage(refusals)).toBe(down)
  })
})

describe('a known change', () => {
  it('lets no later provider answer in an outage, until the path is written or its time is over', () => {
    const refusals = new Refusals(lastMs)
    refusals.recordChange('a', 1)
    expect(refusals.isChanged('a')).toBe(true)
    const error = inOutage(refusals)
    expect([error.code, isFinal(error), isFinal(down)]).toEqual(['UNAVAILABLE', true, false])
    refusals.restored('a')
    expect(inOutage(refusals)).toBe(down)
    refusals.recordChange('a', 2)
    vi.setSystemTime(now + lastMs)
    expect(refusals.isChanged('a')).toBe(false)
  })

  it('does not replace a refusal that stands', () => {
    const refusals = new Refusals(lastMs)
    refusals.record('a', denied, 1)
    refusals.recordChange('a', 2)
    expect([inOutage(refusals).code, refusals.isChanged('a')]).toEqual(['PERMISSION_DENIED', false])
  })

  it('that is repeated lasts from the latest one', () => {
    const refusals = new Refusals(lastMs)
    refusals.recordChange('a', 1)
    vi.setSystemTime(now + 1)
    refusals.recordChange('a', 2)
    vi.setSystemTime(now + lastMs)
    expect(refusals.isChanged('a')).toBe(true)
  })
})

describe('the version that this process wrote last', () => {
  const isBehind = (writes: OwnWrites, version: number): boolean => writes.isBehind('a', undefined, { version })

  it('is the highest one, if acknowledgements of writes that overlap arrive out of order', () => {
    const writes = new OwnWrites()
    const begunAt = performance.now()
    vi.advanceTimersByTime(5)
    writes.wrote('a', 7, begunAt)
    writes.wrote('a', 6, begunAt)
    expect([isBehind(writes, 6), isBehind(writes, 7)]).toEqual([true, false])
  })

  it('is a lower one, if its write began after the acknowledgement of the higher one', () => {
    const writes = new OwnWrites()
    writes.wrote('a', 7, performance.now())
    vi.advanceTimersByTime(1)
    writes.wrote('a', 1, performance.now())
    expect(isBehind(writes, 1)).toBe(false)
  })

  it('is the higher one, if it is unknown when the write of the lower one began', () => {
    const writes = new OwnWrites()
    writes.wrote('a', 7)
    vi.advanceTimersByTime(1)
    writes.wrote('a', 6)
    expect(isBehind(writes, 6)).toBe(true)
  })
})
