import { tracingChannel } from 'node:diagnostics_channel'
import {
  type AuditTrail,
  createSecretsManager,
  type CredentialStatus,
  SecretsError,
  type SecretProvider,
  type SharedCache,
} from '@finchat/secrets-core'
import { managerStatus, registerUse, useSecret } from '@finchat/secrets-core/live'
import { addRotationReport } from '@finchat/secrets-core/staging'
import { faults, leaksOf, memoryAuditTrail, memoryProvider, memorySharedCache, type SharedCacheFault } from '@finchat/secrets-testkit'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { breakable, readOnly } from './testing/manager-trial.ts'

const now = Date.UTC(2026, 0, 1)
const minute = 60_000
const canary = 'c4n4ry of a status'

beforeEach(() => {
  vi.useFakeTimers({ now })
  vi.spyOn(Math, 'random').mockReturnValue(1)
  vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms)

describe('the status of a provider', () => {
  it('says when it last answered a read, and asks nothing', async () => {
    const { provider } = breakable({ secrets: { db: canary } })
    const secrets = createSecretsManager({ providers: [provider] })
    expect(managerStatus(secrets).providers).toEqual({ memory: { isDegraded: false, isCircuitOpen: false } })
    await pass(minute)
    await secrets.getSecret('db')
    await pass(minute)
    await secrets.getSecret('db')
    const status = managerStatus(secrets)
    expect([status.providers['memory']?.answeredAt, provider.calls()]).toEqual([now + minute, 1])
    expect(leaksOf(status, canary)).toEqual([])
  })

  it('is degraded from its first failure until it answered and a minute was quiet', async () => {
    const store = breakable({ secrets: { db: 'v1' } })
    const secrets = createSecretsManager({ providers: [store.provider, readOnly('next', async () => ({ value: 'v0' }))] })
    const isDegraded = (): boolean | undefined => managerStatus(secrets).providers['memory']?.isDegraded
    store.plan = () => faults.reject('UNAVAILABLE')
    await secrets.getSecret('db')
    expect([isDegraded(), managerStatus(secrets).providers['next']?.isDegraded]).toEqual([true, false])
    store.plan = () => undefined
    await pass(minute - 1)
    await secrets.getSecret('db')
    expect(isDegraded()).toBe(true)
    await pass(1)
    expect(isDegraded()).toBe(false)
  })

  it('has an open circuit after failures in a row, until a probe succeeds', async () => {
    const store = breakable({ secrets: { a: 'v', b: 'v' } })
    const secrets = createSecretsManager({ providers: [store.provider] })
    const isOpen = (): boolean | undefined => managerStatus(secrets).providers['memory']?.isCircuitOpen
    store.plan = () => faults.reject('UNAVAILABLE')
    for (const name of ['a', 'b', 'a', 'b', 'a']) {
      expect(isOpen()).toBe(false)
      await secrets.getSecret(name, { fresh: true }).catch(() => {})
      await pass(5_000)
    }
    expect(isOpen()).toBe(true)
    store.plan = () => undefined
    await pass(minute)
    await secrets.getSecret('a')
    expect(isOpen()).toBe(false)
  })

  it('says since when the oldest value is held that was served as stale in the last minute', async () => {
    const store = breakable({ secrets: { old: 'v', young: 'v' } })
    const secrets = createSecretsManager({ providers: [store.provider], cache: { ttlSeconds: 10, maxStaleSeconds: 600 } })
    const staleSince = (): number | undefined => managerStatus(secrets).providers['memory']?.staleSince
    await secrets.getSecret('old')
    await pass(1_000)
    await secrets.getSecret('young')
    store.plan = () => faults.reject('UNAVAILABLE')
    await pass(30_000)
    expect(staleSince()).toBeUndefined()
    await secrets.getSecret('young')
    expect(staleSince()).toBe(now + 1_000)
    await secrets.getSecret('old')
    expect(staleSince()).toBe(now)
    await pass(minute)
    expect(staleSince()).toBeUndefined()
  })

  it('ends to be stale with the next answer of the store', async () => {
    const store = breakable({ secrets: { db: 'v' } })
    const secrets = createSecretsManager({ providers: [store.provider], cache: { ttlSeconds: 10 } })
    await secrets.getSecret('db')
    store.plan = () => faults.reject('UNAVAILABLE')
    await pass(11_000)
    await secrets.getSecret('db')
    store.plan = () => undefined
    await secrets.getSecret('db', { fresh: true }).catch(() => {})
    await pass(minute - 1)
    await secrets.getSecret('db', { fresh: true })
    expect(managerStatus(secrets).providers['memory']?.staleSince).toBeUndefined()
  })

  it('passes on what the provider tells of its credential, and nothing if that throws', async () => {
    const credentialStatus = (): CredentialStatus => ({ leases: 2, logins: [] })
    const tells = { ...memoryProvider({ name: 'tells' }), credentialStatus }
    const throws = { ...memoryProvider({ name: 'throws' }), credentialStatus: () => expect.fail('it must not') }
    const { providers } = managerStatus(createSecretsManager({ providers: [tells, throws] }))
    expect([providers['tells']?.credential, providers['throws']?.credential]).toEqual([{ leases: 2, logins: [] }, undefined])
  })
})

describe('the status of a shared cache', () => {
  it('is there only with one', () => {
    expect(managerStatus(createSecretsManager({ providers: [memoryProvider()] })).shared).toBeUndefined()
  })

  it('counts changes that it has not acknowledged', async () => {
    let fault: SharedCacheFault | undefined = 'throw'
    const shared = memorySharedCache({ plan: (call) => (call === 'invalidate' ? fault : undefined) })
    const store = memoryProvider({ sharedAs: 'store', secrets: { a: 'v', b: 'v' } })
    const secrets = createSecretsManager({ providers: [store], cache: { shared } })
    const pending = (): number | undefined => managerStatus(secrets).shared?.pendingInvalidations
    expect(pending()).toBe(0)
    for (const name of ['a', 'b']) await secrets.rotateSecret(name, 'next').catch(() => {})
    expect(pending()).toBe(2)
    fault = undefined
    await secrets.rotateSecret('a', 'last')
    await pass(0)
    expect(pending()).toBe(0)
  })

  it('cools down after failures in a row', async () => {
    const shared = memorySharedCache({ plan: () => 'throw' })
    const store = memoryProvider({ sharedAs: 'store', secrets: { a: 'v', b: 'v' } })
    const secrets = createSecretsManager({ providers: [store], cache: { shared } })
    for (const name of ['a', 'b', 'a']) {
      expect(managerStatus(secrets).shared?.isCoolingDown).toBe(false)
      await secrets.getSecret(name, { fresh: true })
    }
    expect(managerStatus(secrets).shared?.isCoolingDown).toBe(true)
  })

  it('passes on what the cache counts, its own cool-down too', () => {
    const counts = { hits: 1, misses: 2, unavailable: 3, ignored: {}, failures: { timeout: 4 }, isCoolingDown: true }
    const shared: SharedCache = { ...memorySharedCache(), stats: () => counts }
    const secrets = createSecretsManager({ providers: [memoryProvider({ sharedAs: 'store' })], cache: { shared } })
    expect(managerStatus(secrets).shared).toEqual({ isCoolingDown: true, pendingInvalidations: 0, stats: counts })
  })
})

describe('the status of a manager', () => {
  it('has what its trail says of its sinks', () => {
    const sinks = { file: { status: 'ok', isRequired: true, isFailing: true, refused: 3 } } as const
    const parts = { ...sinks, 'file checkpoints': { status: 'ok' }, torn: { status: 'ok', refused: 'many' } }
    const audit: AuditTrail = { ...memoryAuditTrail(), health: () => parts as never } // as an app
    expect(managerStatus(createSecretsManager({ providers: [memoryProvider()], audit })).sinks).toEqual(sinks)
    expect(managerStatus(createSecretsManager({ providers: [memoryProvider()], audit: memoryAuditTrail() })).sinks).toBeUndefined()
  })

  it('has the last report of `checkHealth`, with its rotations, and makes none', async () => {
    const { provider } = breakable()
    const secrets = createSecretsManager({ providers: [provider] })
    addRotationReport(secrets, async () => ({ db: { status: 'overdue' } }))
    expect([managerStatus(secrets).health, provider.calls()]).toEqual([undefined, 0])
    const report = await secrets.checkHealth()
    expect(managerStatus(secrets).health).toBe(report)
    expect(report.rotations).toEqual({ db: { status: 'overdue' } })
  })

  it('names what its trace messages carry, and no other manager’s do', async () => {
    const [one, other] = ['one', 'other'].map((name) =>
      createSecretsManager({ providers: [memoryProvider({ name, secrets: { db: 'v' } })] }),
    )
    if (one === undefined || other === undefined) throw new Error('there are two')
    const seen: unknown[] = []
    const channel = tracingChannel<unknown, { manager: symbol }>('finchat.secrets.get')
    const subscribers = { asyncEnd: ({ manager }: { manager: symbol }): void => void seen.push(manager) }
    channel.asyncEnd.subscribe(subscribers.asyncEnd as (message: unknown) => void)
    await one.getSecret('db')
    await other.getSecret('db')
    channel.asyncEnd.unsubscribe(subscribers.asyncEnd as (message: unknown) => void)
    expect(seen).toEqual([managerStatus(one).manager, managerStatus({ ...other }).manager])
    expect(seen[0]).not.toBe(seen[1])
  })

  it('is open until it is closed', async () => {
    const secrets = createSecretsManager({ providers: [memoryProvider()] })
    expect(managerStatus(secrets).isOpen).toBe(true)
    await secrets.close()
    expect(managerStatus(secrets).isOpen).toBe(false)
  })

  it('is refused for anything but a manager', () => {
    for (const wrong of [undefined, {}, 'secrets']) expect(() => managerStatus(wrong as never)).toThrow(/no secrets manager/)
  })
})

describe('a former version in use', () => {
  class Refused extends Error {}
  const isAuthError = (error: unknown): boolean => error instanceof Refused

  it('is that of a login which works while the current one is refused', async () => {
    const secrets = createSecretsManager({ providers: [memoryProvider({ secrets: { db: 'one', other: 'one' } })] })
    await secrets.rotateSecret('db', 'two')
    let accepted = 1
    const logIn = async ({ version }: { readonly version?: number | undefined }): Promise<void> => {
      if (version !== accepted) throw new Refused()
    }
    await useSecret(secrets, 'other', logIn, { isAuthError })
    await useSecret(secrets, 'db', logIn, { isAuthError })
    expect(managerStatus(secrets).usingFormer).toEqual(['db'])
    accepted = 2
    await pass(2 * minute)
    await useSecret(secrets, 'db', logIn, { isAuthError })
    expect(managerStatus(secrets).usingFormer).toEqual([])
  })

  it('is one that was registered and is not current any more, until another is', async () => {
    const store = memoryProvider({ sharedAs: 'store', secrets: { db: 'one' } })
    const secrets = createSecretsManager({ providers: [store], cache: { shared: memorySharedCache() } })
    const use = registerUse(secrets, 'db')
    await use.uses(await secrets.getSecretValue('db'))
    expect(managerStatus(secrets).usingFormer).toEqual([])
    await secrets.rotateSecret('db', 'two')
    const next = await secrets.getSecretValue('db')
    expect(managerStatus(secrets).usingFormer).toEqual(['db'])
    await use.uses(next)
    expect(managerStatus(secrets).usingFormer).toEqual([])
  })
})

describe('a provider with a credential', () => {
  it('is asked for it without a context, also behind wrappers', () => {
    const asked = vi.fn<(...args: unknown[]) => object>(() => ({ leases: 0, logins: [] }))
    const provider: SecretProvider = Object.assign(
      readOnly('store', async () => Promise.reject(new SecretsError('UNAVAILABLE', 'down'))),
      { credentialStatus: asked },
    )
    managerStatus(createSecretsManager({ providers: [provider] }))
    expect(asked.mock.calls).toEqual([[]])
  })
})
