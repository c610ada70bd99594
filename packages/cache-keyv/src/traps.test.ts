// Quirks of Keyv and its adapters. For Redis itself see redis.test.ts.
import { EventEmitter } from 'node:events'
import { createSecretsManager } from '@finchat/secrets-core'
import { Keyv } from 'keyv'
import { Keyv as Keyv5 } from 'keyv5'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { keyvCache } from './keyv-cache.ts'
import { context, encryptionKey, fillGap, fleetOver, key, leaseTokenOf, valueIn } from './testing/fleet.ts'
import { faultyStore } from './testing/stores.ts'
import { sqliteStore } from './testing/sqlite-store.ts'
import type { KeyvStore } from './store/text-store.ts'

beforeEach(() => void vi.spyOn(process, 'emitWarning').mockReturnValue())
afterEach(() => void vi.restoreAllMocks())

const canary = 'canary-3d9f'

test('every TTL is a whole number of at least 1 ms: 0 would mean for ever', async () => {
  const store = faultyStore()
  const set = vi.spyOn(store, 'set')
  const cache = keyvCache({ store, encryptionKey, settleMs: 0, waitMs: 1 })
  for (const lifeMs of [-5, 0, 0.001, 0.5, 1, 1.5, 1e6]) {
    await fillGap(cache, { value: 'v' }, { until: Date.now() + lifeMs })
    await cache.invalidate(key, context)
  }
  const ttls = set.mock.calls.map(([, , ttl]) => ttl)
  expect(ttls.length).toBeGreaterThan(14)
  for (const ttl of ttls) expect(Number.isSafeInteger(ttl) && Number(ttl) >= 1).toBe(true)
})

test.each([
  ['a Keyv gets a TTL in milliseconds', (store: object) => new Keyv({ clear: async () => {}, has: async () => false, ...store }), 60_000],
  ['a Keyv 5 gets a TTL in milliseconds', (store: object) => new Keyv5({ store: { clear: async () => {}, ...store } }), 60_000],
  ['an adapter of Keyv 5 gets a TTL in milliseconds', (store: object) => store, 60_000],
  ['an adapter of Keyv 6 gets the time of expiry', (store: object) => ({ ...store, capabilities: { expires: true } }), Date.now() + 60_000],
])('%s', async (_, wrapped, expected) => {
  const store = faultyStore()
  const set = vi.spyOn(store, 'set')
  const cache = keyvCache({ store: wrapped(store) as Keyv, encryptionKey, settleMs: 0 })
  await fillGap(cache, { value: 'v' })
  const [ttl] = set.mock.calls.filter(([name]) => name.includes('}e')).map(([, , each]) => Number(each))
  expect(Math.abs((ttl ?? 0) - expected)).toBeLessThan(10_000)
})

test('no expired entry is served from a store that ignores TTLs', async () => {
  const { another } = fleetOver()
  const cache = another()
  await fillGap(cache, { value: 'v' }, { until: Date.now() + 30 })
  await vi.waitFor(async () => expect(await valueIn(cache)).toBeUndefined())
})

