import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { SecretProvider, StoredSecret } from '../contract/provider.ts'
import { SecretsError } from '../errors/secrets-error.ts'
import { liveSecret, useSecret, watchSecret } from '../live.ts'
import { announcingCache } from '../testing/announcing-cache.ts'
import { createSecretsManager } from '../manager/create-manager.ts'
import type { SecretsManager } from '../manager/secrets-manager.ts'
import { refusal } from '../testing/refusal.ts'

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000_000 })
  vi.spyOn(Math, 'random').mockReturnValue(0.5)
  vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

const pass = (seconds: number): Promise<unknown> => vi.advanceTimersByTimeAsync(seconds * 1_000)
const managerOf = (provider: SecretProvider): SecretsManager => createSecretsManager({ providers: [provider] })

interface Store {
  readonly provider: SecretProvider
  readonly get: ReturnType<typeof vi.fn<() => Promise<StoredSecret | undefined>>>
  readonly probe: ReturnType<typeof vi.fn<() => Promise<{ version?: number; revision?: string } | undefined>>>
  hint: (path?: string) => void
}

/** A store whose reads and probes answer as a test says, one apart from the other. */
function storeOf(secret: StoredSecret): Store {
  const get = vi.fn<() => Promise<StoredSecret | undefined>>(async () => secret)
  const { version, revision } = secret
  const identity = { ...(version !== undefined && { version }), ...(revision !== undefined && { revision }) }
  const probe = vi.fn<() => Promise<{ version?: number; revision?: string } | undefined>>(async () => identity)
  const store: Store = {
    get,
    probe,
    hint: () => {},
    provider: {
      specificationVersion: 'v1',
      name: 'store',
      get: () => get(),
      probe: () => probe(),
      changes: (listener) => ((store.hint = listener), () => {}),
    },
  }
  return store
}

const isVersion = (version: number): StoredSecret => ({ value: `v${version}`, version })

describe('a replica that lags behind what a watch saw', () => {
  it('does not bring its older value back into the cache', async () => {
    const store = storeOf(isVersion(1))
    const secrets = managerOf(store.provider)
    const handle = liveSecret(secrets, 'db')
    await pass(1)
    store.probe.mockImplementation(async () => ({ version: 2 }))
    store.get.mockImplementation(async () => isVersion(2))
    await pass(31)
    store.get.mockImplementation(async () => isVersion(1))
    expect((await secrets.getSecretValue('db', { fresh: true })).version).toBe(1)
    store.get.mockImplementation(async () => isVersion(2))
    expect([(await secrets.getSecretValue('db')).version, handle.version]).toEqual([2, 2])
  })

  it('is asked again after a second, where only a probe saw the newer version', async () => {
    const store = storeOf(isVersion(1))
    const secrets = managerOf(store.provider)
    liveSecret(secrets, 'db')
    await pass(1)
    store.probe.mockImplementation(async () => ({ version: 2 }))
    await pass(16)
    expect((await secrets.getSecretValue('db')).version).toBe(1)
    store.get.mockImplementation(async () => isVersion(2))
    await pass(1)
    expect((await secrets.getSecretValue('db')).version).toBe(2)
  })

  it('serves no value as fresh that a probe has overtaken, while reads fail', async () => {
    const store = storeOf(isVersion(1))
    const secrets = managerOf(store.provider)
    liveSecret(secrets, 'db')
    await pass(1)
    store.probe.mockImplementation(async () => ({ version: 2 }))
    store.get.mockImplementation(() => Promise.reject(new SecretsError('UNAVAILABLE', 'out')))
    await pass(16)
    const { version, stale } = await secrets.getSecretValue('db')
    expect([version, stale]).toEqual([1, true])
  })

  it('is believed once it is a store that was reset, whose value is then cached', async () => {
    const store = storeOf(isVersion(2))
    const secrets = managerOf(store.provider)
    const handle = liveSecret(secrets, 'db')
    await pass(1)
    store.probe.mockImplementation(async () => ({ version: 1 }))
    store.get.mockImplementation(async () => isVersion(1))
    await pass(65)
    expect(handle.version).toBe(1)
    await secrets.getSecret('db')
    const { length } = store.get.mock.calls
    await pass(5)
    expect((await secrets.getSecretValue('db')).version).toBe(1)
    expect(store.get.mock.calls.length).toBe(length)
  })

  it('answers a search, and changes nothing for who watches and for the cache', async () => {
    const store = storeOf(isVersion(2))
    const secrets = managerOf(store.provider)
    const values: string[] = []
    watchSecret(secrets, 'db', { onChange: (value) => values.push(value.reveal()) })
    const handle = liveSecret(secrets, 'db')
    await pass(1)
    store.get.mockImplementation(async () => isVersion(1))
    store.probe.mockImplementation(async () => ({ version: 2 }))
    const found = await handle.refused(handle.current)
    expect([found.version, handle.version, handle.stale, values]).toEqual([1, 1, true, []])
    store.get.mockImplementation(async () => isVersion(2))
    await pass(1)
    expect((await secrets.getSecretValue('db')).version).toBe(2)
    await pass(100)
    expect([handle.version, handle.stale, values]).toEqual([1, false, []]) // no listener was told that it fails
    await handle.refused(found)
    expect([handle.version, values]).toEqual([2, []])
  })

  it('is believed once a search and a look half an interval later found the same', async () => {
    const store = storeOf(isVersion(2))
    const handle = liveSecret(managerOf(store.provider), 'db')
    await pass(1)
    store.probe.mockImplementation(async () => ({ version: 1 }))
    store.get.mockImplementation(async () => isVersion(1))
    await handle.refused(handle.current)
    expect(handle.stale).toBe(true)
    await pass(46) // by the second look
    expect([handle.version, handle.stale]).toEqual([1, false])
  })

  it('is no replica that lags where values have no number, though probes have one', async () => {
    const store = storeOf({ value: 'v' })
    store.probe.mockImplementation(async () => ({ version: 2 }))
    const secrets = managerOf(store.provider)
    liveSecret(secrets, 'db')
    await pass(31)
    const { length } = store.get.mock.calls
    await pass(5)
    await secrets.getSecret('db')
    expect(store.get.mock.calls.length).toBe(length)
  })
})

