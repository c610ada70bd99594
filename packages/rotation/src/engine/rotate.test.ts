import { createSecretsManager, SecretsError } from '@finchat/secrets-core'
import { discardSecret, pendingSecret, stageSecret } from '@finchat/secrets-core/staging'
import { leaksOf, memoryProvider } from '@finchat/secrets-testkit'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { functionTarget } from '../targets/function-target.ts'
import type { RotationTarget } from '../targets/target.ts'
import { FarSide } from '../testing/rotation-world.ts'
import { failureOf, first, optionsOf, provider, secretsOver, withMembers } from '../testing/rotations.ts'
import { rotate } from './rotate.ts'
import type { RotateOptions } from './rotate-options.ts'

const start = Date.UTC(2026, 0, 1)

beforeEach(() => void vi.useFakeTimers({ now: start }))
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

describe('rotate', () => {
  test('gives a new value to the store and the target', async () => {
    const far = new FarSide(1)
    const secrets = secretsOver()
    expect(await rotate(secrets, 'db', optionsOf(far.target))).toMatchObject({
      outcome: 'rotated',
      provider: 'memory',
      version: 2,
      attempt: 2,
      retireAt: undefined,
    })
    const current = await secrets.getSecret('db')
    expect([current === first, far.passwords, far.token]).toEqual([false, [current], 4])
    expect(await pendingSecret(secrets, 'db')).toBeUndefined()
  })

  test('rotates one field of several', async () => {
    const secrets = secretsOver(memoryProvider({ secrets: { db: { value: '{"user":"app","password":"one"}', shape: 'map' } } }))
    let set: unknown
    const target = functionTarget({ apply: async (value) => void (set = value.json()), test: async () => 'accepted' })
    await rotate(secrets, 'db', optionsOf(target, { generate: () => 'two' }))
    expect(set).toEqual({ user: 'app', password: 'two' })
    expect((await secrets.getSecretValue('db')).json()).toEqual({ user: 'app', password: 'two' })
  })

  test('rotates the password of a secret as RDS writes it', async () => {
    const secrets = secretsOver(memoryProvider({ secrets: { db: '{"username":"app","password":"one","port":5432}' } }))
    const target = functionTarget({ apply: async () => {}, test: async () => 'accepted' })
    expect(await rotate(secrets, 'db', optionsOf(target, { generate: () => 'two' }))).toMatchObject({ outcome: 'rotated' })
    expect(await secrets.getSecret('db')).toBe('{"username":"app","password":"two","port":5432}')
  })

  test.each(['next', 'generate', 'apply', 'test'])('lets no cause of an error of `%s` out', async (member) => {
    const failing = async (): Promise<never> => {
      throw Object.assign(new SecretsError('UNAVAILABLE', 'no route'), { cause: new Error('POST /passwords c4n4ry-vXq7-must-not-leak') })
    }
    const { target } = new FarSide(1)
    const options = member === 'generate' ? optionsOf(target, { generate: failing }) : optionsOf(withMembers(target, { [member]: failing }))
    const failure = await failureOf(rotate(secretsOver(), 'db', options))
    expect([failure.code, failure.secret, leaksOf(failure, 'c4n4ry-vXq7-must-not-leak')]).toEqual(['UNAVAILABLE', 'db', []])
  })

  test('refuses a generator that returns the current value, and stages nothing', async () => {
    const far = new FarSide(1)
    const secrets = secretsOver()
    const failure = await failureOf(rotate(secrets, 'db', optionsOf(far.target, { generate: () => first })))
    expect(failure).toMatchObject({ code: 'CONFIGURATION', secret: 'db', message: expect.stringContaining('the current value') })
    expect([await pendingSecret(secrets, 'db'), far.token]).toEqual([undefined, 0])
  })

  test('keeps the process alive until the signal ends a target that hangs', async () => {
    const gone = new AbortController()
    const apply = vi.fn<RotationTarget['apply']>(() => new Promise(() => {}))
    const target = withMembers(new FarSide(1).target, { apply })
    const rotating = failureOf(rotate(secretsOver(), 'db', optionsOf(target, { signal: gone.signal })))
    await vi.waitFor(() => expect(apply).toHaveBeenCalled())
    expect(vi.getTimerCount()).toBe(1) // the timer of AbortSignal.timeout lets Node end
    gone.abort()
    expect([(await rotating).code, vi.getTimerCount()]).toEqual(['ABORTED', 0])
  })

  test('finishes what another staged, and says who', async () => {
    const far = new FarSide(1)
    const secrets = secretsOver()
    await stageSecret(secrets, 'db', 'of another', { note: { by: 'another' } })
    const generate = vi.fn<() => string>(() => 'unused')
    const result = await rotate(secrets, 'db', optionsOf(far.target, { generate }))
    expect(result).toMatchObject({ outcome: 'finished', stagedBy: 'another', version: 2 })
    expect([await secrets.getSecret('db'), far.passwords, generate.mock.calls]).toEqual(['of another', ['of another'], []])
  })

  test('sets again what works already, since it may not outlast a restart of the target', async () => {
    const far = new FarSide(1)
    far.passwords = ['of another']
    const secrets = secretsOver()
    await stageSecret(secrets, 'db', 'of another')
    const saved: string[] = []
    const apply: RotationTarget['apply'] = async (value) => void saved.push(value.reveal())
    expect(await rotate(secrets, 'db', optionsOf(withMembers(far.target, { apply })))).toMatchObject({ outcome: 'finished' })
    expect(saved).toEqual(['of another'])
  })

  test('stages with a note of who, when and onto which version', async () => {
    const secrets = secretsOver()
    const far = new FarSide(1)
    const tests: RotationTarget['test'] = async () => Promise.reject(new SecretsError('UNAVAILABLE', 'no route'))
    await failureOf(rotate(secrets, 'db', optionsOf(withMembers(far.target, { test: tests }), { note: { ticket: 'OPS-7', by: 'forged' } })))
    const { note } = (await pendingSecret(secrets, 'db')) ?? {}
    expect(note).toEqual({
      ticket: 'OPS-7',
      by: 'ana',
      purpose: 'rotate',
      at: '2026-01-01T00:00:00.000Z',
      secret: 'db',
      onto: expect.any(String),
    })
  })

  test('leaves the version staged while the target cannot tell, and the next run finishes', async () => {
    const far = new FarSide(1)
    const secrets = secretsOver()
    const cannotTell: RotationTarget['test'] = async () => Promise.reject(new SecretsError('UNAVAILABLE', 'no route to the database'))
    const failure = await failureOf(rotate(secrets, 'db', optionsOf(withMembers(far.target, { test: cannotTell }))))
    expect(failure).toMatchObject({ code: 'UNAVAILABLE', secret: 'db', problem: 'no route to the database' })
    expect(await rotate(secrets, 'db', optionsOf(far.target))).toMatchObject({ outcome: 'finished', stagedBy: 'ana' })
    expect(far.passwords).toEqual([await secrets.getSecret('db')])
  })

  test('rolls a refused value back, with a higher token, and rejects', async () => {
    const far = new FarSide(2)
    const secrets = secretsOver()
    const failure = await failureOf(rotate(secrets, 'db', optionsOf(far.target, { generate: () => 'it is bad' })))
    expect(failure).toMatchObject({ code: 'CONFIGURATION', secret: 'db' })
    expect(failure.message).toContain('refuses the new value')
    expect(failure.remedy).toMatch(/VALID UNTIL.*`off`/)
    expect([await secrets.getSecret('db'), far.passwords, far.token]).toEqual([first, [first], 5])
    expect(await pendingSecret(secrets, 'db')).toBeUndefined()
    expect(await rotate(secrets, 'db', optionsOf(far.target))).toMatchObject({ outcome: 'rotated', attempt: 3 })
  })

  test('says so if neither value works, and leaves the staged one for the next run', async () => {
    const far = new FarSide(1)
    const secrets = secretsOver()
    const refuses: RotationTarget['test'] = async () => 'refused'
    const failure = await failureOf(rotate(secrets, 'db', optionsOf(withMembers(far.target, { test: refuses }))))
    expect(failure).toMatchObject({ code: 'CONFIGURATION', secret: 'db', message: expect.stringContaining('even after it was set again') })
    expect(failure.remedy).toMatch(/VALID UNTIL.*`off`/)
    expect(far.passwords).toEqual([first])
    expect(await pendingSecret(secrets, 'db')).toBeDefined()
  })

  test('says so if the store does not give up a refused version, whose promotion has begun', async () => {
    const far = new FarSide(1)
    const store = provider()
    const conflict = async (): Promise<never> => Promise.reject(new SecretsError('VERSION_CONFLICT', 'its promotion has begun'))
    const secrets = secretsOver({ ...store, staging: { ...store.staging, discard: conflict } })
    const generate = (): string => 'it is bad'
    for (const _ of [1, 2])
      expect(await failureOf(rotate(secrets, 'db', optionsOf(far.target, { generate })))).toMatchObject({
        code: 'VERSION_CONFLICT',
        remedy: expect.stringContaining('rotateSecret'),
      })
    expect(far.passwords).toEqual([first])
    const healed = secretsOver(store)
    await healed.rotateSecret('db', first)
    expect(await rotate(healed, 'db', optionsOf(far.target))).toMatchObject({ outcome: 'rotated' })
  })

  test('goes on with a rollback that was broken off', async () => {
    const far = new FarSide(1)
    const secrets = secretsOver()
    const { attempt = 0 } = await stageSecret(secrets, 'db', 'half withdrawn')
    far.token = 2 * attempt + 1
    expect((await failureOf(rotate(secrets, 'db', optionsOf(far.target)))).code).toBe('CONFIGURATION')
    expect(await pendingSecret(secrets, 'db')).toBeUndefined()
    expect(await rotate(secrets, 'db', optionsOf(far.target))).toMatchObject({ outcome: 'rotated' })
  })

  test('tells of a target that is ahead of its store', async () => {
    const far = new FarSide(1)
    far.token = 1_000
    const failure = await failureOf(rotate(secretsOver(), 'db', optionsOf(far.target)))
    expect(failure).toMatchObject({ code: 'VERSION_CONFLICT', secret: 'db', remedy: expect.stringContaining('reset the fence') })
    expect(far.passwords).toEqual([first])
  })

  test('is overtaken if another one finishes and rotates again before it sets its value', async () => {
    const far = new FarSide(1)
    const store = provider()
    const others = secretsOver(store)
    let isFirst = true
    const apply: RotationTarget['apply'] = async (...args) => {
      if (isFirst) {
        isFirst = false
        for (const _ of [1, 2]) await rotate(others, 'db', optionsOf(far.target, { actor: 'bob' }))
      }
      return far.target.apply(...args)
    }
    expect(await rotate(secretsOver(store), 'db', optionsOf(withMembers(far.target, { apply })))).toMatchObject({
      outcome: 'overtaken',
      version: 3,
    })
    expect(far.passwords).toEqual([await others.getSecret('db', { fresh: true })])
  })

  test('follows a value that somebody wrote meanwhile', async () => {
    const far = new FarSide(1)
    const store = provider()
    const others = secretsOver(store)
    const tests: RotationTarget['test'] = async (...args) => {
      if ((await others.getSecret('db', { fresh: true })) === first) await others.rotateSecret('db', 'by hand')
      return far.target.test(...args)
    }
    expect(await rotate(secretsOver(store), 'db', optionsOf(withMembers(far.target, { test: tests })))).toMatchObject({
      outcome: 'overtaken',
    })
    expect([await others.getSecret('db', { fresh: true }), far.passwords]).toEqual(['by hand', ['by hand']])
    expect(await pendingSecret(others, 'db')).toBeUndefined()
  })

  test('sets the current value again after somebody discarded the staged one', async () => {
    const far = new FarSide(1)
    const store = provider()
    const others = secretsOver(store)
    const tests: RotationTarget['test'] = async (...args) => {
      const pending = await pendingSecret(others, 'db')
      if (pending !== undefined) await discardSecret(others, 'db', pending)
      return far.target.test(...args)
    }
    expect(await rotate(secretsOver(store), 'db', optionsOf(withMembers(far.target, { test: tests })))).toMatchObject({
      outcome: 'overtaken',
      version: 1,
    })
    expect(far.passwords).toEqual([first])
  })

  test('withdraws a version that was staged onto an older one, and rotates', async () => {
    const far = new FarSide(1)
    const secrets = secretsOver()
    await stageSecret(secrets, 'db', 'left behind', { note: { purpose: 'rotate', onto: 'another revision' } })
    expect(await rotate(secrets, 'db', optionsOf(far.target))).toMatchObject({ outcome: 'rotated', attempt: 3 })
    expect(far.passwords).not.toContain('left behind')
  })

  test('counts as done if only the answer of the promotion was lost', async () => {
    const store = provider()
    const promote: typeof store.staging.promote = async (...args) => {
      await store.staging.promote(...args)
      throw new SecretsError('UNAVAILABLE', 'the answer was lost', { effect: 'unknown' })
    }
    const secrets = secretsOver({ ...store, staging: { ...store.staging, promote } })
    expect(await rotate(secrets, 'db', optionsOf(new FarSide(1).target))).toMatchObject({ outcome: 'rotated', version: 2 })
  })

  test('is refused if the store does not number staged versions', async () => {
    const store = provider()
    const put: typeof store.staging.put = async (...args) => ({ ...(await store.staging.put(...args)), attempt: undefined })
    const far = new FarSide(1)
    const failure = await failureOf(rotate(secretsOver({ ...store, staging: { ...store.staging, put } }), 'db', optionsOf(far.target)))
    expect(failure).toMatchObject({ code: 'UNSUPPORTED', secret: 'db' })
    expect([far.passwords, await store.staging.get('db', { signal: new AbortController().signal })]).toEqual([[first], undefined])
  })

  test('is refused while the store cannot be asked, or another one answers', async () => {
    const store = provider()
    const outage = async (): Promise<never> => Promise.reject(new SecretsError('UNAVAILABLE', 'down'))
    const far = new FarSide(1)
    vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const secrets = createSecretsManager({
      providers: [{ ...store, get: outage, describe: outage }, memoryProvider({ name: 'second', secrets: { db: first } })],
    })
    expect(await failureOf(rotate(secrets, 'db', optionsOf(far.target)))).toMatchObject({ code: 'UNAVAILABLE', secret: 'db' })
    expect(far.token).toBe(0)
  })

  test('is refused if a version is staged at another store', async () => {
    const later = memoryProvider({ name: 'later' })
    await later.staging.put('db', { value: 'x' }, { signal: new AbortController().signal })
    const secrets = createSecretsManager({ providers: [provider(), later] })
    expect(await failureOf(rotate(secrets, 'db', optionsOf(new FarSide(1).target)))).toMatchObject({
      code: 'CONFIGURATION',
      message: expect.stringContaining("'later'"),
    })
  })

  test('rejects with NOT_FOUND if there is no secret', async () => {
    expect((await failureOf(rotate(secretsOver(), 'none', optionsOf(new FarSide(1).target)))).code).toBe('NOT_FOUND')
  })

  test('ends with the caller, though the target hangs', async () => {
    const controller = new AbortController()
    const apply: RotationTarget['apply'] = () => new Promise(() => setTimeout(() => controller.abort(), 10))
    const call = failureOf(
      rotate(secretsOver(), 'db', optionsOf(withMembers(new FarSide(1).target, { apply }), { signal: controller.signal })),
    )
    await vi.advanceTimersByTimeAsync(20)
    expect((await call).code).toBe('ABORTED')
  })

  test.each<[string, object]>([
    ['CONFIGURATION', { target: {} }],
    ['CONFIGURATION', { target: undefined }],
    ['CONFIGURATION', { generate: 'x' }],
    ['CONFIGURATION', { graceSeconds: -1 }],
    ['CONFIGURATION', { graceSeconds: 1.5 }],
    ['INVALID_ARGUMENT', { onState: 1 }],
    ['INVALID_ARGUMENT', { note: { by: 7 } }],
    ['INVALID_ARGUMENT', { graceMs: 7 }],
    ['INVALID_ARGUMENT', { force: 'yes' }],
    ['INTERNAL', { generate: () => '' }],
    ['INTERNAL', { generate: async () => undefined }],
  ])('refuses with %s what it would misread: %j', async (code, change) => {
    const secrets = secretsOver()
    expect((await failureOf(rotate(secrets, 'db', { ...optionsOf(new FarSide(1).target), ...change }))).code).toBe(code)
    expect(await pendingSecret(secrets, 'db')).toBeUndefined()
  })
})

