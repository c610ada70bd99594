import { describe, expect, test } from 'vitest'
import type { SecretValue } from '@finchat/secrets-core'
import { memoryAuditTrail } from '@finchat/secrets-testkit'
import type { RotationState } from '../engine/rotation-state.ts'
import { awsTrial, first } from '../testing/aws-trial.ts'
import { allSteps } from '../testing/aws-world.ts'
import { MemoryAws } from '../testing/memory-aws.ts'
import { failureOf } from '../testing/rotations.ts'
import { awsRotationHandler, type AwsRotationOptions } from './aws-rotation-handler.ts'

describe('a rotation by AWS', () => {
  test('goes from the first value to a tested one, and withdraws the one before that at the next', async () => {
    const { aws, server, rotate } = awsTrial()
    await rotate('one')
    expect([aws.valueOf('AWSCURRENT'), aws.valueOf('AWSPREVIOUS'), aws.holder('AWSPENDING')]).toEqual(['password 1', first, undefined])
    expect(server.passwords).toEqual([first, 'password 1'])
    await rotate('two')
    expect([aws.valueOf('AWSCURRENT'), server.passwords, server.token]).toEqual(['password 2', ['password 1', 'password 2'], 4])
  })

  test('is the same if each step is repeated', async () => {
    const { aws, server, step } = awsTrial()
    aws.begin('one')
    for (const each of allSteps) for (const _ of [1, 2, 3]) await step(each)
    expect([aws.valueOf('AWSCURRENT'), server.passwords]).toEqual(['password 1', [first, 'password 1']])
    expect(aws.labelsOf('one')).toEqual(['AWSCURRENT', 'staged-1'])
  })

  test('may be one that was begun twice at once: the first value stays', async () => {
    const { aws, step } = awsTrial()
    aws.begin('one')
    await Promise.all([step('createSecret'), step('createSecret'), step('createSecret')])
    const made = aws.valueOf('AWSPENDING')
    for (const each of allSteps) await step(each)
    expect(aws.valueOf('AWSCURRENT')).toBe(made)
  })

  test('that AWS repeats at the end takes AWSPENDING from the current version', async () => {
    const { aws, step, rotate } = awsTrial()
    await rotate('one')
    aws.begin('one') // as after a call that was lost
    expect(aws.labelsOf('one')).toContain('AWSPENDING')
    await step('finishSecret')
    expect(aws.labelsOf('one')).toEqual(['AWSCURRENT', 'staged-1'])
  })

  test('goes on where AWS takes AWSPENDING from a version that gets its value', async () => {
    const { aws, rotate } = awsTrial()
    aws.dropsPending = true
    await rotate('one')
    expect(aws.valueOf('AWSCURRENT')).toBe('password 1')
  })
})

describe('finishSecret', () => {
  test('tests again, and sets what is not set', async () => {
    const { aws, server, step } = awsTrial()
    aws.begin('one')
    await step('createSecret')
    await step('finishSecret')
    expect([aws.valueOf('AWSCURRENT'), server.passwords]).toEqual(['password 1', [first, 'password 1']])
  })

  test('sets nothing again that is accepted', async () => {
    const { aws, server, step } = awsTrial()
    aws.begin('one')
    for (const each of ['createSecret', 'setSecret'] as const) await step(each)
    server.token = 99 // so that it would be refused
    for (const each of ['testSecret', 'finishSecret'] as const) await step(each)
    expect(aws.valueOf('AWSCURRENT')).toBe('password 1')
  })

  test('makes nothing current that the server cannot be asked about', async () => {
    const { aws, server, step } = awsTrial()
    aws.begin('one')
    await step('createSecret')
    server.isReachable = false
    expect(await failureOf(step('finishSecret'))).toMatchObject({ code: 'UNAVAILABLE' })
    expect([aws.valueOf('AWSCURRENT'), aws.holder('AWSPENDING')]).toEqual([first, 'one'])
  })

  test('makes nothing current that was given up while it tested', async () => {
    const aws = new MemoryAws(first)
    const members = (): object => ({
      test: async () => {
        aws.remove('AWSPENDING')
        return 'accepted'
      },
    })
    const { step } = awsTrial({ aws, members })
    aws.begin('one')
    await step('createSecret')
    expect(await failureOf(step('finishSecret'))).toMatchObject({ code: 'VERSION_CONFLICT' })
    expect(aws.valueOf('AWSCURRENT')).toBe(first)
  })
})

