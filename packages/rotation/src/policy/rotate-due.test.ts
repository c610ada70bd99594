import { createSecretsManager, type SecretProvider, SecretsError, type SecretsManager } from '@finchat/secrets-core'
import { stageSecret } from '@finchat/secrets-core/staging'
import { leaksOf, memoryAuditTrail, memoryProvider, type MemoryProvider } from '@finchat/secrets-testkit'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { functionTarget } from '../targets/function-target.ts'
import type { RotationTarget } from '../targets/target.ts'
import { FarSide, type Slots } from '../testing/rotation-world.ts'
import { rotateDue, type RotateDueOptions } from './rotate-due.ts'
import { type RotationPolicy, rotationPolicy } from './rotation-policy.ts'

const days = 86_400_000
const start = Date.UTC(2026, 0, 1)

beforeEach(() => void vi.useFakeTimers({ now: start }))
afterEach(() => void vi.useRealTimers())

const first = 'a first password'
let made = 0

function policyOf(target: RotationTarget): RotationPolicy {
  const generate = (): string => `password ${(made += 1)}`
  return rotationPolicy({ every: '30d', graceSeconds: 3_600, jitter: 0, target, generate })
}

interface Fleet {
  readonly provider: MemoryProvider
  readonly secrets: SecretsManager
  readonly far: Record<string, FarSide>
  readonly policies: Record<string, RotationPolicy>
}

function fleetOf(names: readonly string[], slots: Slots = 1): Fleet {
  const provider = memoryProvider({ secrets: Object.fromEntries(names.map((name) => [name, first])) })
  const far = Object.fromEntries(names.map((name) => [name, new FarSide(slots)]))
  const policies = Object.fromEntries(Object.entries(far).map(([name, { target }]) => [name, policyOf(target)]))
  return { provider, secrets: createSecretsManager({ providers: [provider] }), far, policies }
}

