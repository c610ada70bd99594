import { SecretsError } from '@finchat/secrets-core'
import { Keyv } from 'keyv'
import KeyvPostgres6 from 'keyv-postgres6'
import KeyvRedis6 from 'keyv-redis6'
import { Keyv as Keyv5 } from 'keyv5'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { generateKey } from '@finchat/secrets-core/sealing'
import { type KeyvCache, keyvCache } from './keyv-cache.ts'
import { context, encryptionKey, fillGap, key, valueIn } from './testing/fleet.ts'
import type { KeyvStore } from './store/text-store.ts'
import { faultyStore } from './testing/stores.ts'

beforeEach(() => void vi.spyOn(process, 'emitWarning').mockReturnValue())
afterEach(() => void vi.restoreAllMocks())

const store = faultyStore()

test.each<[object | undefined, RegExp]>([
  [undefined, /^the options are undefined/],
  [{}, /^`store` is undefined/],
  [{ store: 'redis://localhost', encryptionKey }, /^`store` is text \(give an adapter, such as/],
  [{ store: {}, encryptionKey }, /^`store` has no get\(\)/],
  [{ store: { get: () => {}, set: () => {} }, encryptionKey }, /^`store` has no delete\(\)/],
  [{ store }, /^no encryption key is given \(give `encryptionKey`/],
  [{ store, encryptionKey: '' }, /^no encryption key is given \(give `encryptionKey`.*generateKey\(\) makes one/],
  [{ store, keys: [] }, /^no encryption key is given/],
  [{ store, keys: encryptionKey }, /^`keys` is text instead of an array/],
  [{ store, keys: [encryptionKey], encryptionKey }, /^`encryptionKey` and `keys` are both given/],
  [{ store, keys: [encryptionKey, generateKey()] }, /^several keys are given without `indexKey`/],
  [{ store, encryptionKey: 'short' }, /^Encryption key must be at least 32 bytes long/],
  [{ store, encryptionKey, namespace: 5 }, /^the option namespace is a number/],
  [{ store, encryptionKey, namespace: '\ud800' }, /^`namespace` is not well-formed text/],
  [{ store, encryptionKey, keyPrefix: 'a{b' }, /^`keyPrefix` cannot be used/],
  [{ store, encryptionKey, timeoutMs: 0 }, /^`timeoutMs` is 0 \(pass a number from 1/],
  [{ store, encryptionKey, waitMs: -1 }, /^`waitMs` is -1/],
  [{ store, encryptionKey, settleMs: NaN }, /^`settleMs` is NaN/],
  [{ store, encryptionKey, coolDownMs: '5' }, /^the option coolDownMs is text/],
  [{ store, encryptionKey, failClosed: 'yes' }, /^the option failClosed is text/],
  [{ store, encryptionKey, client: {} }, /^`client` is not a Redis client/],
  [{ store, encryptionKey, subscriber: { subscribe: () => {}, unsubscribe: () => {} } }, /^`subscriber` is given without `client`/],
  [{ store, encryptionKey, ttl: 5 }, /^the option "ttl" is not known/],
])('%j is refused', (options, message) => {
  let error: unknown
  try {
    keyvCache(options as never) // as JavaScript may pass them
  } catch (thrown) {
    error = thrown
  }
  expect(SecretsError.isInstance(error) && [error.code, error.message]).toEqual(['CONFIGURATION', expect.stringMatching(message)])
})

test('the store is not called before the first read', () => {
  keyvCache({ store, encryptionKey })
  expect(store.calls()).toBe(0)
})

test('a store in this process needs no key, and its entries are sealed', async () => {
  for (const own of [new Map<string, unknown>(), new Keyv(), new Keyv({ store: new Map() }), new Keyv5()]) {
    const cache = keyvCache({ store: own })
    await fillGap(cache, { value: 'canary-71ac' })
    expect(await valueIn(cache)).toBe('canary-71ac')
    if (own instanceof Map) expect(JSON.stringify([...own])).not.toMatch(/canary|database|aws:1:eu/)
  }
  expect(process.emitWarning).not.toHaveBeenCalled()
})

test('a Keyv over a connection string, which is a map, causes a warning that nothing is shared', () => {
  keyvCache({ store: new Keyv('redis://localhost:6379'), encryptionKey })
  expect(process.emitWarning).toHaveBeenCalledWith(
    expect.stringMatching(/no other process shares it.*connection string/),
    expect.anything(),
  )
})

test.each<[string, object]>([
  ['Redis', new KeyvRedis6<string>('redis://localhost:6379')],
  ['PostgreSQL', new KeyvPostgres6({ uri: 'postgresql://localhost:5432', table: 'secrets' })],
])('a Keyv 5 over an adapter for Keyv 6 is refused, and the adapter itself is not: %s', (_, adapter) => {
  const over = (given: object): KeyvCache => keyvCache({ store: given as KeyvStore, encryptionKey })
  const refused = /^`store` is a Keyv 5 over an adapter for Keyv 6.*\(give the adapter itself, or install/
  expect(() => over(new Keyv5({ store: adapter as never }))).toThrow(refused)
  for (const accepted of [adapter, new Keyv({ store: adapter as never })]) expect(() => over(accepted)).not.toThrow()
})

test('what the first key of the fleet sealed is a plain miss once it has left the ring', async () => {
  const [old, next] = [generateKey(), generateKey()]
  const held = new Map<string, string>()
  const grace = { sharedAs: key.sharedAs, path: key.path, part: '', graceMs: 60_000 }
  const digestIn = (cache: KeyvCache, value: string): Uint8Array => cache.formers?.digest(grace, Buffer.from(value)) ?? expect.fail('none')
  const before = keyvCache({ store: faultyStore(held), keys: [old] })
  await fillGap(before, { value: 'old' })
  for (const value of ['v1', 'v2']) await before.formers?.saw(grace, digestIn(before, value), 0, context)
  const after = keyvCache({ store: faultyStore(held), keys: [next], indexKey: old })
  expect(await after.formers?.matches(grace, digestIn(after, 'v2'), 'v1', context)).toBe(false)
  const answer = await after.read(key, { ...context, isRecheck: true })
  expect(answer).toEqual({ leaseToken: {}, invalidatedAt: 0, leastVersion: 0 })
  expect(after.stats().ignored).toEqual({ unreadable: 0, retired: 3, future: 0, expired: 0, outdated: 0 })
  expect(process.emitWarning).not.toHaveBeenCalled()
  await fillGap(after, { value: 'new' })
  expect(await valueIn(after)).toBe('new')
})

test('what another key sealed causes a warning that names each cause', async () => {
  const [old, next, other] = [generateKey(), generateKey(), generateKey()]
  const held = new Map<string, string>()
  await fillGap(keyvCache({ store: faultyStore(held), keys: [other], indexKey: old }), { value: 'v' })
  const cache = keyvCache({ store: faultyStore(held), keys: [next], indexKey: old })
  expect(await valueIn(cache)).toBeUndefined()
  expect(cache.stats().ignored.retired).toBe(0)
  expect(process.emitWarning).toHaveBeenCalledWith(
    expect.stringMatching(/its key left the ring less than 7 days ago, some processes lack a key, or it was altered/),
    expect.anything(),
  )
})

test('a fleet changes its key without a cold cache: last, then first, then alone', async () => {
  const [old, next] = [generateKey(), generateKey()]
  const held = new Map<string, string>()
  const steps = [
    { keys: [old] },
    { keys: [old, next], indexKey: old },
    { keys: [next, old], indexKey: old },
    { keys: [next], indexKey: old },
  ].map((keys) => keyvCache({ store: faultyStore(held), ...keys }))
  for (const [n, cache] of steps.entries()) {
    const neighbours = [steps[n - 1], steps[n + 1]].filter((each) => each !== undefined)
    await cache.invalidate(key, context)
    await fillGap(cache, { value: `v${n}` })
    for (const each of neighbours) expect(await valueIn(each)).toBe(`v${n}`)
  }
  const retired = steps[0]
  if (retired === undefined) throw new Error('four are made')
  expect(await valueIn(retired)).toBeUndefined()
  expect(retired.stats().ignored.unreadable).toBeGreaterThan(0)
})
