import { describe, expect, test } from 'vitest'
import type { RotationTarget } from '../targets/target.ts'
import { type AwsTrial, awsTrial, first } from '../testing/aws-trial.ts'
import { allSteps } from '../testing/aws-world.ts'
import { MemoryAws } from '../testing/memory-aws.ts'
import { failureOf } from '../testing/rotations.ts'
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
  test('and stopped is rolled back if the target refuses the value meanwhile, and the next rotation begins', async () => {
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
    expect(await outcomes(trial, ['setSecret', 'testSecret'])).toEqual(['ok', 'CONFIGURATION'])
    expect([aws.valueOf('AWSCURRENT'), trial.server.passwords]).toEqual([first, [first]])
    account.isRefusing = false
    await trial.rotate('two')
    expect([aws.valueOf('AWSCURRENT'), trial.server.passwords.at(-1)]).toEqual(['password 2', 'password 2'])
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

  test.each(['lives', 'dies'])(
    'and moves AWSCURRENT while another run rolls back, after which it %s, leaves a working value',
    async (how) => {
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
      if (how === 'lives') expect(await failureOf(finishing)).toMatchObject({ code: 'VERSION_CONFLICT' })
      expect([aws.valueOf('AWSCURRENT'), trial.server.passwords]).toEqual([first, [first]])
    },
  )

  test.each<[string, (aws: MemoryAws) => void]>([
    ['somebody attaches a higher number', (aws) => void aws.versions.get('first')?.labels.add('v7')],
    ['another version takes its number', (aws) => aws.write('zero', 'x', 'staged-1')],
  ])('is still one with the rollback if %s', async (_, change) => {
    const aws = new MemoryAws(first)
    const account = flaky()
    let repeats = 1
    const updateSecretVersionStage: Update = async (input, options) => {
      if (input.VersionStage === 'AWSCURRENT' && input.MoveToVersionId === 'one' && repeats-- > 0) {
        change(aws)
        account.isRefusing = true
        await outcomes(trial, ['setSecret', 'testSecret'])
        account.isRefusing = false
      }
      return aws.updateSecretVersionStage(input, options)
    }
    const trial: AwsTrial = awsTrial({ aws, client: { ...aws, updateSecretVersionStage }, members: account.members })
    aws.begin('one')
    await outcomes(trial)
    expect(trial.server.passwords).toContain(aws.valueOf('AWSCURRENT'))
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

test('a version that has the current value is not taken for a rotation', async () => {
  const aws = new MemoryAws(first)
  const trial = awsTrial({ aws })
  aws.write('one', first, 'AWSPENDING') // as `retirePrevious` stages a copy
  expect(await outcomes(trial, ['setSecret', 'finishSecret'])).toEqual(['CONFIGURATION', 'CONFIGURATION'])
  expect([aws.holder('AWSCURRENT'), trial.server.token]).toEqual(['first', 0])
})

test('a late createSecret does not bring back a version that was rolled back', async () => {
  const aws = new MemoryAws(first)
  const account = flaky()
  const [reached, mayGoOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const putSecretValue: AwsRotationClient['putSecretValue'] = async (...sent) => {
    const answer = await aws.putSecretValue(...sent)
    reached.resolve()
    await mayGoOn.promise
    return answer
  }
  const late = awsTrial({ aws, client: { ...aws, putSecretValue } })
  const trial = awsTrial({ aws, members: account.members })
  aws.begin('one')
  const creating = late.step('createSecret')
  await reached.promise
  account.isRefusing = true
  expect(await outcomes(trial, ['setSecret', 'testSecret'])).toEqual(['ok', 'CONFIGURATION'])
  mayGoOn.resolve()
  expect(await failureOf(creating)).toMatchObject({ code: 'VERSION_CONFLICT' })
  expect(aws.holder('AWSPENDING')).toBeUndefined()
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
