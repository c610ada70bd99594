import { createSecretsManager, type SecretProvider, SecretsError, type SecretsManager, type SharedUsage } from '@finchat/secrets-core'
import { registerUse } from '@finchat/secrets-core/live'
import { discardSecret, pendingSecret, stageSecret } from '@finchat/secrets-core/staging'
import { memoryProvider, memorySharedCache } from '@finchat/secrets-testkit'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { firstOfFleet, fleet, type Fleet, settledFleet } from '../testing/fleet.ts'
import { FarSide } from '../testing/rotation-world.ts'
import { failureOf, withMembers } from '../testing/rotations.ts'
import { retirePrevious } from './retire-previous.ts'
import { rotate } from './rotate.ts'
import { rotationStatus } from './rotation-status.ts'

const start = Date.UTC(2026, 0, 1)
const minuteMs = 60_000

beforeEach(() => void vi.useFakeTimers({ now: start }))
afterEach(() => void vi.useRealTimers())

const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms)

describe('a forced retirement', () => {
  test('excuses no mark that was made after it had looked', async () => {
    const made = await settledFleet()
    const far = new FarSide(2)
    far.passwords = ['the second']
    const user = made.member('user')
    await user.take()
    const options = { target: far.target, graceSeconds: 0, whenUnused: true }
    await rotate(made.rotator, 'db', { ...options, generate: () => 'the third' })
    const shared = made.cache.anotherProcess()
    const excuse: SharedUsage['excuse'] = async (...args) => {
      await user.take() // refused with the second value, it takes the third
      return shared.usage.excuse(...args)
    }
    const cache = { shared: { ...shared, usage: { ...shared.usage, excuse } } }
    const slow = createSecretsManager({ providers: [made.store], cache })
    expect(await retirePrevious(slow, 'db', { ...options, force: true })).toEqual({ outcome: 'retired' })
    await pass(minuteMs)
    await rotate(made.rotator, 'db', { ...options, generate: () => 'the fourth' })
    const users = [{ actor: 'user', uses: [{ version: 3 }] }]
    expect(await rotationStatus(made.rotator, 'db', { target: far.target })).toMatchObject({ verdict: 'inUse', users })
    expect(await retirePrevious(made.rotator, 'db', options)).toMatchObject({ outcome: 'notSafe' })
    expect(far.passwords).toEqual(['the third', 'the fourth'])
  })
})

describe('a staged version', () => {
  test('waits while the former value is used, though another call staged it', async () => {
    const made = await settledFleet()
    const far = new FarSide(2)
    far.passwords = ['the second']
    const options = { target: far.target, graceSeconds: 0, whenUnused: true }
    await rotate(made.rotator, 'db', { ...options, generate: () => 'the third' })
    const killed = (): Promise<never> => Promise.reject(new Error('killed'))
    const target = withMembers(far.target, { apply: killed, retire: killed })
    await failureOf(rotate(made.rotator, 'db', { ...options, target, generate: () => 'the fourth' }))
    const pinned = made.member('pinned')
    await pinned.use.uses(await pinned.secrets.getSecretValue('db', { version: 2 }))
    const next = { ...options, generate: () => 'the fifth' }
    expect((await failureOf(rotate(made.rotator, 'db', next))).code).toBe('RATE_LIMITED')
    expect(far.passwords).toEqual(['the second', 'the third'])
    await pinned.secrets.close()
    expect(await rotate(made.rotator, 'db', next)).toMatchObject({ outcome: 'finished' })
    expect(far.passwords).toEqual(['the third', 'the fourth'])
  })

  test('is discarded if the former value came into use while this call staged it', async () => {
    let afterStaging = async (): Promise<void> => {}
    const staging = (store: SecretProvider): Partial<SecretProvider> => ({
      staging: store.staging && {
        ...store.staging,
        put: async (...args) => {
          const receipt = await (store.staging?.put(...args) ?? Promise.reject(new Error('it stages')))
          await afterStaging()
          return receipt
        },
      },
    })
    const made = await settledFleet(fleet(staging))
    const far = new FarSide(2)
    far.passwords = ['the second']
    const options = { target: far.target, graceSeconds: 0, whenUnused: true }
    await rotate(made.rotator, 'db', { ...options, generate: () => 'the third' })
    const user = made.member('user')
    afterStaging = async () => user.use.uses(await user.secrets.getSecretValue('db', { version: 'previous' }))
    expect((await failureOf(rotate(made.rotator, 'db', { ...options, generate: () => 'the fourth' }))).code).toBe('RATE_LIMITED')
    expect(far.passwords).toEqual(['the second', 'the third'])
    expect(await pendingSecret(made.rotator, 'db')).toBeUndefined()
  })
})

