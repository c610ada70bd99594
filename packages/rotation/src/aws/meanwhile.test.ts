import { describe, expect, test } from 'vitest'
import type { RotationTarget } from '../targets/target.ts'
import { type AwsTrial, awsTrial, first } from '../testing/aws-trial.ts'
import { allSteps } from '../testing/aws-world.ts'
import { MemoryAws } from '../testing/memory-aws.ts'
import { failureOf } from '../testing/rotations.ts'
import type { SecretsError } from '@finchat/secrets-core'
import { ontoLabel } from './labels.ts'
import type { AwsRotationClient } from './client.ts'

type Update = Parameters<AwsRotationClient['updateSecretVersionStage']>[0]

/** A secret in whose calls a test steps in: with what a call was sent, before it happens. */
function interrupted(
  steps: {
    [Name in keyof AwsRotationClient]?: (input: Parameters<AwsRotationClient[Name]>[0], aws: MemoryAws, trial: AwsTrial) => unknown
  },
  options: Parameters<typeof awsTrial>[0] = {},
): AwsTrial {
  const aws = new MemoryAws(first)
  const wrapped = Object.entries(steps).map(([name, step]) => {
    const call = aws[name as keyof AwsRotationClient] as (input: object, sent: object) => Promise<object>
    return [name, async (input: never, sent: object) => (await step(input, aws, trial), call(input, sent))]
  })
  const trial: AwsTrial = awsTrial({ ...options, aws, client: { ...aws, ...Object.fromEntries(wrapped) } })
  aws.begin('one')
  return trial
}

/** Runs at the first call for which it is true. */
function once<Input>(
  isIt: (input: Input) => boolean,
  run: (input: Input, aws: MemoryAws) => unknown,
): (input: Input, aws: MemoryAws) => unknown {
  let isDone = false
  return (input, aws) => {
    if (isDone || !isIt(input)) return undefined
    isDone = true
    return run(input, aws)
  }
}

const lost = (): never => {
  throw new Error('the answer was lost')
}
const isOf = (label: string) => (input: Update) => input.VersionStage === label

async function through({ step }: AwsTrial): Promise<void> {
  for (const each of allSteps) await step(each)
}

describe('a write by hand', () => {
  const byHand = (aws: MemoryAws): void => aws.write('by hand', 'of a person')

  test.each([
    ['while the value is made', 'putSecretValue', (): boolean => true],
    ['before the promotion begins', 'updateSecretVersionStage', isOf('claim-1')],
    ['before AWSCURRENT moves', 'updateSecretVersionStage', isOf('AWSCURRENT')],
  ] as const)('%s is not undone, and the target follows it', async (_, call, isIt) => {
    const writes = once(isIt as (input: unknown) => boolean, (__, aws: MemoryAws) => byHand(aws))
    const trial = interrupted({ [call]: writes })
    const codes: string[] = []
    for (const each of allSteps) await trial.step(each).catch((error: SecretsError) => void codes.push(error.code))
    expect(codes[0]).toBe('VERSION_CONFLICT')
    expect([trial.aws.valueOf('AWSCURRENT'), trial.server.passwords.at(-1)]).toEqual(['of a person', 'of a person'])
  })
})

