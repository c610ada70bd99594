import { createSecretsManager, type SecretsErrorCode, type SecretsManager } from '@finchat/secrets-core'
import {
  type Fault,
  type FaultPlan,
  faults,
  memoryAuditTrail,
  type MemoryAuditTrail,
  memoryProvider,
  memorySharedCache,
} from '@finchat/secrets-testkit'
import { describe, expect, it, vi } from 'vitest'
import { breakable, codeOf, failureOf, type Breakable } from './testing/manager-trial.ts'
import { now, onOwnClock } from './testing/own-clock.ts'

onOwnClock()

/** A store before one with an older value, which must not come back. */
function chain(options: { deadlineMs?: number } = {}): { store: Breakable; secrets: SecretsManager } {
  const store = breakable({ name: 'store', secrets: { token: 'new' } })
  const later = memoryProvider({ name: 'later', secrets: { token: 'old' } })
  return { store, secrets: createSecretsManager({ providers: [store.provider, later], ...options }) }
}

const changes: Readonly<Record<string, (secrets: SecretsManager) => Promise<unknown>>> = {
  storeSecret: (secrets) => secrets.storeSecret('token', 'newest'),
  rotateSecret: (secrets) => secrets.rotateSecret('token', 'newest'),
  'deleteSecret and restoreSecret': async (secrets) => {
    await secrets.deleteSecret('token')
    return secrets.restoreSecret('token')
  },
}

const isChange = new Set(['put', 'delete', 'restore'])

describe('an outage does not bring back what later providers have', () => {
  it.each(Object.keys(changes))('after %s', async (change) => {
    const { store, secrets } = chain()
    await secrets.getSecret('token')
    await changes[change]?.(secrets)
    store.plan = () => faults.reject('UNAVAILABLE')
    vi.setSystemTime(now + 1_000)
    expect(await failureOf(secrets.getSecret('token'))).toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('it was changed, and its store cannot be asked now'),
      retryAt: expect.any(Number),
    })
    const verified = secrets.verifySecret('token', 'old', { acceptDegraded: true })
    expect(await codeOf(verified)).toBe('UNAVAILABLE')
    store.plan = () => undefined
    vi.setSystemTime(now + 60_000)
    expect(await secrets.getSecret('token')).toBe(change.endsWith('restoreSecret') ? 'new' : 'newest')
  })

  it.each(['storeSecret', 'deleteSecret'] as const)('after %s whose answer was lost', async (call) => {
    const { store, secrets } = chain()
    await secrets.getSecret('token')
    store.plan = ({ method, count }) => {
      if (isChange.has(method)) return faults.loseAnswer()
      return method === 'describe' && count === 1 ? undefined : faults.reject('UNAVAILABLE')
    }
    const changed = call === 'storeSecret' ? secrets.storeSecret('token', 'newest') : secrets.deleteSecret('token')
    expect(await failureOf(changed)).toMatchObject({ code: 'UNAVAILABLE', effect: 'unknown' })
    vi.setSystemTime(now + 1_000)
    expect(await codeOf(secrets.getSecret('token'))).toBe('UNAVAILABLE')
  })

  it.each<SecretsErrorCode>(['UNAVAILABLE', 'RATE_LIMITED', 'PERMISSION_DENIED', 'INVALID_ARGUMENT'])(
    'after a write that the store refused (%s): what is held stands in, as a stale value',
    async (code) => {
      const { store, secrets } = chain()
      await secrets.getSecret('token')
      store.plan = ({ method }) => (isChange.has(method) ? faults.reject(code) : faults.reject('UNAVAILABLE'))
      expect(await codeOf(secrets.storeSecret('token', 'newest'))).toBe(code)
      const value = await secrets.getSecretValue('token')
      expect([value.reveal(), value.stale]).toEqual(['new', true])
    },
  )

  it('after another process changed a secret during its first read', async () => {
    const shared = memorySharedCache()
    const store = breakable({ name: 'store', sharedAs: 'store', secrets: { token: 'new' } })
    const processOf = (cache: typeof shared): SecretsManager => {
      const later = memoryProvider({ name: 'later', secrets: { token: 'old' } })
      return createSecretsManager({ providers: [store.provider, later], cache: { shared: cache } })
    }
    const here = processOf(shared)
    const there = processOf(shared.anotherProcess())
    store.plan = ({ method, count }) => (method === 'get' && count === 1 ? faults.delay(100) : undefined)
    const reading = here.getSecret('token')
    await vi.advanceTimersByTimeAsync(50)
    await there.rotateSecret('token', 'newest')
    await vi.advanceTimersByTimeAsync(50)
    await reading
    store.plan = () => faults.reject('UNAVAILABLE')
    expect(await codeOf(here.getSecret('token'))).toBe('UNAVAILABLE')
  })
})

