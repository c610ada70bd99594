import {
  createSecretsManager,
  envProvider,
  SecretsError,
  type ReadOneOptions,
  type SecretProvider,
  type SecretsManager,
  type SharedCache,
  type StoredSecret,
} from '@finchat/secrets-core'
import { type Fault, type FaultPlan, faults, memoryAuditTrail, memorySharedCache, type SharedCacheFault } from '@finchat/secrets-testkit'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { breakable, codeOf, failureOf, readOnly, type Breakable } from './testing/manager-trial.ts'
import { now, onOwnClock, ttlMs } from './testing/own-clock.ts'

onOwnClock()

const at = (ms: number): void => void vi.setSystemTime(now + ms)
/** Lets what is under way in the background come to its end. */
const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0)

const storeOf = (value: string | Uint8Array = 'v1'): Breakable => breakable({ name: 'store', sharedAs: 'store', secrets: { token: value } })

function processOf(provider: SecretProvider, shared: SharedCache, recheckSeconds?: number): SecretsManager {
  return createSecretsManager({ providers: [provider], cache: { shared, recheckSeconds } })
}

/** Two processes over one store and one shared cache. */
function fleet(value?: string | Uint8Array): {
  store: Breakable
  shared: ReturnType<typeof memorySharedCache>
  here: SecretsManager
  there: SecretsManager
} {
  const store = storeOf(value)
  const shared = memorySharedCache()
  return { store, shared, here: processOf(store.provider, shared), there: processOf(store.provider, shared.anotherProcess()) }
}

