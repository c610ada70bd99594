import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { SecretProvider } from '../contract/provider.ts'
import type { Location, Locations } from '../chain/routing.ts'
import type { FallbackPolicy } from '../chain/fallback-policy.ts'
import { SecretsError } from '../errors/secrets-error.ts'
import { chainEntryTo } from '../testing/chain-entries.ts'
import { refusal } from '../testing/refusal.ts'
import { FallbackTraversal } from '../chain/chain.ts'
import { describeAt, describeCurrent } from '../chain/describe.ts'
import { locationAt, targetOfCurrent, targetOfStore, wholeAt } from './write-target.ts'

const context = { signal: new AbortController().signal }
const put = async (): Promise<object> => ({})
const has = { get: async () => ({ value: 'v', version: 3 }) } satisfies Partial<SecretProvider>

beforeEach(() => void vi.spyOn(process, 'emitWarning').mockReturnValue())
afterEach(() => vi.restoreAllMocks())

function says(code: SecretsError['code']): Partial<SecretProvider> {
  return { get: async () => Promise.reject(new SecretsError(code, 'it said no')) }
}

/** Each provider has nothing unless it says otherwise. */
function locationsOf(providers: Readonly<Record<string, Partial<SecretProvider>>>): Locations {
  return Object.entries(providers).map(([name, members]) => ({
    chainEntry: chainEntryTo({ name, ...members }),
    path: `path-in-${name}`,
    fields: [],
  }))
}

function traversal(locations: Locations, policy?: FallbackPolicy): FallbackTraversal<Location> {
  return new FallbackTraversal('db', locations, [policy])
}

async function named(target: Promise<{ readonly location: Location } | undefined>): Promise<string | undefined> {
  return (await target)?.location.chainEntry.provider.name
}

