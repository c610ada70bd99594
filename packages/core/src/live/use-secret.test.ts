import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { SecretProvider } from '../contract/provider.ts'
import { SecretsError } from '../errors/secrets-error.ts'
import { liveSecret, useSecret } from '../live.ts'
import { createSecretsManager } from '../manager/create-manager.ts'
import type { SecretsManager } from '../manager/secrets-manager.ts'
import { refusal } from '../testing/refusal.ts'
import { stagingStore } from '../testing/staging-store.ts'
import type { SecretValue } from '../value/secret-value.ts'

const canary = 'canary-08d2'
const managerOf = (...providers: SecretProvider[]): SecretsManager => createSecretsManager({ providers })
const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms)

class RefusedLogin extends Error {
  readonly used: SecretValue | undefined
  constructor(used?: SecretValue) {
    super('password authentication failed')
    this.used = used
  }
}
const isAuthError = (error: unknown): boolean => error instanceof RefusedLogin

/** A server that knows one password; every login takes that long. */
function farSide(password: string, ms = 1): { password: string; logins: string[]; login: (value: SecretValue) => Promise<string> } {
  const side = {
    password,
    logins: [] as string[],
    login: async (value: SecretValue): Promise<string> => {
      side.logins.push(value.reveal())
      await new Promise((resolve) => setTimeout(resolve, ms))
      if (value.reveal() !== side.password) throw new RefusedLogin(value)
      return `connected by ${value.reveal()}`
    },
  }
  return side
}

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000_000 }))
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