describe('a shared cache', () => {
  it.each(['00123', '', 'grüße', Uint8Array.of(0, 255)])('answers reads of other processes instead of the store: %j', async (stored) => {
    const { store, here, there } = fleet(stored)
    const value = await here.getSecretValue('token')
    await settle()
    const shared = await there.getSecretValue('token')
    expect([shared.bytes(), shared.version, shared.revision, shared.currentSince, shared.provider]).toEqual([
      value.bytes(),
      1,
      value.revision,
      value.currentSince,
      'store',
    ])
    expect(store.provider.calls('get')).toBe(1)
  })

  it('gets its own bytes from a provider that hands out its Buffer', async () => {
    const provider: SecretProvider = { ...readOnly('store', async () => ({ value: Buffer.from('bytes') })), sharedAs: 'store' }
    const shared = memorySharedCache()
    await processOf(provider, shared).getSecretValue('token')
    await settle()
    const value = await processOf({ ...provider, get: async () => undefined }, shared.anotherProcess()).getSecretValue('token')
    expect(Buffer.from(value.bytes()).toString()).toBe('bytes')
  })

  it("that no provider uses causes a warning at the manager's creation", async () => {
    const { sharedAs, ...own } = storeOf().provider
    const sharing = { ...own, name: 'sharing', sharedAs }
    const made = (providers: readonly SecretProvider[], shared?: SharedCache): Promise<unknown> =>
      createSecretsManager({ providers, cache: { shared } }).checkHealth()
    await Promise.all([made([sharing], memorySharedCache()), made([own, sharing], memorySharedCache()), made([own])])
    expect(process.emitWarning).not.toHaveBeenCalled()
    await made([own, { ...own, name: 'other', sharedAs: undefined }], memorySharedCache())
    const message = expect.stringMatching(/^The shared cache of secrets is unused, .* own provider, or leave out/)
    expect(process.emitWarning).toHaveBeenCalledExactlyOnceWith(message, { type: 'SecretsWarning', code: 'FINCHAT_SECRETS_SHARED_CACHE' })
  })

  it('is named as the source by the audit event', async () => {
    const store = storeOf()
    const shared = memorySharedCache()
    await processOf(store.provider, shared).getSecret('token')
    await settle()
    const audit = memoryAuditTrail()
    const secrets = createSecretsManager({ providers: [store.provider], cache: { shared: shared.anotherProcess() }, audit })
    await secrets.getSecret('token')
    await secrets.getSecret('token')
    expect(audit.events().map(({ from }) => from)).toEqual(['shared', 'memory'])
  })

  it('makes no answer look younger or live longer', async () => {
    const { store, here, there } = fleet()
    await here.getSecret('token')
    await settle()
    at(191_999)
    expect((await there.getSecretValue('token')).age).toBe(191_999)
    store.plan = () => faults.reject('UNAVAILABLE')
    at(ttlMs - 1)
    const fresh = await there.getSecretValue('token')
    await settle()
    at(ttlMs)
    const stale = await there.getSecretValue('token')
    expect([fresh.stale, stale.stale, stale.age]).toEqual([false, true, ttlMs])
  })

  it('lets one process refresh early for all: no reader waits, and copies expire at different times', async () => {
    const { store, shared } = fleet()
    const [here, there] = [processOf(store.provider, shared, 3_600), processOf(store.provider, shared.anotherProcess(), 3_600)]
    for (const [random, secrets] of [
      [0.5, here],
      [0.9, there],
    ] as const) {
      vi.mocked(Math.random).mockReturnValue(random)
      await secrets.getSecret('token')
      await settle()
    }
    await store.provider.put('token', { value: 'v2' }, { signal: AbortSignal.timeout(1_000) })
    const calls = store.provider.calls('get')
    at(0.8 * ttlMs)
    expect([await here.getSecret('token'), await there.getSecret('token')]).toEqual(['v1', 'v1'])
    await settle()
    expect([await here.getSecret('token'), await there.getSecret('token'), here.cacheStats().misses]).toEqual(['v2', 'v1', 1])
    at(0.8 * 294_000)
    await there.getSecret('token')
    await settle()
    expect([await there.getSecret('token'), there.cacheStats().misses, store.provider.calls('get')]).toEqual(['v2', 1, calls + 1])
  })

  it('uses stores and paths, not names', async () => {
    const shared = memorySharedCache()
    const one = breakable({ sharedAs: 'eu', secrets: { 'prod/token': 'v' }, names: { mine: 'prod/token' } })
    const same = breakable({ name: 'other', sharedAs: 'eu', secrets: {}, prefix: 'prod/' })
    const elsewhere = breakable({ sharedAs: 'us', secrets: { 'prod/token': 'us' } })
    await processOf(one.provider, shared).getSecret('mine')
    await settle()
    const value = await processOf(same.provider, shared.anotherProcess()).getSecretValue('token')
    expect([value.reveal(), value.provider, same.provider.calls()]).toEqual(['v', 'other', 0])
    expect(await processOf(elsewhere.provider, shared.anotherProcess()).getSecret('prod/token')).toBe('us')
  })

  it('keeps versions apart', async () => {
    const { store, here, there } = fleet()
    await here.rotateSecret('token', 'v2')
    const read = async (secrets: SecretsManager): Promise<string[]> =>
      Promise.all([
        secrets.getSecret('token'),
        secrets.getSecret('token', { version: 1 }),
        secrets.getSecret('token', { version: 'previous' }),
      ])
    expect(await read(here)).toEqual(['v2', 'v1', 'v1'])
    await settle()
    const calls = store.provider.calls()
    expect([await read(there), store.provider.calls()]).toEqual([['v2', 'v1', 'v1'], calls])
  })

  it('shows writes of others within seconds, also without an announcement', async () => {
    const { store, shared, here } = fleet()
    const deaf = processOf(store.provider, { ...shared.anotherProcess(), subscribe: undefined })
    expect([await here.getSecret('token'), await deaf.getSecret('token')]).toEqual(['v1', 'v1'])
    await settle()
    at(1_000)
    await here.rotateSecret('token', 'v2')
    await here.getSecret('token')
    await settle()
    at(6_000)
    const calls = store.provider.calls()
    expect([await deaf.getSecret('token'), store.provider.calls()]).toEqual(['v2', calls])
  })

  it('shows the write of a process that ends, though the shared cache did not acknowledge it at first', async () => {
    const store = storeOf()
    let fault: SharedCacheFault | undefined
    const shared = memorySharedCache({ plan: (call) => (call === 'invalidate' ? fault : undefined) })
    const writer = processOf(store.provider, shared)
    const other = processOf(store.provider, shared.anotherProcess())
    expect([await writer.getSecret('token'), await other.getSecret('token')]).toEqual(['v1', 'v1'])
    await settle()
    fault = 'throw'
    expect(await failureOf(writer.rotateSecret('token', 'v2'))).toMatchObject({ code: 'UNAVAILABLE', effect: 'done' })
    expect(await other.getSecret('token')).toBe('v1')
    fault = undefined
    await writer.close()
    expect(await other.getSecret('token')).toBe('v2')
  })

  it('shows writes of others within seconds of its return, also to a process with a pending invalidation', async () => {
    const store = storeOf()
    const state: { fault?: SharedCacheFault | undefined } = {}
    const shared = memorySharedCache({ plan: () => state.fault })
    const writer = processOf(store.provider, { ...shared, subscribe: undefined })
    const other = processOf(store.provider, shared.anotherProcess())
    expect([await writer.getSecret('token'), await other.getSecret('token')]).toEqual(['v1', 'v1'])
    await settle()
    state.fault = 'throw'
    expect(await failureOf(writer.rotateSecret('token', 'v2'))).toMatchObject({ code: 'UNAVAILABLE', effect: 'done' })
    for (let second = 1; second <= 20; second += 1) {
      await vi.advanceTimersByTimeAsync(1_000)
      expect(await writer.getSecret('token')).toBe('v2')
    }
    state.fault = undefined
    await other.rotateSecret('token', 'v3')
    const seen = new Set<string>()
    for (let second = 21; second <= 60; second += 1) {
      await vi.advanceTimersByTimeAsync(1_000)
      seen.add(await writer.getSecret('token'))
    }
    expect([...seen]).toEqual(['v2', 'v3'])
  })

  it('shows a write from its outage to other processes within a minute of its return, though its writer reads nothing', async () => {
    const state: { fault?: SharedCacheFault | undefined } = {}
    const shared = memorySharedCache({ plan: () => state.fault })
    const store = breakable({ name: 'store', sharedAs: 'store', secrets: { a: 'v1', b: 'v1', c: 'v1' } })
    const [writer, reader] = [processOf(store.provider, shared), processOf(store.provider, shared.anotherProcess())]
    const read = async (): Promise<string[]> => Promise.all(['a', 'b', 'c'].map((name) => reader.getSecret(name)))
    expect(await read()).toEqual(['v1', 'v1', 'v1'])
    state.fault = 'throw'
    for (const name of ['a', 'b', 'c']) await failureOf(writer.rotateSecret(name, 'v2'))
    await vi.advanceTimersByTimeAsync(45_000)
    state.fault = undefined
    await vi.advanceTimersByTimeAsync(60_000)
    await read()
    await settle()
    expect(await read()).toEqual(['v2', 'v2', 'v2'])
  })

  it('costs the store nothing while its processes probe it, or while it is unreachable', async () => {
    const store = storeOf()
    const state: { fault?: SharedCacheFault } = {}
    const secrets = processOf(store.provider, memorySharedCache({ plan: () => state.fault }))
    for (let second = 0; second < 170; second += 1) {
      if (second === 80) state.fault = 'throw'
      at(second * 1_000)
      expect(await secrets.getSecret('token')).toBe('v1')
      await settle()
    }
    expect(store.provider.calls('get')).toBe(1)
  })

  it('gives no process the rights of another with requireOwnAccess', async () => {
    const { store, shared, here } = fleet()
    await here.getSecret('token')
    await settle()
    const mine = storeOf()
    mine.plan = () => faults.reject('PERMISSION_DENIED')
    const cache = { shared: shared.anotherProcess(), requireOwnAccess: true }
    const denied = createSecretsManager({ providers: [mine.provider], cache })
    expect(await codeOf(denied.getSecret('token'))).toBe('PERMISSION_DENIED')
    const allowed = createSecretsManager({ providers: [store.provider], cache })
    for (let seconds = 0; seconds < 100; seconds += 10) {
      at(seconds * 1_000)
      expect(await allowed.getSecret('token')).toBe('v1')
      await settle()
    }
    expect(store.provider.calls('get')).toBe(2)
  })

  it('gets the written version, and after a delete or a restore a lift of the bound', async () => {
    const { store, shared } = fleet()
    const invalidate = vi.fn(shared.invalidate)
    const secrets = processOf(store.provider, { ...shared, invalidate })
    const sent = (): unknown[] => invalidate.mock.calls.splice(0).map(([{ leastVersion }]) => leastVersion)
    await secrets.rotateSecret('token', 'v2')
    expect(sent()).toEqual([2])
    await secrets.deleteSecret('token')
    expect(sent()).toEqual([0])
    await secrets.restoreSecret('token')
    expect(sent()).toEqual([0])
    await secrets.deleteSecret('token', { purge: true })
    expect(sent()).toEqual([0])
  })

  it.each<[string, (store: Breakable) => void]>([
    ['lost a race', (store) => void (store.plan = ({ method }) => (method === 'put' ? faults.reject('VERSION_CONFLICT') : undefined))],
    [
      'may have happened',
      (store) => void (store.plan = ({ method }) => (method === 'put' ? faults.reject('INTERNAL', { effect: 'unknown' }) : undefined)),
    ],
  ])('keeps the least version after a write that %s: a replica that lags behind brings nothing back', async (_, fail) => {
    const { store, shared, here, there } = fleet()
    await here.rotateSecret('token', 'v2')
    const lagging: SecretProvider = {
      ...readOnly('store', async () => ({ value: 'v1', version: 1 })),
      sharedAs: 'store',
    }
    fail(store)
    await failureOf(there.rotateSecret('token', 'v3'))
    store.plan = () => undefined
    await processOf(lagging, shared.anotherProcess()).getSecret('token')
    await settle()
    expect(await processOf(store.provider, shared.anotherProcess()).getSecret('token')).toBe('v2')
  })

  it('that fails closed keeps its processes from asking the store behind its back', async () => {
    const store = storeOf()
    const state: { fault?: SharedCacheFault } = {}
    const shared: SharedCache = { ...memorySharedCache({ plan: () => state.fault }), failClosed: true }
    const secrets = processOf(store.provider, shared)
    await secrets.getSecret('token')
    await settle()
    state.fault = 'fail'
    at(10_000)
    expect([await secrets.getSecret('token'), await codeOf(processOf(store.provider, shared).getSecret('token'))]).toEqual([
      'v1',
      'UNAVAILABLE',
    ])
    expect(store.provider.calls('get')).toBe(1)
  })

  it.each<SharedCacheFault>(['fail', 'hang', 'throw'])(
    'that fails closed, and %ss for one secret of a batch, holds up no other',
    async (fault) => {
      const store = breakable({ sharedAs: 'store', secrets: { a: '1', b: '2' } })
      const shared: SharedCache = {
        ...memorySharedCache({ plan: (call, { path }) => (call === 'read' && path === 'a' ? fault : undefined) }),
        failClosed: true,
      }
      const secrets = processOf(store.provider, shared)
      const failing = failureOf(secrets.getSecrets(['a', 'b']))
      const reading = secrets.getSecretValues([{ name: 'a' }, { name: 'b' }])
      await vi.advanceTimersByTimeAsync(300)
      expect(await reading).toMatchObject([{ reason: { code: 'UNAVAILABLE' } }, { status: 'fulfilled' }])
      expect((await failing).message).toMatch(/1 of 2 secrets[\s\S]*"a"/)
      expect([store.provider.calls('get'), store.provider.calls('getMany')]).toEqual([1, 0])
      const begun = Date.now()
      await secrets.close()
      expect(Date.now()).toBe(begun)
    },
  )

  it('serves batches too, and the store is asked only for gaps', async () => {
    const store = breakable({ sharedAs: 'store', secrets: { a: '1', b: '2', c: '3' } })
    const shared = memorySharedCache()
    await processOf(store.provider, shared).getSecrets(['a', 'b'])
    await settle()
    const asked = vi.fn()
    store.plan = ({ method, args }) => void asked(method, args[0])
    expect(await processOf(store.provider, shared.anotherProcess()).getSecrets(['a', 'b', 'c'])).toEqual({ a: '1', b: '2', c: '3' })
    expect(asked.mock.calls).toEqual([['get', 'c']])
  })

  it('is bypassed with `fresh`', async () => {
    const { store, here, there } = fleet()
    await here.getSecret('token')
    await settle()
    await there.getSecret('token', { fresh: true })
    expect(store.provider.calls('get')).toBe(2)
  })
})

