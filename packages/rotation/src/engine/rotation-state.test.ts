import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { createSecretsManager } from '@finchat/secrets-core'
import { pendingSecret } from '@finchat/secrets-core/staging'
import { leaksOf, memoryAuditTrail, memoryProvider } from '@finchat/secrets-testkit'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { RotationTarget } from '../targets/target.ts'
import { FarSide } from '../testing/rotation-world.ts'
import { failureOf, optionsOf, provider, secretsOver, withMembers } from '../testing/rotations.ts'
import { rotate } from './rotate.ts'
import type { RotationState } from './rotation-state.ts'

const start = Date.UTC(2026, 0, 1)

beforeEach(() => void vi.useFakeTimers({ now: start }))
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

describe('the progress of a rotation', () => {
  test('is data for onState and for the channel', async () => {
    const [states, published]: [RotationState[], unknown[]] = [[], []]
    const listener = (state: unknown): void => void published.push(state)
    subscribe('finchat.secrets.rotation', listener)
    await rotate(secretsOver(), 'db', optionsOf(new FarSide(1).target, { onState: (state) => void states.push(state) }))
    unsubscribe('finchat.secrets.rotation', listener)
    expect(states.map(({ step }) => step)).toEqual(['stage', 'apply', 'test', 'promote', 'done'])
    expect(states[1]).toEqual({ name: 'db', step: 'apply', by: 'ana', startedAt: start, attempt: 2, version: 2, stagedBy: 'ana' })
    expect(states.at(-1)).toMatchObject({ outcome: 'rotated' })
    expect(published).toEqual(states)
  })

  test('tells of a rollback and of a failure', async () => {
    const states: RotationState[] = []
    const options = optionsOf(new FarSide(2).target, { generate: () => 'it is bad', onState: (state) => void states.push(state) })
    await failureOf(rotate(secretsOver(), 'db', options))
    expect(states.map(({ step }) => step)).toEqual(['stage', 'apply', 'test', 'rollBack', 'test', 'discard', 'failed'])
    expect(states.at(-1)?.code).toBe('CONFIGURATION')
  })

  test('does not stop a rotation by failing', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const throwing = (): never => {
      throw new Error('no canvas')
    }
    for (const onState of [throwing, async () => throwing()])
      expect(await rotate(secretsOver(), 'db', optionsOf(new FarSide(1).target, { onState }))).toMatchObject({ outcome: 'rotated' })
    expect(warned).toHaveBeenCalled()
    expect(JSON.stringify(warned.mock.calls)).not.toContain('canvas')
  })

  test('is in the audit trail: an intent before each change, an outcome after it', async () => {
    const audit = memoryAuditTrail()
    const secrets = createSecretsManager({ providers: [provider()], audit })
    await failureOf(rotate(secrets, 'db', optionsOf(new FarSide(1).target, { generate: () => 'it is bad', requestId: 'r1' })))
    const changes = audit.events().filter(({ operation }) => operation !== 'get')
    expect(changes.map(({ operation, phase, code }) => [operation, phase, code].join(' ').trim())).toEqual([
      'stage intent',
      'stage outcome',
      'apply intent',
      'apply outcome',
      'test outcome',
      'rollback intent',
      'rollback outcome',
      'test outcome',
      'discard intent',
      'discard outcome',
    ])
    expect(changes.every(({ actor, requestId, name }) => actor === 'ana' && requestId === 'r1' && name === 'db')).toBe(true)
  })

  test('does not begin without the trail', async () => {
    const far = new FarSide(1)
    const audit = memoryAuditTrail({ plan: () => 'fail' })
    const secrets = createSecretsManager({ providers: [provider()], audit })
    expect((await failureOf(rotate(secrets, 'db', optionsOf(far.target)))).code).toBe('AUDIT_FAILED')
    expect(far.token).toBe(0)
  })
})

describe('no value appears in an error, a state, the channel or the trail', () => {
  const canary = 'c4n4ry-of-a-rotation'
  const foreign = (): never => {
    throw new Error(`it is ${canary}`, { cause: canary })
  }
  const paths: Record<string, (far: FarSide) => [Partial<RotationTarget>, string?]> = {
    'it rotates': () => [{}],
    'it rolls back': () => [{}, 'bad'],
    'next throws': () => [{ next: foreign }],
    'apply throws': () => [{ apply: foreign }],
    'test throws': () => [{ test: foreign }],
    'test answers with the value': () => [{ test: async (value) => value.reveal() as never }],
    'neither works': () => [{ test: async () => 'refused' }],
    'it is fenced': (far) => {
      far.token = 1_000
      return [{}]
    },
    'retire throws': () => [{ retire: foreign }],
    'next returns the wrong type': () => [{ next: async () => [canary].length as never }],
  }

  test.each(Object.entries(paths))('when %s', async (_, path) => {
    const far = new FarSide(2)
    const audit = memoryAuditTrail()
    const secrets = createSecretsManager({ providers: [memoryProvider({ secrets: { db: `${canary} 1` } })], audit })
    far.passwords = [`${canary} 1`, `${canary} 2`]
    await secrets.rotateSecret('db', `${canary} 2`)
    const [members, suffix = 'good'] = path(far)
    const published: unknown[] = []
    const listener = (state: unknown): void => void published.push(state)
    subscribe('finchat.secrets.rotation', listener)
    const onState = (state: RotationState): void => void published.push(state)
    const options = optionsOf(withMembers(far.target, members), { generate: () => `${canary} 3 ${suffix}`, graceSeconds: 0, onState })
    const outcomes = [
      await Promise.allSettled([rotate(secrets, 'db', options)]),
      await Promise.allSettled([rotate(secrets, 'db', options)]),
    ]
    unsubscribe('finchat.secrets.rotation', listener)
    expect(published.length).toBeGreaterThan(0)
    expect(leaksOf([outcomes, published, audit.events(), (await pendingSecret(secrets, 'db'))?.note], canary)).toEqual([])
  })

  test('of a call that is aborted at any time', async () => {
    const secrets = secretsOver()
    const failure = await failureOf(
      rotate(secrets, 'db', optionsOf(new FarSide(1).target, { signal: AbortSignal.abort(), generate: () => canary })),
    )
    expect([failure.code, leaksOf(failure, canary)]).toEqual(['ABORTED', []])
  })
})
