import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { createSecretsManager, SecretsError, type SecretProvider, type SecretsManager } from '@finchat/secrets-core'
import { pause } from '@finchat/secrets-core/provider'
import { leaksOf, memoryAuditTrail, memoryProvider, type MemoryProvider } from '@finchat/secrets-testkit'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { RotationState } from '../engine/rotation-state.ts'
import { FarSide } from '../testing/rotation-world.ts'
import { reportRotations } from './report-rotations.ts'
import { rotateDue } from './rotate-due.ts'
import { rotationPolicy, type RotationSchedule, rotationSchedule } from './rotation-policy.ts'

const [seconds, days] = [1_000, 86_400_000]
const start = Date.UTC(2026, 0, 1)
const first = 'a first password'
const db = rotationSchedule({ every: '30d', jitter: 0 })

let states: RotationState[]
const listener = (state: unknown): void => void states.push(state as RotationState)

beforeEach(() => {
  states = []
  vi.useFakeTimers({ now: start })
  subscribe('finchat.secrets.rotation', listener)
})
afterEach(() => {
  unsubscribe('finchat.secrets.rotation', listener)
  vi.useRealTimers()
})

interface Service {
  readonly provider: MemoryProvider
  readonly secrets: SecretsManager
  /** Names of the secrets that were described. */
  readonly asked: string[]
}

function service(names: readonly string[] = ['db'], answer?: SecretProvider['describe']): Service {
  const provider = memoryProvider({ secrets: Object.fromEntries(names.map((name) => [name, first])) })
  const asked: string[] = []
  const counted: SecretProvider['describe'] = (path, context) => (asked.push(path), (answer ?? provider.describe)(path, context))
  return { provider, asked, secrets: createSecretsManager({ providers: [{ ...provider, describe: counted }] }) }
}