describe('a process that had a newer answer', () => {
  it('never goes back to an older one of the shared cache', async () => {
    const { store, here, there } = fleet()
    await here.getSecret('token')
    await settle()
    await store.provider.put('token', { value: 'v2' }, { signal: AbortSignal.timeout(1_000) })
    at(10_000)
    expect(await there.getSecret('token', { fresh: true })).toBe('v2')
    for (const ms of [10_000 + 0.8 * ttlMs, 10_000 + ttlMs]) {
      at(ms)
      expect(await there.getSecret('token')).toBe('v2')
      await settle()
    }
  })
})

describe('a value read with `fresh`', () => {
  const { signal } = new AbortController()

  it('is seen by the whole fleet, and by its own process even after eviction', async () => {
    const store = breakable({ sharedAs: 'store', secrets: { token: 'v1', other: 'o' } })
    const shared = memorySharedCache()
    const here = createSecretsManager({ providers: [store.provider], cache: { shared, maxEntries: 1 } })
    const there = processOf(store.provider, shared.anotherProcess())
    await there.getSecret('token')
    await settle()
    await store.provider.put('token', { value: 'v2' }, { signal })
    at(20_000)
    expect(await here.getSecret('token', { fresh: true })).toBe('v2')
    await here.getSecret('other')
    expect([await here.getSecret('token'), await there.getSecret('token')]).toEqual(['v2', 'v2'])
  })

  it('is not undone by the shared cache after a read that keeps nothing', async () => {
    const { store, here } = fleet()
    await here.getSecret('token')
    await settle()
    at(1_000)
    await store.provider.put('token', { value: 'v2' }, { signal })
    expect(await here.getSecret('token', { fresh: true, autoCleanup: true })).toBe('v2')
    expect(await here.getSecret('token')).toBe('v2')
  })

  it.each<SharedCacheFault | undefined>([undefined, 'fail'])(
    'stays gone when it is that there is none (invalidations %s)',
    async (fault) => {
      const store = storeOf()
      const shared = memorySharedCache({ plan: (call) => (call === 'invalidate' ? fault : undefined) })
      const secrets = processOf(store.provider, shared)
      await secrets.getSecret('token')
      await settle()
      at(10_000)
      store.plan = ({ method }) => (method === 'get' ? async () => undefined : undefined)
      expect(await codeOf(secrets.getSecret('token', { fresh: true }))).toBe('NOT_FOUND')
      for (const ms of [10_000, 15_001, 60_000]) {
        at(ms)
        expect(await codeOf(secrets.getSecret('token'))).toBe('NOT_FOUND')
      }
    },
  )

  it('costs the fleet nothing if all have the same value', async () => {
    const { store, shared, here, there } = fleet()
    await here.getSecret('token')
    await settle()
    await there.getSecret('token')
    for (let count = 0; count < 5; count += 1) await there.getSecret('token', { fresh: true })
    await settle()
    expect([shared.calls('invalidate'), here.cacheStats().entries, shared.size(), store.provider.calls('get')]).toEqual([0, 1, 1, 6])
  })
})

