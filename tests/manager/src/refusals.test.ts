import {
  createSecretsManager,
  SecretsError,
  type SecretProvider,
  type SecretsErrorCode,
  type SecretsManager,
  type SecretsManagerOptions,
} from '@finchat/secrets-core'
import { faults, memoryProvider, memorySharedCache } from '@finchat/secrets-testkit'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { breakable, codeOf, failureOf, type Breakable } from './testing/manager-trial.ts'
import { now, onOwnClock } from './testing/own-clock.ts'

onOwnClock()

const refusals = ['DELETED', 'PERMISSION_DENIED', 'UNAUTHENTICATED', 'INTEGRITY', 'CONFIGURATION', 'INVALID_ARGUMENT', 'INTERNAL'] as const
const outages = ['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'RATE_LIMITED', 'CREDENTIALS_MISSING'] as const

const at = (ms: number): void => void vi.setSystemTime(now + ms)

/** A store before one with an older value: `old` is what must not come back. */
function chain(options: Partial<SecretsManagerOptions> = {}): { store: Breakable; secrets: SecretsManager } {
  const store = breakable({ name: 'store', sharedAs: 'store', secrets: { token: 'new' } })
  const later = memoryProvider({ name: 'later', secrets: { token: 'old' } })
  void later.staging.put('token', { value: 'old' }, { signal: new AbortController().signal })
  return { store, secrets: createSecretsManager({ providers: [store.provider, later], ...options }) }
}

const reads: Readonly<Record<string, (secrets: SecretsManager) => Promise<unknown>>> = {
  getSecret: (secrets) => secrets.getSecret('token'),
  'a fresh read': (secrets) => secrets.getSecret('token', { fresh: true }),
  'a read that keeps nothing': (secrets) => secrets.getSecret('token', { autoCleanup: true }),
  'a read of a version': (secrets) => secrets.getSecret('token', { version: 1 }),
  'a read of the version before': (secrets) => secrets.getSecret('token', { version: 'previous' }),
  'a read of the pending version': (secrets) => secrets.getSecret('token', { version: 'pending' }),
  getSecrets: (secrets) => secrets.getSecrets(['token']),
  'a fresh batch': (secrets) => secrets.getSecrets(['token'], { fresh: true }),
  describeSecret: (secrets) => secrets.describeSecret('token'),
  verifySecret: async (secrets) => ((await secrets.verifySecret('token', 'old', { acceptDegraded: true })) ? 'old' : 'not the older one'),
}

/** Whether the older value was served or described; a refusal, an outage and a failed verification are fine. */
async function isOvertaken(secrets: SecretsManager, read: (secrets: SecretsManager) => Promise<unknown>): Promise<boolean> {
  try {
    return /"old"|"later"/.test(JSON.stringify(await read(secrets)))
  } catch (error) {
    if (SecretsError.isInstance(error)) return false
    throw error
  }
}

describe('a refusal', () => {
  describe.each(refusals)('(%s)', (code) => {
    it.each(outages)('stands while the store answers %s, whichever call asks', async (outage) => {
      const { store, secrets } = chain()
      store.plan = () => faults.reject(code)
      expect(await codeOf(secrets.getSecret('token'))).toBe(code)
      store.plan = () => faults.reject(outage)
      for (const second of [1, 60, 300, 599]) {
        at(second * 1_000)
        for (const read of Object.values(reads)) expect(await isOvertaken(secrets, read)).toBe(false)
        expect(await codeOf(secrets.getSecret('token'))).toBe(code)
      }
      at(600_000)
      expect(await secrets.getSecret('token')).toBe('old')
    })

    it.each(Object.keys(reads))('to %s stands for getSecret', async (read) => {
      const { store, secrets } = chain()
      store.plan = () => faults.reject(code)
      await Promise.allSettled([reads[read]?.(secrets)])
      store.plan = () => faults.reject('UNAVAILABLE')
      // What is wrong with one version tells nothing of the others.
      const isOfVersion = read.includes('version') && code !== 'UNAUTHENTICATED'
      const same = isOfVersion ? reads[read] : reads['getSecret']
      at(1_000)
      expect(same && (await isOvertaken(secrets, same))).toBe(false)
    })
  })

  it('says what the store said, when, and from when it may be asked again', async () => {
    const { store, secrets } = chain()
    store.plan = () => faults.reject('DELETED', { remedy: 'restore it' })
    await codeOf(secrets.getSecret('token'))
    store.plan = () => faults.reject('UNAVAILABLE')
    at(12_000)
    expect(await failureOf(secrets.getSecret('token'))).toMatchObject({
      message:
        "Secret 'token', provider 'store': a fault on purpose (DELETED), as the store said 12 s ago; it cannot be asked now (UNAVAILABLE) (restore it)",
      retryAt: now + 12_500, // half of the second second
    })
  })

  it.each([undefined, 'value'] as const)('ends when the store answers again (%s)', async (answer) => {
    const { store, secrets } = chain({ cache: { ttlSeconds: 0, maxStaleSeconds: 300 } })
    store.plan = () => faults.reject('PERMISSION_DENIED')
    await codeOf(secrets.getSecret('token'))
    store.plan = () => (answer === undefined ? faults.answer(undefined) : undefined)
    at(1_000)
    expect(await secrets.getSecret('token')).toBe(answer === undefined ? 'old' : 'new')
    store.plan = () => faults.reject('UNAVAILABLE')
    at(10_000)
    const value = await secrets.getSecretValue('token')
    expect([value.reveal(), value.degraded, value.stale]).toEqual(answer === undefined ? ['old', true, false] : ['new', false, true])
  })

  it.each(['getSecret', 'describeSecret'] as const)('told by %s counts more than an absence that is still remembered', async (call) => {
    const { store, secrets } = chain()
    store.plan = () => faults.answer(undefined)
    expect(await secrets.getSecret('token')).toBe('old')
    store.plan = () => faults.reject('PERMISSION_DENIED')
    const told = call === 'getSecret' ? secrets.getSecret('token', { fresh: true }) : secrets.describeSecret('token')
    expect(await codeOf(told)).toBe('PERMISSION_DENIED')
    store.plan = () => faults.reject('UNAVAILABLE')
    at(1_000)
    expect(await codeOf(secrets.getSecret('token'))).toBe('PERMISSION_DENIED')
  })

  it('of reads is not ended by a description, which may need another right', async () => {
    const { store, secrets } = chain()
    store.plan = ({ method }) => (method === 'describe' ? undefined : faults.reject('PERMISSION_DENIED'))
    await codeOf(secrets.getSecret('token'))
    await secrets.describeSecret('token')
    store.plan = () => faults.reject('UNAVAILABLE')
    at(1_000)
    expect(await codeOf(secrets.getSecret('token'))).toBe('PERMISSION_DENIED')
  })

  it('stands though others ask for more names than values are kept', async () => {
    const { store, secrets } = chain({ cache: { maxEntries: 1 } })
    store.plan = () => faults.reject('DELETED')
    for (const name of ['token', 'a', 'b', 'c']) await codeOf(secrets.getSecret(name))
    store.plan = () => faults.reject('UNAVAILABLE')
    at(1_000)
    expect(await codeOf(secrets.getSecret('token'))).toBe('DELETED')
  })

  it.each([-3_600_000, -86_400_000])('stands though the clock is set back by %d ms', async (ms) => {
    const { store, secrets } = chain()
    store.plan = () => faults.reject('DELETED')
    await codeOf(secrets.getSecret('token'))
    store.plan = () => faults.reject('UNAVAILABLE')
    at(ms)
    expect(await codeOf(secrets.getSecret('token'))).toBe('DELETED')
    at(ms + 599_000)
    expect(await codeOf(secrets.getSecret('token'))).toBe('DELETED')
    at(ms + 600_000)
    expect(await secrets.getSecret('token')).toBe('old')
  })

  it('that came across a freeze of the process stands where the store cannot be asked again', async () => {
    const { store, secrets } = chain()
    store.plan = ({ count }) => {
      if (count > 1) return faults.reject('UNAVAILABLE')
      at(60_000)
      return faults.reject('DELETED')
    }
    expect(await codeOf(secrets.getSecret('token'))).toBe('DELETED')
    expect(store.provider.calls('get')).toBe(2)
  })

  it('that came across a freeze stands though the caller leaves before the store is asked again', async () => {
    const { store, secrets } = chain()
    const caller = new AbortController()
    store.plan = ({ count }) => {
      if (count === 1) {
        at(60_000)
        return faults.reject('DELETED')
      }
      caller.abort()
      return faults.hang()
    }
    await codeOf(secrets.getSecret('token', { signal: caller.signal }))
    await vi.advanceTimersByTimeAsync(0)
    store.plan = () => faults.reject('UNAVAILABLE')
    expect(await codeOf(secrets.getSecret('token'))).toBe('DELETED')
  })

  it.each(refusals)('ends what the store said of an absence, whoever is told (%s)', async (code) => {
    for (const read of ['a fresh read', 'a fresh batch', 'describeSecret']) {
      const { store, secrets } = chain()
      store.plan = () => faults.answer(undefined)
      expect(await secrets.getSecret('token')).toBe('old')
      store.plan = () => faults.reject(code)
      await Promise.allSettled([reads[read]?.(secrets)])
      expect(await codeOf(secrets.getSecret('token'))).toBe(code)
      store.plan = () => faults.reject('UNAVAILABLE')
      expect(await codeOf(secrets.getSecret('token'))).toBe(code)
    }
  })

  it.each(refusals)('that an older call brings takes no newer value from memory, nor stands in its place (%s)', async (code) => {
    const { store, secrets } = chain()
    await secrets.checkHealth()
    const gate = Promise.withResolvers<void>()
    const gone = async (): Promise<never> => {
      await gate.promise
      throw new SecretsError(code, 'gone')
    }
    store.plan = ({ count }) => (count === 1 ? gone : undefined)
    const older = codeOf(secrets.getSecret('token'))
    expect(await secrets.getSecret('token', { fresh: true })).toBe('new')
    gate.resolve()
    expect(await older).toBe(code)
    store.plan = () => faults.reject('UNAVAILABLE')
    at(61_000)
    expect((await secrets.getSecretValue('token')).reveal()).toBe('new')
  })

  it('of the read that describes for want of `describe` takes the value from memory', async () => {
    const store = breakable({ name: 'store', secrets: { token: 'new' } })
    const { describe: _, ...provider } = store.provider
    const secrets = createSecretsManager({ providers: [provider, memoryProvider({ name: 'later', secrets: { token: 'old' } })] })
    expect(await secrets.getSecret('token')).toBe('new')
    store.plan = () => faults.reject('PERMISSION_DENIED')
    expect(await codeOf(secrets.describeSecret('token'))).toBe('PERMISSION_DENIED')
    store.plan = () => faults.reject('UNAVAILABLE')
    expect(await codeOf(secrets.getSecret('token'))).toBe('PERMISSION_DENIED')
  })

  it('of the credential of a write stands in an outage that begins then', async () => {
    const { store, secrets } = chain()
    store.plan = ({ method }) => (method === 'put' ? faults.reject('UNAUTHENTICATED') : undefined)
    expect(await codeOf(secrets.storeSecret('token', 'x'))).toBe('UNAUTHENTICATED')
    store.plan = () => faults.reject('UNAVAILABLE')
    expect(await codeOf(secrets.getSecret('token'))).toBe('UNAUTHENTICATED')
  })

  it.each<[string, SecretsErrorCode, { field?: string }]>([
    ['a text over fields', 'DELETED', {}],
    ['a field', 'DELETED', { field: 'a' }],
    ['a field', 'PERMISSION_DENIED', { field: 'a' }],
  ])('of the read before a write of %s stands in an outage that begins then (%s)', async (_, code, options) => {
    const { store } = chain()
    const later = memoryProvider({ name: 'later', secrets: { token: 'old' } })
    const secrets = createSecretsManager({ providers: [{ ...store.provider, keepsFields: () => true }, later] })
    store.plan = ({ method }) => faults.reject(method === 'put' ? 'UNAVAILABLE' : code)
    await codeOf(secrets.storeSecret('token', 'x', options))
    store.plan = () => faults.reject('UNAVAILABLE')
    expect(await codeOf(secrets.getSecret('token'))).toBe(code)
  })

  it('gives way to the policy of the caller as it did when the store said so', async () => {
    const { store, secrets } = chain({ fallback: { PERMISSION_DENIED: 'next' } })
    store.plan = () => faults.reject('PERMISSION_DENIED')
    expect(await secrets.getSecret('token')).toBe('old')
    store.plan = () => faults.reject('UNAVAILABLE')
    at(1_000)
    expect(await secrets.getSecret('token')).toBe('old')
  })
})

describe('a withdrawal by this process', () => {
  it('stands in an outage that begins before it could be read', async () => {
    const { store, secrets } = chain()
    await secrets.deleteSecret('token')
    store.plan = () => faults.reject('UNAVAILABLE')
    for (const read of Object.values(reads)) expect(await isOvertaken(secrets, read)).toBe(false)
    expect(await codeOf(secrets.getSecret('token'))).toBe('DELETED')
  })

  it('stands for other names of the same store', async () => {
    const store = breakable({ name: 'store', sharedAs: 'store', secrets: { token: 'new' } })
    const holding = (name: string, only: string): SecretProvider => ({
      ...store.provider,
      name,
      locate: (asked) => (asked === only ? { path: 'token' } : undefined),
    })
    const later = memoryProvider({ name: 'later', secrets: { alias: 'old' } })
    const secrets = createSecretsManager({ providers: [holding('one', 'token'), holding('two', 'alias'), later] })
    expect(await secrets.getSecret('alias')).toBe('new')
    await secrets.deleteSecret('token')
    store.plan = () => faults.reject('UNAVAILABLE')
    expect(await codeOf(secrets.getSecret('alias'))).toBe('DELETED')
  })

  it('lets later providers answer where it was for good', async () => {
    const { store, secrets } = chain()
    await secrets.deleteSecret('token')
    await codeOf(secrets.getSecret('token'))
    store.plan = ({ method }) => (method === 'delete' ? faults.answer({}) : faults.answer(undefined))
    await secrets.deleteSecret('token', { purge: true, provider: 'store' })
    store.plan = () => faults.reject('UNAVAILABLE')
    expect(await secrets.getSecret('token')).toBe('old')
  })

  it('is over once the secret is restored, which lets no older value in', async () => {
    const { store, secrets } = chain()
    await secrets.deleteSecret('token')
    await codeOf(secrets.getSecret('token'))
    await secrets.restoreSecret('token')
    store.plan = () => faults.reject('UNAVAILABLE')
    at(1_000)
    expect(await codeOf(secrets.getSecret('token'))).toBe('UNAVAILABLE')
  })
})

describe('with a shared cache', () => {
  /** Two processes over one store, each with an older value behind it. */
  function fleet(): { here: SecretsManager; there: SecretsManager; store: Breakable; settle: () => Promise<unknown> } {
    const shared = memorySharedCache()
    const { store } = chain()
    const processOf = (cache: typeof shared): SecretsManager =>
      createSecretsManager({
        providers: [store.provider, memoryProvider({ name: 'later', secrets: { token: 'old' } })],
        cache: { shared: cache },
      })
    return { here: processOf(shared), there: processOf(shared.anotherProcess()), store, settle: () => vi.advanceTimersByTimeAsync(0) }
  }

  it('a refusal stands though another process invalidates the path', async () => {
    const { here, there, store } = fleet()
    store.plan = () => faults.reject('PERMISSION_DENIED')
    await codeOf(here.getSecret('token'))
    store.plan = () => undefined
    await there.rotateSecret('token', 'newer')
    store.plan = () => faults.reject('UNAVAILABLE')
    at(1_000)
    expect(await codeOf(here.getSecret('token'))).toBe('PERMISSION_DENIED')
  })

  it('a withdrawal that one process is told of takes the value from all, and no older one comes in its place', async () => {
    const { here, there, store, settle } = fleet()
    expect([await here.getSecret('token'), await settle(), await there.getSecret('token')]).toEqual(['new', expect.anything(), 'new'])
    store.plan = () => faults.reject('DELETED')
    await codeOf(here.getSecret('token', { fresh: true }))
    await settle()
    store.plan = () => faults.reject('UNAVAILABLE')
    for (const read of Object.values(reads)) expect(await isOvertaken(there, read)).toBe(false)
    expect(await failureOf(there.getSecret('token'))).toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('it was changed, and its store cannot be asked now'),
    })
    expect(await codeOf(here.getSecret('token'))).toBe('DELETED')
  })

  it('a process that held one version only lets no later provider answer for it once it is told of a withdrawal', async () => {
    const { here, there, store } = fleet()
    expect(await here.getSecret('token', { version: 1 })).toBe('new')
    await there.deleteSecret('token')
    store.plan = () => faults.reject('UNAVAILABLE')
    for (const read of Object.values(reads)) expect(await isOvertaken(here, read)).toBe(false)
  })

  it.each(['UNAVAILABLE', 'PERMISSION_DENIED'] as const)('a write that failed with %s and no effect is no change', async (code) => {
    const { here, there, store, settle } = fleet()
    expect([await here.getSecret('token'), await settle(), await there.getSecret('token')]).toEqual(['new', expect.anything(), 'new'])
    store.plan = ({ method }) => faults.reject(method === 'put' ? code : 'UNAVAILABLE')
    expect(await codeOf(here.storeSecret('token', 'newer'))).toBe(code)
    await settle()
    expect([await here.getSecret('token'), await there.getSecret('token')]).toEqual(['new', 'new'])
  })

  it('a change stands as long as the last announcement of one says', async () => {
    const { here, there, store } = fleet()
    expect(await here.getSecret('token')).toBe('new')
    await there.rotateSecret('token', 'newer')
    at(599_000)
    await there.deleteSecret('token')
    store.plan = () => faults.reject('UNAVAILABLE')
    at(1_198_000)
    expect(await codeOf(here.getSecret('token'))).toBe('UNAVAILABLE')
    at(1_199_000)
    expect(await here.getSecret('token')).toBe('old')
  })

  it.each<[string, (secrets: SecretsManager) => Promise<unknown>]>([
    ['a read that keeps nothing', (secrets) => secrets.getSecret('token', { fresh: true, autoCleanup: true })],
    ['describeSecret', (secrets) => secrets.describeSecret('token')],
  ])('a withdrawal that %s is told of is announced by who held the secret', async (_, read) => {
    const { here, there, store, settle } = fleet()
    expect([await here.getSecret('token'), await settle(), await there.getSecret('token')]).toEqual(['new', expect.anything(), 'new'])
    store.plan = () => faults.reject('DELETED')
    expect(await codeOf(read(here))).toBe('DELETED')
    await settle()
    store.plan = () => faults.reject('UNAVAILABLE')
    expect(await codeOf(there.getSecret('token'))).toBe('UNAVAILABLE')
  })

  it('a withdrawal that describeSecret is told of is not undone by what the cache still holds', async () => {
    const { here, there, store, settle } = fleet()
    expect([await there.getSecret('token'), await settle()]).toEqual(['new', expect.anything()])
    store.plan = () => faults.reject('DELETED')
    expect(await codeOf(here.describeSecret('token'))).toBe('DELETED')
    expect(await codeOf(here.getSecret('token'))).toBe('DELETED')
  })

  it('a withdrawal is announced by those who held the secret, and not by every process that asks for it', async () => {
    const shared = memorySharedCache()
    const { store } = chain()
    store.plan = () => faults.reject('DELETED')
    const others = Array.from({ length: 5 }, () => shared.anotherProcess())
    for (const cache of others)
      await codeOf(createSecretsManager({ providers: [store.provider], cache: { shared: cache } }).getSecret('token'))
    await vi.advanceTimersByTimeAsync(0)
    expect(others.reduce((sum, cache) => sum + cache.calls('invalidate'), 0)).toBe(0)
  })
})

