import { describe, expect, test } from 'vitest'
import type { RotationTarget } from '../targets/target.ts'
import { type AwsTrial, awsTrial, first } from '../testing/aws-trial.ts'
import { allSteps } from '../testing/aws-world.ts'
import { MemoryAws } from '../testing/memory-aws.ts'
import type { AwsRotationClient } from './client.ts'
import type { AwsRotationStep } from './rotation-event.ts'

type Update = AwsRotationClient['updateSecretVersionStage']

const stopped = new Promise<never>(() => {})

/** The code of each step's failure; `ok` without one. */
async function outcomes({ step }: AwsTrial, steps: readonly AwsRotationStep[] = allSteps, token = 'one'): Promise<string[]> {
  const told: string[] = []
  for (const each of steps)
    await step(each, token).then(
      () => told.push('ok'),
      (error: { code: string }) => told.push(error.code),
    )
  return told
}

/** A target with room for one password. */
const oneSlot = ({ apply }: RotationTarget): Partial<RotationTarget> => ({
  retire: undefined,
  apply: (value, fence, context) => apply(value, fence, context, undefined),
})

/** A target that refuses a new value for a while. */
function flaky(): { members: (target: RotationTarget) => Partial<RotationTarget>; isRefusing: boolean } {
  const state = {
    isRefusing: false,
    members: ({ test: given }: RotationTarget): Partial<RotationTarget> => ({
      test: async (value, context) => (state.isRefusing && value.reveal() !== first ? 'refused' : given(value, context)),
    }),
  }
  return state
}

describe('a promotion that has begun', () => {
  test('and stopped is completed by the same steps, though the target refused the value meanwhile', async () => {
    const aws = new MemoryAws(first)
    const account = flaky()
    let losses = 1
    const updateSecretVersionStage: Update = async (input, options) => {
      if (input.VersionStage === 'AWSCURRENT' && losses-- > 0) throw new Error('lost')
      return aws.updateSecretVersionStage(input, options)
    }
    const trial = awsTrial({ aws, client: { ...aws, updateSecretVersionStage }, members: account.members })
    aws.begin('one')
    expect(await outcomes(trial)).toEqual(['ok', 'ok', 'ok', 'UNAVAILABLE'])
    account.isRefusing = true
    expect(await outcomes(trial, ['setSecret', 'testSecret'])).toEqual(['ok', 'VERSION_CONFLICT'])
    expect(trial.server.passwords).toContain(first)
    account.isRefusing = false
    expect(await outcomes(trial)).toEqual(['ok', 'ok', 'ok', 'ok'])
    expect([aws.valueOf('AWSCURRENT'), trial.server.passwords.at(-1)]).toEqual(['password 1', 'password 1'])
  })

  test('of a value that another function put gives way to a write by hand, and the next rotation begins', async () => {
    const aws = new MemoryAws(first)
    let writes = 1
    const updateSecretVersionStage: Update = async (input, options) => {
      if (input.VersionStage === 'AWSCURRENT' && writes-- > 0) aws.write('by hand', 'of a person')
      return aws.updateSecretVersionStage(input, options)
    }
    const trial = awsTrial({ aws, client: { ...aws, updateSecretVersionStage } })
    aws.write('one', 'of another function', 'AWSPENDING')
    expect(await outcomes(trial)).toEqual(['ok', 'ok', 'ok', 'VERSION_CONFLICT'])
    expect([aws.valueOf('AWSCURRENT'), trial.server.passwords, aws.holder('AWSPENDING')]).toEqual([
      'of a person',
      ['of a person'],
      undefined,
    ])
    await trial.rotate('two')
    expect(aws.valueOf('AWSCURRENT')).toBe('password 1')
  })

  test.each(['lives', 'dies'])('and ends while another run rolls back, after which it %s, leaves the new value working', async (how) => {
    const aws = new MemoryAws(first)
    const account = flaky()
    const [reached, mayMove, moved] = [0, 1, 2].map(() => Promise.withResolvers<void>())
    const promoting: Update = async (input, options) => {
      if (input.VersionStage !== 'AWSCURRENT') return aws.updateSecretVersionStage(input, options)
      reached?.resolve()
      await mayMove?.promise
      await aws.updateSecretVersionStage(input, options)
      moved?.resolve()
      return how === 'dies' ? stopped : {}
    }
    let shared: Partial<RotationTarget> = {}
    const members = (target: RotationTarget): Partial<RotationTarget> => (shared = { ...target, ...account.members(target) })
    const trial = awsTrial({ aws, client: { ...aws, updateSecretVersionStage: promoting }, members })
    const rollingBack: Update = async (input, options) => {
      if (input.VersionStage === 'claim-1') {
        mayMove?.resolve()
        await moved?.promise
      }
      return aws.updateSecretVersionStage(input, options)
    }
    const other = awsTrial({ aws, client: { ...aws, updateSecretVersionStage: rollingBack }, members: () => shared })
    aws.begin('one')
    expect(await outcomes(trial, allSteps.slice(0, 3))).toEqual(['ok', 'ok', 'ok'])
    const finishing = trial.step('finishSecret')
    await reached?.promise
    account.isRefusing = true
    await outcomes(other, ['testSecret'])
    account.isRefusing = false
    if (how === 'lives') await finishing
    expect([aws.valueOf('AWSCURRENT'), trial.server.passwords.at(-1)]).toEqual(['password 1', 'password 1'])
  })
})