describe('a rotation that a probe sees before a read does', () => {
  it('is found at the next probe if a replica that lags answered the read', async () => {
    const store = storeOf(isVersion(1))
    const handle = liveSecret(managerOf(store.provider), 'db')
    await pass(1)
    store.probe.mockImplementation(async () => ({ version: 2 }))
    await pass(30)
    expect(handle.version).toBe(1)
    store.get.mockImplementation(async () => isVersion(2))
    await pass(31)
    expect([handle.version, handle.stale]).toEqual([2, false])
  })

  it('is found at the next probe if the read joined one that began before it', async () => {
    const store = storeOf(isVersion(1))
    const secrets = managerOf(store.provider)
    const handle = liveSecret(secrets, 'db')
    await pass(14)
    const { promise, resolve } = Promise.withResolvers<StoredSecret>()
    store.get.mockImplementationOnce(() => promise).mockImplementation(async () => isVersion(2))
    const before = secrets.getSecretValue('db', { fresh: true })
    store.probe.mockImplementation(async () => ({ version: 2 }))
    await pass(2)
    resolve(isVersion(1))
    expect((await before).version).toBe(1)
    await pass(31)
    expect([handle.version, handle.stale]).toEqual([2, false])
  })

  it('is found by a second read where values have no identity', async () => {
    const store = storeOf({ value: 'v1' })
    store.probe.mockImplementation(async () => ({ revision: 'a' }))
    const handle = liveSecret(managerOf(store.provider), 'db')
    await pass(31)
    store.probe.mockImplementation(async () => ({ revision: 'b' }))
    await pass(31)
    expect(handle.current.reveal()).toBe('v1')
    store.get.mockImplementation(async () => ({ value: 'v2' }))
    await pass(31)
    expect(handle.current.reveal()).toBe('v2')
  })
})

describe('who joins a watch', () => {
  const denied = (): Promise<never> => Promise.reject(new SecretsError('PERMISSION_DENIED', 'no'))

  it('hears at once that the store denies the secret, and the others hear it once', async () => {
    const store = storeOf(isVersion(1))
    store.get.mockImplementation(denied)
    const secrets = managerOf(store.provider)
    const first = liveSecret(secrets, 'db')
    expect((await refusal(first.ready)).code).toBe('PERMISSION_DENIED')
    await pass(1)
    const [joined, watch] = [liveSecret(secrets, 'db'), watchSecret(secrets, 'db')]
    const codes = Promise.all([refusal(joined.ready), refusal(watch.next())])
    await pass(1)
    expect((await codes).map(({ code }) => code)).toEqual(['PERMISSION_DENIED', 'PERMISSION_DENIED'])
    expect(process.emitWarning).toHaveBeenCalledTimes(2)
  })

  it('is ready once the store answers again', async () => {
    const store = storeOf(isVersion(1))
    const secrets = managerOf(store.provider)
    const first = liveSecret(secrets, 'db')
    await first.ready
    store.probe.mockImplementation(denied)
    await pass(31)
    store.probe.mockImplementation(async () => ({ version: 1 }))
    const joined = liveSecret(secrets, 'db')
    await pass(1)
    await joined.ready
    expect([joined.version, first.stale]).toEqual([1, false])
  })

  it('in an outage need not wait for the next look to hear of it', async () => {
    const store = storeOf(isVersion(1))
    store.get.mockImplementation(() => Promise.reject(new SecretsError('UNAVAILABLE', 'out')))
    const secrets = managerOf(store.provider)
    liveSecret(secrets, 'db')
    await pass(1)
    const failed = refusal(liveSecret(secrets, 'db').ready)
    await pass(1)
    expect((await failed).code).toBe('UNAVAILABLE')
  })
})

