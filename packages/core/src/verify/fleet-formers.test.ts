import { describe, expect, it, vi } from 'vitest'
import type { Location } from '../chain/routing.ts'
import type { SecretBytes } from '../value/secret-bytes.ts'
import { presentMoment } from '../value/moment.ts'
import { createSecretsManager } from '../manager/create-manager.ts'
import type { SecretProvider } from '../contract/provider.ts'
import type { SharedCache } from '../contract/shared-cache.ts'
import { SecretsError } from '../errors/secrets-error.ts'
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
  const location = {
    path,
    fields: [],
    chainEntry: { provider, formers: shared, store: { absence: () => undefined } },
  } as unknown as Location // no other member is asked
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

  it('is told of a withdrawal where the store was asked and answered that there is none, and nowhere else', () => {
    const [empty, down, found, later] = ['a', 'b', 'c', 'd'].map((sharedAs) => locationOf({ sharedAs }))
    if (!empty || !down || !found || !later) throw new Error('there are four')
    const all = [empty, down, found, later]
    tellWithdrawals(
      all.map(({ location }) => location),
      [empty.location],
      options,
    )
    expect(all.map(({ told }) => told)).toMatchObject([[{ sharedAs: 'a', digest: undefined }], [], [], []])
  })

  it('is told of no withdrawal while another provider of its own has the secret, or may have it', () => {
    const [empty, alike, elsewhere] = [
      locationOf({ sharedAs: 'a' }),
      locationOf({ sharedAs: 'a' }),
      locationOf({ sharedAs: 'a' }, {}, 'other'),
    ]
    const all = [empty, alike, elsewhere]
    const locations = all.map(({ location }) => location)
    tellWithdrawals(locations, [empty.location, elsewhere.location], options)
    expect(all.map(({ told }) => told.length)).toEqual([0, 0, 1])
    tellWithdrawals(locations, locations, options)
    expect(all.map(({ told }) => told.length)).toEqual([1, 1, 2])
  })

  it('is told how long ago the store was asked, where memory answered', () => {
    const ages: number[] = []
    const { location } = locationOf(
      { sharedAs: 'a' },
      { saw: async (_key: object, _digest: unknown, ageMs: number) => void ages.push(ageMs) },
    )
    const absent = { lastsMs: 5_000, until: Date.now() + 2_000 }
    Object.assign(location.chainEntry, { store: { absence: () => absent } })
    tellWithdrawals([location], [location], options)
    expect(ages[0]).toBeGreaterThanOrEqual(3_000)
    expect(ages[0]).toBeLessThan(3_500)
  })
})

/** What a verification over two stores tells the fleet: the store, and whether it has a value. */
async function toldBy(first: SecretProvider['get'], second: SecretProvider['get']): Promise<unknown[]> {
  const told: unknown[] = []
  const shared: SharedCache = {
    specificationVersion: 'v1',
    read: async () => ({ leaseToken: {} }),
    fill: async () => {},
    invalidate: async () => {},
    formers: {
      digest: () => new Uint8Array([1]),
      saw: async ({ sharedAs }, digest) => void told.push([sharedAs, digest !== undefined]),
      matches: async () => false,
    },
  }
  const providers = [
    { specificationVersion: 'v1', name: 'first', sharedAs: 'a', get: first },
    { specificationVersion: 'v1', name: 'second', sharedAs: 'b', get: second },
  ] as const
  const secrets = createSecretsManager({ providers, cache: { shared } })
  await secrets.verifySecret('token', 'presented', { acceptPreviousForSeconds: 600, acceptDegraded: true }).catch(() => {})
  await secrets.close()
  return [...new Map(told.map((each) => [String(each), each])).values()]
}

describe('a verification tells the fleet that a secret is gone', () => {
  const none = async (): Promise<undefined> => undefined
  const fails = (code: 'UNAVAILABLE' | 'DELETED' | 'UNSUPPORTED') => (): Promise<never> => Promise.reject(new SecretsError(code, 'x'))
  const has = async (): Promise<{ value: string }> => ({ value: 'v1' })

  it.each([
    [
      'of each store that answered so',
      none,
      none,
      [
        ['a', false],
        ['b', false],
      ],
    ],
    [
      'of the store before the one that has it',
      none,
      has,
      [
        ['a', false],
        ['b', true],
      ],
    ],
    ['not if a store could not be asked', fails('UNAVAILABLE'), none, []],
    ['not if a store cannot be asked that', fails('UNSUPPORTED'), none, []],
    ['not of the stores behind one that says it was deleted', fails('DELETED'), has, [['a', false]]],
  ] as const)('%s', async (_, first, second, told) => {
    expect((await toldBy(first, second)).toSorted((one, other) => String(one).localeCompare(String(other)))).toEqual(told)
  })
})
