import { createSecretsManager, type SecretProvider, type SharedUsage, SecretsError } from '@finchat/secrets-core'
import { memoryProvider, memorySharedCache } from '@finchat/secrets-testkit'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { rotateDue } from '../policy/rotate-due.ts'
import { rotationPolicy } from '../policy/rotation-policy.ts'
import { fleet, type Fleet, firstOfFleet, keptBeforeMs, settledFleet, toldWithinMs } from '../testing/fleet.ts'
import { FarSide } from '../testing/rotation-world.ts'
import { failureOf, withMembers } from '../testing/rotations.ts'
import { retirePrevious } from './retire-previous.ts'
import { rotate } from './rotate.ts'
import { rotationStatus } from './rotation-status.ts'

const start = Date.UTC(2026, 0, 1)

beforeEach(() => void vi.useFakeTimers({ now: start }))
afterEach(() => void vi.useRealTimers())

const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms)

describe('rotationStatus', () => {
  test('is safe once every process has registered the current version, or left', async () => {
    const made = await settledFleet()
    const [one, two, three] = [made.member('one'), made.member('two'), made.member('three')]
    for (const each of [one, two, three]) await each.take()
    await made.rotator.rotateSecret('db', 'the third')
    const first = await rotationStatus(made.rotator, 'db')
    expect(first).toMatchObject({ verdict: 'inUse', current: { version: 3 }, previous: { version: 2 }, gap: undefined })
    expect(first.users).toMatchObject([
      { actor: 'one', uses: [{ version: 2 }], isAlive: true, host: expect.any(String), since: start + keptBeforeMs + toldWithinMs },
      { actor: 'two' },
      { actor: 'three' },
    ])
    await one.take()
    await two.secrets.close()
    expect(await rotationStatus(made.rotator, 'db')).toMatchObject({ verdict: 'inUse', users: [{ actor: 'three' }] })
    await three.take()
    expect(await rotationStatus(made.rotator, 'db')).toMatchObject({ verdict: 'safe', users: [] })
  })

  test('is not safe while a process that vanished said no goodbye', async () => {
    const made = await settledFleet()
    const lost = made.member('lost')
    await lost.take()
    await made.rotator.rotateSecret('db', 'the third')
    vi.setSystemTime(Date.now() + 365 * 86_400_000) // no timer of it runs any more
    expect(await rotationStatus(made.rotator, 'db')).toMatchObject({ verdict: 'inUse', users: [{ actor: 'lost', isAlive: false }] })
  })

  test('is unknown where marks began after the former version was current, or just before', async () => {
    const made = fleet()
    await made.member().take()
    await made.rotator.rotateSecret('db', 'the second')
    expect(await rotationStatus(made.rotator, 'db')).toMatchObject({ verdict: 'inUse', gap: 'lost' })
    const [mark] = (await made.cache.usage.read({ sharedAs: 'store', path: 'db' }, { signal: new AbortController().signal }))?.marks ?? []
    await made.cache.usage.excuse({ sharedAs: 'store', path: 'db' }, mark ? [mark] : [], { signal: new AbortController().signal })
    expect(await rotationStatus(made.rotator, 'db')).toMatchObject({ verdict: 'unknown', gap: 'lost', users: [] })
    await pass(keptBeforeMs - toldWithinMs - 1)
    await made.rotator.rotateSecret('db', 'the third')
    await made.rotator.rotateSecret('db', 'the fourth')
    expect(await rotationStatus(made.rotator, 'db')).toMatchObject({ gap: 'lost' })
    await pass(1)
    await made.rotator.rotateSecret('db', 'the fifth')
    await made.rotator.rotateSecret('db', 'the sixth')
    expect(await rotationStatus(made.rotator, 'db')).toMatchObject({ verdict: 'safe', gap: undefined })
  })

  test('is unknown without any mark, and where none can be kept', async () => {
    const made = fleet()
    await made.rotator.rotateSecret('db', 'the second')
    expect(await rotationStatus(made.rotator, 'db')).toMatchObject({ verdict: 'unknown', gap: 'lost' })
    const alone = createSecretsManager({ providers: [memoryProvider({ secrets: { db: 'old' } })] })
    await alone.rotateSecret('db', 'new')
    expect(await rotationStatus(alone, 'db')).toMatchObject({ verdict: 'unknown', gap: 'notKept' })
  })

  test('is unknown while the shared cache cannot be asked', async () => {
    const store = memoryProvider({ sharedAs: 'store', secrets: { db: 'old' } })
    const secrets = createSecretsManager({
      providers: [store],
      cache: { shared: memorySharedCache({ plan: (call) => (call === 'usage' ? 'fail' : undefined) }) },
    })
    await secrets.rotateSecret('db', 'new')
    expect(await rotationStatus(secrets, 'db')).toMatchObject({ verdict: 'unknown', gap: 'unreachable' })
  })

  test('is unknown where the cache does not know whether its server started again with fewer marks', async () => {
    const made = await settledFleet()
    await made.rotator.rotateSecret('db', 'the third')
    const shared = made.cache.anotherProcess()
    const read: SharedUsage['read'] = async (...args) => {
      const found = await shared.usage.read(...args)
      return found && { marks: found.marks }
    }
    const rotator = createSecretsManager({ providers: [made.store], cache: { shared: { ...shared, usage: { ...shared.usage, read } } } })
    expect(await rotationStatus(rotator, 'db')).toMatchObject({ verdict: 'unknown', gap: 'restartUnknown' })
  })

  test('is unknown where the store tells no time of the former version', async () => {
    const made = await settledFleet(
      fleet((store) => ({
        getVersion: async (path, version, context) => {
          const found = await store.getVersion?.(path, version, context)
          return found && { ...found, currentSince: undefined }
        },
        describe: async (path, context) => {
          const found = await store.describe?.(path, context)
          return found && { ...found, versions: undefined }
        },
      })),
    )
    await made.rotator.rotateSecret('db', 'the third')
    expect(await rotationStatus(made.rotator, 'db')).toMatchObject({ verdict: 'unknown', gap: 'timeUnknown' })
  })

  test('has nothing to say without a former version', async () => {
    const { rotator } = fleet()
    expect(await rotationStatus(rotator, 'db')).toEqual({
      verdict: 'nothing',
      current: { version: 1, revision: expect.any(String) },
      users: [],
      lastUses: [],
    })
    await rotator.rotateSecret('db', firstOfFleet)
    expect(await rotationStatus(rotator, 'db')).toMatchObject({ verdict: 'nothing', current: { version: 2 } })
  })

  test('asks the target for sessions of the former value', async () => {
    const made = await settledFleet()
    await made.rotator.rotateSecret('db', 'the third')
    const asked: string[] = []
    const withSessions = (sessions: number): Parameters<typeof rotationStatus>[2] => ({
      target: withMembers(new FarSide(2).target, {
        sessions: async (old) => {
          asked.push(old.reveal())
          return sessions
        },
      }),
    })
    expect(await rotationStatus(made.rotator, 'db', withSessions(2))).toMatchObject({ verdict: 'inUse', sessions: 2, users: [] })
    expect(await rotationStatus(made.rotator, 'db', withSessions(0))).toMatchObject({ verdict: 'safe', sessions: 0 })
    expect(asked).toEqual(['the second', 'the second'])
    expect((await failureOf(rotationStatus(made.rotator, 'db', withSessions(0.5)))).code).toBe('INTERNAL')
  })

  test('tells the last uses in a trail, of this secret only', async () => {
    const { rotator } = await settledFleet()
    const read = { phase: 'outcome', operation: 'get', outcome: 'ok', name: 'db', host: 'web-1', actor: 'webapp' }
    const records = [
      { ...read, version: 1, time: 5 },
      { ...read, version: 1, time: 3 },
      { ...read, version: 2, time: 4, host: 'web-2' },
      { ...read, name: 'other', time: 9 },
      { ...read, operation: 'verify', time: 9 },
      { ...read, outcome: 'error', time: 9 },
      { ...read, phase: 'intent', time: 9 },
    ]
    const { lastUses } = await rotationStatus(rotator, 'db', { records })
    expect(lastUses).toEqual([
      { version: 1, revision: undefined, host: 'web-1', actor: 'webapp', lastUsedAt: 5, reads: 2 },
      { version: 2, revision: undefined, host: 'web-2', actor: 'webapp', lastUsedAt: 4, reads: 1 },
    ])
    expect((await failureOf(rotationStatus(rotator, 'db', { records: 'text' as never }))).code).toBe('INVALID_ARGUMENT')
  })
})

