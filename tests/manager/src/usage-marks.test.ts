import {
  createSecretsManager,
  type SecretProvider,
  SecretsError,
  type SecretsManager,
  type SecretValue,
  type UsageMarks,
} from '@finchat/secrets-core'
import { liveSecret, registerUse, useSecret } from '@finchat/secrets-core/live'
import { type MemoryProvider, memoryProvider, memorySharedCache, type SharedCacheFault } from '@finchat/secrets-testkit'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

beforeEach(() => void vi.useFakeTimers({ now: Date.UTC(2026, 0, 1) }))
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

class RefusedLogin extends Error {}
const isAuthError = (error: unknown): boolean => error instanceof RefusedLogin
const context = { signal: new AbortController().signal }
const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms)
const path = { sharedAs: 'store', path: 'db' }
const beatMs = 30_000
const answerMs = 5_000
const toldWithinMs = 1_000
const keptForMs = 40_000

interface Trial {
  readonly store: MemoryProvider
  readonly secrets: SecretsManager
  readonly cache: ReturnType<typeof memorySharedCache>
  readonly marks: () => Promise<UsageMarks['marks']>
  /** The versions of each mark. */
  readonly uses: () => Promise<unknown>
  fault: SharedCacheFault | undefined
}

function trial(): Trial {
  const store = memoryProvider({ sharedAs: 'store', secrets: { db: 'one' } })
  const cache = memorySharedCache({ plan: (call) => (call === 'usage' ? made.fault : undefined) })
  const server = cache.anotherProcess()
  const marks = async (): Promise<UsageMarks['marks']> => (await server.usage.read(path, context))?.marks ?? []
  const made: Trial = {
    store,
    cache,
    secrets: createSecretsManager({ providers: [store], cache: { shared: cache } }),
    marks,
    uses: async () => (await marks()).map(({ uses }) => uses.map(({ version }) => version)),
    fault: undefined,
  }
  return made
}

describe('useSecret with usageMarks', () => {
  test('tells the fleet of a version before the login, and of the next one at the next login', async () => {
    const { secrets, marks, uses } = trial()
    const options = { isAuthError, usageMarks: true, actor: 'webapp' }
    expect(await useSecret(secrets, 'db', uses, options)).toEqual([[1]])
    expect(await marks()).toMatchObject([{ actor: 'webapp', host: expect.any(String), isExcused: false }])
    await secrets.rotateSecret('db', 'two')
    expect(await uses()).toEqual([[1]])
    await useSecret(secrets, 'db', async () => {}, options)
    await pass(toldWithinMs) // until then it holds up a withdrawal of both
    expect(await uses()).toEqual([[2]])
  })

  test('keeps the former version while a login with it is under way', async () => {
    const { secrets, uses } = trial()
    const login = Promise.withResolvers<void>()
    const slow = useSecret(secrets, 'db', () => login.promise, { isAuthError, usageMarks: true })
    await pass(0)
    await secrets.rotateSecret('db', 'two')
    await useSecret(secrets, 'db', async () => {}, { isAuthError, usageMarks: true })
    await pass(toldWithinMs)
    expect(await uses()).toEqual([[1, 2]])
    login.resolve()
    await slow
    await pass(toldWithinMs)
    expect(await uses()).toEqual([[2]]) // a later login succeeded with it
  })

  test('keeps the version of a slow login as long as no later one succeeded', async () => {
    const { secrets, uses } = trial()
    const [slow, refused] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const options = { isAuthError, usageMarks: true }
    const first = useSecret(secrets, 'db', () => slow.promise, options)
    await pass(0)
    await secrets.rotateSecret('db', 'two')
    const second = useSecret(secrets, 'db', () => refused.promise, options)
    await pass(toldWithinMs)
    refused.reject(new Error('the server is full'))
    await expect(second).rejects.toThrow('full')
    slow.resolve()
    await first
    await pass(toldWithinMs)
    expect(await uses()).toEqual([[1]])
  })

  test('tells of each candidate before it is tried', async () => {
    const { secrets, uses } = trial()
    await secrets.rotateSecret('db', 'two')
    const seen: unknown[] = []
    const login = async (value: SecretValue): Promise<void> => {
      seen.push([value.version, await uses()])
      if (value.version !== 1) throw new RefusedLogin()
    }
    await useSecret(secrets, 'db', login, { isAuthError, usageMarks: true })
    expect(seen).toEqual([
      [2, [[2]]],
      [1, [[1, 2]]],
    ])
  })

  test('tells nothing unless it is asked to', async () => {
    const { secrets, cache } = trial()
    await useSecret(secrets, 'db', async () => {}, { isAuthError })
    await liveSecret(secrets, 'db').ready
    await secrets.close()
    expect(cache.calls('usage')).toBe(0)
  })

  test.each(['fail', 'throw', 'hang'] as const)(
    'logs in though the fleet cannot be told (%s), warns once, and tells it later',
    async (fault) => {
      const emitWarning = vi.spyOn(process, 'emitWarning').mockReturnValue()
      const made = trial()
      made.fault = fault
      const use = (): Promise<string> => useSecret(made.secrets, 'db', async () => 'connected', { isAuthError, usageMarks: true })
      const first = use()
      await pass(answerMs)
      expect(await first).toBe('connected')
      const second = use()
      await pass(answerMs)
      await second
      expect(emitWarning.mock.calls).toEqual([
        [expect.stringContaining('which version'), expect.objectContaining({ code: 'FINCHAT_SECRETS_USAGE_MARKS' })],
      ])
      made.fault = undefined
      await pass(beatMs + answerMs)
      expect(await made.uses()).toEqual([[1]])
    },
  )
})