describe('a rotation while the former value is in its grace period', () => {
  const twice = async (more: Partial<RotateOptions>, seconds: number): Promise<unknown> => {
    const far = new FarSide(2)
    const secrets = secretsOver()
    const { retireAt } = await rotate(secrets, 'db', optionsOf(far.target))
    expect(retireAt).toBe(start + 600_000)
    vi.setSystemTime(start + seconds * 1_000)
    return rotate(secrets, 'db', optionsOf(far.target, more)).then(
      ({ outcome }) => [outcome, far.passwords.includes(first)],
      (error: unknown) => error,
    )
  }

  test('is refused until it is over', async () => {
    expect(await twice({}, 599)).toMatchObject({
      code: 'RATE_LIMITED',
      secret: 'db',
      retryAt: start + 600_000,
      message: expect.stringContaining('2026-01-01T00:10:00'),
    })
    vi.setSystemTime(start)
    expect(await twice({}, 600)).toEqual(['rotated', false])
  })

  test('is refused by the clock of the store, though that of this host says that it is over', async () => {
    const far = new FarSide(2)
    const store = provider()
    const { get } = store.staging
    const secrets = secretsOver({
      ...store,
      staging: {
        ...store.staging,
        get: async (...args) => {
          const pending = await get(...args)
          return pending && { ...pending, stagedAt: start + 1_000 }
        },
      },
    })
    await rotate(secrets, 'db', optionsOf(far.target))
    vi.setSystemTime(start + 3_600_000) // this host is an hour ahead
    expect(await failureOf(rotate(secrets, 'db', optionsOf(far.target)))).toMatchObject({ code: 'RATE_LIMITED', retryAt: start + 600_000 })
    expect([far.passwords.includes(first), await pendingSecret(secrets, 'db')]).toEqual([true, undefined])
  })

  test('is forced, or has no grace period', async () => {
    expect(await twice({ force: true }, 1)).toEqual(['rotated', false])
    vi.setSystemTime(start)
    expect(await twice({ graceSeconds: 0 }, 1)).toEqual(['rotated', false])
  })

  test('goes on where the target withdraws the former value at once', async () => {
    const far = new FarSide(1)
    const secrets = secretsOver()
    for (const version of [2, 3]) expect(await rotate(secrets, 'db', optionsOf(far.target))).toMatchObject({ outcome: 'rotated', version })
  })
})