describe('two providers of one store', () => {
  it.each([true, false])('both see writes through one of them (with a shared cache: %s)', async (isShared) => {
    const store = breakable({ secrets: { token: 'v1' } }).provider
    const named = (name: string, mine: string): SecretProvider => ({
      ...store,
      name,
      sharedAs: 'store',
      locate: (asked) => (asked === mine ? { path: 'token' } : undefined),
    })
    const providers = [named('one', 'token'), named('two', 'alias')]
    const secrets = createSecretsManager({ providers, ...(isShared && { cache: { shared: memorySharedCache() } }) })
    expect([await secrets.getSecret('token'), await secrets.getSecret('alias')]).toEqual(['v1', 'v1'])
    await secrets.storeSecret('token', 'v2')
    expect([await secrets.getSecret('token'), await secrets.getSecret('alias')]).toEqual(['v2', 'v2'])
  })
})

describe('never shared', () => {
  it('are answers of a provider without `sharedAs`, such as env', async () => {
    const shared = memorySharedCache()
    const secrets = createSecretsManager({ providers: [envProvider({ env: { token: 'v' } }), breakable().provider], cache: { shared } })
    await secrets.getSecret('token')
    await codeOf(secrets.getSecret('missing'))
    await secrets.storeSecret('new', 'v')
    expect(shared.calls()).toBe(0)
  })

  it.each<[string, Partial<SecretProvider>]>([
    ['a lease', { get: async () => ({ value: 'v', exclusive: true, expiresAt: now + 60_000 }) }],
    ['an absence', { get: async () => undefined }],
    ['a failure', { get: async () => Promise.reject(new SecretsError('UNAVAILABLE', 'down')) }],
    ['a denial', { get: async () => Promise.reject(new SecretsError('PERMISSION_DENIED', 'no')) }],
    ['an answer that is none', { get: async () => ({ value: 5 }) as never }],
  ])('is %s', async (_, members) => {
    const shared = memorySharedCache()
    const fill = vi.spyOn(shared, 'fill')
    await Promise.allSettled([
      processOf({ ...readOnly('store', async () => undefined), sharedAs: 'store', ...members }, shared).getSecret('token'),
    ])
    await settle()
    expect(shared.size()).toBe(0)
    // Told once that no answer came, so that others who wait may ask.
    const told = [...fill.mock.calls.map(([, , entry]) => entry), ...Array.from({ length: shared.calls('markOutage') })]
    expect(told).toEqual([undefined])
  })

  it('are values read with `autoCleanup`', async () => {
    const { shared, here } = fleet()
    await here.getSecret('token', { autoCleanup: true })
    await settle()
    expect(shared.calls()).toBe(0)
  })

  it('are fallback answers: each one is kept under its own store', async () => {
    const [first, second] = ['first', 'second'].map((name) => breakable({ name, sharedAs: name, secrets: { token: name } })) as [
      Breakable,
      Breakable,
    ] // two names
    const shared = memorySharedCache()
    first.plan = () => faults.reject('UNAVAILABLE')
    const here = createSecretsManager({ providers: [first.provider, second.provider], cache: { shared } })
    expect((await here.getSecretValue('token')).degraded).toBe(true)
    await settle()
    first.plan = () => undefined
    const there = createSecretsManager({ providers: [first.provider, second.provider], cache: { shared: shared.anotherProcess() } })
    const value = await there.getSecretValue('token')
    expect([value.reveal(), value.degraded]).toEqual(['first', false])
  })
})