type Step =
  | { readonly do: 'read'; readonly by: string }
  | { readonly do: 'says'; readonly what: 'value' | 'missing' | SecretsErrorCode }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'leave' }

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('read' as const), by: fc.constantFrom(...Object.keys(reads)) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('says' as const),
      what: fc.constantFrom<SecretsErrorCode | 'value' | 'missing'>('value', 'missing', ...refusals, ...outages, ...outages),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.oneof(fc.nat(2_000), fc.constantFrom(9_000, 19_000, 61_000)) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('leave' as const) }) },
)

const [ttlSeconds, maxStaleSeconds] = [10, 50]

/** What the store last answered to whom; an outage is no answer. */
async function run(steps: readonly Step[]): Promise<void> {
  const { store, secrets } = chain({ cache: { ttlSeconds, maxStaleSeconds } })
  let says: 'value' | 'missing' | SecretsErrorCode = 'value'
  let refusedAt = -Infinity
  let undescribedAt = -Infinity // the right to describe is one of its own
  let time = 0
  store.plan = ({ method }) => {
    const isOfVersion = method === 'getVersion' || method === 'staging.get'
    if (!isOfVersion && refusals.some((code) => code === says)) {
      if (method === 'describe' && says === 'PERMISSION_DENIED') undescribedAt = time
      else refusedAt = time
    } else if (!isOfVersion && !outages.some((code) => code === says)) {
      undescribedAt = -Infinity
      if (method !== 'describe') refusedAt = -Infinity
    }
    if (says === 'missing') return faults.answer(undefined)
    return says === 'value' ? undefined : faults.reject(says)
  }
  for (const step of steps) {
    if (step.do === 'says') says = step.what
    else if (step.do === 'wait') at((time += step.ms))
    else if (step.do === 'leave') await Promise.allSettled([secrets.getSecret('token', { signal: AbortSignal.abort() })])
    else if (step.by !== 'getSecret' && step.by.includes('version')) await isOvertaken(secrets, reads[step.by] ?? Promise.reject)
    else {
      const isOld = await isOvertaken(secrets, reads[step.by] ?? Promise.reject)
      const isStanding = time - Math.max(refusedAt, undescribedAt) < (ttlSeconds + maxStaleSeconds) * 1_000
      if (isStanding && outages.some((code) => code === says)) expect(isOld).toBe(false)
    }
  }
}

it('no later provider answers within the bound of a refusal, whatever the order of answers and outages', async () => {
  await expect(
    fc.assert(fc.asyncProperty(fc.array(anyStep, { minLength: 3, maxLength: 40 }), run), { numRuns: 500 }),
  ).resolves.toBeUndefined()
})
