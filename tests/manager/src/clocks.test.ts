import { createSecretsManager, SecretsError, type SecretProvider, type SecretsManager, type StoredSecret } from '@finchat/secrets-core'
import { memorySharedCache } from '@finchat/secrets-testkit'
import { describe, expect, it, vi } from 'vitest'
import { codeOf, failureOf } from './testing/manager-trial.ts'
import { now, onOwnClock } from './testing/own-clock.ts'

const [second, minute, hour, year] = [1_000, 60_000, 3_600_000, 31_536_000_000]

onOwnClock()

/** Sets the clock, or freezes the process: no timer runs meanwhile. */
function jump(ms: number): void {
  vi.setSystemTime(Date.now() + ms)
}

const down = (): Promise<never> => Promise.reject(new SecretsError('UNAVAILABLE', 'down'))

interface Trial {
  readonly manager: SecretsManager
  readonly calls: string[]
  answer: (path: string) => Promise<StoredSecret | undefined> | StoredSecret | undefined
}

/** A store whose every answer is `v1`, `v2`, … unless `answer` says otherwise. */
function trial(members: Partial<SecretProvider> = {}, cache = {}): Trial {
  const calls: string[] = []
  const store: Trial = {
    manager: createSecretsManager({
      providers: [
        {
          specificationVersion: 'v1',
          name: 'store',
          get: async (path) => {
            calls.push(path)
            return store.answer(path)
          },
          ...members,
        },
      ],
      cache,
    }),
    calls,
    answer: () => ({ value: `v${calls.length}` }),
  }
  return store
}

const jumps = [
  ['an hour back', -hour],
  ['a year forward', year],
  ['on by ten minutes, as a freeze that was longer than every bound', 10 * minute + second],
] as const

describe.each(jumps)('when the clock went %s', (_, ms) => {
  it('what was held is asked for anew', async () => {
    const { manager, calls } = trial()
    expect([await manager.getSecret('token'), calls.length]).toEqual(['v1', 1])
    jump(ms)
    expect([await manager.getSecret('token'), calls.length]).toEqual(['v2', 2])
  })

  it('an absence is asked about anew', async () => {
    const store = trial()
    store.answer = () => undefined
    expect(await codeOf(store.manager.getSecret('token'))).toBe('NOT_FOUND')
    store.answer = () => ({ value: 'v' })
    jump(ms)
    expect(await store.manager.getSecret('token')).toBe('v')
  })

  it('a back-off is over, one that the store asked for too', async () => {
    const store = trial()
    store.answer = () => Promise.reject(new SecretsError('RATE_LIMITED', 'slow down', { retryAt: Date.now() + 5 * minute }))
    expect(await codeOf(store.manager.getSecret('token'))).toBe('UNAVAILABLE')
    store.answer = () => ({ value: 'v' })
    jump(ms)
    expect(await store.manager.getSecret('token')).toBe('v')
  })

  it('nothing that was held stands in for a store that is out', async () => {
    const store = trial()
    await store.manager.getSecret('token')
    store.answer = down
    jump(ms)
    expect((await failureOf(store.manager.getSecret('token'))).code).toBe('UNAVAILABLE')
  })

  it('a report on health is made anew', async () => {
    const checkHealth = vi.fn(async () => {})
    const { manager } = trial({ checkHealth })
    await manager.checkHealth()
    jump(ms)
    await manager.checkHealth()
    expect(checkHealth).toHaveBeenCalledTimes(2)
  })

  it('no age is below zero', async () => {
    const { manager } = trial()
    const value = await manager.getSecretValue('token')
    jump(ms)
    expect(value.age).toBe(Math.max(0, ms))
  })

  it('the version before the current one is accepted no longer than it would have been', async () => {
    const since = now - minute
    const { manager } = trial({
      get: async () => ({ value: 'new', version: 2, currentSince: since }),
      getVersion: async () => ({ value: 'old', version: 1 }),
    })
    const verified = (): Promise<boolean> => manager.verifySecret('token', 'old', { acceptPreviousForSeconds: 300 })
    expect(await verified()).toBe(true)
    jump(ms)
    // The store told its time while the clock was right.
    expect(await verified()).toBe(ms < 0)
    vi.advanceTimersByTime(4 * minute + second)
    expect(await verified()).toBe(false)
  })

  it('a leased secret is held only until its end', async () => {
    const store = trial()
    store.answer = () => ({ value: `lease ${store.calls.length}`, expiresAt: Date.now() + 4 * minute, exclusive: true })
    expect(await store.manager.getSecret('token')).toBe('lease 1')
    jump(ms)
    expect(await store.manager.getSecret('token')).toBe('lease 2')
  })
})