it('after a purge by this process later providers answer in an outage', async () => {
  const { store, secrets } = chain()
  await secrets.rotateSecret('token', 'newest')
  await secrets.deleteSecret('token', { purge: true })
  store.plan = () => faults.reject('UNAVAILABLE')
  expect(await secrets.getSecret('token')).toBe('old')
})

describe('a replica that lags behind a change of this process', () => {
  const before = { value: 'v1', version: 1 }

  /** A store that answers each read as it was before, while it lags. */
  function lagging(): { secrets: SecretsManager; lag: (isBehind: boolean) => void; store: Breakable } {
    const store = breakable({ name: 'store', secrets: { token: 'v1', other: 'x' } })
    const old: FaultPlan = ({ method }) => {
      if (method === 'get') return faults.answer(before)
      return method === 'getMany' ? faults.answer([1, 2].map(() => ({ status: 'fulfilled', value: before }))) : undefined
    }
    const lag = (isBehind: boolean): void => void (store.plan = isBehind ? old : () => undefined)
    return { store, secrets: createSecretsManager({ providers: [store.provider] }), lag }
  }

  const reads: Readonly<Record<string, (secrets: SecretsManager) => Promise<string>>> = {
    getSecret: (secrets) => secrets.getSecret('token'),
    getSecretValue: async (secrets) => (await secrets.getSecretValue('token')).reveal(),
    getSecrets: async (secrets) => (await secrets.getSecrets(['token', 'other'])).token,
  }

  it.each(Object.keys(reads))('is asked again after a second by %s, whose answers never get older again', async (read) => {
    const { secrets, lag } = lagging()
    await secrets.rotateSecret('token', 'v2')
    lag(true)
    expect(await reads[read]?.(secrets)).toBe('v1')
    lag(false)
    vi.setSystemTime(now + 999)
    expect(await reads[read]?.(secrets)).toBe('v1')
    vi.setSystemTime(now + 1_000)
    expect(await reads[read]?.(secrets)).toBe('v2')
    lag(true)
    vi.setSystemTime(now + 265_000)
    for (let each = 0; each < 3; each += 1) expect(await reads[read]?.(secrets)).toBe('v2')
  })

  it('can deliver a newer version of another process, also after a delete and a new start', async () => {
    const { secrets, store } = lagging()
    await secrets.rotateSecret('token', 'v2')
    await store.provider.put('token', { value: 'v3' }, { signal: AbortSignal.timeout(1_000) })
    const asked = store.provider.calls('get')
    for (const seconds of [0, 200]) {
      vi.setSystemTime(now + seconds * 1_000)
      expect(await secrets.getSecret('token')).toBe('v3')
    }
    expect(store.provider.calls('get') - asked).toBe(1)
    await secrets.deleteSecret('token', { purge: true })
    await secrets.storeSecret('token', 'anew')
    const askedAnew = store.provider.calls('get')
    for (const seconds of [300, 500]) {
      vi.setSystemTime(now + seconds * 1_000)
      expect(await secrets.getSecret('token')).toBe('anew')
    }
    expect(store.provider.calls('get') - askedAnew).toBe(1)
  })

  it('never makes the written secret be refused, though another one is presented meanwhile', async () => {
    const { secrets, lag } = lagging()
    await secrets.rotateSecret('token', 'v2')
    await secrets.getSecret('token')
    lag(true)
    vi.setSystemTime(now + 5_000)
    expect(await secrets.verifySecret('token', 'wrong')).toBe(false)
    expect([await secrets.verifySecret('token', 'v2'), await secrets.getSecret('token')]).toEqual([true, 'v2'])
  })

  it('does not bring a deleted secret back for longer than a second', async () => {
    const { secrets, lag } = lagging()
    await secrets.deleteSecret('token')
    lag(true)
    expect(await secrets.getSecret('token')).toBe('v1')
    lag(false)
    vi.setSystemTime(now + 1_000)
    expect(await codeOf(secrets.getSecret('token'))).toBe('DELETED')
  })

  it('passes no older value to other processes', async () => {
    const store = breakable({ name: 'store', sharedAs: 'store', secrets: { token: 'v1' } })
    const shared = memorySharedCache()
    const secrets = createSecretsManager({ providers: [store.provider], cache: { shared } })
    await secrets.rotateSecret('token', 'v2')
    store.plan = ({ method }) => (method === 'get' ? faults.answer(before) : undefined)
    expect(await secrets.getSecret('token')).toBe('v1')
    await vi.advanceTimersByTimeAsync(1)
    expect(shared.size()).toBe(0)
    const other = createSecretsManager({
      providers: [memoryProvider({ name: 'store', sharedAs: 'store' })],
      cache: { shared: shared.anotherProcess() },
    })
    expect(await codeOf(other.getSecret('token'))).toBe('NOT_FOUND')
  })
})