describe('a retirement with whenUnused', () => {
  let beforeStaging = async (): Promise<void> => {}
  beforeEach(() => void (beforeStaging = async () => {}))

  /** Version 3 is current, 2 is not withdrawn, and one process uses it. */
  async function used(): Promise<Fleet & { readonly far: FarSide; readonly user: ReturnType<Fleet['member']> }> {
    const staging = (store: SecretProvider): Partial<SecretProvider> => ({
      staging: store.staging && {
        ...store.staging,
        put: async (...args) => {
          await beforeStaging()
          return store.staging?.put(...args) ?? Promise.reject(new Error('it stages'))
        },
      },
    })
    const made = await settledFleet(fleet(staging))
    const far = new FarSide(2)
    far.passwords = ['the second']
    const user = made.member('user')
    await user.take()
    await rotate(made.rotator, 'db', { target: far.target, graceSeconds: 0, generate: () => 'the third' })
    return { ...made, far, user }
  }

  const options = { graceSeconds: 0, whenUnused: true }

  test('waits until nobody uses the former value', async () => {
    const { rotator, far, user } = await used()
    const retirement = await retirePrevious(rotator, 'db', { ...options, target: far.target })
    expect(retirement).toMatchObject({ outcome: 'notSafe', usage: { verdict: 'inUse', users: [{ actor: 'user' }] } })
    expect(far.passwords).toEqual(['the second', 'the third'])
    await user.take()
    expect(await retirePrevious(rotator, 'db', { ...options, target: far.target })).toEqual({ outcome: 'retired' })
    expect(far.passwords).toEqual(['the third'])
  })

  test('waits for sessions at the target', async () => {
    const { rotator, far, user } = await used()
    await user.take()
    let sessions = 1
    const target = withMembers(far.target, { sessions: async () => sessions })
    expect(await retirePrevious(rotator, 'db', { ...options, target })).toMatchObject({ outcome: 'notSafe', usage: { sessions: 1 } })
    sessions = 0
    expect(await retirePrevious(rotator, 'db', { ...options, target })).toEqual({ outcome: 'retired' })
  })

  test('looks again after it has staged its copy', async () => {
    const { rotator, far, user } = await used()
    await user.take()
    // It goes back to the former version, as after a refused login.
    beforeStaging = async () => user.use.uses(await user.secrets.getSecretValue('db', { version: 'previous' }))
    expect(await retirePrevious(rotator, 'db', { ...options, target: far.target })).toMatchObject({ outcome: 'notSafe' })
    expect(far.passwords).toEqual(['the second', 'the third'])
  })

  test('may be forced, and then excuses those that used it', async () => {
    const { rotator, far, user } = await used()
    expect(await retirePrevious(rotator, 'db', { ...options, target: far.target, force: true })).toEqual({ outcome: 'retired' })
    expect(far.passwords).toEqual(['the third'])
    expect(await rotationStatus(rotator, 'db')).toMatchObject({ verdict: 'safe', users: [] })
    await user.use.uses(await user.secrets.getSecretValue('db', { version: 1 }))
    expect(await rotationStatus(rotator, 'db')).toMatchObject({ verdict: 'inUse' })
  })

  test('that is forced excuses nobody that uses the current credential, as an earlier version', async () => {
    const { rotator, far, user } = await used()
    await user.take()
    await rotator.rotateSecret('db', 'the third, with a note') // by hand
    far.passwords = ['the second', 'the third, with a note']
    const target = withMembers(far.target, { isSameCredential: (one, other) => one.reveal().slice(0, 9) === other.reveal().slice(0, 9) })
    const users = [{ actor: 'user', uses: [{ version: 3 }] }]
    expect(await rotationStatus(rotator, 'db', { target })).toMatchObject({ verdict: 'inUse', previous: { version: 2 }, users })
    expect(await retirePrevious(rotator, 'db', { ...options, target, force: true })).toEqual({ outcome: 'retired' })
    expect(far.passwords).toEqual(['the third, with a note'])
    expect(await rotationStatus(rotator, 'db', { target })).toMatchObject({ verdict: 'inUse', users })
  })

  test('asks nobody unless it is set', async () => {
    const { rotator, far } = await used()
    expect(await retirePrevious(rotator, 'db', { graceSeconds: 0, target: far.target })).toEqual({ outcome: 'retired' })
  })

  test('is refused where no marks can be kept', async () => {
    const secrets = createSecretsManager({ providers: [memoryProvider({ secrets: { db: 'old' } })] })
    const far = new FarSide(2)
    far.passwords = ['old']
    await rotate(secrets, 'db', { target: far.target, graceSeconds: 0, generate: () => 'new' })
    expect((await failureOf(retirePrevious(secrets, 'db', { ...options, target: far.target }))).code).toBe('CONFIGURATION')
    expect(far.passwords).toEqual(['old', 'new'])
  })

  test('forbids a new rotation too, which would withdraw the value', async () => {
    const { rotator, far, user } = await used()
    const again = { ...options, target: far.target, generate: () => 'the fourth' }
    const failure = await failureOf(rotate(rotator, 'db', again))
    expect([failure.code, failure.message]).toEqual(['RATE_LIMITED', expect.stringContaining('in use by 1 processes')])
    await user.take()
    expect(await rotate(rotator, 'db', again)).toMatchObject({ outcome: 'rotated', version: 4 })
  })

  test('does not ask of a value that the target refuses already', async () => {
    const { rotator, far } = await used()
    far.passwords = ['the third']
    expect(await rotate(rotator, 'db', { ...options, target: far.target, generate: () => 'the fourth' })).toMatchObject({
      outcome: 'rotated',
    })
  })

  test('is what rotateDue does by a policy that says so', async () => {
    const { rotator, far, user } = await used()
    const db = rotationPolicy({ every: '30d', graceSeconds: 0, whenUnused: true, target: far.target, generate: () => 'the fourth' })
    expect((await rotateDue(rotator, { db }))['db']).toMatchObject({ status: 'notDue', retirement: { outcome: 'notSafe' } })
    await pass(31 * 86_400_000)
    const { status, error } = (await rotateDue(rotator, { db }))['db'] ?? {}
    expect([status, error?.code]).toEqual(['failed', 'RATE_LIMITED'])
    await user.take()
    expect((await rotateDue(rotator, { db }))['db']).toMatchObject({ status: 'rotated' })
  })

  test('rejects if the target cannot tell its sessions', async () => {
    const { rotator, far } = await used()
    const target = withMembers(far.target, { sessions: () => Promise.reject(new SecretsError('UNAVAILABLE', 'no answer')) })
    expect((await failureOf(retirePrevious(rotator, 'db', { ...options, target }))).code).toBe('UNAVAILABLE')
    expect(far.passwords).toEqual(['the second', 'the third'])
  })
})