describe('a write', () => {
  it.each<[string, (secrets: SecretsManager) => Promise<unknown>]>([
    ['storeSecret', (secrets) => secrets.storeSecret('token', 'v2')],
    ['rotateSecret', (secrets) => secrets.rotateSecret('token', 'v2')],
    ['deleteSecret', (secrets) => secrets.deleteSecret('token')],
  ])('by %s drops every version from the shared cache, and from the memory of other processes', async (_, write) => {
    const { shared, here, there } = fleet()
    await here.storeSecret('token', 'v1b')
    await there.getSecret('token')
    await there.getSecret('token', { version: 1 })
    await settle()
    expect([shared.size(), there.cacheStats().entries]).toEqual([2, 2])
    await write(here)
    expect([shared.size(), there.cacheStats().entries]).toEqual([0, 0])
    const [result] = await Promise.allSettled([there.getSecret('token')])
    expect(result).not.toMatchObject({ value: 'v1b' })
  })

  it('makes earlier lease tokens worthless', async () => {
    const { store, shared, here, there } = fleet()
    const slow = Promise.withResolvers<StoredSecret>()
    store.plan = ({ method, count }) => (method === 'get' && count === 1 ? () => slow.promise : undefined)
    const reading = there.getSecret('token')
    await settle()
    await here.storeSecret('token', 'v2')
    slow.resolve({ value: 'v1', version: 1 })
    expect(await reading).toBe('v1')
    await settle()
    expect([shared.size(), await there.getSecret('token')]).toEqual([0, 'v2'])
  })

  it('is read by its own process, even if the shared cache had the former value during the invalidation', async () => {
    const store = storeOf()
    const shared = memorySharedCache()
    const telling = Promise.withResolvers<void>()
    const slow: SharedCache = { ...shared, invalidate: async (key, context) => (await telling.promise, shared.invalidate(key, context)) }
    const secrets = processOf(store.provider, slow)
    await secrets.getSecret('token')
    await settle()
    const writing = secrets.storeSecret('token', 'v2')
    await settle()
    await secrets.getSecret('token')
    telling.resolve()
    await writing
    expect(await secrets.getSecret('token')).toBe('v2')
  })

  it.each<SharedCacheFault>(['fail', 'throw', 'hang'])(
    'whose invalidation does %s is done, and its writer gets `effect: done`',
    async (fault) => {
      const store = storeOf()
      const audit = memoryAuditTrail()
      const shared = memorySharedCache({ plan: (call) => (call === 'invalidate' ? fault : undefined) })
      const secrets = createSecretsManager({ providers: [store.provider], cache: { shared }, audit, deadlineMs: 100 })
      await secrets.getSecret('token')
      await settle()
      const writing = failureOf(secrets.storeSecret('token', 'v2'))
      await vi.advanceTimersByTimeAsync(100)
      const error = await writing
      expect([error.code, error.effect, error.provider, error.secret]).toEqual(['UNAVAILABLE', 'done', 'store', 'token'])
      expect(audit.events().at(-1)).toMatchObject({ operation: 'store', outcome: 'error', code: 'UNAVAILABLE' })
      // The writer's own process never serves the former value again, though the shared cache still has it.
      for (const ms of [1_000, 191_000, ttlMs, 2 * ttlMs]) {
        at(ms)
        expect([ms, await secrets.getSecret('token')]).toEqual([ms, 'v2'])
        await settle()
      }
    },
  )

  it('with a failed invalidation is not undone by an entry with a longer TTL', async () => {
    const store = storeOf()
    const state: { fault?: SharedCacheFault } = { fault: 'fail' }
    const shared = memorySharedCache({ plan: (call) => (call === 'invalidate' ? state.fault : undefined) })
    await processOf(store.provider, shared.anotherProcess()).getSecret('token')
    await settle()
    const secrets = createSecretsManager({ providers: [store.provider], cache: { shared, ttlSeconds: 10 } })
    expect(await codeOf(secrets.storeSecret('token', 'v2'))).toBe('UNAVAILABLE')
    for (const ms of [11_000, 100_000]) {
      at(ms)
      expect(await secrets.getSecret('token')).toBe('v2')
      await settle()
    }
    delete state.fault
    at(120_000)
    await secrets.getSecret('token')
    await settle()
    expect(shared.size()).toBe(0)
  })

  it('that failed reports its own failure rather than that of the shared cache', async () => {
    const store = storeOf()
    store.plan = ({ method }) => (method === 'put' ? faults.reject('PERMISSION_DENIED') : undefined)
    const shared = memorySharedCache({ plan: (call) => (call === 'invalidate' ? 'fail' : undefined) })
    expect(await codeOf(processOf(store.provider, shared).storeSecret('token', 'v2'))).toBe('PERMISSION_DENIED')
  })
})

