import { createSecretsManager, type SecretsErrorCode, type SecretsManager } from '@finchat/secrets-core'
import { describe, expect, it, vi } from 'vitest'
import { faults } from './faulty-provider.ts'
import { memoryProvider } from './memory-provider.ts'
import { memorySharedCache } from './memory-shared-cache.ts'
import { breakable, codeOf, failureOf, type Breakable } from './testing/manager-trial.ts'
import { now, onOwnClock } from './testing/own-clock.ts'

onOwnClock()

/** A store before one with an older value, which must not come back. */
function chain(): { store: Breakable; secrets: SecretsManager } {
  const store = breakable({ name: 'store', secrets: { token: 'new' } })
  const later = memoryProvider({ name: 'later', secrets: { token: 'old' } })
  return { store, secrets: createSecretsManager({ providers: [store.provider, later] }) }
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
      message: expect.stringContaining('it was changed, and cannot be read since'),
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

  it('after another process changed a secret whose first read was under way', async () => {
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

it('a purge by this process lets later providers answer in an outage', async () => {
  const { store, secrets } = chain()
  await secrets.rotateSecret('token', 'newest')
  await secrets.deleteSecret('token', { purge: true })
  store.plan = () => faults.reject('UNAVAILABLE')
  expect(await secrets.getSecret('token')).toBe('old')
})