describe('hints', () => {
  it('without a path never put a planned probe off', async () => {
    vi.mocked(Math.random).mockReturnValue(0.99)
    const store = storeOf(isVersion(1))
    const secrets = managerOf(store.provider)
    for (let each = 0; each < 600; each += 1) liveSecret(secrets, `db-${each}`, { intervalSeconds: 1 })
    await pass(2)
    store.probe.mockClear()
    for (let each = 0; each < 5; each += 1) {
      store.hint()
      await pass(1)
    }
    expect(store.probe.mock.calls.length).toBeGreaterThan(600 * 3)
  })

  it('that come together do not bring an older version back', async () => {
    const store = storeOf(isVersion(2))
    const handle = liveSecret(managerOf(store.provider), 'db')
    await pass(1)
    store.probe.mockImplementation(async () => ({ version: 1 }))
    store.get.mockImplementation(async () => isVersion(1))
    store.hint('db')
    store.hint('db')
    await pass(1)
    expect(handle.version).toBe(2)
    await pass(62)
    expect(handle.version).toBe(1)
  })

  it.each(['NOT_FOUND', 'CONFIGURATION'] as const)('in the gap of a file that is replaced end no watch (%s)', async (code) => {
    const store = storeOf({ value: 'v1', revision: 'a' })
    const secrets = managerOf(store.provider)
    const values: string[] = []
    watchSecret(secrets, 'db', { onChange: (value) => values.push(value.reveal()) })
    await pass(1)
    const away = (): Promise<never> => Promise.reject(new SecretsError(code, 'away'))
    store.probe.mockImplementation(code === 'NOT_FOUND' ? async () => undefined : away)
    store.hint('db')
    store.hint('db')
    await pass(0.02)
    store.probe.mockImplementation(async () => ({ revision: 'b' }))
    store.get.mockImplementation(async () => ({ value: 'v2', revision: 'b' }))
    await pass(2)
    expect([values, vi.mocked(process.emitWarning).mock.calls.length]).toEqual([['v2'], 0])
  })
})

describe('a file that is away before an outage', () => {
  it('is asked for as rarely as in any outage', async () => {
    const store = storeOf(isVersion(1))
    const handle = liveSecret(managerOf(store.provider), 'db')
    await pass(1)
    store.probe
      .mockImplementationOnce(async () => undefined)
      .mockImplementation(() => Promise.reject(new SecretsError('UNAVAILABLE', 'out')))
    store.hint('db')
    await pass(600)
    expect([handle.version, handle.stale]).toEqual([1, true])
    expect(store.probe.mock.calls.length).toBeLessThan(25)
  })
})

describe('an answer that comes late', () => {
  const isRevision = (revision: string): StoredSecret => ({ value: revision, revision })
  const isAuthError = (): boolean => true

  it('does not replace what a refusal read meanwhile', async () => {
    const { shared, announce } = announcingCache()
    const store = storeOf(isRevision('a'))
    const secrets = createSecretsManager({ providers: [{ ...store.provider, sharedAs: 's' }], cache: { shared } })
    const handle = liveSecret(secrets, 'db')
    await pass(1)
    const slow = Promise.withResolvers<StoredSecret>()
    store.get.mockImplementationOnce(() => slow.promise).mockImplementation(async () => isRevision('b'))
    announce({ sharedAs: 's', path: 'db' })
    await pass(1)
    store.probe.mockImplementation(async () => ({ revision: 'b' }))
    const login = async (used: string): Promise<string> => (used === 'b' ? used : Promise.reject(new Error('refused')))
    const using = useSecret(secrets, 'db', (value) => login(value.reveal()), { isAuthError })
    await pass(1)
    expect([await using, handle.current.reveal()]).toEqual(['b', 'b'])
    slow.resolve(isRevision('a'))
    await pass(1)
    expect([handle.current.reveal(), handle.stale]).toEqual(['b', false])
  })

  it('of a probe changes nothing once the handle is disposed of', async () => {
    const store = storeOf(isVersion(1))
    const handle = liveSecret(managerOf(store.provider), 'db')
    await pass(1)
    const { promise, resolve } = Promise.withResolvers<{ version: number }>()
    store.probe.mockImplementation(() => promise)
    await pass(15)
    handle[Symbol.dispose]()
    resolve({ version: 1 })
    await pass(0)
    expect(handle.stale).toBe(true)
  })
})

describe('return() of a watch', () => {
  it('lets go of a failure that was not read', async () => {
    const store = storeOf(isVersion(1))
    const watch = watchSecret(managerOf(store.provider), 'db')
    await pass(1)
    store.probe.mockImplementation(() => Promise.reject(new SecretsError('DELETED', 'gone')))
    await pass(31)
    await watch.return?.()
    expect(await watch.next()).toEqual({ done: true, value: undefined })
  })
})