describe('a live secret with usageMarks', () => {
  test('keeps the former version while a login of the handle with it is under way', async () => {
    const { secrets, uses } = trial()
    const handle = liveSecret(secrets, 'db', { usageMarks: true })
    await handle.ready
    const [login, last] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const slow = handle.logIn(() => login.promise, { isAuthError })
    await pass(0)
    await secrets.rotateSecret('db', 'two')
    await pass(toldWithinMs)
    expect([handle.version, await uses()]).toEqual([2, [[1, 2]]])
    login.resolve()
    await slow
    await pass(toldWithinMs)
    expect(await uses()).toEqual([[2]])
    const ended = handle.logIn(() => last.promise, { isAuthError })
    await pass(0)
    handle[Symbol.dispose]()
    await pass(toldWithinMs)
    expect(await uses()).toEqual([[2]])
    last.resolve()
    await ended
    await pass(toldWithinMs)
    expect(await uses()).toEqual([])
  })

  test('is ready once the fleet knows, follows a rotation, and leaves', async () => {
    const { secrets, uses } = trial()
    const handle = liveSecret(secrets, 'db', { usageMarks: true, actor: 'pool' })
    await handle.ready
    expect(await uses()).toEqual([[1]])
    await secrets.rotateSecret('db', 'two')
    await pass(1_000 + toldWithinMs)
    expect([handle.version, await uses()]).toEqual([2, [[2]]])
    handle[Symbol.dispose]()
    await pass(0)
    expect(await uses()).toEqual([])
  })

  test('tells of the previous version before it gives it', async () => {
    const { secrets, uses } = trial()
    await secrets.rotateSecret('db', 'two')
    const handle = liveSecret(secrets, 'db', { usageMarks: true })
    await handle.ready
    const next = await handle.refused(handle.current)
    expect([next.version, handle.version, await uses()]).toEqual([1, 1, [[1]]])
  })

  test('gives a password only once the fleet was told', async () => {
    const made = trial()
    const handle = liveSecret(made.secrets, 'db', { usageMarks: true })
    expect(await handle.asPasswordFunction()()).toBe('one')
    expect(await made.uses()).toEqual([[1]])
  })

  test('tells the fleet of a password that it reads itself, after an outage at start', async () => {
    const made = trial()
    const get = vi.fn<SecretProvider['get']>(() => Promise.reject(new SecretsError('UNAVAILABLE', 'the store is down')))
    const secrets = createSecretsManager({ providers: [{ ...made.store, get }], cache: { shared: made.cache } })
    const password = liveSecret(secrets, 'db', { usageMarks: true }).asPasswordFunction()
    await expect(password()).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    get.mockImplementation(made.store.get)
    await pass(10_000) // the next look is later
    expect([await made.uses(), await password(), await made.uses()]).toEqual([[], 'one', [[1]]])
  })

  test('is not held up by a shared cache that fails', async () => {
    vi.spyOn(process, 'emitWarning').mockReturnValue()
    const made = trial()
    made.fault = 'hang'
    const handle = liveSecret(made.secrets, 'db', { usageMarks: true })
    const password = vi.fn<(password: string) => void>()
    void handle.asPasswordFunction()().then(password)
    await pass(answerMs - 1)
    expect([password.mock.calls, vi.mocked(process.emitWarning).mock.calls.length]).toEqual([[], 0])
    await pass(1)
    await handle.ready
    expect([handle.version, password.mock.calls, await made.uses()]).toEqual([1, [['one']], []])
    expect(process.emitWarning).toHaveBeenCalledWith(expect.stringContaining('may withdraw it too early'), expect.anything())
  })

  test('holds logins that wait for the fleet once their password is refused', async () => {
    vi.spyOn(process, 'emitWarning').mockReturnValue()
    const made = trial()
    made.fault = 'hang'
    const handle = liveSecret(made.secrets, 'db', { usageMarks: true })
    await pass(1)
    const login = vi.fn<(value: SecretValue) => Promise<void>>(() => Promise.reject(new RefusedLogin()))
    const logins = Array.from({ length: 20 }, () => handle.logIn(login, { isAuthError }).catch(() => {}))
    await pass(4_000)
    void handle.refused(handle.current).catch(() => {})
    await pass(1_000)
    expect(login.mock.calls.length).toBeLessThan(3)
    await pass(60_000)
    await Promise.all(logins)
  })
})