test('a failure that a Keyv reports only as an event is neither a miss nor a successful invalidation', async () => {
  const store = faultyStore()
  const keyv = new Keyv({ clear: async () => {}, has: async () => false, ...store })
  keyv.on('error', () => {})
  const cache = keyvCache({ store: keyv, encryptionKey, settleMs: 0, coolDownMs: 0 })
  await fillGap(cache, { value: 'v' })
  store.plan = () => 'reject'
  expect(await cache.read(key, context)).toEqual({ leaseToken: {}, unavailable: true })
  await expect(cache.invalidate(key, context)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  store.plan = undefined
  expect(await valueIn(cache)).toBe('v')
})

test('a failed write that an adapter reports only as an event is not mistaken for a full store', async () => {
  const events = new EventEmitter()
  const store = Object.assign(events, {
    get: async () => undefined,
    set: async () => void events.emit('error', new Error("NOPERM this user has no permissions to run the 'set' command")),
    delete: async () => false,
  })
  const cache = keyvCache({ store, encryptionKey, settleMs: 0 })
  expect(await cache.read(key, context)).toHaveProperty('unavailable')
  expect(cache.stats().failures).toEqual({ timeout: 0, denied: 1, full: 0, failed: 0 })
})

test('a store that reports writes and keeps nothing is detected, and gets a cool-down', async () => {
  const { store, another } = fleetOver()
  const cache = another()
  store.plan = (call) => (call === 'set' ? 'swallow' : undefined)
  for (let times = 0; times < 3; times += 1) expect(await cache.read(key, context)).toHaveProperty('unavailable')
  const calls = store.calls()
  expect(await cache.read(key, context)).toHaveProperty('unavailable')
  expect(store.calls()).toBe(calls)
  expect(cache.stats().failures.full).toBe(3)
})

test('an entry that was moved to another key is ignored, counted and reported', async () => {
  const { store, another } = fleetOver()
  const cache = another()
  await fillGap(cache, { value: canary })
  const stolen = [...store.held].find(([name]) => name.includes('}e'))?.[1] ?? ''
  const other = { ...key, path: 'prod/other' }
  await fillGap(cache, { value: 'own' }, {}, other)
  for (const name of store.held.keys()) if (name.includes('}e')) store.held.set(name, stolen)
  expect(await valueIn(cache, other)).toBeUndefined()
  expect(await valueIn(cache)).toBe(canary)
  expect(cache.stats().ignored.unreadable).toBeGreaterThan(0)
  expect(process.emitWarning).toHaveBeenCalledWith(expect.stringMatching(/no key of the ring opens/), expect.anything())
  expect(JSON.stringify(vi.mocked(process.emitWarning).mock.calls)).not.toMatch(/canary|prod/)
})

test.each(['', '!', 'AAAA', '{"value":"planted"}', 'x'.repeat(100_000)])(
  'a planted text causes a miss and no error: %.20j',
  async (planted) => {
    const { store, another } = fleetOver()
    const cache = another()
    await fillGap(cache, { value: 'v' })
    for (const name of store.held.keys()) store.held.set(name, planted)
    expect(await leaseTokenOf(another({ waitMs: 0 }))).toBeDefined()
    await cache.invalidate(key, context)
    await fillGap(another(), { value: 'anew' })
    expect(await valueIn(cache)).toBe('anew')
  },
)

test('a value that is not text is a miss', async () => {
  const map = new Map<string, unknown>()
  const cache = keyvCache({ store: map })
  await fillGap(cache, { value: 'v' })
  for (const name of map.keys()) map.set(name, { value: 'planted' })
  expect(await valueIn(cache)).toBeUndefined()
})

test('namespaces that collide in Keyv stay separate', async () => {
  const held = new Map<string, unknown>()
  const adapter = new Keyv(held)
  const spaces = ['a', 'a:b', 'a::b', '', 'A', 'а', 'a\u200b']
  const caches = spaces.map((namespace) => keyvCache({ store: adapter, encryptionKey, namespace, settleMs: 0 }))
  const paths = ['c', 'b:c', 'b::c', ':b:c', '::c']
  for (const [n, cache] of caches.entries()) for (const path of paths) await fillGap(cache, { value: `${n} ${path}` }, {}, { ...key, path })
  for (const [n, cache] of caches.entries()) for (const path of paths) expect(await valueIn(cache, { ...key, path })).toBe(`${n} ${path}`)
})

test('two Keyvs on one adapter share a namespace, and no cache reads entries of the other', async () => {
  const held = new Map<string, unknown>()
  const adapter = new Keyv({ store: held }).store
  const [one, other] = ['one', 'other'].map((namespace) =>
    keyvCache({ store: new Keyv({ store: adapter, namespace }), encryptionKey, namespace, settleMs: 0 }),
  ) as [ReturnType<typeof keyvCache>, ReturnType<typeof keyvCache>] // two given
  await fillGap(one, { value: 'of one' })
  expect(await valueIn(other)).toBeUndefined()
  await fillGap(other, { value: 'of the other' })
  expect([await valueIn(one), await valueIn(other)]).toEqual(['of one', 'of the other'])
})

test('hooks, statistics and events of Keyv, and the map, reveal no name and no value', async () => {
  const map = new Map<string, unknown>()
  const seen: unknown[] = []
  const keyv = new Keyv({ store: map, stats: true, namespace: 'ours' })
  for (const hook of [
    'before:get',
    'after:get',
    'before:getMany',
    'after:getMany',
    'before:set',
    'after:set',
    'before:delete',
    'after:delete',
  ])
    keyv.onHook({ event: hook, handler: (...args: unknown[]) => void seen.push(args) })
  for (const event of ['stat:hit', 'stat:miss', 'stat:set', 'stat:delete', 'error'])
    keyv.on(event, (...args: unknown[]) => void seen.push(args))
  const secrets = createSecretsManager({
    providers: [
      { specificationVersion: 'v1', name: 'store', sharedAs: 'aws:1:eu', get: async () => ({ value: canary, revision: canary }) },
    ],
    cache: { shared: keyvCache({ store: keyv, encryptionKey, namespace: 'payments', settleMs: 0 }) },
  })
  await secrets.getSecret('prod-database')
  await secrets.close()
  expect(seen.length).toBeGreaterThan(10)
  const stats = [keyv.stats.hitKeys, keyv.stats.missKeys, keyv.stats.setKeys].map((each) => [...each])
  const shown = Buffer.from(JSON.stringify([seen, stats, [...map]]))
  for (const word of [canary, 'prod-database', 'aws:1:eu', 'payments'])
    for (const encoding of ['utf8', 'hex', 'base64', 'base64url'] as const)
      expect(shown.includes(Buffer.from(word).toString(encoding).replace(/=+$/, ''))).toBe(false)
})

test('entries over SQLite open in another process', async () => {
  const store = sqliteStore(':memory:')
  const cache = keyvCache({ store, encryptionKey, settleMs: 0 })
  await fillGap(cache, { value: canary })
  expect(await valueIn(keyvCache({ store, encryptionKey }))).toBe(canary)
  store.close()
})

test.each<[string, () => KeyvStore & { readonly listeners: (event: string) => readonly unknown[] }]>([
  ['Keyv', () => new Keyv({ store: new Map() })],
  ['Keyv 5', () => new Keyv5({ store: new Map() })],
])('closed caches over one %s leave one error listener, so that an error does not end the process', async (_, make) => {
  const store = make()
  for (let count = 0; count < 5; count += 1) await keyvCache({ store }).close()
  expect(store.listeners('error')).toHaveLength(1)
})
