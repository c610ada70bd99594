import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { SecretProvider } from '../contract/provider.ts'
import { SecretsError } from '../errors/secrets-error.ts'
import { liveSecret, watchSecret } from '../live.ts'
import { announcingCache } from '../testing/announcing-cache.ts'
import { createSecretsManager } from '../manager/create-manager.ts'
import type { SecretsManager } from '../manager/secrets-manager.ts'
import { failureOf, refusal } from '../testing/refusal.ts'
import { stagingStore, type StagingStore } from '../testing/staging-store.ts'

const canary = 'canary-5a10'
const second = 1_000
const unhandled: unknown[] = []
const note = (reason: unknown): void => void unhandled.push(reason)

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000_000 })
  // The first probe after half an interval.
  vi.spyOn(Math, 'random').mockReturnValue(0.5)
  process.on('unhandledRejection', note)
})
afterEach(async () => {
  vi.restoreAllMocks()
  vi.useRealTimers()
  await new Promise((resolve) => setImmediate(resolve))
  process.off('unhandledRejection', note)
  assert.deepEqual(unhandled.splice(0), [])
})

const pass = (seconds: number): Promise<unknown> => vi.advanceTimersByTimeAsync(seconds * second)
const managerOf = (...providers: SecretProvider[]): SecretsManager => createSecretsManager({ providers })

function rotate(store: StagingStore, value: string): void {
  Object.assign(store, { previous: store.current, current: { value, version: (store.current?.version ?? 0) + 1 } })
}

/** The values that it has yielded, and how it ended. */
function followed(watch: AsyncIterable<{ reveal: () => string }>): { readonly values: string[]; end: unknown } {
  const seen: { values: string[]; end: unknown } = { values: [], end: undefined }
  const follow = async (): Promise<void> => {
    for await (const value of watch) seen.values.push(value.reveal())
  }
  follow().then(
    () => (seen.end = 'done'),
    (error: unknown) => (seen.end = error),
  )
  return seen
}