describe('a denial', () => {
  it.each(['PERMISSION_DENIED', 'UNAUTHENTICATED', 'DELETED'] as const)(
    '(%s) bars its path from the shared cache until the provider answers',
    async (code) => {
      const { shared, there } = fleet()
      const mine = storeOf()
      const secrets = processOf(mine.provider, shared.anotherProcess())
      mine.plan = () => faults.reject(code)
      expect(await codeOf(secrets.getSecret('token'))).toBe(code)
      await there.getSecret('token')
      await settle()
      expect(shared.size()).toBe(1)
      at(60_000)
      expect(await codeOf(secrets.getSecret('token'))).toBe(code)

      mine.plan = () => undefined
      at(120_000)
      expect(await secrets.getSecret('token')).toBe('v1')
      const calls = mine.provider.calls()
      await secrets.getSecret('token', { version: 1 })
      await there.getSecret('token', { version: 1 })
      expect(mine.provider.calls()).toBe(calls + 1)
    },
  )

  it('of one path leaves the others alone', async () => {
    const store = breakable({ sharedAs: 'store', secrets: { a: '1', b: '2' } })
    const shared = memorySharedCache()
    await processOf(store.provider, shared.anotherProcess()).getSecrets(['a', 'b'])
    await settle()
    const mine = breakable({ sharedAs: 'store' })
    mine.plan = () => faults.reject('PERMISSION_DENIED')
    const secrets = processOf(mine.provider, shared)
    expect(await codeOf(secrets.getSecret('a', { fresh: true }))).toBe('PERMISSION_DENIED')
    expect([await secrets.getSecret('b'), await codeOf(secrets.getSecret('a'))]).toEqual(['2', 'PERMISSION_DENIED'])
  })
})