describe('createSecret', () => {
  test('copies no field from a version that is not current any more', async () => {
    let describes = 0
    const aws = new MemoryAws('{"password":"x","port":1}')
    const describeSecret: MemoryAws['describeSecret'] = async (...args) => {
      if ((describes += 1) === 2) aws.write('by hand', '{"password":"x","port":2}')
      return aws.describeSecret(...args)
    }
    const { step } = awsTrial({ aws, client: { ...aws, describeSecret }, field: 'password' })
    aws.begin('one')
    expect(await failureOf(step('createSecret'))).toMatchObject({ code: 'VERSION_CONFLICT' })
    expect(aws.valueOf('AWSPENDING')).toBeUndefined()
    await step('createSecret')
    expect(aws.valueOf('AWSPENDING')).toBe('{"password":"password 2","port":2}')
  })

  test('makes one value, however often it is repeated', async () => {
    let made = 0
    const { aws, step } = awsTrial({ generate: () => `password ${(made += 1)}` })
    aws.begin('one')
    for (const _ of [1, 2, 3]) await step('createSecret')
    expect([made, aws.valueOf('AWSPENDING')]).toEqual([1, 'password 1'])
  })

  test('makes none where it cannot tell whether there is one', async () => {
    const isPending = (input: { readonly VersionStage: string }): boolean => input.VersionStage === 'AWSPENDING'
    const { aws, step } = interrupted({ getSecretValue: once(isPending, lost) })
    expect(await failureOf(step('createSecret'))).toMatchObject({ code: 'UNAVAILABLE' })
    expect(aws.valueOf('AWSPENDING')).toBeUndefined()
  })

  test('goes on after a crash that left the version without AWSPENDING', async () => {
    const trial = interrupted({ updateSecretVersionStage: once(isOf('AWSPENDING'), lost) })
    trial.aws.dropsPending = true
    expect(await failureOf(trial.step('createSecret'))).toMatchObject({ code: 'UNAVAILABLE' })
    expect(trial.aws.labelsOf('one')).toEqual([ontoLabel(1, 'one', 'first'), 'staged-1'])
    expect(await failureOf(trial.step('setSecret'))).toMatchObject({ code: 'VERSION_CONFLICT' })
    await through(trial)
    expect(trial.aws.valueOf('AWSCURRENT')).toBe('password 1')
  })

  test('removes no number where it cannot', async () => {
    const aws = new MemoryAws(
      first,
      Array.from({ length: 13 }, (_, index) => `other ${index}`),
    )
    aws.write('old', 'x', 'v1')
    aws.write('newer', 'x', 'v2')
    const updateSecretVersionStage = lost
    const { step } = awsTrial({ aws, client: { ...aws, updateSecretVersionStage } })
    aws.begin('one')
    expect(await failureOf(step('createSecret'))).toMatchObject({ code: 'UNAVAILABLE' })
    expect(aws.valueOf('AWSPENDING')).toBeUndefined()
  })
})

describe('the number of a version', () => {
  const ofAnother = (aws: MemoryAws): void => {
    aws.remove('AWSPENDING')
    aws.write('one', 'of another function', 'AWSPENDING')
  }

  test('is the next one if another version takes it meanwhile', async () => {
    const takes = once(isOf('staged-1'), (_, aws: MemoryAws) => aws.write('other', 'x', 'staged-1'))
    const { aws, server, step } = interrupted({ updateSecretVersionStage: takes })
    ofAnother(aws)
    await step('setSecret')
    expect([server.token, aws.labelsOf('one')]).toEqual([4, ['AWSPENDING', 'staged-2']])
  })

  test('is given up if others take each', async () => {
    let tries = 0
    const updateSecretVersionStage = ({ VersionStage }: Update, aws: MemoryAws): void =>
      aws.write(`other ${(tries += 1)}`, 'x', VersionStage)
    const { aws, server, step } = interrupted({ updateSecretVersionStage })
    ofAnother(aws)
    expect(await failureOf(step('setSecret'))).toMatchObject({ code: 'VERSION_CONFLICT' })
    expect([tries, server.passwords]).toEqual([3, [first]])
  })

  test('is certain, or nothing is set', async () => {
    const { aws, server, step } = interrupted({ updateSecretVersionStage: lost })
    ofAnother(aws)
    expect(await failureOf(step('setSecret'))).toMatchObject({ code: 'UNAVAILABLE' })
    expect(server.passwords).toEqual([first])
  })

  test('is not given to a version that lost AWSPENDING meanwhile', async () => {
    let describes = 0
    const { aws, server, step } = interrupted({ describeSecret: (_, given) => (describes += 1) === 2 && given.remove('AWSPENDING') })
    ofAnother(aws)
    expect(await failureOf(step('setSecret'))).toMatchObject({ code: 'VERSION_CONFLICT' })
    expect([aws.labelsOf('one'), server.passwords]).toEqual([[], [first]])
  })
})

test('a step whose version lost AWSPENDING to another after the first look changes nothing', async () => {
  const { aws, server, step } = awsTrial()
  aws.begin('one')
  await step('createSecret')
  const getSecretValue: MemoryAws['getSecretValue'] = async (...args) => {
    if (aws.holder('AWSPENDING') === 'one') aws.write('two', 'x', 'AWSPENDING')
    return aws.getSecretValue(...args)
  }
  const other = awsTrial({ aws, client: { ...aws, getSecretValue } })
  for (const each of allSteps) {
    expect(await failureOf(other.step(each))).toMatchObject({ code: 'VERSION_CONFLICT' })
    aws.remove('AWSPENDING')
    await aws.updateSecretVersionStage(
      { SecretId: 'db', VersionStage: 'AWSPENDING', MoveToVersionId: 'one' },
      { abortSignal: AbortSignal.abort() },
    )
  }
  expect([other.server.passwords, server.passwords, aws.valueOf('AWSCURRENT')]).toEqual([[first], [first], first])
})