/** Asks the store when this has settled, whatever the signal says. */
function after(landing: Promise<void>): Fault {
  return async (_, next) => {
    await landing
    return next({ signal: never })
  }
}

/** The same, but its answer cannot be read. */
function brokenAfter(landing: Promise<void>): Fault {
  return async (call, next) => {
    await after(landing)(call, next)
    throw new SyntaxError('the answer is cut off')
  }
}

/** The store refuses it then. */
function refusedAfter(landing: Promise<void>): Fault {
  return async (call, next) => {
    await landing
    return faults.reject('PERMISSION_DENIED')(call, next)
  }
}

/** A fleet of two over one store and one shared cache. The first one's change waits, whatever its signal says, for `land`. */
function fleet(method: 'put' | 'delete' | 'restore' = 'put'): {
  writer: SecretsManager
  reader: SecretsManager
  land: () => void
  audit: MemoryAuditTrail
} {
  const store = breakable({ sharedAs: 'store', secrets: { token: 'old' } })
  const landing = Promise.withResolvers<void>()
  store.plan = (call) => (call.method === method ? after(landing.promise) : undefined)
  const shared = memorySharedCache()
  const audit = memoryAuditTrail()
  const writer = createSecretsManager({ providers: [store.provider], cache: { shared }, audit, deadlineMs: 1_000 })
  const reader = createSecretsManager({ providers: [store.provider], cache: { shared: shared.anotherProcess() } })
  return { writer, reader, land: landing.resolve, audit }
}

const never = new AbortController().signal
const passed = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms)

