import { describe, expect, it } from 'vitest'
import { callsPerHour, costFinding } from './cost.ts'

describe('the cost', () => {
  it('is a call for each secret of each process in about 216 s, with the default TTL', () => {
    expect(callsPerHour({ processes: 1, secrets: 1, ttlSeconds: 300 })).toBeCloseTo(3_600 / 216)
    expect(callsPerHour({ processes: 10_000, secrets: 50, ttlSeconds: 3_600 })).toBeCloseTo((10_000 * 50 * 3_600) / 2_592)
  })

  it('has the price of AWS', () => {
    // 100 calls an hour, 73,000 a month
    const { finding } = costFinding('aws', { processes: 6, secrets: 1, ttlSeconds: 300 })
    expect(finding).toContain('about 100 calls an hour, 2,400 a day')
    expect(finding).toContain('$0.77 a month') // 7.3 × $0.05 + $0.40
    expect(costFinding('vault', { processes: 6, secrets: 1, ttlSeconds: 300 }).finding).not.toContain('$')
  })

  it.each([
    [{ processes: 10, secrets: 0, ttlSeconds: 300 }, 'no secret is declared'],
    [{ processes: 10, secrets: 3, ttlSeconds: 0 }, 'every read is a call'],
  ])('is not known for %j', (fleet, text) => {
    expect(costFinding('vault', fleet)).toMatchObject({ status: 'not checked', finding: expect.stringContaining(text) })
  })
})
