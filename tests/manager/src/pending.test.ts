import { createSecretsManager, envProvider, SecretNotFoundError, SecretsError } from '@finchat/secrets-core'
import { faults, faultyProvider, memoryAuditTrail, memoryProvider, memorySharedCache, type MemoryProvider } from '@finchat/secrets-testkit'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { codeOf, failureOf } from './testing/manager-trial.ts'

const now = 1_800_000_000_000
const context = { signal: new AbortController().signal }
const pending = { version: 'pending' } as const

beforeEach(() => {
  vi.useFakeTimers({ now })
  vi.spyOn(process, 'emitWarning').mockReturnValue()
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

async function staging(value: string, name = 'store'): Promise<MemoryProvider> {
  const provider = memoryProvider({ name, sharedAs: name, secrets: { token: 'current' } })
  await provider.staging.put('token', { value }, context)
  return provider
}

describe('a pending version', () => {
  it('is read with its number, and is not current', async () => {
    const secrets = createSecretsManager({ providers: [await staging('next')] })
    const value = await secrets.getSecretValue('token', pending)
    expect([value.reveal(), value.version, value.stale, value.degraded, value.currentSince]).toEqual(['next', 2, false, false, undefined])
    expect(await secrets.getSecret('token', pending)).toBe('next')
    expect(await secrets.getSecret('token')).toBe('current')
    await secrets.close()
  })

  it('has the fields of a secret', async () => {
    const provider = memoryProvider({ secrets: { db: { value: '{"user":"a","password":"1"}', shape: 'map' } } })
    await provider.staging.put('db', { value: '{"user":"b","password":"2"}', shape: 'map' }, context)
    const secrets = createSecretsManager({ providers: [provider] })
    expect(await secrets.getSecret('db', { ...pending, field: 'user' })).toBe('b')
    expect((await secrets.getSecretValue('db', pending)).json()).toEqual({ user: 'b', password: '2' })
  })

  it('is asked of the store each time, and leaves nothing in memory or in the shared cache', async () => {
    const store = faultyProvider(await staging('next'), () => undefined)
    const shared = memorySharedCache()
    const secrets = createSecretsManager({ providers: [store], cache: { shared } })
    for (let reads = 0; reads < 3; reads += 1) expect(await secrets.getSecret('token', pending)).toBe('next')
    expect([store.calls('staging.get'), store.calls()]).toEqual([3, 3])
    expect([shared.size(), shared.calls('read'), shared.calls('fill')]).toEqual([0, 0, 0])
    expect(secrets.cacheStats()).toMatchObject({ entries: 0, hits: 0, misses: 0 })
    expect(await secrets.getSecret('token')).toBe('current')
    await secrets.close()
  })

  it('is gone once it was promoted or discarded, whatever was read before', async () => {
    const provider = await staging('next')
    const secrets = createSecretsManager({ providers: [provider] })
    expect(await secrets.getSecret('token', pending)).toBe('next')
    const receipt = await provider.staging.get('token', context)
    await provider.staging.discard('token', receipt ?? {}, context)
    const error = await failureOf(secrets.getSecret('token', pending))
    expect(error).toBeInstanceOf(SecretNotFoundError)
    expect(error.remedy).toBe('no provider has a staged version of it')
  })

  it('is never stale: an outage is an error', async () => {
    const broken = { is: false }
    const store = faultyProvider(await staging('next'), () => (broken.is ? faults.reject('UNAVAILABLE') : undefined))
    const secrets = createSecretsManager({ providers: [store] })
    await secrets.getSecret('token')
    await secrets.getSecret('token', pending)
    broken.is = true
    expect(await codeOf(secrets.getSecret('token', pending))).toBe('UNAVAILABLE')
    expect(await secrets.getSecret('token')).toBe('current')
    broken.is = false
    expect(await secrets.getSecret('token', pending)).toBe('next')
  })

  it('of a denied reader is a denial, which says nothing of the current one', async () => {
    const store = faultyProvider(await staging('next'), ({ method }) =>
      method === 'staging.get' ? faults.reject('PERMISSION_DENIED') : undefined,
    )
    const secrets = createSecretsManager({ providers: [store, await staging('other', 'second')] })
    expect(await codeOf(secrets.getSecret('token', pending))).toBe('PERMISSION_DENIED')
    expect(await secrets.getSecret('token')).toBe('current')
  })

  it('of a refused credential drops the current one too', async () => {
    const refused = { is: false }
    const store = faultyProvider(await staging('next'), () => (refused.is ? faults.reject('UNAUTHENTICATED') : undefined))
    const secrets = createSecretsManager({ providers: [store] })
    expect(await secrets.getSecret('token')).toBe('current')
    refused.is = true
    expect(await codeOf(secrets.getSecret('token', pending))).toBe('UNAUTHENTICATED')
    expect(await codeOf(secrets.getSecret('token'))).toBe('UNAUTHENTICATED')
  })

  it('is that of the first provider which has one, wherever the secret is', async () => {
    const env = envProvider({ env: { token: 'variable' } })
    const unstaged = memoryProvider({ name: 'unstaged', secrets: { token: 'current' } })
    const secrets = createSecretsManager({ providers: [env, unstaged, await staging('next'), await staging('later', 'last')] })
    const value = await secrets.getSecretValue('token', pending)
    expect([value.reveal(), value.provider, value.degraded]).toEqual(['next', 'store', false])
  })

  it('of a provider that refuses to stage is asked of the next one', async () => {
    const refusing = faultyProvider(await staging('never', 'first'), () => faults.reject('UNSUPPORTED'))
    const value = await createSecretsManager({ providers: [refusing, await staging('next')] }).getSecretValue('token', pending)
    expect([value.provider, value.degraded]).toEqual(['store', false])
  })

  it('behind a provider that cannot be asked is degraded, and without one the outage counts', async () => {
    const down = faultyProvider(await staging('never', 'down'), () => faults.reject('UNAVAILABLE'))
    const value = await createSecretsManager({ providers: [down, await staging('next')] }).getSecretValue('token', pending)
    expect([value.provider, value.degraded]).toEqual(['store', true])
    const env = envProvider({ env: { token: 'variable' } })
    expect(await codeOf(createSecretsManager({ providers: [down, env] }).getSecret('token', pending))).toBe('UNAVAILABLE')
  })

  it('that no provider can stage is not found, with the answer of each provider', async () => {
    const secrets = createSecretsManager({ providers: [envProvider({ env: { token: 'v' } }), memoryProvider()] })
    const error = await failureOf(secrets.getSecret('token', pending))
    expect(error).toBeInstanceOf(SecretNotFoundError)
    expect(error.attempts?.map(({ provider, code }) => [provider, code])).toEqual([
      ['env', 'UNSUPPORTED'],
      ['memory', 'NOT_FOUND'],
    ])
  })

  it('is read under the deadline, and ends with the signal of its caller', async () => {
    const store = faultyProvider(await staging('next'), () => faults.hang())
    const secrets = createSecretsManager({ providers: [store], deadlineMs: 1_000 })
    const late = failureOf(secrets.getSecret('token', pending))
    await vi.advanceTimersByTimeAsync(1_000)
    expect(await late).toMatchObject({ code: 'UNAVAILABLE', attempts: [{ code: 'DEADLINE_EXCEEDED' }] })
    const caller = new AbortController()
    const left = codeOf(secrets.getSecret('token', { ...pending, signal: caller.signal }))
    caller.abort()
    expect(await left).toBe('ABORTED')
  })

  it('is audited as a read, and refused without the acknowledgement', async () => {
    const audit = memoryAuditTrail()
    const secrets = createSecretsManager({ providers: [await staging('next')], audit })
    await secrets.getSecret('token', { ...pending, actor: 'rotator' })
    await codeOf(secrets.getSecret('missing', pending))
    expect(audit.events()).toMatchObject([
      { operation: 'get', name: 'token', actor: 'rotator', provider: 'store', version: 2, from: 'store', outcome: 'ok', stale: false },
      { operation: 'get', name: 'missing', outcome: 'error', code: 'NOT_FOUND' },
    ])
    const unrecorded = createSecretsManager({ providers: [await staging('next')], audit: memoryAuditTrail({ plan: () => 'fail' }) })
    expect(await codeOf(unrecorded.getSecret('token', pending))).toBe('AUDIT_FAILED')
  })

  it('does not show in a description, in a list or in a batch', async () => {
    const secrets = createSecretsManager({ providers: [await staging('next')] })
    expect(await secrets.describeSecret('token')).toMatchObject({ version: 1 })
    expect(await secrets.getSecrets(['token'])).toEqual({ token: 'current' })
    const options = pending as object // what the type of a batch forbids
    expect(await codeOf(secrets.getSecrets(['token'], options))).toBe('INVALID_ARGUMENT')
  })

  it('that is malformed is an error of the provider', async () => {
    const good = await staging('next')
    const odd = { ...good, staging: { ...good.staging, get: async () => ({ value: 'v', attempt: 1.5 }) } }
    expect(await codeOf(createSecretsManager({ providers: [odd] }).getSecret('token', pending))).toBe('INTERNAL')
  })

  it('cannot be read after the close', async () => {
    const secrets = createSecretsManager({ providers: [await staging('next')] })
    const value = await secrets.getSecretValue('token', pending)
    await secrets.close()
    expect(await codeOf(secrets.getSecret('token', pending))).toBe('ABORTED')
    expect(() => value.reveal()).toThrow(SecretsError)
  })
})