describe('finishSecret', () => {
  test('is done if the version became current meanwhile, at any of its calls', async () => {
    for (let at = 1; at <= 4; at += 1) {
      let reads = 0
      const { aws, step, server } = awsTrial()
      aws.begin('one')
      for (const each of ['createSecret', 'setSecret'] as const) await step(each)
      const getSecretValue: MemoryAws['getSecretValue'] = async (...args) => {
        if ((reads += 1) === at) await step('finishSecret')
        return aws.getSecretValue(...args)
      }
      const other = awsTrial({ aws, client: { ...aws, getSecretValue }, members: () => ({ test: async () => 'accepted' }) })
      for (const each of ['testSecret', 'setSecret', 'finishSecret'] as const) await other.step(each)
      expect([aws.valueOf('AWSCURRENT'), server.passwords.at(-1)]).toEqual(['password 1', 'password 1'])
    }
  })

  test('is done if its own call had moved AWSCURRENT, or the same step elsewhere', async () => {
    const moves = once(isOf('AWSCURRENT'), (input: Update, aws: MemoryAws) =>
      aws.updateSecretVersionStage(input, { abortSignal: AbortSignal.abort() }),
    )
    const trial = interrupted({ updateSecretVersionStage: moves })
    await through(trial)
    expect([trial.aws.valueOf('AWSCURRENT'), trial.aws.labelsOf('one')]).toEqual(['password 1', ['AWSCURRENT', 'staged-1']])
  })

  test('is done if it was promoted while it was tested', async () => {
    const aws = new MemoryAws(first)
    let isOther = false
    const trial: AwsTrial = awsTrial({
      aws,
      members: ({ test: given }) => ({
        test: async (...args) => {
          if (aws.holder('AWSPENDING') === 'one' && !isOther) {
            isOther = true
            await trial.step('finishSecret')
          }
          return given(...args)
        },
      }),
    })
    aws.begin('one')
    for (const each of ['createSecret', 'setSecret', 'finishSecret'] as const) await trial.step(each)
    expect(aws.valueOf('AWSCURRENT')).toBe('password 1')
  })

  test('gives way to what is written just before it moves AWSCURRENT', async () => {
    const writes = once(isOf('AWSCURRENT'), (_, aws: MemoryAws) => aws.write('by hand', 'a value of ana'))
    const trial = interrupted({ updateSecretVersionStage: writes })
    expect(await failureOf(through(trial))).toMatchObject({ code: 'VERSION_CONFLICT' })
    expect([trial.aws.valueOf('AWSCURRENT'), trial.server.passwords, trial.aws.holder('AWSPENDING')]).toEqual([
      'a value of ana',
      ['a value of ana'],
      undefined,
    ])
  })

  test('leaves the version staged if AWSCURRENT cannot be moved', async () => {
    const trial = interrupted({ updateSecretVersionStage: once(isOf('AWSCURRENT'), lost) })
    expect(await failureOf(through(trial))).toMatchObject({ code: 'UNAVAILABLE', effect: 'unknown' })
    expect([trial.aws.valueOf('AWSCURRENT'), trial.aws.holder('AWSPENDING')]).toEqual([first, 'one'])
    await trial.step('finishSecret')
    expect(trial.aws.valueOf('AWSCURRENT')).toBe('password 1')
  })

  test('asks AWS for no label that is there already', async () => {
    const sent: Update[] = []
    const trial = interrupted({ updateSecretVersionStage: (input) => sent.push(input) })
    await through(trial)
    await through(trial)
    expect(sent.map(({ VersionStage }) => VersionStage)).toEqual([
      'claim-1',
      'AWSCURRENT',
      'AWSPENDING',
      ontoLabel(1, 'one', 'first'),
      'claim-1',
    ])
  })

  test('takes versions of the same date in their order', async () => {
    const { aws, rotate } = awsTrial()
    aws.isClockStill = true
    for (const token of ['one', 'two', 'three']) await rotate(token)
    expect(aws.valueOf('AWSCURRENT')).toBe('password 3')
  })

  test('follows a value of bytes', async () => {
    const aws = new MemoryAws(first)
    const getSecretValue: MemoryAws['getSecretValue'] = async (input, options) => {
      const { SecretString = '', ...rest } = await aws.getSecretValue(input, options)
      return { ...rest, ...(SecretString === first ? { SecretBinary: Buffer.from(first) } : { SecretString }) }
    }
    const next: RotationTarget['next'] = async (value) => Buffer.from(value.bytes()).toString('hex')
    const { rotate, server } = awsTrial({ aws, client: { ...aws, getSecretValue }, members: () => ({ next, retire: undefined }) })
    await rotate('one')
    expect([aws.valueOf('AWSCURRENT'), server.passwords.at(-1)]).toEqual([
      Buffer.from(first).toString('hex'),
      Buffer.from(first).toString('hex'),
    ])
  })

  test('needs no date', async () => {
    const aws = new MemoryAws(first)
    const getSecretValue: MemoryAws['getSecretValue'] = async (...args) => ({
      ...(await aws.getSecretValue(...args)),
      CreatedDate: undefined,
    })
    const { rotate } = awsTrial({ aws, client: { ...aws, getSecretValue } })
    await rotate('one')
    expect(aws.valueOf('AWSCURRENT')).toBe('password 1')
  })
})