describe('a new value is written', () => {
  it('to the first provider that can write, or to the named one', async () => {
    const locations = locationsOf({ env: {}, local: { put }, vault: { put } })
    expect(await named(targetOfStore('db', locations, undefined, context))).toBe('local')
    expect(await named(targetOfStore('db', locations, 'vault', context))).toBe('vault')
  })

  it('to no provider if none can write', async () => {
    expect(await refusal(targetOfStore('db', locationsOf({ env: {} }), undefined, context))).toMatchObject({
      code: 'UNSUPPORTED',
      secret: 'db',
    })
    expect(await refusal(targetOfStore('db', [], undefined, context))).toMatchObject({ code: 'UNSUPPORTED', secret: 'db' })
  })

  it('to no provider that does not hold the name', async () => {
    const error = await refusal(targetOfStore('db', locationsOf({ local: { put } }), 'aws', context))
    expect(error).toMatchObject({
      code: 'CONFIGURATION',
      secret: 'db',
      message: expect.stringContaining('no provider "aws" that holds this name'),
    })
  })

  it('to no provider behind one that has the name, since it would never be read', async () => {
    const error = await refusal(targetOfStore('db', locationsOf({ env: has, local: { put } }), undefined, context))
    expect(error).toMatchObject({
      code: 'CONFIGURATION',
      message: expect.stringMatching(/'env' answers this name first, so a write to 'local' would never be read \(write to 'env'/),
    })
  })

  it('before later providers that have the name too', async () => {
    expect(await named(targetOfStore('db', locationsOf({ local: { put }, env: has }), undefined, context))).toBe('local')
  })

  it.each([
    ['UNAVAILABLE', 'UNAVAILABLE'],
    ['DEADLINE_EXCEEDED', 'UNAVAILABLE'],
    ['RATE_LIMITED', 'UNAVAILABLE'],
    ['DELETED', 'DELETED'],
    ['PERMISSION_DENIED', 'PERMISSION_DENIED'],
    ['UNAUTHENTICATED', 'UNAUTHENTICATED'],
  ] as const)('nowhere behind a provider that says %s: the answer is %s', async (code, answered) => {
    expect(await refusal(targetOfStore('db', locationsOf({ aws: says(code), local: { put } }), undefined, context))).toMatchObject({
      code: answered,
      secret: 'db',
    })
  })

  it('behind a provider without credentials, which is not in use here', async () => {
    expect(await named(targetOfStore('db', locationsOf({ aws: says('CREDENTIALS_MISSING'), local: { put } }), undefined, context))).toBe(
      'local',
    )
  })
})

describe('the current secret is', () => {
  it('at the location that the traversal finds, with its description', async () => {
    const target = await targetOfCurrent(traversal(locationsOf({ env: {}, local: { ...has, put } })), context)
    expect([target?.location.path, target?.before]).toEqual(['path-in-local', { version: 3 }])
  })

  it('missing if every provider says so', async () => {
    expect(await targetOfCurrent(traversal(locationsOf({ env: {}, local: {} })), context)).toBeUndefined()
  })

  it('unknown if an earlier provider is unreachable', async () => {
    for (const code of ['UNAVAILABLE', 'CREDENTIALS_MISSING'] as const) {
      expect(await refusal(targetOfCurrent(traversal(locationsOf({ aws: says(code), local: has })), context))).toMatchObject({
        code: 'UNAVAILABLE',
        secret: 'db',
        problem: expect.stringContaining(`'local' has the current secret is not known: aws said ${code}, `),
        attempts: [{ provider: 'aws', code }],
      })
      expect(await refusal(targetOfCurrent(traversal(locationsOf({ aws: says(code), local: {} })), context))).toMatchObject({
        code: 'UNAVAILABLE',
      })
    }
  })

  it('not searched behind a denial or a withdrawal', async () => {
    for (const code of ['PERMISSION_DENIED', 'DELETED'] as const) {
      expect(await refusal(targetOfCurrent(traversal(locationsOf({ aws: says(code), local: has })), context))).toMatchObject({
        code,
        provider: 'aws',
        secret: 'db',
      })
    }
  })

  it("described under the traversal's own policy", async () => {
    const locations = locationsOf({ aws: says('DELETED'), local: has })
    expect(await named(describeCurrent(traversal(locations, { DELETED: 'next' }), context, describeAt))).toBe('local')
  })
})

describe('a description', () => {
  const location = (members: Partial<SecretProvider>): Location => locationsOf({ p: members })[0] as Location // one provider, one place

  it('uses describe of the provider, without the value', async () => {
    const get = vi.fn<SecretProvider['get']>()
    expect(await describeAt(location({ get, describe: async () => ({ version: 2, tags: { team: 'pay' } }) }), context)).toEqual({
      version: 2,
      tags: { team: 'pay' },
    })
    expect(get).not.toHaveBeenCalled()
  })

  it.each<[string, Partial<SecretProvider>]>([
    ['has none', {}],
    ['rejects it as UNSUPPORTED, which is the same', { describe: async () => Promise.reject(new SecretsError('UNSUPPORTED', 'x')) }],
  ])('is made of the secret where the provider %s, and holds no value', async (_, members) => {
    const get: SecretProvider['get'] = async () => ({ value: 'canary-88f1', shape: 'map', version: 2, revision: 'r' })
    expect(await describeAt(location({ get, ...members }), context)).toEqual({ version: 2, revision: 'r' })
  })

  it('overwrites the bytes of a value that it read behind an unreachable provider', async () => {
    const value = Uint8Array.of(1, 2, 3)
    const locations = locationsOf({ vault: says('UNAVAILABLE'), local: { get: async () => ({ value }), keepsFields: () => true } })
    expect(await refusal(targetOfCurrent(traversal(locations), context, wholeAt))).toMatchObject({ code: 'UNAVAILABLE' })
    expect(value).toEqual(new Uint8Array(3))
  })

  it('overwrites the bytes of a value that it had to read', async () => {
    const value = Uint8Array.of(1, 2, 3)
    await describeAt(location({ get: async () => ({ value }) }), context)
    expect(value).toEqual(new Uint8Array(3))
  })

  it('is undefined for a missing secret', async () => {
    expect(await describeAt(location({}), context)).toBeUndefined()
    expect(await describeAt(location({ describe: async () => undefined, ...has }), context)).toBeUndefined()
  })
})

describe('locationAt', () => {
  it('finds the location of a provider, or says what to check', () => {
    const locations = locationsOf({ a: {}, b: {} })
    expect(locationAt('db', locations, 'b').path).toBe('path-in-b')
    expect(() => locationAt('db', locations, 'c')).toThrow(expect.objectContaining({ code: 'CONFIGURATION', secret: 'db' }))
  })
})
