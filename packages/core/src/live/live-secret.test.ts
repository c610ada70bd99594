import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { SecretProvider } from '../contract/provider.ts'
import { SecretsError } from '../errors/secrets-error.ts'
import { liveSecret, useSecret } from '../live.ts'
import { createSecretsManager } from '../manager/create-manager.ts'
import type { SecretsManager } from '../manager/secrets-manager.ts'
import { failureOf, refusal } from '../testing/refusal.ts'
import { stagingStore } from '../testing/staging-store.ts'

const canary = 'canary-a4b1'
const managerOf = (...providers: SecretProvider[]): SecretsManager => createSecretsManager({ providers })
const pass = (seconds: number): Promise<unknown> => vi.advanceTimersByTimeAsync(seconds * 1_000)
const outage = (): Promise<never> => Promise.reject(new SecretsError('UNAVAILABLE', 'out'))
const unhandled: unknown[] = []
const note = (reason: unknown): void => void unhandled.push(reason)

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000_000 })
  vi.spyOn(Math, 'random').mockReturnValue(0.5)
  vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  process.on('unhandledRejection', note)
})
afterEach(async () => {
  vi.restoreAllMocks()
  vi.useRealTimers()
  await new Promise((resolve) => setImmediate(resolve))
  process.off('unhandledRejection', note)
  assert.deepEqual(unhandled.splice(0), [])
})