describe('checkHealth with policies', () => {
  test('tells when each secret changed, when it is due, and when it is overdue', async () => {
    const { secrets } = service()
    reportRotations(secrets, { db: { everyMs: 30 * days, jitter: 0.5 } })
    const { ok, rotations } = await secrets.checkHealth()
    const { dueAt = 0, ...rest } = rotations?.['db'] ?? {}
    expect(rest).toEqual({ status: 'ok', currentSince: start, overdueAt: start + 30 * days })
    expect(dueAt).toBeGreaterThanOrEqual(start + 15 * days)
    expect(dueAt).toBeLessThan(start + 30 * days)
    expect((await rotateDue(secrets, { db: policyWith(0.5) }))['db']?.dueAt).toBe(dueAt)
    expect(ok).toBe(true)
  })

  test('is ok, then due, then overdue, which never makes the whole report bad', async () => {
    const { secrets } = service()
    reportRotations(secrets, { db: { everyMs: 30 * days, jitter: 0.5 } })
    const { dueAt = 0 } = (await secrets.checkHealth()).rotations?.['db'] ?? {}
    const seen = []
    for (const at of [dueAt - 11 * seconds, dueAt, start + 30 * days - 11 * seconds, start + 30 * days]) {
      vi.setSystemTime(at)
      const { ok, rotations } = await secrets.checkHealth()
      seen.push([ok, rotations?.['db']?.status])
    }
    expect(seen).toEqual([
      [true, 'ok'],
      [true, 'due'],
      [true, 'due'],
      [true, 'overdue'],
    ])
  })

  test('sees a rotation by another process within a minute once it is due', async () => {
    const { secrets, provider } = service()
    reportRotations(secrets, { db })
    vi.setSystemTime(start + 31 * days)
    expect((await secrets.checkHealth()).rotations?.['db']?.status).toBe('overdue')
    await rotateDue(createSecretsManager({ providers: [provider] }), { db: policyWith(0) })
    vi.setSystemTime(Date.now() + 59 * seconds)
    expect((await secrets.checkHealth()).rotations?.['db']?.status).toBe('overdue')
    vi.setSystemTime(Date.now() + seconds + 10 * seconds)
    expect((await secrets.checkHealth()).rotations?.['db']).toMatchObject({ status: 'ok', currentSince: start + 31 * days })
  })

  test('asks the store once in five minutes while nothing is due, and anew if the clock is set back', async () => {
    const { secrets, asked } = service()
    reportRotations(secrets, { db })
    const askedAfter = async (ms: number): Promise<number> => {
      vi.setSystemTime(start + ms)
      await secrets.checkHealth()
      return asked.length
    }
    expect([await askedAfter(0), await askedAfter(299 * seconds), await askedAfter(310 * seconds)]).toEqual([1, 1, 2])
    expect(await askedAfter(-seconds)).toBe(3)
  })

  test('keeps the times while the store cannot be asked, and says why', async () => {
    let code: SecretsError['code'] | undefined
    const store = memoryProvider({ secrets: { db: first } })
    const { secrets } = service(['db'], async (path, context) => {
      if (code !== undefined) throw new SecretsError(code, 'c4n4ry was not asked for')
      return store.describe(path, context)
    })
    reportRotations(secrets, { db })
    code = 'UNAVAILABLE'
    expect((await secrets.checkHealth()).rotations?.['db']).toMatchObject({ status: 'unknown', code: 'UNAVAILABLE' })
    code = undefined
    vi.setSystemTime(start + 60 * seconds)
    expect((await secrets.checkHealth()).rotations?.['db']).toEqual({
      status: 'ok',
      currentSince: start,
      dueAt: start + 30 * days,
      overdueAt: start + 30 * days,
    })
    code = 'RATE_LIMITED'
    vi.setSystemTime(start + 40 * days)
    expect((await secrets.checkHealth()).rotations?.['db']).toMatchObject({ status: 'overdue', currentSince: start, code: 'UNAVAILABLE' })
    code = 'PERMISSION_DENIED'
    vi.setSystemTime(start + 41 * days)
    const { rotations } = await secrets.checkHealth()
    expect(rotations?.['db']).toEqual({ status: 'unknown', code: 'PERMISSION_DENIED', message: expect.any(String) })
  })

  test('is unknown where the store has no such secret, or tells no times', async () => {
    const { secrets } = service(['db'], async (path) => (path === 'db' ? { version: 1 } : undefined))
    reportRotations(secrets, { db, missing: db })
    const { ok, rotations } = await secrets.checkHealth()
    expect([ok, rotations?.['db']?.code, rotations?.['missing']?.code]).toEqual([true, 'UNSUPPORTED', 'NOT_FOUND'])
  })

  test('waits for a store that hangs no longer than five seconds, however many secrets there are', async () => {
    const names = Array.from({ length: 40 }, (_, index) => `db-${index}`)
    const { secrets, asked } = service(names, () => new Promise(() => {}))
    reportRotations(secrets, Object.fromEntries(names.map((name) => [name, db])))
    const check = secrets.checkHealth()
    await vi.advanceTimersByTimeAsync(5_000)
    const { rotations } = await check
    expect(Object.values(rotations ?? {}).map(({ status }) => status)).toEqual(names.map(() => 'unknown'))
    expect(rotations?.['db-0']?.code).toBe('DEADLINE_EXCEEDED')
    expect(asked).toHaveLength(8)
  })

  test('has its deadline also where each answer takes seconds, and asks for the rest next time', async () => {
    const names = Array.from({ length: 40 }, (_, index) => `db-${index}`)
    const { secrets, asked } = service(names, async () => (await pause(2 * seconds), { version: 1, currentSince: start }))
    reportRotations(secrets, Object.fromEntries(names.map((name) => [name, db])))
    const known = async (): Promise<number> => {
      const check = secrets.checkHealth()
      await vi.advanceTimersByTimeAsync(5_000)
      return Object.values((await check).rotations ?? {}).filter(({ status }) => status === 'ok').length
    }
    expect([await known(), asked.length]).toEqual([16, 24])
    await vi.advanceTimersByTimeAsync(10_000)
    expect([await known(), asked.length]).toEqual([32, 40])
  })

  test('has the policies of several calls, until each has ended', async () => {
    const { secrets } = service(['db', 'mail'])
    const end = reportRotations(secrets, { db })
    reportRotations(secrets, { mail: policyWith(0) })
    expect(Object.keys((await secrets.checkHealth()).rotations ?? {})).toEqual(['db', 'mail'])
    end()
    expect(Object.keys((await secrets.checkHealth()).rotations ?? {})).toEqual(['mail'])
  })

  test('is audited as descriptions by its actor, and holds no value', async () => {
    const audit = memoryAuditTrail()
    const secrets = createSecretsManager({ providers: [memoryProvider({ secrets: { db: first } })], audit })
    reportRotations(secrets, { db }, { actor: 'readiness' })
    const report = await secrets.checkHealth({ actor: 'probe' })
    const seen = audit.events().map(({ operation, name, actor, outcome }) => [operation, name, actor, outcome])
    expect(seen).toEqual([
      ['describe', 'db', 'readiness', 'ok'],
      ['health', '*', 'probe', 'ok'],
    ])
    expect(leaksOf([report, states], first)).toEqual([])
  })

  test.each<[string, unknown, object]>([
    ['CONFIGURATION', undefined, {}],
    ['CONFIGURATION', { db: { every: '30d' } }, {}],
    ['CONFIGURATION', { db: { everyMs: 30 * days, jitter: 2 } }, {}],
    ['CONFIGURATION', { db: { everyMs: 30 * days } }, {}],
    ['INVALID_ARGUMENT', {}, { actors: 'x' }],
  ])('refuses with %s what it would misread', (code, schedules, options) => {
    const call = (): unknown => reportRotations(service().secrets, schedules as Record<string, RotationSchedule>, options)
    expect(call).toThrow(expect.objectContaining({ code }))
  })
})