describe('rotateDue', () => {
  test.each<[string, object]>([
    ['signal', { signal: new AbortController() }],
    ['signal', { signal: null }],
    ['onState', { onState: 5 }],
  ])('refuses a wrong `%s`, and begins nothing', async (member, options) => {
    const { secrets, policies } = fleetOf(['db'])
    const call = rotateDue(secrets, policies, options)
    await expect(call).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(`\`${member}\``) })
    expect(vi.getTimerCount()).toBe(0)
  })

  test.each([[new Map()], [[]], [new Set()], [null]])('refuses policies that are no plain object: %o', async (policies) => {
    const call = rotateDue(fleetOf([]).secrets, policies as unknown as Record<string, RotationPolicy>)
    await expect(call).rejects.toMatchObject({ code: 'CONFIGURATION' })
  })

  test('rotates nothing before it is due, and tells when that is', async () => {
    const { secrets, policies } = fleetOf(['db'])
    vi.setSystemTime(start + 30 * days - 1)
    expect(await rotateDue(secrets, policies)).toEqual({
      db: { status: 'notDue', isOverdue: false, dueAt: start + 30 * days, retirement: undefined },
    })
  })

  test('rotates what is due, and tells the next time', async () => {
    const { secrets, policies, far } = fleetOf(['db'])
    vi.setSystemTime(start + 30 * days)
    const report = await rotateDue(secrets, policies)
    expect(report['db']).toMatchObject({
      status: 'rotated',
      isOverdue: false,
      dueAt: start + 60 * days,
      rotation: { outcome: 'rotated', version: 2 },
    })
    expect(far['db']?.accepts(await secrets.getSecret('db'))).toBe(true)
    expect(await rotateDue(secrets, policies)).toMatchObject({ db: { status: 'notDue' } })
  })

  test('finishes what was broken off, though it is not due', async () => {
    const { secrets, policies, far } = fleetOf(['db'])
    await stageSecret(secrets, 'db', 'left behind')
    expect(await rotateDue(secrets, policies)).toMatchObject({ db: { status: 'rotated', rotation: { outcome: 'finished', version: 2 } } })
    expect(far['db']?.passwords).toEqual(['left behind'])
  })

  test('withdraws a former value once its grace period is over', async () => {
    const { secrets, policies, far } = fleetOf(['db'], 2)
    vi.setSystemTime(start + 30 * days)
    await rotateDue(secrets, policies)
    const retirements = []
    for (const seconds of [3_599, 1, 0]) {
      vi.setSystemTime(Date.now() + seconds * 1_000)
      retirements.push((await rotateDue(secrets, policies))['db']?.retirement?.outcome)
    }
    expect(retirements).toEqual(['inGrace', 'retired', 'nothing'])
    expect(far['db']?.passwords).toEqual([await secrets.getSecret('db')])
  })

  test('is not stopped by one that fails, and reports each', async () => {
    const canary = 'c4n4ry-of-a-target'
    const { provider, secrets, policies } = fleetOf(['db', 'mail', 'broken'])
    const broken = functionTarget({ apply: async () => Promise.reject(new Error(canary)), test: async () => 'accepted' })
    vi.setSystemTime(start + 31 * days)
    const report = await rotateDue(secrets, { ...policies, broken: policyOf(broken), missing: policyOf(broken) }, { concurrency: 1 })
    expect(Object.entries(report).map(([name, { status, isOverdue, error }]) => [name, status, isOverdue, error?.code])).toEqual([
      ['db', 'rotated', false, undefined],
      ['mail', 'rotated', false, undefined],
      ['broken', 'failed', true, 'UNAVAILABLE'],
      ['missing', 'failed', false, 'NOT_FOUND'],
    ])
    expect(report['broken']?.error?.secret).toBe('broken')
    expect(leaksOf([report, provider.staging], canary)).toEqual([])
  })

  test('has a deadline for each, and works on few at once', async () => {
    const { secrets, policies } = fleetOf(['a', 'b', 'c', 'd', 'e'])
    let [running, most] = [0, 0]
    const hangs = functionTarget({
      apply: (_value, _fence, { signal }) => {
        running += 1
        most = Math.max(most, running)
        signal.addEventListener('abort', () => (running -= 1))
        return new Promise(() => {})
      },
      test: async () => 'accepted',
    })
    vi.setSystemTime(start + 31 * days)
    const all = Object.fromEntries(Object.keys(policies).map((name) => [name, policyOf(hangs)]))
    const call = rotateDue(secrets, { ...all, quick: policyOf(new FarSide(1).target) }, { concurrency: 2, deadlineMs: 1_000 })
    await vi.advanceTimersByTimeAsync(5_000)
    const report = await call
    expect(Object.keys(report)).toEqual(['a', 'b', 'c', 'd', 'e', 'quick'])
    expect([report['a']?.error?.code, report['e']?.error?.code, report['quick']?.error?.code]).toEqual([
      'DEADLINE_EXCEEDED',
      'DEADLINE_EXCEEDED',
      'NOT_FOUND',
    ])
    expect(most).toBe(2)
  })

  test('works on four at once, for five minutes each, unless told otherwise', async () => {
    const { secrets, policies } = fleetOf(['a', 'b', 'c', 'd', 'e', 'f'])
    const running = new Set<string>()
    let most = 0
    const hangs = functionTarget({
      apply: (_value, { secret }, { signal }) => {
        running.add(secret)
        most = Math.max(most, running.size)
        signal.addEventListener('abort', () => running.delete(secret))
        return new Promise(() => {})
      },
      test: async () => 'accepted',
    })
    vi.setSystemTime(start + 31 * days)
    const call = rotateDue(secrets, Object.fromEntries(Object.keys(policies).map((name) => [name, policyOf(hangs)])))
    await vi.advanceTimersByTimeAsync(299_999)
    expect([...running]).toEqual(['a', 'b', 'c', 'd'])
    await vi.advanceTimersByTimeAsync(1)
    expect([...running]).toEqual(['e', 'f'])
    await vi.advanceTimersByTimeAsync(300_000)
    await call
    expect(most).toBe(4)
  })

  test('passes on the caller and its listener', async () => {
    const { provider, policies } = fleetOf(['db'])
    const audit = memoryAuditTrail()
    const onState = vi.fn<NonNullable<RotateDueOptions['onState']>>()
    vi.setSystemTime(start + 30 * days)
    await rotateDue(createSecretsManager({ providers: [provider], audit }), policies, {
      onState,
      actor: 'ana',
      requestId: 'r1',
      deadlineMs: 5_000,
    })
    expect(onState.mock.calls.at(-1)?.[0]).toMatchObject({ step: 'done', by: 'ana' })
    expect(audit.events().every(({ actor, requestId }) => actor === 'ana' && requestId === 'r1')).toBe(true)
  })

  test('may have a deadline of a millisecond', async () => {
    expect(await rotateDue(fleetOf([]).secrets, {}, { deadlineMs: 1, concurrency: 100 })).toEqual({})
  })

  test.each(['currentSince', 'currentNotBefore'] as const)('counts from %s where a store tells that alone', async (time) => {
    const { provider, policies } = fleetOf(['db'])
    const describes = async (): Promise<object> => ({ version: 1, [time]: start })
    const report = await rotateDue(createSecretsManager({ providers: [{ ...provider, describe: describes }] }), policies)
    expect(report['db']).toMatchObject({ status: 'notDue', dueAt: start + 30 * days })
  })

  test('is overdue from the last moment that its policy allows', async () => {
    const { secrets } = fleetOf(['db'])
    const broken = functionTarget({ apply: async () => Promise.reject(new Error('no route')), test: async () => 'accepted' })
    vi.setSystemTime(start + 30 * days)
    expect((await rotateDue(secrets, { db: policyOf(broken) }))['db']).toMatchObject({ status: 'failed', isOverdue: true })
  })

  test('reports a failure of any other kind as INTERNAL, without its text', async () => {
    const canary = 'c4n4ry-of-a-manager'
    const { secrets, policies } = fleetOf(['db'])
    const describeSecret = async (): Promise<never> => Promise.reject(new Error(canary))
    const report = await rotateDue({ ...secrets, describeSecret }, policies)
    expect(report['db']).toMatchObject({ status: 'failed', error: { code: 'INTERNAL', secret: 'db' } })
    expect(leaksOf(report, canary)).toEqual([])
  })

  test('of two hosts rotates once', async () => {
    const { provider, policies } = fleetOf(['db'])
    vi.setSystemTime(start + 30 * days)
    const hosts = [1, 2, 3].map(() => createSecretsManager({ providers: [provider] }))
    const reports = await Promise.all(hosts.map((secrets) => rotateDue(secrets, policies)))
    for (const report of reports) expect(report['db']?.error).toBeUndefined()
    const outcomes = reports.map((report) => report['db']?.rotation?.outcome)
    expect(outcomes.filter((outcome) => outcome === 'rotated')).toHaveLength(1)
    expect((await provider.describe('db', { signal: new AbortController().signal }))?.version).toBe(2)
  })

  test('says so where the store tells no times', async () => {
    const provider = memoryProvider({ secrets: { db: first } })
    const timeless = async (): Promise<{ version: number }> => ({ version: 1 })
    const secrets = createSecretsManager({ providers: [{ ...provider, describe: timeless }] })
    const report = await rotateDue(secrets, { db: policyOf(new FarSide(1).target) })
    expect(report['db']).toMatchObject({ status: 'failed', error: { code: 'UNSUPPORTED', secret: 'db' } })
  })

  test('does not take the age of what a fallback holds', async () => {
    const down: SecretProvider = {
      specificationVersion: 'v1',
      name: 'down',
      get: async () => Promise.reject(new SecretsError('UNAVAILABLE', 'down')),
    }
    const secrets = createSecretsManager({ providers: [down, memoryProvider({ secrets: { db: first } })] })
    const report = await rotateDue(secrets, { db: policyOf(new FarSide(1).target) })
    expect(report['db']).toMatchObject({ status: 'failed', error: { code: 'UNAVAILABLE', secret: 'db' } })
  })

  test('ends with the caller', async () => {
    const { secrets, policies } = fleetOf(['db'])
    vi.setSystemTime(start + 31 * days)
    const report = await rotateDue(secrets, policies, { signal: AbortSignal.abort() })
    expect(report['db']).toMatchObject({ status: 'failed', error: { code: 'ABORTED' } })
  })

  test.each<[string, unknown, RotateDueOptions]>([
    ['CONFIGURATION', {}, { concurrency: 0 }],
    ['CONFIGURATION', {}, { deadlineMs: 0 }],
    ['CONFIGURATION', undefined, {}],
    ['CONFIGURATION', { db: { every: '30d', target: new FarSide(1).target, generate: () => 'x', graceSeconds: 0 } }, {}],
    ['CONFIGURATION', { db: undefined }, {}],
    ['INVALID_ARGUMENT', {}, { parallel: 2 } as never],
    [
      'CONFIGURATION',
      { db: policyOf(new FarSide(1).target), mail: { every: '30d', target: new FarSide(1).target, generate: () => 'x', graceSeconds: 0 } },
      {},
    ],
  ])('refuses with %s what it would misread', async (code, policies, options) => {
    const error: unknown = await rotateDue(fleetOf([]).secrets, policies as never, options).catch((reason: unknown) => reason)
    expect(SecretsError.isInstance(error) && error.code).toBe(code)
  })

  test.each<[string, RotateDueOptions]>([
    ['concurrency', { concurrency: 101 }],
    ['deadlineMs', { deadlineMs: 2 ** 31 }],
  ])('names `%s` if it is too large', async (option, options) => {
    await expect(rotateDue(fleetOf([]).secrets, {}, options)).rejects.toMatchObject({
      code: 'CONFIGURATION',
      message: expect.stringContaining(`\`${option}\``),
    })
  })
})