test('marks that were lost are noticed, though the clock of the store is ahead by almost a minute', async () => {
  const aheadMs = minuteMs - 1
  let cache = memorySharedCache()
  let isStopped = false
  const store = memoryProvider({ sharedAs: 'store', secrets: { db: 'one' } })
  const ahead = <T extends { readonly currentSince?: number | undefined }>(found: T | undefined): T | undefined =>
    found?.currentSince === undefined ? found : { ...found, currentSince: found.currentSince + aheadMs }
  const provider: SecretProvider = {
    ...store,
    get: async (...args) => ahead(await store.get(...args)),
    getVersion: async (...args) => ahead(await store.getVersion(...args)),
  }
  const manager = (register: SharedUsage['register']): SecretsManager => {
    const usage: SharedUsage = { ...cache.usage, register, read: (...args) => cache.usage.read(...args) }
    return createSecretsManager({ providers: [provider], cache: { shared: { ...cache, usage } } })
  }
  const pinned = manager((...args) => (isStopped ? new Promise(() => {}) : cache.usage.register(...args)))
  const other = manager((...args) => cache.usage.register(...args))
  const [ofPinned, ofOther] = [registerUse(pinned, 'db'), registerUse(other, 'db')]
  const takeNow = async (): Promise<void> => ofOther.uses(await other.getSecretValue('db', { fresh: true }))
  await ofPinned.uses(await pinned.getSecretValue('db'))
  cache = memorySharedCache() // a flush
  await takeNow()
  await pass(2_000)
  await other.rotateSecret('db', 'two')
  await ofPinned.uses(await pinned.getSecretValue('db', { fresh: true })) // it counts on its first mark
  isStopped = true
  await pass(2 * minuteMs)
  await takeNow()
  await other.rotateSecret('db', 'three')
  await takeNow()
  await pass(2_000)
  expect(await rotationStatus(other, 'db')).toMatchObject({ verdict: 'unknown', gap: 'lost', previous: { version: 2 } })
})