describe('the channel', () => {
  const told = (): unknown[] => states.map(({ name, step }) => `${name} ${step}`)

  test('tells once of each version that is due, and once that it is overdue', async () => {
    const { secrets } = service()
    reportRotations(secrets, { db: { everyMs: 30 * days, jitter: 0.5 } }, { actor: 'web' })
    const { dueAt = 0 } = (await secrets.checkHealth()).rotations?.['db'] ?? {}
    expect(told()).toEqual([])
    for (const at of [dueAt, dueAt + 20 * seconds, start + 30 * days, start + 31 * days]) {
      vi.setSystemTime(at)
      await secrets.checkHealth()
    }
    expect(told()).toEqual(['db due', 'db overdue'])
    expect(states[0]).toEqual({ name: 'db', step: 'due', by: 'web', startedAt: dueAt, dueAt, overdueAt: start + 30 * days })
    await secrets.rotateSecret('db', 'another')
    vi.setSystemTime(start + 92 * days)
    await secrets.checkHealth()
    expect(told()).toEqual(['db due', 'db overdue', 'db overdue'])
  })

  test('tells at each call of rotateDue that finds one due or overdue, before it rotates', async () => {
    const { secrets } = service()
    const seen: RotationState[] = []
    const onState = (state: RotationState): void => void seen.push(state)
    const call = { onState, actor: 'nightly' }
    await rotateDue(secrets, { db: policyWith(0) }, call)
    expect(told()).toEqual([])
    vi.setSystemTime(start + 30 * days)
    await rotateDue(secrets, { db: policyWith(0) }, call)
    expect(told()).toEqual(['db overdue', 'db stage', 'db apply', 'db test', 'db promote', 'db done'])
    expect(states[0]).toMatchObject({ by: 'nightly', dueAt: start + 30 * days, overdueAt: start + 30 * days })
    expect(states[1]).not.toHaveProperty('dueAt')
    expect(seen).toEqual(states)
  })

  test('tells again while the rotations fail', async () => {
    const { secrets } = service()
    vi.setSystemTime(start + 29 * days)
    const policies = { db: { ...policyWith(0.5), generate: () => '' } }
    await rotateDue(secrets, policies)
    vi.setSystemTime(start + 30 * days)
    await rotateDue(secrets, policies)
    expect(told()).toEqual(['db due', 'db failed', 'db overdue', 'db failed'])
  })
})

function policyWith(jitter: number): ReturnType<typeof rotationPolicy> {
  const generate = (): string => `password ${Math.random()}`
  return rotationPolicy({ every: '30d', graceSeconds: 3_600, jitter, target: new FarSide(1).target, generate })
}
