import { describe, expect, it, vi } from 'vitest'
import type { Location } from '../chain/routing.ts'
import type { SecretBytes } from '../value/secret-bytes.ts'
import { presentMoment } from '../value/moment.ts'
import { tellFleet, tellWithdrawals } from './fleet-formers.ts'
import type { WithGrace } from './verify-options.ts'

const options = { graceMs: 600_000 } as WithGrace // no other member is asked

/** A location of a provider with these members, and the keys that the fleet is told of. */
function locationOf(provider: object, formers: object = {}, path = 'db'): { location: Location; told: unknown[] } {
  const told: unknown[] = []
  const shared = {
    digest: () => new Uint8Array([1]),
    saw: async (key: object, digest: unknown) => void told.push({ ...key, digest }),
    matches: async () => true,
    ...formers,
  }
  const location = { path, fields: [], chainEntry: { provider, formers: shared } } as unknown as Location // no other member is asked
  return { location, told }
}

// No other member is asked.
const given = (givenAt: unknown = presentMoment()): SecretBytes =>
  ({ metadata: { givenAt }, digestWith: (digest: (bytes: Uint8Array) => unknown) => digest(new Uint8Array()) }) as unknown as SecretBytes

describe('a fleet', () => {
  it.each([
    [{ graceSharedAs: 'payments' }, 'payments'],
    [{ sharedAs: 'store' }, 'store'],
    [{ sharedAs: 'store', graceSharedAs: 'payments' }, 'payments'],
  ])('of a provider with %j is told of its value', async (provider, sharedAs) => {
    const { location, told } = locationOf(provider)
    const isFormer = tellFleet(location, given(), options)
    expect(told).toEqual([{ sharedAs, path: 'db', part: expect.any(String), graceMs: 600_000, digest: new Uint8Array([1]) }])
    expect(await isFormer?.('candidate')).toBe(true)
  })

  it('is told of a secret that is gone, of which no former value counts', async () => {
    const { location, told } = locationOf({ sharedAs: 'store' })
    expect(await tellFleet(location, undefined, options)?.('candidate')).toBeUndefined()
    expect(told).toMatchObject([{ digest: undefined }])
  })

  it('is told nothing without a shared cache, a fleet, the time of the store or a grace, nor of versions', () => {
    const shared = { sharedAs: 'store' }
    const cases: Record<string, [ReturnType<typeof locationOf>, SecretBytes, number]> = {
      'no fleet': [locationOf({}), given(), 600_000],
      versions: [locationOf({ ...shared, getVersion: vi.fn<() => void>() }), given(), 600_000],
      'not given by the store': [locationOf(shared), { ...given(), metadata: {} } as SecretBytes, 600_000],
      'no grace': [locationOf(shared), given(), 0],
    }
    for (const [what, [{ location, told }, part, graceMs]] of Object.entries(cases))
      expect([tellFleet(location, part, { ...options, graceMs }), told], what).toEqual([undefined, []])
    const alone = { ...locationOf(shared).location, chainEntry: { provider: shared } } as unknown as Location // without a shared cache
    expect(tellFleet(alone, given(), options)).toBeUndefined()
  })

  it('is told of a withdrawal at each provider before the one that answered, and at none behind it', () => {
    const [first, second, found, later] = ['a', 'b', 'c', 'd'].map((sharedAs) => locationOf({ sharedAs }))
    if (!first || !second || !found || !later) throw new Error('there are four')
    const all = [first, second, found, later]
    tellWithdrawals(
      all.map(({ location }) => location),
      { location: found.location, degraded: false },
      options,
    )
    expect(all.map(({ told }) => told.length)).toEqual([1, 1, 0, 0])
  })

  it('is told of no withdrawal in an outage, nor at another provider of its own', () => {
    const [first, found] = [locationOf({ sharedAs: 'a' }), locationOf({ sharedAs: 'a' })]
    const [elsewhere, down] = [locationOf({ sharedAs: 'a' }, {}, 'other'), locationOf({ sharedAs: 'b' })]
    tellWithdrawals([first.location, elsewhere.location, found.location], { location: found.location, degraded: false }, options)
    tellWithdrawals([down.location, found.location], { location: found.location, degraded: true }, options)
    expect([first, elsewhere, down].map(({ told }) => told.length)).toEqual([0, 1, 0])
  })

  it('is told of a withdrawal everywhere if no provider has the secret', () => {
    const all = [locationOf({ sharedAs: 'a' }), locationOf({ sharedAs: 'b' })]
    tellWithdrawals(
      all.map(({ location }) => location),
      undefined,
      options,
    )
    expect(all.map(({ told }) => told.length)).toEqual([1, 1])
  })
})