describe('a value that the target refuses', () => {
  const refusing = (): ReturnType<typeof awsTrial> => {
    let isBad = true
    const trial = awsTrial({
      members: ({ test: given }) => ({
        test: async (value, context) => (isBad && value.reveal() !== first ? 'refused' : given(value, context)),
      }),
    })
    return { ...trial, rotate: async (token) => ((isBad = false), trial.rotate(token)) }
  }

  test.each(['testSecret', 'finishSecret'] as const)('is rolled back by %s, and the next rotation begins anew', async (last) => {
    const { aws, server, step, rotate } = refusing()
    aws.begin('one')
    await step('createSecret')
    await step('setSecret')
    expect(await failureOf(step(last))).toMatchObject({ code: 'CONFIGURATION', secret: 'db' })
    expect([server.passwords, server.token, aws.holder('AWSPENDING')]).toEqual([[first], 3, undefined])
    for (const each of allSteps) expect(await failureOf(step(each))).toMatchObject({ code: 'VERSION_CONFLICT' })
    await rotate('two')
    expect([aws.valueOf('AWSCURRENT'), server.token]).toEqual(['password 2', 4])
  })
})

describe('what is late', () => {
  test('sets nothing, though it had passed every check of the store', async () => {
    const late = Promise.withResolvers<void>()
    let isFirst = true
    const { aws, server, step, rotate } = awsTrial({
      members: ({ apply }) => ({
        apply: async (...args) => {
          if (isFirst) {
            isFirst = false
            await late.promise
          }
          return apply(...args)
        },
      }),
    })
    aws.begin('one')
    await step('createSecret')
    const stopped = failureOf(step('setSecret'))
    await expect.poll(() => isFirst).toBe(false)
    aws.remove('AWSPENDING')
    await rotate('two')
    late.resolve()
    expect(await stopped).toMatchObject({ code: 'VERSION_CONFLICT' })
    expect([aws.valueOf('AWSCURRENT'), server.passwords.at(-1)]).toEqual(['password 2', 'password 2'])
  })

  test('takes AWSPENDING from no later rotation', async () => {
    const aws = new MemoryAws(first)
    const { putSecretValue } = aws
    const client = {
      ...aws,
      putSecretValue: async (...args: Parameters<typeof putSecretValue>) => {
        aws.remove('AWSPENDING')
        aws.begin('two')
        return putSecretValue(...args)
      },
    }
    const { step } = awsTrial({ client })
    aws.begin('one')
    expect(await failureOf(step('createSecret'))).toMatchObject({ code: 'VERSION_CONFLICT' })
    expect(aws.holder('AWSPENDING')).toBe('two')
    expect(await failureOf(step('setSecret'))).toMatchObject({ code: 'VERSION_CONFLICT' })
  })

  test('gives way if AWS goes on with it after another rotation, and the next one is not fenced', async () => {
    const { aws, server, step, rotate } = awsTrial()
    aws.begin('one')
    await step('createSecret')
    aws.remove('AWSPENDING')
    await rotate('two')
    aws.begin('one')
    expect(await failureOf(step('setSecret'))).toMatchObject({ code: 'VERSION_CONFLICT' })
    expect([aws.valueOf('AWSCURRENT'), aws.holder('AWSPENDING'), server.passwords]).toEqual(['password 2', undefined, ['password 2']])
    await rotate('three')
    expect([aws.valueOf('AWSCURRENT'), server.token, aws.labelsOf('three')]).toEqual(['password 3', 8, ['AWSCURRENT', 'staged-4']])
  })
})

test('a secret that is written by hand during a rotation keeps that value, and the target gets it', async () => {
  const { aws, server, step, rotate } = awsTrial()
  aws.begin('one')
  await step('createSecret')
  await step('setSecret')
  aws.write('by hand', 'a value of ana')
  expect(await failureOf(step('finishSecret'))).toMatchObject({ code: 'VERSION_CONFLICT' })
  expect([aws.valueOf('AWSCURRENT'), server.passwords, aws.holder('AWSPENDING')]).toEqual(['a value of ana', ['a value of ana'], undefined])
  await rotate('two')
  expect(aws.valueOf('AWSPREVIOUS')).toBe('a value of ana')
})

test('a rotation waits for the grace period of the former value', async () => {
  const now = Date.now()
  const aws = new MemoryAws(first, [], now)
  const { rotate, server } = awsTrial({ aws, graceSeconds: 3600 })
  await rotate('one')
  const failure = await failureOf(rotate('two'))
  expect(failure).toMatchObject({ code: 'RATE_LIMITED', secret: 'db' })
  expect((failure.retryAt ?? 0) - now).toBeGreaterThanOrEqual(3_600_000)
  expect(server.passwords).toEqual([first, 'password 1'])
})