describe('a live secret', () => {
  it('has the current value without a promise, and follows its rotation', async () => {
    const store = stagingStore({ value: 'v1', version: 1 })
    const secrets = managerOf(store.provider)
    const handle = liveSecret(secrets, 'db')
    expect(failureOf(() => handle.current)).toMatchObject({ code: 'UNAVAILABLE', secret: 'db', remedy: 'await `ready` first' })
    await handle.ready
    expect([handle.current.reveal(), handle.version, handle.stale, handle.changedAt]).toEqual(['v1', 1, false, 1_000_000_000])
    expect(handle.current).toBe(handle.current)
    store.current = { value: 'v2', version: 2 }
    await pass(31)
    expect([handle.current.reveal(), handle.version, handle.changedAt]).toEqual(['v2', 2, 1_000_015_125])
    const other = liveSecret(secrets, 'db')
    expect(other.current).toBe(handle.current)
    await other.ready
  })

  it('keeps its value in an outage, and says that it may be old', async () => {
    const store = stagingStore({ value: 'v1', version: 1 })
    const probe = vi.fn<NonNullable<SecretProvider['probe']>>(async () => ({ version: 1 }))
    const handle = liveSecret(managerOf({ ...store.provider, probe }), 'db')
    await handle.ready
    probe.mockImplementation(outage)
    await pass(600)
    expect([handle.current.reveal(), handle.stale]).toEqual(['v1', true])
    probe.mockImplementation(async () => ({ version: 1 }))
    await pass(60)
    expect(handle.stale).toBe(false)
  })

  it('rejects `ready` if the first read fails, and works once a later one succeeds', async () => {
    const store = stagingStore({ value: 'v1', version: 1 })
    const get = vi.fn<SecretProvider['get']>(outage)
    const handle = liveSecret(managerOf({ ...store.provider, get }), 'db')
    expect((await refusal(handle.ready)).code).toBe('UNAVAILABLE')
    get.mockImplementation(store.provider.get)
    await pass(60)
    expect(handle.current.reveal()).toBe('v1')
    expect(await handle.asPasswordFunction()()).toBe('v1')
  })

  it('is stale once it is denied, warns once, and recovers', async () => {
    const store = stagingStore({ value: canary, version: 1 })
    const probe = vi.fn<NonNullable<SecretProvider['probe']>>(async () => ({ version: 1 }))
    const handle = liveSecret(managerOf({ ...store.provider, probe }), 'db')
    await handle.ready
    probe.mockImplementation(() => Promise.reject(new SecretsError('PERMISSION_DENIED', 'no')))
    await pass(600)
    expect([handle.stale, handle.current.reveal()]).toEqual([true, canary])
    const warned = vi.mocked(process.emitWarning).mock.calls
    expect(warned).toHaveLength(1)
    expect(inspect(warned)).toMatch(/PERMISSION|no/)
    expect(inspect(warned)).not.toContain(canary)
    probe.mockImplementation(async () => ({ version: 2 }))
    store.current = { value: 'v2', version: 2 }
    await pass(90)
    expect([handle.stale, handle.current.reveal()]).toEqual([false, 'v2'])
  })

  it('throws once its value has expired, and has the next one', async () => {
    const store = stagingStore({ value: 'v1', version: 1, expiresAt: Date.now() + 90_000 })
    const get = vi.fn<SecretProvider['get']>(store.provider.get)
    const secrets = managerOf({ ...store.provider, get, probe: outage })
    const handle = liveSecret(secrets, 'db')
    await handle.ready
    get.mockImplementation(outage)
    await pass(60)
    expect([handle.current.reveal(), handle.stale]).toEqual(['v1', true])
    await pass(31)
    expect(failureOf(() => handle.current)).toMatchObject({ code: 'UNAVAILABLE', secret: 'db' })
    expect((await refusal(handle.asPasswordFunction()())).code).toBe('UNAVAILABLE')
    const used = useSecret(secrets, 'db', (value) => value.reveal(), { isAuthError: () => false })
    expect((await refusal(used)).code).toBe('UNAVAILABLE')
    expect(handle.stale).toBe(true)
  })

  it('is not used by useSecret once it was deleted, and is in an outage', async () => {
    const store = stagingStore({ value: 'v1', version: 1 })
    const probe = vi.fn<NonNullable<SecretProvider['probe']>>(outage)
    const get = vi.fn<SecretProvider['get']>(store.provider.get)
    const secrets = createSecretsManager({ providers: [{ ...store.provider, get, probe }], cache: { ttlSeconds: 1 } })
    const handle = liveSecret(secrets, 'db')
    await handle.ready
    await pass(120)
    expect(handle.stale).toBe(true)
    const use = (): Promise<string> => useSecret(secrets, 'db', (value) => value.reveal(), { isAuthError: () => false })
    expect(await use()).toBe('v1')
    const deleted = (): Promise<never> => Promise.reject(new SecretsError('DELETED', 'gone'))
    probe.mockImplementation(deleted)
    get.mockImplementation(deleted)
    await pass(120)
    expect((await refusal(use())).code).toBe('DELETED')
    expect(handle.current.reveal()).toBe('v1')
  })

  it('needs no timer once it is disposed of or its manager is closed', async () => {
    const store = stagingStore({ value: 'v1', version: 1 })
    const secrets = managerOf(store.provider)
    {
      using handle = liveSecret(secrets, 'db')
      await handle.ready
      await pass(0)
      expect(vi.getTimerCount()).toBe(1)
    }
    expect(vi.getTimerCount()).toBe(0)
    const handle = liveSecret(secrets, 'db')
    await handle.ready
    const value = handle.current
    await secrets.close()
    expect([vi.getTimerCount(), handle.stale]).toEqual([0, true])
    expect(failureOf(() => value.reveal()).code).toBe('ABORTED')
    expect(failureOf(() => liveSecret(secrets, 'db')).code).toBe('ABORTED')
  })

  it('rejects `ready` if it is disposed of before the first value came', async () => {
    const never = (): Promise<never> => new Promise(() => {})
    const handle = liveSecret(managerOf({ ...stagingStore(undefined).provider, get: never }), 'db')
    handle[Symbol.dispose]()
    expect((await refusal(handle.ready)).code).toBe('ABORTED')
  })

  it('gives no password after it was disposed of, also to a login that waits', async () => {
    const store = stagingStore({ value: canary, version: 1 })
    const secrets = managerOf(store.provider)
    const handle = liveSecret(secrets, 'db')
    const password = handle.asPasswordFunction()
    const early = refusal(password())
    handle[Symbol.dispose]()
    expect(await early).toMatchObject({ code: 'ABORTED', secret: 'db' })
    const other = liveSecret(secrets, 'db')
    const held = other.asPasswordFunction()
    await other.ready
    expect(await held()).toBe(canary)
    void other.refused(other.current).catch(() => {})
    const waiting = refusal(held())
    other[Symbol.dispose]()
    await pass(6)
    expect(await waiting).toMatchObject({ code: 'ABORTED' })
    expect(await refusal(held())).toMatchObject({ code: 'ABORTED', remedy: 'make a new handle with `liveSecret`' })
  })

  it('is probed for the shortest interval of those that are left', async () => {
    const store = stagingStore({ value: 'v1', version: 1 })
    const secrets = managerOf(store.provider)
    const [often] = [1, 60].map((intervalSeconds) => liveSecret(secrets, 'db', { intervalSeconds }))
    await pass(10)
    const before = store.calls['probe'] ?? 0
    often?.[Symbol.dispose]()
    await pass(62)
    expect([before > 5, (store.calls['probe'] ?? 0) - before]).toEqual([true, 2])
  })

  it('prints no value', async () => {
    const handle = liveSecret(managerOf(stagingStore({ value: canary, version: 1 }).provider), 'db')
    await handle.ready
    expect(
      inspect(handle, { depth: 9, showHidden: true, getters: true }) + JSON.stringify(handle) + JSON.stringify({ ...handle }),
    ).not.toContain(canary)
  })
})

