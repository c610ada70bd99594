import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FarSide } from '../testing/rotation-world.ts'
import { assertSchedules, dueTime, type RotationPolicy, rotationPolicy } from './rotation-policy.ts'

const options = { every: '30d', graceSeconds: 600, target: new FarSide(2).target, generate: () => 'x' }
const days = 86_400_000

describe('a policy', () => {
  test('is data that cannot be changed', () => {
    const policy = rotationPolicy(options)
    expect(policy).toMatchObject({ everyMs: 30 * days, graceSeconds: 600, jitter: 0.1 })
    expect(Object.isFrozen(policy)).toBe(true)
  })

  test('keeps the note that its staged versions get', () => {
    expect(rotationPolicy({ ...options, note: { ticket: 'OPS-7' } }).note).toEqual({ ticket: 'OPS-7' })
  })

  test('may have a grace period of nearly the time between two rotations', () => {
    expect(rotationPolicy({ ...options, every: '10000s', graceSeconds: 9_999, jitter: 0 }).graceSeconds).toBe(9_999)
  })

  test.each<[string, object]>([
    ['`every`', { every: 'monthly' }],
    ['every', { every: 30 }],
    ['`graceSeconds`', { graceSeconds: -1 }],
    ['`graceSeconds`', { graceSeconds: 0.5 }],
    ['`graceSeconds`', { every: '10m' }],
    ['`graceSeconds`', { every: '10m', jitter: 0 }],
    ['`graceSeconds`', { every: '11m', jitter: 0.1 }],
    ['`jitter`', { jitter: 0.6 }],
    ['`target`', { target: { apply: async () => {} } }],
    ['`target`', { target: undefined }],
    ['`generate`', { generate: 'password' }],
    ['not known', { period: '30d' }],
  ])('is refused for %s', (problem, change) => {
    expect(() => rotationPolicy({ ...options, ...change })).toThrow(
      expect.objectContaining({ code: 'CONFIGURATION', message: expect.stringContaining(problem) }),
    )
  })
})

describe('the policies of several secrets', () => {
  const schedule = { everyMs: days, jitter: 0.1 }
  class Policies {
    db = schedule
  }

  test.each([
    {},
    { db: rotationPolicy(options) },
    { db: { everyMs: 1, jitter: 0 }, cache: { everyMs: days, jitter: 0.5 } },
    Object.assign(Object.create(null), { db: schedule }),
  ])('are a plain object of policies: %o', (policies) => {
    expect(() => assertSchedules(policies)).not.toThrow()
  })

  test.each([
    undefined,
    null,
    'daily',
    [schedule],
    new Map([['db', schedule]]),
    new Policies(),
    { db: undefined },
    { db: 'daily' },
    { db: schedule, cache: {} },
    { db: { ...schedule, everyMs: 0 } },
    { db: { ...schedule, everyMs: 0.5 } },
    { db: { ...schedule, everyMs: '1d' } },
    { db: { ...schedule, jitter: -0.1 } },
    { db: { ...schedule, jitter: 0.51 } },
    { db: { ...schedule, jitter: NaN } },
    { db: { everyMs: days } },
  ])('are refused as %o', (policies) => {
    expect(() => assertSchedules(policies as unknown as Parameters<typeof assertSchedules>[0])).toThrow(
      expect.objectContaining({ code: 'CONFIGURATION', problem: 'the policies are no object of rotation policies' }),
    )
  })
})

describe('the due time', () => {
  const policyOf = (jitter: number): RotationPolicy => rotationPolicy({ ...options, jitter })

  test('is at most `every` after the version became current, and earlier by at most the jitter', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 0, max: 4e12 }), fc.double({ min: 0, max: 0.5, noNaN: true }), (name, since, jitter) => {
        const age = dueTime(policyOf(jitter), name, since) - since
        expect(age).toBeLessThanOrEqual(30 * days)
        expect(age).toBeGreaterThanOrEqual(Math.floor(30 * days * (1 - jitter)))
      }),
    )
  })

  test('is the same for every rotator, and spread over secrets', () => {
    const times = Array.from({ length: 200 }, (_, at) => dueTime(policyOf(0.5), `secret-${at}`, 1_000))
    expect(Array.from({ length: 200 }, (_, at) => dueTime(policyOf(0.5), `secret-${at}`, 1_000))).toEqual(times)
    const early = times.filter((time) => time < 1_000 + 22.5 * days).length
    expect(early).toBeGreaterThan(60)
    expect(early).toBeLessThan(140)
    expect(dueTime(policyOf(0), 'db', 1_000)).toBe(1_000 + 30 * days)
  })

  test('is the same in every version of this package, which may run side by side', () => {
    // SHA-256 of `1000 db` begins with 0x82205301, which is 0.508… of 2^32.
    expect(dueTime(policyOf(0.5), 'db', 1_000)).toBe(1_933_236_776)
  })
})