describe('a shared cache that does not work', () => {
  it.each<SharedCacheFault>(['fail', 'throw', 'hang'])('harms no reader when its reads and fills %s', async (fault) => {
    const store = storeOf()
    const shared = memorySharedCache({ plan: () => fault })
    const secrets = createSecretsManager({ providers: [store.provider], cache: { shared }, deadlineMs: 100 })
    const reading = secrets.getSecretValue('token')
    await vi.advanceTimersByTimeAsync(100)
    const value = await reading
    expect([value.reveal(), value.degraded, value.stale]).toEqual(['v1', false, false])
    expect(process.emitWarning).not.toHaveBeenCalled()
    expect(await secrets.getSecret('token')).toBe('v1')
    await vi.advanceTimersByTimeAsync(100)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('costs a quarter of a second, and nothing once it is known to hang, however often its path is read', async () => {
    const names = Array.from({ length: 10 }, (_, index) => `name-${index}`)
    const store = breakable({ sharedAs: 'store', secrets: Object.fromEntries(names.map((name) => [name, 'v'])) })
    const secrets = processOf(store.provider, memorySharedCache({ plan: (call) => (call === 'read' ? 'hang' : undefined) }))
    const costs: number[] = []
    for (const name of names) {
      const from = Date.now()
      const reading = secrets.getSecret(name).then(() => costs.push(Date.now() - from))
      await vi.advanceTimersByTimeAsync(250)
      await reading
    }
    expect(costs).toEqual([250, 250, 250, 0, 0, 0, 0, 0, 0, 0])
  })

  it('costs a service nothing that reads one secret seldom, while it hangs or says that it is unavailable, once that is known', async () => {
    for (const fault of ['hang', 'fail'] as const) {
      const shared = memorySharedCache({ plan: (call) => (call === 'read' ? fault : undefined) })
      const secrets = processOf(storeOf().provider, shared)
      const costs: number[] = []
      for (let times = 0; times < 6; times += 1) {
        const from = Date.now()
        const reading = secrets.getSecret('token').then(() => costs.push(Date.now() - from))
        await vi.advanceTimersByTimeAsync(60_000)
        await reading
      }
      expect(costs.slice(3)).toEqual([0, 0, 0])
      expect(shared.calls('read')).toBeGreaterThan(4) // probes in the background
    }
  })

  it('is asked again after a probe in the background found it back', async () => {
    const state = { hangs: true }
    const shared = memorySharedCache({ plan: (call) => (call === 'read' && state.hangs ? 'hang' : undefined) })
    const secrets = processOf(storeOf().provider, shared)
    const read = async (): Promise<void> => {
      const reading = secrets.getSecret('token')
      await vi.advanceTimersByTimeAsync(10_000)
      await reading
    }
    for (let times = 0; times < 4; times += 1) await read()
    state.hangs = false
    await read()
    const [before, fills] = [shared.calls('read'), shared.calls('fill')]
    await vi.advanceTimersByTimeAsync(300_000)
    await read()
    expect([shared.calls('read') > before, shared.calls('fill') > fills]).toEqual([true, true])
  })

  it.each<[string, unknown]>([
    ['that cannot be begun', () => expect.fail('no connection')],
    ['that is begun later', async () => () => {}],
    ['that cannot be ended', () => () => expect.fail('no connection')],
  ])('is no reason to keep what is held after close(): a subscription %s', async (_, subscribe) => {
    const made = vi.spyOn(Buffer, 'from')
    const shared = { ...memorySharedCache(), subscribe: subscribe as SharedCache['subscribe'] } // what a broken shared cache could have
    const secrets = processOf(storeOf('canary-5f1d').provider, shared)
    expect(await secrets.getSecret('token')).toBe('canary-5f1d')
    await secrets.close()
    const outsideHeap = made.mock.results.filter((_result, call) => (made.mock.calls[call]?.[0] as unknown) instanceof ArrayBuffer)
    const bytes = outsideHeap.map(({ value }) => (value as Buffer).toString('latin1'))
    expect(bytes).toContain('\0'.repeat(11))
    expect(bytes).not.toContain('canary-5f1d')
  })

  it('costs a reader its deadline once, and an aborting caller nothing', async () => {
    const store = storeOf()
    const shared = memorySharedCache({ plan: () => 'hang' })
    const secrets = createSecretsManager({ providers: [store.provider], cache: { shared }, deadlineMs: 100 })
    const controller = new AbortController()
    const readings = Array.from({ length: 100 }, () => secrets.getSecret('token'))
    const impatient = codeOf(secrets.getSecret('token', { signal: controller.signal }))
    controller.abort()
    expect([await impatient, Date.now()]).toEqual(['ABORTED', now])
    await vi.advanceTimersByTimeAsync(100)
    await Promise.all(readings)
    expect([Date.now() - now, store.provider.calls(), shared.calls('read')]).toEqual([100, 1, 1])
  })

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['a hit without a value', { hit: {}, until: Infinity }],
    ['a hit that is no secret', { hit: { value: 5 }, until: Infinity }],
    ['a hit of an impossible version', { hit: { value: 'v', version: -1 }, until: Infinity }],
    ['a hit that is over', { hit: { value: 'old' }, until: now }],
    ['a hit without an end', { hit: { value: 'old' } }],
    ['neither hit nor lease token', {}],
    ["somebody's lease", { hit: { value: 'lease', exclusive: true }, until: Infinity }],
  ])('harms no reader when it answers %s', async (_, answer) => {
    const shared: SharedCache = { ...memorySharedCache(), read: async () => answer as never } // what a broken shared cache could answer
    expect(await processOf(storeOf().provider, shared).getSecret('token')).toBe('v1')
  })

  it('that is down leaves one store call for any number of readers', async () => {
    const store = storeOf()
    const secrets = processOf(store.provider, memorySharedCache({ plan: () => 'fail' }))
    await Promise.all(Array.from({ length: 1_000 }, () => secrets.getSecret('token')))
    expect(store.provider.calls()).toBe(1)
  })
})