describe('a rollback', () => {
  test('that was cut off is completed by the next step', async () => {
    const refusing: RotationTarget['test'] = async (value) => (value.reveal() === first ? 'accepted' : 'refused')
    const refuses = { members: () => ({ test: refusing }) }
    const { aws, server, step } = interrupted({ updateSecretVersionStage: once(isOf('AWSPENDING'), lost) }, refuses)
    for (const each of ['createSecret', 'setSecret'] as const) await step(each)
    expect(await failureOf(step('testSecret'))).toMatchObject({ code: 'UNAVAILABLE' })
    expect([aws.labelsOf('first'), aws.holder('AWSPENDING')]).toEqual([['AWSCURRENT', 'claim-1'], 'one'])
    expect(await failureOf(step('setSecret'))).toMatchObject({ code: 'CONFIGURATION' })
    expect([server.passwords, aws.holder('AWSPENDING')]).toEqual([[first], undefined])
  })

  test('that meets a promotion which has begun takes it back', async () => {
    let isRefused = false
    const flaky = ({ test: given }: RotationTarget): Partial<RotationTarget> => ({
      test: async (value, context) => (isRefused && value.reveal() !== first ? 'refused' : given(value, context)),
    })
    const failures: unknown[] = []
    const repeats = once(isOf('AWSCURRENT'), async () => {
      isRefused = true
      failures.push((await failureOf(trial.step('testSecret'))).code)
      isRefused = false
    })
    const trial = interrupted({ updateSecretVersionStage: repeats }, { members: flaky })
    expect(await failureOf(through(trial))).toMatchObject({ code: 'VERSION_CONFLICT' })
    expect(failures).toEqual(['CONFIGURATION'])
    expect([trial.aws.valueOf('AWSCURRENT'), trial.server.passwords]).toEqual([first, [first]])
  })

  test('stops a promotion that has not begun', async () => {
    let isRefused = false
    const flaky = ({ test: given }: RotationTarget): Partial<RotationTarget> => ({
      test: async (value, context) => (isRefused && value.reveal() !== first ? 'refused' : given(value, context)),
    })
    const isOfClaim = isOf('claim-1')
    const repeats = once(isOfClaim, async () => {
      isRefused = true
      expect((await failureOf(trial.step('testSecret'))).code).toBe('CONFIGURATION')
      isRefused = false
    })
    const trial = interrupted({ updateSecretVersionStage: repeats }, { members: flaky })
    for (const each of ['createSecret', 'setSecret', 'testSecret'] as const) await trial.step(each)
    expect(await failureOf(trial.step('finishSecret'))).toMatchObject({ code: 'VERSION_CONFLICT' })
    expect([trial.aws.valueOf('AWSCURRENT'), trial.server.passwords]).toEqual([first, [first]])
  })

  test('of a version that was promoted meanwhile leaves that working', async () => {
    let tests = 0
    const trial: AwsTrial = awsTrial({
      members: ({ apply, test: given }) => ({
        test: async (...args) => ((tests += 1) <= 2 ? 'refused' : given(...args)),
        apply: async (value, fence, context) => {
          await apply(value, fence, context)
          const move = { SecretId: 'db', VersionStage: 'AWSCURRENT', RemoveFromVersionId: 'first', MoveToVersionId: 'one' }
          if (fence.token === 3 && value.reveal() === first) await trial.aws.updateSecretVersionStage(move, context as never)
        },
      }),
    })
    trial.aws.begin('one')
    await trial.step('createSecret')
    await trial.step('testSecret')
    expect([trial.aws.valueOf('AWSCURRENT'), trial.server.passwords]).toEqual(['password 1', ['password 1']])
  })
})