describe('a change that is made after it was given up on', () => {
  const givenUp: Readonly<
    Record<string, (writer: SecretsManager, change: (signal?: AbortSignal) => Promise<unknown>) => Promise<unknown>>
  > = {
    'past its deadline': async (_, change) => Promise.all([change(), passed(1_000)]),
    "by the caller's abort": async (_, change) => {
      const caller = new AbortController()
      const changing = change(caller.signal)
      await passed(10)
      caller.abort()
      return changing
    },
    'by close()': async (writer, change) => {
      const changing = change()
      await passed(0)
      void writer.close({ timeoutMs: 500 })
      return Promise.all([changing, passed(500)])
    },
  }

  it.each(Object.keys(givenUp))('%s, is seen by a fleet that read what was there meanwhile', async (way) => {
    const { writer, reader, land, audit } = fleet()
    const writing = (signal?: AbortSignal): Promise<unknown> => failureOf(writer.rotateSecret('token', 'new', { signal }))
    await givenUp[way]?.(writer, writing)
    expect(await reader.getSecret('token', { fresh: true })).toBe('old')
    land()
    await passed(0)
    expect(await reader.getSecret('token')).toBe('new')
    expect(audit.events().map(({ phase }) => phase)).toEqual(['intent', 'outcome'])
  })

  it('is seen by its own process, without a shared cache', async () => {
    const store = breakable({ secrets: { token: 'old' } })
    const landing = Promise.withResolvers<void>()
    store.plan = ({ method }) => (method === 'put' ? after(landing.promise) : undefined)
    const secrets = createSecretsManager({ providers: [store.provider], deadlineMs: 1_000 })
    const writing = codeOf(secrets.rotateSecret('token', 'new'))
    await passed(1_000)
    expect([await writing, await secrets.getSecret('token')]).toEqual(['DEADLINE_EXCEEDED', 'old'])
    landing.resolve()
    await passed(0)
    expect([await secrets.getSecret('token'), await secrets.verifySecret('token', 'old')]).toEqual(['new', false])
  })

  it('is not hidden for long by a replica that has the version before', async () => {
    const store = breakable({ secrets: { token: 'old' } })
    const landing = Promise.withResolvers<void>()
    store.plan = ({ method }) => (method === 'put' ? after(landing.promise) : undefined)
    const secrets = createSecretsManager({ providers: [store.provider], deadlineMs: 1_000 })
    await Promise.all([failureOf(secrets.rotateSecret('token', 'new')), passed(1_000)])
    landing.resolve()
    await passed(0)
    store.plan = ({ method }) => (method === 'get' ? async () => ({ value: 'old', version: 1 }) : undefined)
    expect(await secrets.getSecret('token')).toBe('old')
    store.plan = () => undefined
    await passed(1_000)
    expect(await secrets.getSecret('token')).toBe('new')
  })

  it('is no change if the store refuses it late', async () => {
    const store = breakable({ secrets: { token: 'old' } })
    const landing = Promise.withResolvers<void>()
    store.plan = ({ method }) => (method === 'put' ? refusedAfter(landing.promise) : undefined)
    const secrets = createSecretsManager({ providers: [store.provider], deadlineMs: 1_000 })
    await Promise.all([failureOf(secrets.rotateSecret('token', 'new')), passed(1_000)])
    await secrets.getSecret('token')
    const before = store.provider.calls('get')
    landing.resolve()
    await passed(0)
    expect([await secrets.getSecret('token'), store.provider.calls('get') - before]).toEqual(['old', 0])
  })

  it('lets no later provider answer in an outage', async () => {
    const { store, secrets } = chain({ deadlineMs: 1_000 })
    const landing = Promise.withResolvers<void>()
    store.plan = ({ method }) => (method === 'put' ? after(landing.promise) : undefined)
    await Promise.all([failureOf(secrets.rotateSecret('token', 'newest')), passed(1_000)])
    expect(await secrets.getSecret('token')).toBe('new')
    landing.resolve()
    await passed(0)
    store.plan = () => faults.reject('UNAVAILABLE')
    expect(await codeOf(secrets.getSecret('token'))).toBe('UNAVAILABLE')
  })

  it.each([
    [7, 7],
    ['7', undefined],
  ])('with the version %j sets the least version %j in the shared cache', async (version, leastVersion) => {
    const landing = Promise.withResolvers<void>()
    const store = breakable({ sharedAs: 'store', secrets: { token: 'old' } })
    const receipt = { version } as { version: number } // of a careless author
    store.plan = ({ method }) => (method === 'put' ? async () => (await landing.promise, receipt) : undefined)
    const shared = memorySharedCache()
    const invalidate = vi.spyOn(shared, 'invalidate')
    const secrets = createSecretsManager({ providers: [store.provider], cache: { shared }, deadlineMs: 1_000 })
    await Promise.all([failureOf(secrets.rotateSecret('token', 'new')), passed(1_000)])
    invalidate.mockClear()
    landing.resolve()
    await passed(0)
    expect(invalidate.mock.calls.map(([key]) => key.leastVersion)).toEqual([leastVersion])
  })

  it('is seen although its late answer is malformed', async () => {
    const landing = Promise.withResolvers<void>()
    const store = breakable({ secrets: { token: 'old' } })
    store.plan = ({ method }) => (method === 'put' ? brokenAfter(landing.promise) : undefined)
    const secrets = createSecretsManager({ providers: [store.provider], deadlineMs: 1_000 })
    await Promise.all([failureOf(secrets.rotateSecret('token', 'new')), passed(1_000)])
    expect(await secrets.getSecret('token')).toBe('old')
    landing.resolve()
    await passed(0)
    expect(await secrets.getSecret('token')).toBe('new')
  })

  it('can be a deletion', async () => {
    const { writer, reader, land } = fleet('delete')
    await Promise.all([failureOf(writer.deleteSecret('token')), passed(1_000)])
    expect(await reader.getSecret('token', { fresh: true })).toBe('old')
    land()
    await passed(0)
    expect(await codeOf(reader.getSecret('token'))).toBe('DELETED')
  })

  it('is waited for by close(), and for no longer than it takes', async () => {
    const { writer, reader, land } = fleet()
    const writing = codeOf(writer.rotateSecret('token', 'new'))
    await passed(0)
    let isClosed = false
    const closing = writer.close({ timeoutMs: 500 }).then(() => (isClosed = true))
    await passed(900)
    expect([await writing, isClosed]).toEqual(['ABORTED', false])
    land()
    await passed(0)
    expect([await closing, Date.now() - now, await reader.getSecret('token')]).toEqual([true, 900, 'new'])
  })

  it('is waited for by close() no longer than its time', async () => {
    const { writer } = fleet()
    const writing = codeOf(writer.rotateSecret('token', 'new'))
    await passed(0)
    const closing = writer.close({ timeoutMs: 500 })
    await passed(1_000)
    await closing
    expect([await writing, Date.now() - now, vi.getTimerCount()]).toEqual(['ABORTED', 1_000, 0])
  })
})