describe('a registered use', () => {
  test('stands until another value is used, or it ends', async () => {
    const { secrets, uses } = trial()
    const use = registerUse(secrets, 'db')
    const first = await secrets.getSecretValue('db')
    await use.uses(first)
    await secrets.rotateSecret('db', 'two')
    await pass(10 * beatMs)
    expect(await uses()).toEqual([[1]])
    const second = await secrets.getSecretValue('db')
    await use.uses(first, second)
    await pass(toldWithinMs)
    expect(await uses()).toEqual([[1, 2]])
    await use.uses(second)
    await pass(toldWithinMs)
    expect(await uses()).toEqual([[2]])
    await use[Symbol.asyncDispose]()
    expect(await uses()).toEqual([])
  })

  test('is one of several in a process: the mark has all of them', async () => {
    const { secrets, uses } = trial()
    const [one, two] = [registerUse(secrets, 'db'), registerUse(secrets, 'db')]
    await one.uses(await secrets.getSecretValue('db'))
    await secrets.rotateSecret('db', 'two')
    await two.uses(await secrets.getSecretValue('db'))
    await pass(toldWithinMs)
    expect(await uses()).toEqual([[1, 2]])
    await one[Symbol.asyncDispose]()
    await pass(0)
    expect(await uses()).toEqual([[2]])
  })

  test('names the process on its host', async () => {
    const { secrets, marks } = trial()
    await registerUse(secrets, 'db').uses(await secrets.getSecretValue('db'))
    expect(await marks()).toMatchObject([{ pid: process.pid }])
  })

  test.each<[unknown, string]>([
    [null, 'null'],
    ['hunter-canary', 'text'],
    [{ provider: 'store' }, 'an object'],
    [{ reveal: () => 'hunter-canary' }, 'SecretValue'],
  ])('takes secret values alone, and so does a live secret (%s)', async (wrong, what) => {
    const { secrets, uses } = trial()
    const handle = liveSecret(secrets, 'db')
    await handle.ready
    const use = registerUse(secrets, 'db')
    for (const call of [use.uses, (value: never) => use.uses(handle.current, value), handle.refused]) {
      const failure: unknown = await call(wrong as never).catch((error: unknown) => error)
      expect(failure).toMatchObject({ code: 'CONFIGURATION', problem: expect.stringContaining(what), remedy: expect.any(String) })
      expect(String(failure)).not.toContain('canary')
    }
    expect(await uses()).toEqual([])
  })

  test('has an actor of at most 512 characters', async () => {
    const { secrets, marks } = trial()
    const refused = expect.objectContaining({ code: 'INVALID_ARGUMENT', remedy: expect.stringContaining('512') })
    for (const actor of ['a'.repeat(513), '\ud800']) {
      expect(() => registerUse(secrets, 'db', { actor })).toThrow(refused)
      expect(() => liveSecret(secrets, 'db', { usageMarks: true, actor })).toThrow(refused)
      await expect(useSecret(secrets, 'db', () => 1, { isAuthError, usageMarks: true, actor })).rejects.toEqual(refused)
    }
    const actor = 'a'.repeat(512)
    await registerUse(secrets, 'db', { actor }).uses(await secrets.getSecretValue('db'))
    expect(await marks()).toMatchObject([{ actor }])
  })

  test('rejects if the fleet cannot be told, and is told later', async () => {
    vi.spyOn(process, 'emitWarning').mockReturnValue()
    const made = trial()
    made.fault = 'fail'
    const use = registerUse(made.secrets, 'db')
    await expect(use.uses(await made.secrets.getSecretValue('db'))).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    made.fault = undefined
    await pass(3_000) // long before the next sign of life
    expect(await made.uses()).toEqual([[1]])
  })

  test('is not told after close(), though it could not be told before', async () => {
    vi.spyOn(process, 'emitWarning').mockReturnValue()
    const made = trial()
    await registerUse(made.secrets, 'db').uses(await made.secrets.getSecretValue('db'))
    made.fault = 'fail'
    await made.secrets.close()
    const calls = made.cache.calls('usage')
    await pass(10 * beatMs)
    expect(made.cache.calls('usage')).toBe(calls)
  })

  test('counts on the mark of an older version only while that is surely kept', async () => {
    vi.spyOn(process, 'emitWarning').mockReturnValue()
    const made = trial()
    const use = registerUse(made.secrets, 'db')
    await use.uses(await made.secrets.getSecretValue('db'))
    await made.secrets.rotateSecret('db', 'two')
    const second = await made.secrets.getSecretValue('db')
    made.fault = 'fail'
    await pass(keptForMs - 1)
    await use.uses(second) // it is told later: the mark of version 1 was there a moment ago
    await pass(keptForMs)
    await made.secrets.rotateSecret('db', 'three')
    await expect(use.uses(await made.secrets.getSecretValue('db'))).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  })

  test.each<[string, (made: Trial) => Promise<void>]>([
    ['its timers stood still', async () => void vi.setSystemTime(Date.now() + keptForMs)],
    [
      'its clock was set back in an outage',
      async (made) => {
        made.fault = 'fail'
        await pass(keptForMs)
        vi.setSystemTime(Date.now() - keptForMs)
        made.fault = undefined
      },
    ],
  ])('tells of the next version before it is used, if %s', async (_, change) => {
    vi.spyOn(process, 'emitWarning').mockReturnValue()
    const made = trial()
    const use = registerUse(made.secrets, 'db')
    await use.uses(await made.secrets.getSecretValue('db'))
    await made.secrets.rotateSecret('db', 'two')
    await change(made)
    await use.uses(await made.secrets.getSecretValue('db', { fresh: true }))
    expect(await made.uses()).toEqual([[2]])
  })

  test('gives a sign of life every half a minute, and is made anew where it was lost', async () => {
    const { secrets, cache, marks, uses } = trial()
    await registerUse(secrets, 'db').uses(await secrets.getSecretValue('db'))
    const [first] = await marks()
    await pass(beatMs)
    const [second] = await marks()
    expect((second?.seenAt ?? 0) - (first?.seenAt ?? 0)).toBeGreaterThan(0)
    if (second === undefined) throw new Error('the mark is there')
    await cache.anotherProcess().usage.register(path, { ...second, count: 99, uses: [] }, context)
    expect(await uses()).toEqual([])
    await pass(beatMs)
    expect(await uses()).toEqual([[1]])
  })

  test.each<[string, () => SecretsManager]>([
    ['no shared cache', () => createSecretsManager({ providers: [memoryProvider({ sharedAs: 'store', secrets: { db: 'one' } })] })],
    [
      'no shared cache that keeps marks',
      () =>
        createSecretsManager({
          providers: [memoryProvider({ sharedAs: 'store' })],
          cache: { shared: { ...memorySharedCache(), usage: undefined } },
        }),
    ],
    ['no provider with sharedAs', () => createSecretsManager({ providers: [memoryProvider()], cache: { shared: memorySharedCache() } })],
  ])('needs a fleet: %s', async (_, make) => {
    vi.spyOn(process, 'emitWarning').mockReturnValue()
    const secrets = make()
    const refused = expect.objectContaining({ code: 'CONFIGURATION' })
    expect(() => registerUse(secrets, 'db')).toThrow(refused)
    expect(() => liveSecret(secrets, 'db', { usageMarks: true })).toThrow(refused)
    await expect(useSecret(secrets, 'db', () => 1, { isAuthError, usageMarks: true })).rejects.toEqual(refused)
  })
})

describe('close', () => {
  test('says goodbye', async () => {
    const { secrets, uses } = trial()
    await registerUse(secrets, 'db').uses(await secrets.getSecretValue('db'))
    await liveSecret(secrets, 'db', { usageMarks: true }).ready
    await secrets.close()
    expect(await uses()).toEqual([])
  })

  test('says it only after a login that is under way', async () => {
    const { secrets, uses } = trial()
    const login = Promise.withResolvers<void>()
    const using = useSecret(secrets, 'db', () => login.promise, { isAuthError, usageMarks: true })
    await pass(0)
    const closing = secrets.close()
    await pass(1_000)
    expect(await uses()).toEqual([[1]])
    login.resolve()
    await Promise.all([using, closing])
    expect(await uses()).toEqual([])
  })

  test('says none while a login hangs: the process counts as vanished', async () => {
    const { secrets, uses } = trial()
    void useSecret(secrets, 'db', () => new Promise(() => {}), { isAuthError, usageMarks: true }).catch(() => {})
    await pass(0)
    const closing = secrets.close()
    await pass(60_000)
    await closing
    expect(await uses()).toEqual([[1]])
  })
})