describe('the test that AWS makes of a new configuration', () => {
  test('is passed by a version of any maker that the target accepts', async () => {
    const { aws, server, step } = awsTrial()
    aws.write('test', first, 'AWSPENDING')
    await step('testSecret', 'test')
    expect([aws.labelsOf('test'), server.token]).toEqual([['AWSPENDING'], 0])
  })

  test('is failed by another value, which is not set', async () => {
    const { aws, server, step } = awsTrial()
    aws.write('test', 'another', 'AWSPENDING')
    expect(await failureOf(step('testSecret', 'test'))).toMatchObject({ code: 'CONFIGURATION' })
    expect([aws.labelsOf('test'), server.passwords]).toEqual([['AWSPENDING'], [first]])
  })
})

test('a value that another function put is set and made current', async () => {
  const { aws, server, step } = awsTrial()
  aws.write('one', 'of another function', 'AWSPENDING')
  for (const each of allSteps) await step(each)
  expect([aws.valueOf('AWSCURRENT'), server.passwords.at(-1), server.token]).toEqual(['of another function', 'of another function', 2])
})

test('each step is in the audit trail, with the request of Lambda', async () => {
  const audit = memoryAuditTrail()
  const { aws, handler } = awsTrial({ audit, actor: 'rotation function' })
  aws.begin('one')
  for (const Step of allSteps) await handler({ Step, SecretId: 'db', ClientRequestToken: 'one' }, { awsRequestId: `request of ${Step}` })
  const changes = audit.events().filter(({ phase, operation }) => phase === 'outcome' && operation !== 'get')
  expect(changes.map(({ operation, requestId, actor, name, provider }) => [operation, requestId, actor, `${name} of ${provider}`])).toEqual(
    [
      ['stage', 'request of createSecret', 'rotation function', 'db of aws'],
      ['apply', 'request of setSecret', 'rotation function', 'db of aws'],
      ['test', 'request of testSecret', 'rotation function', 'db of aws'],
      ['test', 'request of finishSecret', 'rotation function', 'db of aws'],
      ['promote', 'request of finishSecret', 'rotation function', 'db of aws'],
    ],
  )
})

test('a trail stays open between the steps, and the caller closes it', async () => {
  const audit = memoryAuditTrail()
  const { aws, handler } = awsTrial({ audit })
  aws.begin('one')
  for (const Step of allSteps) await handler({ Step, SecretId: 'db', ClientRequestToken: 'one' })
  await audit.close?.({ signal: new AbortController().signal })
  aws.begin('two')
  expect(await failureOf(handler({ Step: 'createSecret', SecretId: 'db', ClientRequestToken: 'two' }))).toMatchObject({
    code: 'AUDIT_FAILED',
  })
})

test('the states of each step tell what was done, by which attempt', async () => {
  const states: RotationState[] = []
  const { rotate } = awsTrial({ onState: (state) => states.push(state), actor: 'rotation function' })
  await rotate('one')
  expect(states.map(({ step, attempt, outcome }) => [step, attempt, outcome])).toEqual([
    ['stage', undefined, undefined],
    ['apply', 1, undefined],
    ['test', 1, undefined],
    ['test', 1, undefined],
    ['promote', 1, undefined],
    ['done', 1, 'rotated'],
  ])
  expect(states.every(({ name, by }) => name === 'db' && by === 'rotation function')).toBe(true)
})

test('values are wiped when a step has ended', async () => {
  const seen: SecretValue[] = []
  const { rotate } = awsTrial({ members: ({ apply }) => ({ apply: async (value, ...rest) => (seen.push(value), apply(value, ...rest)) }) })
  await rotate('one')
  expect(() => seen[0]?.reveal()).toThrow(expect.objectContaining({ code: 'ABORTED' }))
})

test.each<[string, Partial<Record<keyof AwsRotationOptions, unknown>> & { other?: unknown }]>([
  ['`client`', { client: {} }],
  ['`client`', { client: { ...new MemoryAws(first), putSecretValue: undefined } }],
  ['`client`', { client: undefined }],
  ['`target`', { target: {} }],
  ['`graceSeconds`', { graceSeconds: -1 }],
  ['`generate`', { generate: 'a password' }],
  ['`field`', { field: '' }],
  ['`audit`', { audit: {} }],
  ['not known', { other: 1 }],
])('options that would be misread are refused: %s', (problem, changes) => {
  expect(() => awsTrial(changes as Partial<AwsRotationOptions>)).toThrow(
    expect.objectContaining({ code: 'CONFIGURATION', message: expect.stringContaining(problem) }),
  )
  expect(() => awsRotationHandler(undefined as never)).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }))
})