describe('a freeze in the middle of', () => {
  const [before, thawed] = ['asked before', 'asked after the thaw']

  /** The first call takes until the process is frozen and thawed. */
  function freezing<T>(first: () => T | Promise<T>, then: () => T | Promise<T>): () => Promise<T> {
    let calls = 0
    return async () => {
      calls += 1
      if (calls > 1) return then()
      jump(hour)
      return first()
    }
  }

  it('a batch is no fault of the store, which is asked again', async () => {
    const settled = (value: string): PromiseSettledResult<StoredSecret>[] =>
      ['a', 'b'].map(() => ({ status: 'fulfilled', value: { value } }))
    const getMany = vi.fn(
      freezing(
        () => settled(before),
        () => settled(thawed),
      ),
    )
    const { manager } = trial({ getMany })
    expect(await manager.getSecrets(['a', 'b'])).toEqual({ a: thawed, b: thawed })
    expect(getMany).toHaveBeenCalledTimes(2)
  })

  it('a verification does not refuse what the store has after it', async () => {
    const { manager } = trial({
      get: freezing(
        () => ({ value: before }),
        () => ({ value: thawed }),
      ),
    })
    expect(await manager.verifySecret('token', thawed)).toBe(true)
  })

  it.each([
    ['a health check', 'checkHealth', async ({ manager }: Trial) => (await manager.checkHealth()).ok],
    ['a description', 'describe', async ({ manager }: Trial) => (await manager.describeSecret('token')).version === 1],
  ] as const)('%s is no fault of the store, which is asked again', async (_, member, ask) => {
    const call = vi.fn(freezing<unknown>(down, async () => ({ version: 1 })))
    expect(await ask(trial({ [member]: call }))).toBe(true)
    expect(call).toHaveBeenCalledTimes(2)
  })

  it('a write does not repeat it, and says that its effect is not known', async () => {
    const put = vi.fn(
      freezing<never>(
        () => Promise.reject(new Error('reset')),
        () => Promise.reject(new Error('again')),
      ),
    )
    const { manager } = trial({ put, describe: async () => undefined, get: async () => undefined })
    expect(await failureOf(manager.storeSecret('token', 'v'))).toMatchObject({ effect: 'unknown' })
    expect(put).toHaveBeenCalledTimes(1)
  })

  it('many calls blames neither the store nor the shared cache: no warning, no cool-down, nothing degraded', async () => {
    const sharedCache = memorySharedCache()
    const hangs: (() => void)[] = []
    let isFrozen = true
    const shared = {
      ...sharedCache,
      read: (...args: Parameters<typeof sharedCache.read>) =>
        isFrozen ? new Promise<never>(() => hangs.push(() => {})) : sharedCache.read(...args),
    }
    const { manager } = trial({ sharedAs: 'store' }, { shared })
    const names = Array.from({ length: 10 }, (_, index) => `name-${index}`)
    const reading = Promise.all(names.map((name) => manager.getSecretValue(name)))
    await vi.advanceTimersByTimeAsync(0)
    expect(hangs.length).toBe(10)
    jump(hour)
    isFrozen = false
    const read = vi.spyOn(sharedCache, 'read')
    await vi.advanceTimersByTimeAsync(250)
    expect((await reading).map(({ stale, degraded }) => stale || degraded)).toEqual(names.map(() => false))
    await manager.getSecret('another')
    expect(read).toHaveBeenCalledTimes(1)
    expect(process.emitWarning).not.toHaveBeenCalled()
  })
})