describe('useSecret', () => {
  it('runs once with the current value, and delivers what the function delivers', async () => {
    const secrets = managerOf(stagingStore({ value: 'v1', version: 1 }).provider)
    expect(await useSecret(secrets, 'db', (value) => value.version, { isAuthError })).toBe(1)
    const failure = new Error('no such table')
    await expect(useSecret(secrets, 'db', () => Promise.reject(failure), { isAuthError })).rejects.toBe(failure)
    // A promise is not `true`.
    const unsure = (async () => false) as unknown as typeof isAuthError // as without types
    await expect(useSecret(secrets, 'db', () => Promise.reject(failure), { isAuthError: unsure })).rejects.toBe(failure)
    expect((await refusal(useSecret(managerOf(stagingStore(undefined).provider), 'db', () => 1, { isAuthError }))).code).toBe('NOT_FOUND')
  })

  it.each(['pending', 'previous', 'fresh'] as const)('finds the %s credential', async (kind) => {
    const store = stagingStore({ value: 'v2', version: 2 })
    const secrets = managerOf(store.provider)
    await secrets.getSecret('db')
    if (kind === 'pending') store.pending = { value: 'works', version: 3 }
    if (kind === 'previous') store.previous = { value: 'works', version: 1 }
    if (kind === 'fresh') store.current = { value: 'works', version: 3 }
    const side = farSide('works')
    const using = useSecret(secrets, 'db', side.login, { isAuthError })
    await pass(100)
    expect(await using).toBe('connected by works')
    expect(side.logins).toEqual(['v2', 'works'])
    const again = useSecret(secrets, 'db', side.login, { isAuthError })
    await pass(100)
    expect(await again).toBe('connected by works')
    expect(side.logins).toEqual(['v2', 'works', 'works'])
  })

  it('goes on with what works, until the current value changes', async () => {
    const store = stagingStore({ value: 'v2', version: 2 })
    store.previous = { value: 'works', version: 1 }
    const secrets = managerOf(store.provider)
    const side = farSide('works')
    const use = async (): Promise<void> => {
      const using = useSecret(secrets, 'db', side.login, { isAuthError })
      await pass(100)
      await using
    }
    await use()
    store.current = { value: 'v3', version: 3 }
    side.password = 'v3'
    await secrets.getSecret('db', { fresh: true })
    await use()
    expect(side.logins).toEqual(['v2', 'works', 'v3'])
  })

  it('goes on with what works, though the current value was read anew for it', async () => {
    const store = stagingStore({ value: 'v1', version: 1 })
    const secrets = managerOf(store.provider)
    await secrets.getSecret('db')
    Object.assign(store, { current: { value: 'v2', version: 2 }, pending: { value: 'works', version: 3 } })
    const side = farSide('works')
    for (const _ of [1, 2]) {
      const using = useSecret(secrets, 'db', side.login, { isAuthError })
      await pass(100)
      await using
    }
    expect(side.logins).toEqual(['v1', 'v2', 'works', 'works'])
  })

  it("goes on with a fallback's value that works while its store is down", async () => {
    vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const store = stagingStore({ value: 'v1', version: 1 })
    const get = vi.fn<SecretProvider['get']>(store.provider.get)
    const fallback: SecretProvider = { specificationVersion: 'v1', name: 'fallback', get: async () => ({ value: 'works' }) }
    const secrets = managerOf({ ...store.provider, get }, fallback)
    await secrets.getSecret('db')
    get.mockImplementation(() => Promise.reject(new SecretsError('UNAVAILABLE', 'out')))
    const side = farSide('works')
    for (const _ of [1, 2]) {
      const using = useSecret(secrets, 'db', side.login, { isAuthError })
      await pass(100)
      await using
    }
    expect(side.logins).toEqual(['v1', 'works', 'works'])
  })

  it('reads again once the last handle of the secret is disposed of', async () => {
    const store = stagingStore({ value: 'v1', version: 1 })
    const secrets = managerOf(store.provider)
    {
      using handle = liveSecret(secrets, 'db')
      await handle.ready
    }
    store.current = { value: 'v2', version: 2 }
    await secrets.getSecret('db', { fresh: true })
    expect(await useSecret(secrets, 'db', (value) => value.reveal(), { isAuthError })).toBe('v2')
  })

  it('is ABORTED once the manager is closed, though the secret was followed', async () => {
    const secrets = managerOf(stagingStore({ value: 'v1', version: 1 }).provider)
    using handle = liveSecret(secrets, 'db')
    await handle.ready
    await secrets.close()
    const run = vi.fn<() => number>(() => 1)
    expect((await refusal(useSecret(secrets, 'db', run, { isAuthError }))).code).toBe('ABORTED')
    expect(run).not.toHaveBeenCalled()
  })

  it('tries only the candidates that it may', async () => {
    const store = stagingStore({ value: 'v2', version: 2 })
    store.pending = { value: 'works', version: 3 }
    store.previous = { value: 'v1', version: 1 }
    const side = farSide('works')
    const using = useSecret(managerOf(store.provider), 'db', side.login, { isAuthError, candidates: ['previous'], budgetMs: 500 })
    const failed = using.catch((error: unknown) => error)
    await pass(1_000)
    expect(await failed).toBeInstanceOf(RefusedLogin)
    expect(store.calls['staging.get']).toBeUndefined()
    expect(new Set(side.logins)).toEqual(new Set(['v2', 'v1']))
  })

  it('waits for the far side within its budget, which begins with the first refusal', async () => {
    const store = stagingStore({ value: 'v2', version: 2 })
    const side = farSide('v1', 10)
    const slowly = async (value: SecretValue): Promise<string> => {
      await new Promise((resolve) => setTimeout(resolve, side.logins.length === 0 ? 8_000 : 0))
      return side.login(value)
    }
    const using = useSecret(managerOf(store.provider), 'db', slowly, { isAuthError, budgetMs: 2_000 })
    await pass(9_000)
    side.password = 'v2'
    await pass(1_100)
    expect(await using).toBe('connected by v2')
  })

  it.each([1_000, 5_000])('tries once more before a budget of %i ms ends', async (budgetMs) => {
    vi.spyOn(Math, 'random').mockReturnValue(0.999) // the longest pauses
    const store = stagingStore({ value: 'v2', version: 2 })
    const side = farSide('v1')
    const using = useSecret(managerOf(store.provider), 'db', side.login, { isAuthError, budgetMs }).catch((error: unknown) => error)
    await pass(budgetMs - 220)
    const logins = side.logins.length
    side.password = 'v2'
    await pass(250)
    expect(await using).toBe('connected by v2')
    expect(side.logins.length).toBe(logins + 1)
  })

  it("ends with the far side's own error, also while no store can be asked", async () => {
    const store = stagingStore({ value: canary, version: 2 })
    const outage = (): Promise<never> => Promise.reject(new SecretsError('UNAVAILABLE', 'out'))
    const get = vi.fn<SecretProvider['get']>(store.provider.get)
    const secrets = managerOf({ ...store.provider, get })
    await secrets.getSecret('db')
    get.mockImplementation(outage)
    const errors: unknown[] = []
    const login = (): Promise<never> => {
      errors.push(new RefusedLogin())
      return Promise.reject(errors.at(-1))
    }
    const using = useSecret(secrets, 'db', login, { isAuthError }).catch((error: unknown) => error)
    await pass(6_000)
    expect(await using).toBe(errors.at(-1))
    expect(errors.length).toBeGreaterThan(3)
    expect(errors.length).toBeLessThan(20)
    expect(inspect(await using)).not.toContain(canary)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('blames the credential of the login, not the one that is current', async () => {
    const store = stagingStore({ value: 'v1', version: 1 })
    const secrets = managerOf(store.provider)
    using handle = liveSecret(secrets, 'db')
    await handle.ready
    const old = handle.current
    store.current = { value: 'v2', version: 2 }
    await secrets.getSecret('db', { fresh: true })
    await handle.refused(old)
    const gets = store.calls['get']
    // The pool's queue answers with an older login's refusal, twice.
    const run = vi.fn<(value: SecretValue) => Promise<string>>(async (value) => {
      if (run.mock.calls.length <= 2) throw new RefusedLogin(old)
      return value.reveal()
    })
    const usedIn = (error: unknown): SecretValue | undefined => (error instanceof RefusedLogin ? error.used : undefined)
    const result = useSecret(secrets, 'db', run, { isAuthError, usedIn })
    await pass(100)
    expect(await result).toBe('v2')
    expect([store.calls['get'], store.calls['staging.get']]).toEqual([gets, undefined])
  })

  it('makes one fresh read for a thousand refusals, and one caller alone tries again', async () => {
    const store = stagingStore({ value: 'v1', version: 1 })
    const secrets = managerOf(store.provider)
    await secrets.getSecret('db')
    store.current = { value: 'v2', version: 2 }
    const side = farSide('v2')
    const using = Promise.all(Array.from({ length: 1_000 }, () => useSecret(secrets, 'db', side.login, { isAuthError })))
    await pass(100)
    expect(new Set(await using)).toEqual(new Set(['connected by v2']))
    expect([store.calls['get'], side.logins.length]).toEqual([2, 2_000])
  })

  it('lets one caller alone try again while nothing works', async () => {
    const store = stagingStore({ value: 'v2', version: 2 })
    store.previous = { value: 'v1', version: 1 }
    const side = farSide('unknown', 5)
    const secrets = managerOf(store.provider)
    const errors = Promise.all(
      Array.from({ length: 1_000 }, () =>
        useSecret(secrets, 'db', side.login, { isAuthError, budgetMs: 3_000 }).catch((error: unknown) => error),
      ),
    )
    await pass(4_000)
    expect((await errors).every(isAuthError)).toBe(true)
    expect(side.logins.length - 1_000).toBeGreaterThan(3)
    expect(side.logins.length - 1_000).toBeLessThan(30)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('gives the turn to the next caller when the one that tries fails otherwise', async () => {
    const store = stagingStore({ value: 'v1', version: 1 })
    const secrets = managerOf(store.provider)
    await secrets.getSecret('db')
    store.current = { value: 'v2', version: 2 }
    const side = farSide('v2')
    const broken = new Error('connection reset')
    const first = useSecret(secrets, 'db', (value) => (value.version === 2 ? Promise.reject(broken) : side.login(value)), { isAuthError })
    const failed = first.catch((error: unknown) => error)
    const others = Array.from({ length: 5 }, () => useSecret(secrets, 'db', side.login, { isAuthError }))
    await pass(100)
    expect(await failed).toBe(broken)
    expect(await Promise.all(others)).toEqual(Array.from({ length: 5 }, () => 'connected by v2'))
  })

  it('does not wait without end for one caller whose login hangs', async () => {
    const store = stagingStore({ value: 'v1', version: 1 })
    const secrets = managerOf(store.provider)
    await secrets.getSecret('db')
    store.current = { value: 'v2', version: 2 }
    const side = farSide('v2')
    void useSecret(secrets, 'db', (value) => (value.version === 2 ? new Promise<string>(() => {}) : side.login(value)), { isAuthError })
    const other = useSecret(secrets, 'db', side.login, { isAuthError, budgetMs: 3_000 })
    await pass(3_100)
    expect(await other).toBe('connected by v2')
  })

  it('uses the value of a live secret without a read', async () => {
    const store = stagingStore({ value: 'v1', version: 1 })
    const secrets = managerOf(store.provider)
    using handle = liveSecret(secrets, 'db')
    await handle.ready
    expect(await useSecret(secrets, 'db', (value) => value, { isAuthError })).toBe(handle.current)
    expect(secrets.cacheStats().hits).toBe(0)
  })

  it('refuses options that it would misread', async () => {
    const secrets = managerOf(stagingStore({ value: 'v1', version: 1 }).provider)
    const wrong = [
      undefined,
      null,
      {},
      { isAuthError: 7 },
      { isAuthError, usedIn: 7 },
      { isAuthError, budgetMs: -1 },
      { isAuthError, candidates: ['next'] },
      { isAuthError, budget: 1 },
    ]
    for (const options of wrong) expect((await refusal(useSecret(secrets, 'db', () => 1, options as never))).code).toBe('INVALID_ARGUMENT')
  })

  it('ends with the refusal of the far side once the manager is closed', async () => {
    const store = stagingStore({ value: 'v1', version: 1 })
    const secrets = managerOf(store.provider)
    const side = farSide('other')
    const using = useSecret(secrets, 'db', side.login, { isAuthError }).catch((error: unknown) => error)
    await pass(10)
    const closing = secrets.close()
    await pass(6_000)
    await closing
    expect(await using).toBeInstanceOf(Error)
    expect(vi.getTimerCount()).toBe(0)
  })
})