describe('what other processes invalidate', () => {
  it('is dropped from memory, every version of the path and no other', async () => {
    const store = breakable({ sharedAs: 'store', secrets: { a: '1', b: '2' } })
    const shared = memorySharedCache()
    const secrets = processOf(store.provider, shared)
    await secrets.getSecrets(['a', 'b'])
    await secrets.getSecret('a', { version: 1 })
    await shared.anotherProcess().invalidate({ sharedAs: 'another store', path: 'a' }, { signal: AbortSignal.timeout(1_000) })
    expect(secrets.cacheStats().entries).toBe(3)
    await shared.anotherProcess().invalidate({ sharedAs: 'store', path: 'a' }, { signal: AbortSignal.timeout(1_000) })
    expect(secrets.cacheStats().entries).toBe(1)
  })

  it('has no effect after close()', async () => {
    const shared = memorySharedCache()
    const ends = vi.fn()
    const secrets = processOf(storeOf().provider, { ...shared, subscribe: () => ends })
    await secrets.close()
    expect(ends).toHaveBeenCalledTimes(1)
  })
})

describe('a fleet', () => {
  const plans: Record<string, FaultPlan> = {
    well: () => undefined,
    slow: ({ method }) => (method.startsWith('get') ? answeringLate : undefined),
    out: () => faults.reject('UNAVAILABLE'),
    denying: ({ method }) => (method.startsWith('get') ? faults.reject('PERMISSION_DENIED') : undefined),
    losing: ({ method }) => (method === 'put' ? faults.loseAnswer() : undefined),
  }
  const reads: ReadOneOptions[] = [{}, { fresh: true }, { autoCleanup: true }, { fresh: true, autoCleanup: true }]
  const who = fc.nat(1)
  const steps = fc.array(
    fc.oneof(
      fc.record({ step: fc.constant('read' as const), who, options: fc.constantFrom(...reads) }),
      fc.record({ step: fc.constant('write' as const), who }),
      fc.record({ step: fc.constant('wait' as const), ms: fc.constantFrom(1, 100, 200, 6_000, 230_000, 300_000) }),
      fc.record({ step: fc.constant('become' as const), plan: fc.constantFrom(...Object.values(plans)) }),
    ),
    { minLength: 20, maxLength: 60 },
  )

  it('never reads a value from before a successful write', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (taken) => {
        const { store, here, there } = fleet('1')
        let [written, attempted] = [1, 1]
        const reading: Promise<unknown>[] = []
        for (const each of taken) {
          if (each.step === 'wait') await vi.advanceTimersByTimeAsync(each.ms)
          else if (each.step === 'become') store.plan = each.plan
          else if (each.step === 'read') {
            const least = written
            const answer = (each.who === 0 ? here : there).getSecret('token', each.options)
            reading.push(answer.then((value) => expect(Number(value)).toBeGreaterThanOrEqual(least), expectSecretsError))
          } else {
            const number = (attempted += 1)
            const [result] = await Promise.allSettled([(each.who === 0 ? here : there).rotateSecret('token', String(number))])
            if (result.status === 'fulfilled') written = number
          }
        }
        await vi.advanceTimersByTimeAsync(10_000)
        await Promise.all(reading)
      }),
      { numRuns: 300 },
    )
  })

  it('never goes back to an older value in any process when others rotate, even after eviction', async () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ read: fc.constantFrom(...reads), who }) },
      fc.record({ evictIn: who }),
      fc.record({ isTold: fc.boolean() }),
      fc.constant('rotate' as const),
      fc.record({ ms: fc.constantFrom(100, 6_000, 100_000, 192_000, 230_000, 300_000) }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async (taken) => {
        const store = breakable({ sharedAs: 'store', secrets: { token: '1', other: 'o' } })
        const state = { isTold: true, current: 1, seen: [0, 0] }
        const shared = memorySharedCache({ plan: (call) => (call === 'invalidate' && !state.isTold ? 'fail' : undefined) })
        const processes = [shared, shared.anotherProcess()].map((sharedCache) =>
          createSecretsManager({ providers: [store.provider], cache: { shared: sharedCache, maxEntries: 1 } }),
        )
        for (const each of taken) {
          if (each === 'rotate')
            await store.provider.put('token', { value: String((state.current += 1)) }, { signal: AbortSignal.timeout(1_000) })
          else if ('isTold' in each) state.isTold = each.isTold
          else if ('ms' in each) await vi.advanceTimersByTimeAsync(each.ms)
          else if ('evictIn' in each) await processes[each.evictIn]?.getSecret('other')
          else {
            const value = Number(await processes[each.who]?.getSecret('token', each.read))
            expect(value).toBeGreaterThanOrEqual(each.read.fresh ? state.current : Number(state.seen[each.who]))
            state.seen[each.who] = value
          }
          await vi.advanceTimersByTimeAsync(1)
        }
      }),
      { numRuns: 300 },
    )
  })
})

/** Answers what was there when it was asked, some time later. */
const answeringLate: Fault = async ({ context }, next) => {
  const answer = await next(context)
  await new Promise((resolve) => setTimeout(resolve, 150))
  return answer
}

function expectSecretsError(error: unknown): void {
  expect(SecretsError.isInstance(error)).toBe(true)
}