describe('a former version that cannot be read', () => {
  const deleted = (): Promise<never> => Promise.reject(new SecretsError('DELETED', 'it is deleted'))
  const gone = async (): Promise<undefined> => undefined

  /** Its store does not give these versions. */
  function without(versions: readonly unknown[], answer: () => Promise<undefined>): Fleet {
    return fleet((store) => ({
      getVersion: (path, version, call) => (versions.includes(version) ? answer() : (store.getVersion?.(path, version, call) ?? gone())),
    }))
  }

  test.each([
    ['deleted', deleted],
    ['notFound', gone],
  ] as const)('is not taken for none (%s): it may be in use', async (unreadable, answer) => {
    const made = await settledFleet(without(['previous'], answer))
    const far = new FarSide(2)
    far.passwords = ['the first', 'the second']
    const usage = { verdict: 'unknown', gap: 'formerUnreadable', unreadable, users: [] }
    expect(await rotationStatus(made.rotator, 'db')).toMatchObject(usage)
    expect(await rotationStatus(made.rotator, 'db')).not.toHaveProperty('previous')
    const options = { target: far.target, graceSeconds: 0, whenUnused: true }
    expect(await retirePrevious(made.rotator, 'db', options)).toEqual({ outcome: 'notSafe', usage })
    const next = { ...options, generate: () => 'the third' }
    expect(await failureOf(rotate(made.rotator, 'db', next))).toMatchObject({
      code: 'RATE_LIMITED',
      problem: expect.stringContaining('formerUnreadable'),
    })
    expect(far.passwords).toEqual(['the first', 'the second'])
    for (const free of [{ force: true }, { whenUnused: false }])
      expect(await retirePrevious(made.rotator, 'db', { ...options, ...free })).toEqual({ outcome: 'nothing' })
    expect(await rotate(made.rotator, 'db', { ...next, force: true })).toMatchObject({ outcome: 'rotated' })
  })

  test('still has the users that the marks tell', async () => {
    const made = await settledFleet(without(['previous'], gone))
    const user = made.member('user')
    await user.take()
    await made.rotator.rotateSecret('db', 'the third')
    const users = [{ actor: 'user', pid: process.pid, uses: [{ version: 2 }] }]
    expect(await rotationStatus(made.rotator, 'db')).toMatchObject({ verdict: 'inUse', gap: 'formerUnreadable', users })
  })

  test('is one of those before a write by hand, too', async () => {
    const made = await settledFleet(without([2], deleted))
    for (const value of ['the third', 'the third', 'the third']) await made.rotator.rotateSecret('db', value)
    expect(await rotationStatus(made.rotator, 'db')).toMatchObject({ verdict: 'unknown', previous: { version: 1 } })
    const same = withMembers(new FarSide(2).target, { isSameCredential: () => true })
    expect(await rotationStatus(made.rotator, 'db', { target: same })).toMatchObject({ gap: 'formerUnreadable', unreadable: 'deleted' })
  })

  /** Number 2 was staged and discarded; all others have one credential. `change` is that of its store, later on. */
  async function withDiscarded(change: (store: SecretProvider) => Partial<SecretProvider>): Promise<Fleet> {
    const made = fleet()
    await discardSecret(made.rotator, 'db', await stageSecret(made.rotator, 'db', 'a discarded password'))
    for (let n = 0; n < 2; n += 1) await made.rotator.rotateSecret('db', firstOfFleet)
    const provider = { ...made.store, ...change(made.store) }
    return { ...made, rotator: createSecretsManager({ providers: [provider], cache: { shared: made.cache.anotherProcess() } }) }
  }

  const unknown = { verdict: 'unknown', unreadable: 'notFound' }
  const withoutFirst = (store: SecretProvider): Partial<SecretProvider> => ({
    getVersion: async (path, version, call) => (version === 1 ? undefined : store.getVersion?.(path, version, call)),
  })

  test.each([
    ['is none', () => ({}), { verdict: 'nothing' }],
    ['may be another number that is gone', withoutFirst, unknown],
    [
      'may be one if the store may not be described',
      () => ({ describe: () => Promise.reject(new SecretsError('PERMISSION_DENIED', 'no right to describe')) }),
      unknown,
    ],
    ['may be one if the store describes no versions', () => ({ describe: async () => ({ version: 4 }) }), unknown],
    [
      'may be one if the store has dropped all numbers up to it',
      (store: SecretProvider) => ({
        ...withoutFirst(store),
        describe: async () => ({ version: 4, versions: [{ version: 3 }, { version: 4 }] }),
      }),
      unknown,
    ],
  ])('%s, beside a number that was staged and discarded', async (_, change, expected) => {
    const { rotator } = await withDiscarded(change)
    expect(await rotationStatus(rotator, 'db')).toMatchObject(expected)
  })

  test('is asked of no other store that answers for its own', async () => {
    const made = await withDiscarded(() => ({}))
    const other = memoryProvider({ name: 'other', secrets: { db: 'x' } })
    const providers = [
      { ...made.store, describe: gone },
      { ...other, get: gone },
    ]
    const secrets = createSecretsManager({ providers, cache: { shared: made.cache.anotherProcess() } })
    expect(await rotationStatus(secrets, 'db')).toMatchObject(unknown)
  })

  test('is further back than 32 versions, or before one without a number', async () => {
    const made = await settledFleet()
    for (let n = 0; n < 32; n += 1) await made.rotator.rotateSecret('db', 'the third')
    expect(await rotationStatus(made.rotator, 'db')).toMatchObject({ previous: { version: 2 } })
    for (let n = 0; n < 3; n += 1) await made.rotator.rotateSecret('db', 'the third')
    expect(await rotationStatus(made.rotator, 'db')).toMatchObject({ gap: 'formerUnreadable', unreadable: 'tooFarBack' })
    const plain = <T extends object>(found: T | undefined): T | undefined => found && { ...found, version: undefined }
    const numberless = fleet((store) => ({
      get: async (...args) => plain(await store.get(...args)),
      getVersion: async (...args) => plain(await store.getVersion?.(...args)),
    }))
    expect(await rotationStatus(numberless.rotator, 'db')).toMatchObject({ verdict: 'nothing' })
    await numberless.rotator.rotateSecret('db', firstOfFleet)
    expect(await rotationStatus(numberless.rotator, 'db')).toMatchObject({ gap: 'lost', unreadable: 'tooFarBack' })
  })

  test('is every one of a store that keeps no versions', async () => {
    const made = await settledFleet(fleet(() => ({ getVersion: undefined })))
    expect(await rotationStatus(made.rotator, 'db')).toMatchObject({ gap: 'formerUnreadable', unreadable: 'noVersions' })
  })
})

test('whenUnused is refused where the store keeps no versions, and force overrides that', async () => {
  const made = await settledFleet(fleet(() => ({ getVersion: undefined })))
  const far = new FarSide(2)
  far.passwords = ['the second']
  const options = { target: far.target, graceSeconds: 0, whenUnused: true }
  const next = { ...options, generate: () => 'the third' }
  expect((await failureOf(rotate(made.rotator, 'db', next))).code).toBe('CONFIGURATION')
  expect((await failureOf(retirePrevious(made.rotator, 'db', options))).code).toBe('CONFIGURATION')
  expect(far.passwords).toEqual(['the second'])
  expect(await rotate(made.rotator, 'db', { ...next, force: true })).toMatchObject({ outcome: 'rotated' })
})