describe('watchSecret', () => {
  it('yields the value with which it begins if it is to, also to who comes later, and once', async () => {
    const store = stagingStore({ value: 'v1', version: 1 })
    const secrets = managerOf(store.provider)
    const early = followed(watchSecret(secrets, 'db', { first: true }))
    await pass(31)
    const late = followed(watchSecret(secrets, 'db', { first: true }))
    await pass(31)
    rotate(store, 'v2')
    await pass(31)
    expect([early.values, late.values]).toEqual([
      ['v1', 'v2'],
      ['v1', 'v2'],
    ])
  })

  it('yields each new version, with one probe an interval and no read between', async () => {
    const store = stagingStore({ value: 'v1', version: 1 })
    const secrets = managerOf(store.provider)
    const seen = followed(watchSecret(secrets, 'db'))
    await pass(31)
    expect([seen.values, store.calls['probe'], store.calls['get']]).toEqual([[], 1, 1])
    rotate(store, 'v2')
    await pass(31)
    expect([seen.values, store.calls['probe'], store.calls['get']]).toEqual([['v2'], 2, 2])
    rotate(store, 'v3')
    rotate(store, 'v4')
    await pass(31)
    expect(seen.values).toEqual(['v2', 'v4'])
    expect(await secrets.getSecret('db')).toBe('v4')
    expect(store.calls['get']).toBe(3)
  })

  it('begins with an older version that is cached, yields the newer one at its first probe, and never goes back', async () => {
    const store = stagingStore({ value: 'v1', version: 1 })
    const secrets = managerOf(store.provider)
    await secrets.getSecret('db')
    rotate(store, 'v2')
    const seen = followed(watchSecret(secrets, 'db', { intervalSeconds: 60 }))
    const handle = liveSecret(secrets, 'db', { intervalSeconds: 60 })
    await handle.ready
    expect([seen.values, handle.current.reveal(), await secrets.getSecret('db'), store.calls['get']]).toEqual([[], 'v1', 'v1', 1])
    await pass(31) // half an interval: the first look is a random part of it
    expect([seen.values, handle.current.reveal(), await secrets.getSecret('db')]).toEqual([['v2'], 'v2', 'v2'])
    const newest = store.current
    store.current = { value: 'v1', version: 1 } // a replica that lags answers the next probe
    await pass(61)
    store.current = newest
    const late = followed(watchSecret(secrets, 'db', { intervalSeconds: 60 }))
    await pass(121)
    expect([seen.values, late.values, handle.current.reveal()]).toEqual([['v2'], [], 'v2'])
  })

  it('asks once an interval for a thousand watchers of one secret', async () => {
    const store = stagingStore({ value: 'v1', version: 1 })
    const secrets = managerOf(store.provider)
    const changed = vi.fn<() => void>()
    for (let each = 0; each < 1_000; each += 1) watchSecret(secrets, 'db', { onChange: changed })
    await pass(30 * 10)
    expect(store.calls['get']).toBe(1)
    expect(store.calls['probe']).toBeGreaterThanOrEqual(9)
    expect(store.calls['probe']).toBeLessThanOrEqual(11)
    expect(vi.getTimerCount()).toBe(1)
    rotate(store, 'v2')
    await pass(31)
    expect(changed).toHaveBeenCalledTimes(1_000)
    expect(store.calls['get']).toBe(2)
  })

  it('compares contents where a store gives no identity', async () => {
    const get = vi.fn<SecretProvider['get']>(async () => ({ value: 'v1' }))
    const secrets = managerOf({ specificationVersion: 'v1', name: 'plain', get })
    const seen = followed(watchSecret(secrets, 'db', { intervalSeconds: 10 }))
    await pass(41)
    expect(seen.values).toEqual([])
    get.mockImplementation(async () => ({ value: 'v2' }))
    await pass(11)
    expect(seen.values).toEqual(['v2'])
  })

  it('reads only once what a probe can identify and a value cannot', async () => {
    const get = vi.fn<SecretProvider['get']>(async () => ({ value: 'v1' }))
    const probe = vi.fn<NonNullable<SecretProvider['probe']>>(async () => ({ revision: 'a' }))
    const seen = followed(watchSecret(managerOf({ specificationVersion: 'v1', name: 'files', get, probe }), 'db'))
    await pass(121)
    expect([seen.values, get.mock.calls.length]).toEqual([[], 2])
    get.mockImplementation(async () => ({ value: 'v2' }))
    probe.mockImplementation(async () => ({ revision: 'b' }))
    await pass(61)
    expect([seen.values, get.mock.calls.length]).toEqual([['v2'], 3])
  })

  it('takes the same content under another revision for no change, as after a swap of mounted files', async () => {
    const store = stagingStore({ value: 'v1', revision: 'inode 1' })
    const seen = followed(watchSecret(managerOf(store.provider), 'db'))
    await pass(1)
    store.current = { value: 'v1', revision: 'inode 2' }
    await pass(121)
    expect([seen.values, store.calls['get']]).toEqual([[], 2])
    store.current = { value: 'v2', revision: 'inode 3' }
    await pass(31)
    expect(seen.values).toEqual(['v2'])
  })

  it('yields a new version though its content is the same', async () => {
    const store = stagingStore({ value: 'v1', version: 1 })
    const seen = followed(watchSecret(managerOf(store.provider), 'db'))
    await pass(1)
    rotate(store, 'v1')
    await pass(31)
    expect(seen.values).toEqual(['v1'])
  })

  it('yields a version of the same number under another revision, as after the secret was created anew', async () => {
    const store = stagingStore({ value: 'v1', version: 1, revision: 'created first' })
    const seen = followed(watchSecret(managerOf(store.provider), 'db'))
    await pass(1)
    store.current = { value: 'v1', version: 1, revision: 'created again' }
    await pass(31)
    expect(seen.values).toEqual(['v1'])
  })

  it('yields nothing for the same version that is read again', async () => {
    const get = vi.fn<SecretProvider['get']>(async () => ({ value: 'v1', version: 1 }))
    const seen = followed(watchSecret(managerOf({ specificationVersion: 'v1', name: 'store', get }), 'db'))
    await pass(121)
    expect([seen.values, get.mock.calls.length]).toEqual([[], 5])
  })

  it('does not go back to an older version until the store says so twice', async () => {
    const store = stagingStore({ value: 'v2', version: 2 })
    const seen = followed(watchSecret(managerOf(store.provider), 'db'))
    await pass(1)
    store.current = { value: 'v1', version: 1 }
    await pass(20)
    expect(seen.values).toEqual([])
    store.current = { value: 'v2', version: 2 }
    await pass(31)
    expect(seen.values).toEqual([])
    store.current = { value: 'v1', version: 1 }
    await pass(61)
    expect(seen.values).toEqual(['v1'])
  })

  it('never replaces a lease to see whether it changed', async () => {
    const fresh: unknown[] = []
    const get: SecretProvider['get'] = async (_path, context) => (
      fresh.push(context.fresh),
      { value: 'v1', revision: 'lease', exclusive: true }
    )
    const seen = followed(watchSecret(managerOf({ specificationVersion: 'v1', name: 'leases', get }), 'db'))
    await pass(3_600)
    expect(seen.values).toEqual([])
    expect(new Set(fresh)).toEqual(new Set([undefined]))
  })

  it('looks at once after a write of this process, through any manager', async () => {
    const store = stagingStore({ value: 'v1', version: 1 })
    const seen = followed(watchSecret(managerOf(store.provider), 'db'))
    await pass(1)
    await managerOf(store.provider).rotateSecret('db', 'v2')
    await pass(0)
    expect(seen.values).toEqual(['v2'])
  })

  it.each([
    ['through the same provider', {}, (provider: SecretProvider) => provider],
    ['through another provider of the same store', { sharedAs: 'one' }, (provider: SecretProvider) => ({ ...provider, name: 'other' })],
  ])('looks at once after a write under another name, %s', async (_way, members, writing) => {
    const store = stagingStore({ value: 'v1', version: 1 }, { ...members, locate: () => ({ path: 'shared/db' }) })
    const seen = followed(watchSecret(managerOf(store.provider), 'db'))
    await pass(1)
    await managerOf(writing(store.provider)).rotateSecret('app/password', 'v2')
    await pass(0)
    expect(seen.values).toEqual(['v2'])
  })

  it('does not look after a write to the same path of another store', async () => {
    const [store, another] = [stagingStore({ value: 'v1', version: 1 }), stagingStore({ value: 'v1', version: 1 })]
    followed(watchSecret(managerOf(store.provider), 'db'))
    await pass(1)
    await managerOf(another.provider).rotateSecret('db', 'v2')
    await pass(0)
    expect([store.calls['probe'], store.calls['get']]).toEqual([undefined, 1])
  })

  it('looks at once after a hint of the store, and ends the hints with the last watch', async () => {
    let listener: ((path?: string) => void) | undefined
    const end = vi.fn<() => void>()
    const store = stagingStore({ value: 'v1', version: 1 }, { changes: (listens) => ((listener = listens), end) })
    const watch = watchSecret(managerOf(store.provider), 'db')
    const seen = followed(watch)
    await pass(1)
    rotate(store, 'v2')
    listener?.('another')
    await pass(0)
    expect(seen.values).toEqual([])
    listener?.('db')
    await pass(0)
    expect(seen.values).toEqual(['v2'])
    rotate(store, 'v3')
    listener?.()
    await pass(0)
    expect(seen.values).toEqual(['v2', 'v3'])
    await watch.return?.()
    expect(end).toHaveBeenCalledTimes(1)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('spreads its probes after a hint without a path', async () => {
    vi.restoreAllMocks()
    let listener: (() => void) | undefined
    const probe = vi.fn<NonNullable<SecretProvider['probe']>>(async () => ({ version: 1 }))
    const provider: SecretProvider = {
      specificationVersion: 'v1',
      name: 'store',
      get: async () => ({ value: 'v', version: 1 }),
      probe,
      changes: (listens) => ((listener = () => listens()), () => {}),
    }
    const secrets = managerOf(provider)
    for (let each = 0; each < 1_000; each += 1) watchSecret(secrets, `db-${each}`, { intervalSeconds: 3_600 })
    await pass(0)
    listener?.()
    await pass(1)
    expect(probe.mock.calls.length).toBeGreaterThan(300)
    expect(probe.mock.calls.length).toBeLessThan(800)
    await pass(2)
    expect(probe.mock.calls.length).toBeGreaterThanOrEqual(1_000)
  })

  it('reads through the cache after an announcement of the shared cache', async () => {
    const { shared, announce } = announcingCache()
    const store = stagingStore({ value: 'v1', version: 1 }, { sharedAs: 's' })
    const seen = followed(watchSecret(createSecretsManager({ providers: [store.provider], cache: { shared } }), 'db'))
    await pass(1)
    rotate(store, 'v2')
    announce({ sharedAs: 's', path: 'db' })
    await pass(0)
    expect([seen.values, store.calls['probe']]).toEqual([['v2'], undefined])
  })
})

describe('a watch in an outage', () => {
  const outage = (): Promise<never> => Promise.reject(new SecretsError('UNAVAILABLE', canary))

  it('keeps its value, asks less often, and ends the outage without a burst', async () => {
    vi.restoreAllMocks()
    vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const state = { isOut: false, probes: [] as number[] }
    const probe = async (): Promise<{ version: number }> => {
      state.probes.push(performance.now())
      return state.isOut ? outage() : { version: 1 }
    }
    const get: SecretProvider['get'] = async () => (state.isOut ? outage() : { value: 'v', version: 1 })
    const secrets = managerOf({ specificationVersion: 'v1', name: 'store', get, probe })
    const seen = Array.from({ length: 1_000 }, (_each, index) => followed(watchSecret(secrets, `db-${index}`)))
    await pass(60)
    state.isOut = true
    await pass(600)
    state.isOut = false
    const end = performance.now()
    state.probes.length = 0
    await pass(120)
    const inSecond = Map.groupBy(state.probes, (at) => Math.floor((at - end) / second))
    expect(Math.max(...[...inSecond.values()].map((probes) => probes.length))).toBeLessThan(120)
    expect(state.probes.length).toBeGreaterThan(1_000)
    expect(seen.every(({ values, end: ended }) => values.length === 0 && ended === undefined)).toBe(true)
  })

  it('begins once the store answers', async () => {
    vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const store = stagingStore({ value: 'v1', version: 1 })
    const get = vi.fn<SecretProvider['get']>(outage)
    const seen = followed(watchSecret(managerOf({ ...store.provider, get }), 'db'))
    await pass(120)
    get.mockImplementation(store.provider.get)
    await pass(90)
    rotate(store, 'v2')
    await pass(31)
    expect(seen).toEqual({ values: ['v2'], end: undefined })
  })

  it("does not take a fallback's value for a change", async () => {
    vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const store = stagingStore({ value: 'v1', version: 1 })
    const probe = vi.fn<NonNullable<SecretProvider['probe']>>(async () => ({ version: 1 }))
    const fallback: SecretProvider = {
      specificationVersion: 'v1',
      name: 'fallback',
      get: async () => ({ value: 'old' }),
      describe: async () => ({ version: 7 }),
    }
    const seen = followed(watchSecret(managerOf({ ...store.provider, probe }, fallback), 'db'))
    await pass(31)
    probe.mockImplementation(outage)
    await pass(300)
    expect(seen).toEqual({ values: [], end: undefined })
  })
})

describe('the end of a watch', () => {
  it('hands out no value that close() has overwritten', async () => {
    const store = stagingStore({ value: 'v1', version: 1 })
    const secrets = managerOf(store.provider)
    const watch = watchSecret(secrets, 'db')
    await pass(31)
    rotate(store, 'v2')
    await pass(31)
    await secrets.close()
    expect(await watch.next()).toEqual({ done: true, value: undefined })
  })

  it('is quiet on abort and on close()', async () => {
    const store = stagingStore({ value: 'v1', version: 1 })
    const secrets = managerOf(store.provider)
    const abort = new AbortController()
    const [first, other] = [followed(watchSecret(secrets, 'db', { signal: abort.signal })), followed(watchSecret(secrets, 'db'))]
    await pass(1)
    abort.abort()
    await pass(0)
    expect([first.end, other.end]).toEqual(['done', undefined])
    await secrets.close()
    await pass(0)
    expect(other.end).toBe('done')
    expect(vi.getTimerCount()).toBe(0)
    const late = followed(watchSecret(secrets, 'db'))
    await pass(0)
    expect(late.end).toBe('done')
  })

  it.each(['PERMISSION_DENIED', 'DELETED'] as const)('is one error on %s', async (code) => {
    const store = stagingStore({ value: 'v1', version: 1 })
    const probe = vi.fn<NonNullable<SecretProvider['probe']>>(async () => ({ version: 1 }))
    const watch = watchSecret(managerOf({ ...store.provider, probe }), 'db')
    const seen = followed(watch)
    await pass(31)
    probe.mockImplementation(() => Promise.reject(new SecretsError(code, 'no')))
    await pass(31)
    expect(seen.end).toMatchObject({ code, secret: 'db', provider: 'store' })
    expect(await watch.next()).toEqual({ done: true, value: undefined })
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is NOT_FOUND once every store has it no more', async () => {
    const store = stagingStore({ value: 'v1', version: 1 })
    const seen = followed(watchSecret(managerOf(store.provider), 'db'))
    await pass(31)
    store.current = undefined
    await pass(31)
    expect(seen.end).toMatchObject({ code: 'NOT_FOUND' })
  })

  it('is a warning where no loop reads the watch', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const probe = vi.fn<NonNullable<SecretProvider['probe']>>(() => Promise.reject(new SecretsError('PERMISSION_DENIED', 'no')))
    const store = stagingStore({ value: canary, version: 1 }, { probe })
    const onChange = vi.fn<() => void>()
    const watch = watchSecret(managerOf(store.provider), 'db', { onChange })
    await pass(61)
    expect(warned.mock.calls.map(([message]) => message)).toEqual([expect.stringContaining("its watch has ended: Secret 'db'")])
    expect(inspect(warned.mock.calls)).not.toContain(canary)
    const asked = probe.mock.calls.length
    probe.mockImplementation(async () => ({ version: 2 }))
    rotate(store, 'v2')
    await pass(600)
    expect([probe.mock.calls.length, onChange.mock.calls.length]).toEqual([asked, 0])
    await expect(watch.next()).rejects.toMatchObject({ code: 'PERMISSION_DENIED' })
  })

  it('is not caused by a listener that fails', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const store = stagingStore({ value: 'v1', version: 1 })
    const secrets = managerOf(store.provider)
    const fails = async (): Promise<never> => Promise.reject(new Error(canary))
    const throws = (): never => {
      throw new Error(canary)
    }
    watchSecret(secrets, 'db', { onChange: fails })
    watchSecret(secrets, 'db', { onChange: throws })
    const seen = followed(watchSecret(secrets, 'db'))
    await pass(1)
    rotate(store, 'v2')
    await pass(31)
    expect(seen.values).toEqual(['v2'])
    expect(warned).toHaveBeenCalledTimes(2)
    expect(inspect(warned.mock.calls)).not.toContain(canary)
  })
})

describe('the arguments of watchSecret', () => {
  it('are INVALID_ARGUMENT if they would be misread', () => {
    const secrets = managerOf(stagingStore(undefined).provider)
    const wrong = [{ onChange: 7 }, { intervalSeconds: 0.5 }, { intervalSeconds: NaN }, { signal: 7 }, { intervall: 5 }]
    for (const options of wrong) expect(failureOf(() => watchSecret(secrets, 'db', options as never)).code).toBe('INVALID_ARGUMENT')
    expect(failureOf(() => watchSecret(secrets, '')).code).toBe('INVALID_ARGUMENT')
    expect(failureOf(() => watchSecret({} as SecretsManager, 'db')).code).toBe('INVALID_ARGUMENT')
  })

  it('may name a secret that does not exist: it says so once', async () => {
    const watch = watchSecret(managerOf(stagingStore(undefined).provider), 'db')
    expect((await refusal(watch.next())).code).toBe('NOT_FOUND')
    expect(inspect(watch, { depth: 9, showHidden: true })).not.toContain(canary)
  })
})