describe('the password function of a live secret', () => {
  it('gives the value of now, and waits for the first one', async () => {
    const store = stagingStore({ value: 'v1', version: 1 })
    const handle = liveSecret(managerOf(store.provider), 'db')
    const password = handle.asPasswordFunction()
    expect(await password()).toBe('v1')
    store.current = { value: 'v2', version: 2 }
    await pass(31)
    expect(await password()).toBe('v2')
  })

  it('gives the value as soon as the store answers, after an outage at start', async () => {
    const store = stagingStore({ value: 'v1', version: 1 })
    const get = vi.fn<SecretProvider['get']>(outage)
    const password = liveSecret(managerOf({ ...store.provider, get }), 'db').asPasswordFunction()
    expect((await refusal(password())).code).toBe('UNAVAILABLE')
    get.mockImplementation(store.provider.get)
    await pass(10) // the next look is later
    expect(await password()).toBe('v1')
  })

  it('gives one field, and an error that names no member', async () => {
    const store = stagingStore({ value: JSON.stringify({ user: 'app', password: canary }), shape: 'map', version: 1 })
    const handle = liveSecret(managerOf(store.provider), 'db')
    expect(await handle.asPasswordFunction({ field: 'password' })()).toBe(canary)
    for (const field of [canary, 'toString', '__proto__']) {
      const error = await refusal(handle.asPasswordFunction({ field })())
      expect(error.code).toBe('INVALID_ARGUMENT')
      expect(inspect(error)).not.toContain(canary)
    }
  })
})

describe('the options of the password function', () => {
  it('are INVALID_ARGUMENT if they would be misread', () => {
    const handle = liveSecret(managerOf(stagingStore({ value: '{"password":"x"}', version: 1 }).provider), 'db')
    for (const options of [{ feild: 'password' }, { field: 7 }, null])
      expect(failureOf(() => handle.asPasswordFunction(options as never)).code).toBe('INVALID_ARGUMENT')
  })
})

describe('a refused value of a live secret', () => {
  it('is a promise that rejects for what is no value of this manager', async () => {
    const secrets = managerOf(stagingStore({ value: 'v1', version: 1 }).provider)
    const handle = liveSecret(secrets, 'db')
    await handle.ready
    await expect(handle.refused('v1' as never)).rejects.toBeInstanceOf(Error)
    const other = await managerOf(stagingStore({ value: 'v2', version: 1 }).provider).getSecretValue('db')
    await secrets.close()
    expect((await refusal(handle.refused(other))).code).toBe('ABORTED')
  })

  it('is replaced by a fresh one, then the staged one, then the previous one', async () => {
    const store = stagingStore({ value: 'v2', version: 2 })
    store.previous = { value: 'v1', version: 1 }
    store.pending = { value: 'v3', version: 3 }
    const handle = liveSecret(managerOf(store.provider), 'db')
    await handle.ready
    const used = handle.current
    const pending = await handle.refused(used)
    expect([pending.reveal(), handle.current]).toEqual(['v3', pending])
    const previous = await handle.refused(pending)
    expect(previous.reveal()).toBe('v1')
    const again = handle.refused(previous)
    await pass(1)
    expect((await again).reveal()).toBe('v2')
  })

  it('is searched for once, however many report it', async () => {
    const store = stagingStore({ value: 'v1', version: 1 })
    const handle = liveSecret(managerOf(store.provider), 'db')
    await handle.ready
    const used = handle.current
    store.current = { value: 'v2', version: 2 }
    const found = await Promise.all(Array.from({ length: 1_000 }, () => handle.refused(used)))
    expect(new Set(found.map((value) => value.reveal()))).toEqual(new Set(['v2']))
    expect([store.calls['get'], store.calls['staging.get']]).toEqual([2, undefined])
    // The refusal of a login that had begun before says nothing about the current value.
    expect((await handle.refused(used)).reveal()).toBe('v2')
    expect(store.calls['get']).toBe(2)
  })

  it('makes way for the current one as soon as that changes', async () => {
    const store = stagingStore({ value: 'v1', version: 1 })
    store.pending = { value: 'v2', version: 2 }
    const handle = liveSecret(managerOf(store.provider), 'db')
    await handle.ready
    await handle.refused(handle.current)
    expect(handle.current.reveal()).toBe('v2')
    store.current = { value: 'v3', version: 3 }
    await pass(31)
    expect(handle.current.reveal()).toBe('v3')
  })
})