test('a rollback that has begun keeps every promotion away, and is completed though it dies', async () => {
  const aws = new MemoryAws(first)
  const account = flaky()
  const applied = Promise.withResolvers<void>()
  let rollbacks = 0
  const finished: string[] = []
  const trial: AwsTrial = awsTrial({
    aws,
    members: (target) => ({
      ...account.members(target),
      apply: async (value, fence, context, current) => {
        if (fence.token !== 3 || rollbacks++ > 0) return target.apply(value, fence, context, current)
        account.isRefusing = false
        finished.push(...(await outcomes(trial, ['finishSecret'])))
        await target.apply(value, fence, context, current)
        applied.resolve()
        return stopped
      },
    }),
  })
  aws.begin('one')
  await outcomes(trial, allSteps.slice(0, 3))
  account.isRefusing = true
  void trial.step('testSecret').catch(() => {})
  await applied.promise
  expect(finished).toEqual(['VERSION_CONFLICT'])
  expect([aws.valueOf('AWSCURRENT'), trial.server.passwords]).toEqual([first, [first]])
  await trial.rotate('two')
  expect(trial.server.passwords.at(-1)).toBe(aws.valueOf('AWSCURRENT'))
})

describe('room for the claim', () => {
  test('is made again if another tool took it since the value was set', async () => {
    const aws = new MemoryAws(first)
    const trial = awsTrial({ aws, members: oneSlot })
    for (let number = 0; number < 20; number += 1) await trial.rotate(`rotation ${number}`)
    aws.begin('one')
    await outcomes(trial, ['createSecret', 'setSecret'])
    aws.versions.get('rotation 19')?.labels.add('blue')
    expect(await outcomes(trial)).toEqual(['ok', 'ok', 'ok', 'ok'])
    expect([aws.valueOf('AWSCURRENT'), trial.server.passwords]).toEqual(['password 21', ['password 21']])
  })

  test.each([
    [14, 'ok'],
    [15, 'CONFIGURATION'],
  ])('beside %d labels of other tools: %s before anything is set', async (count, outcome) => {
    const aws = new MemoryAws(first)
    for (let number = 0; number < count; number += 1) aws.write(`other ${number}`, 'x', `tool ${number}`)
    const trial = awsTrial({ aws, members: oneSlot })
    aws.begin('one')
    expect((await outcomes(trial))[0]).toBe(outcome)
    expect(trial.server.passwords).toEqual([aws.valueOf('AWSCURRENT')])
  })
})

test('a late value of a rotation that was given up takes no note from the next one', async () => {
  const aws = new MemoryAws(first)
  aws.write('second', 'second password')
  const late = Promise.withResolvers<() => Promise<unknown>>()
  const putSecretValue: AwsRotationClient['putSecretValue'] = (...sent) => {
    late.resolve(() => aws.putSecretValue(...sent))
    return stopped
  }
  const zombie = awsTrial({ aws, client: { ...aws, putSecretValue }, generate: () => 'of the former rotation' })
  aws.begin('one')
  void zombie.step('createSecret').catch(() => {})
  const send = await late.promise
  aws.remove('AWSPENDING')
  const trial = awsTrial({ aws })
  aws.begin('two')
  await trial.step('createSecret', 'two')
  await send()
  aws.remove('AWSCURRENT')
  aws.versions.get('first')?.labels.add('AWSCURRENT') // somebody goes back
  expect(await outcomes(trial, allSteps.slice(1), 'two')).toEqual(Array.from({ length: 3 }, () => 'VERSION_CONFLICT'))
  expect(aws.valueOf('AWSCURRENT')).toBe(first)
})
