import { describe, expect, it } from 'vitest'
import type { AuditTrail } from '../contract/audit.ts'
import type { SecretProvider } from '../contract/provider.ts'
import type { SharedCache } from '../contract/shared-cache.ts'
import { knownManagerOptions, settingsOf } from './manager-options.ts'

const provider = (name: string, members: Partial<SecretProvider> = {}): SecretProvider => ({
  specificationVersion: 'v1',
  name,
  get: async () => undefined,
  ...members,
})
const providers = [provider('a'), provider('b', { put: async () => ({}) })]

/** What a caller without types may pass. */
function refused(options: object): () => unknown {
  return () => settingsOf(knownManagerOptions({ providers, ...options }))
}

describe('settingsOf', () => {
  it('fills in the defaults', () => {
    expect(settingsOf({ providers })).toEqual({
      ttlMs: 300_000,
      maxStaleMs: 300_000,
      maxEntries: 1_000,
      recheckMs: 5_000,
      requireOwnAccess: false,
      deadlineMs: 5_000,
      autoCleanup: false,
    })
  })

  it('converts the given seconds to milliseconds', () => {
    const cache = { ttlSeconds: 0.5, maxStaleSeconds: 0, maxEntries: 1, recheckSeconds: 2, requireOwnAccess: true }
    expect(settingsOf({ providers, cache, deadlineMs: 1, autoCleanup: true, writeTo: 'b' })).toEqual({
      ttlMs: 500,
      maxStaleMs: 0,
      maxEntries: 1,
      recheckMs: 2_000,
      requireOwnAccess: true,
      deadlineMs: 1,
      autoCleanup: true,
    })
    expect(settingsOf({ providers, cache: { ttlSeconds: undefined }, deadlineMs: undefined })).toMatchObject({
      ttlMs: 300_000,
      deadlineMs: 5_000,
    })
  })

  it.each<[string, object, RegExp]>([
    ['a provider instead of a list', { providers: {} }, /providers is an object, not an array/],
    ['a misspelt option', { cahce: {} }, /the option "cahce" is not known \(use providers, cache, /],
    ['a misspelt option of the cache', { cache: { ttl: 5 } }, /the option "ttl" is not known \(use ttlSeconds, /],
    ['no providers', { providers: [] }, /providers is empty \(pass at least one/],
    ['providers that are no list', { providers: provider('a') }, /providers/],
    ['a hole among the providers', { providers: [undefined] }, /providers\[0\] does not follow specification v1/],
    ['null among the providers', { providers: [provider('a'), null] }, /providers\[1\] does not follow specification v1/],
    ['a provider of another specification', { providers: [{ ...provider('a'), specificationVersion: 'v2' }] }, /providers\[0\].*upgrade/],
    ['a provider without a name', { providers: [provider('')] }, /providers\[0\] has no usable name/],
    ['a store that is no text', { providers: [{ ...provider('p'), sharedAs: {} }] }, /providers\[0\] has an object for sharedAs/],
    ['an empty name of a store', { providers: [{ ...provider('p'), graceSharedAs: '' }] }, /providers\[0\] has .* for graceSharedAs/],
    ['a name that could forge a log line', { providers: [provider('a\nb')] }, /no usable name/],
    ['two providers of one name', { providers: [provider('a'), provider('a')] }, /two providers are named "a"/],
    ['writeTo that is not there', { writeTo: 'c\n' }, /writeTo names "c\\n", which is no provider here/],
    ['writeTo that cannot be written', { writeTo: 'a' }, /writeTo names "a", which cannot be written/],
    ['a negative TTL', { cache: { ttlSeconds: -1 } }, /cache\.ttlSeconds is -1 \(pass a number from 0\)/],
    ['a TTL that is no number', { cache: { ttlSeconds: NaN } }, /cache\.ttlSeconds/],
    ['an endless TTL', { cache: { ttlSeconds: Infinity } }, /cache\.ttlSeconds/],
    ['a TTL as text', { cache: { ttlSeconds: '300' } }, /cache\.ttlSeconds/],
    ['endless stale answers', { cache: { maxStaleSeconds: Infinity } }, /cache\.maxStaleSeconds/],
    ['no room', { cache: { maxEntries: 0 } }, /cache\.maxEntries is 0 \(pass a number from 1\)/],
    ['no time', { deadlineMs: 0 }, /deadlineMs is 0 \(pass a number from 1 to 2147483647\)/],
    ['a timer that would fire at once', { deadlineMs: 2 ** 31 }, /deadlineMs/],
    [
      'a row of the policy that is fixed',
      { fallback: { ABORTED: 'next' } },
      /the fallback policy has no row "ABORTED" that can be overridden/,
    ],
    [
      'an audit trail of another specification',
      { audit: { specificationVersion: 'v2' } as unknown as AuditTrail }, // of a later release
      /audit does not follow/,
    ],
    [
      'a sink in place of a trail',
      { audit: { specificationVersion: 'v1', name: 'file', write: async () => {} } },
      /audit is no trail \(make one of a sink: auditTrail\(\{ sinks: \[it\] \}\)\)/,
    ],
    ['cache options that are null', { cache: null }, /^cache is null \(pass an object, such as \{ ttlSeconds: 60 \}\)$/],
    ['cache options that are a list', { cache: [] }, /^cache is an array/],
    ['cache options that are a Map', { cache: new Map([['ttlSeconds', 60]]) }, /^cache is a Map/],
    ['cache options that are text', { cache: 'hunter2' }, /^cache is text/],
    ['half an entry', { cache: { maxEntries: 1.5 } }, /^cache\.maxEntries is 1\.5 \(pass a whole number\)$/],
    ['a policy that is null', { fallback: null }, /^the fallback policy is null \(pass \{ UNAVAILABLE: 'stop' \}\)$/],
    ['a policy that is a list', { fallback: [] }, /^the fallback policy is an array/],
    ['a policy that is a Map', { fallback: new Map([['UNAVAILABLE', 'stop']]) }, /^the fallback policy is a Map/],
    ['a policy that is text', { fallback: 'next' }, /^the fallback policy is text/],
    [
      'an action that is none',
      { fallback: { PERMISSION_DENIED: 'continue' } },
      /^the fallback policy has text in the row PERMISSION_DENIED \(use 'next' or 'stop'\)$/,
    ],
    ['an action that is true', { fallback: { UNAVAILABLE: true } }, /has a boolean in the row UNAVAILABLE/],
    [
      'a row that is not there',
      { fallback: { UNAVAILBLE: 'stop' } },
      /^the fallback policy has no row "UNAVAILBLE" that can be overridden \(use UNAVAILABLE, DEADLINE_EXCEEDED, RATE_LIMITED, .*INTERNAL\)$/,
    ],
    ['a shared cache that is none', { cache: { shared: {} as SharedCache } }, /cache\.shared does not follow/],
  ])('throws CONFIGURATION for %s', (_, options, message) => {
    expect(refused(options)).toThrow(expect.objectContaining({ code: 'CONFIGURATION', message: expect.stringMatching(message) }))
  })

  it.each([1, 2, 1_000_000])('takes %d entries', (maxEntries) => {
    expect(settingsOf({ providers, cache: { maxEntries } }).maxEntries).toBe(maxEntries)
  })

  it.each([[[provider('a')]], [new Map([['providers', providers]])], [Promise.resolve({ providers })], ['providers'], [null]])(
    'takes nothing but an object for options: %j',
    (options) => {
      expect(() => knownManagerOptions(options as never)).toThrow(
        /^the options are (an array|a Map|a Promise|text|null).* instead of an object/,
      )
    },
  )
})
