import { inspect } from 'node:util'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { leaksOf, memoryAuditTrail } from '@finchat/secrets-testkit'
import { expect, onTestFinished, test, vi } from 'vitest'
import { awsTrial, first } from '../testing/aws-trial.ts'
import { allSteps } from '../testing/aws-world.ts'
import { MemoryAws } from '../testing/memory-aws.ts'
import { failureOf } from '../testing/rotations.ts'
import { ontoLabel } from './labels.ts'
import type { AwsRotationEvent } from './rotation-event.ts'

const event = { Step: 'createSecret', SecretId: 'db', ClientRequestToken: 'one' }

test.each<[string, unknown]>([
  ['Step', { ...event, Step: 'create_secret' }],
  ['Step', undefined],
  ['SecretId', { ...event, SecretId: '' }],
  ['ClientRequestToken', { ...event, ClientRequestToken: 7 }],
  ['RotationToken', { ...event, RotationToken: '' }],
])('an event of something else is refused: %s', async (member, given) => {
  const { aws, handler } = awsTrial()
  aws.begin('one')
  const failure = await failureOf(handler(given as AwsRotationEvent))
  expect(failure).toMatchObject({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(member) })
})

test.each<[string, (aws: MemoryAws) => void, string, RegExp]>([
  ['of a secret whose rotation is off', (aws) => void (aws.isRotated = false), 'CONFIGURATION', /not switched on/],
  ['of a deleted secret', (aws) => void (aws.isDeleted = true), 'DELETED', /scheduled for deletion/],
  ['of a version that the secret does not have', (aws) => aws.versions.delete('one'), 'INVALID_ARGUMENT', /no version of the secret/],
  ['of a version that is not staged', (aws) => (aws.remove('AWSPENDING'), aws.write('one', 'x', 'v1')), 'VERSION_CONFLICT', /not staged/],
])('a step %s changes nothing and says why', async (_, change, code, problem) => {
  const { aws, server, step } = awsTrial()
  aws.begin('one')
  change(aws)
  const before = inspect(aws.versions)
  for (const each of allSteps) {
    const failure = await failureOf(step(each))
    expect(failure).toMatchObject({ code, secret: 'db', remedy: expect.any(String) })
    expect(failure.problem).toMatch(problem)
  }
  expect([inspect(aws.versions), server.passwords]).toEqual([before, [first]])
})

test('a token that is the name of a member is no version', async () => {
  const { aws, step } = awsTrial()
  aws.begin('one')
  expect(await failureOf(step('createSecret', 'constructor'))).toMatchObject({ code: 'INVALID_ARGUMENT', secret: 'db' })
})

test('a step of a version that is current already is done', async () => {
  const { aws, server, step, rotate } = awsTrial()
  await rotate('one')
  const before = inspect(aws.versions)
  for (const each of allSteps) await step(each)
  expect([inspect(aws.versions), server.token]).toEqual([before, 2])
})

test.each(['setSecret', 'testSecret', 'finishSecret'] as const)('%s before createSecret says so', async (step) => {
  const { aws, step: run } = awsTrial()
  aws.begin('one')
  expect(await failureOf(run(step))).toMatchObject({ code: 'INVALID_ARGUMENT', problem: expect.stringContaining('no value yet') })
})

test('RotationToken goes to AWS with the value, and to nothing else', async () => {
  const aws = new MemoryAws(first)
  const sent: object[] = []
  const putSecretValue: MemoryAws['putSecretValue'] = async (input, options) => {
    sent.push(input)
    return aws.putSecretValue(input, options)
  }
  const { handler } = awsTrial({ client: { ...aws, putSecretValue } })
  aws.begin('one')
  for (const Step of allSteps) await handler({ Step, SecretId: 'db', ClientRequestToken: 'one', RotationToken: 'of the role' })
  expect(sent).toEqual([
    expect.objectContaining({
      RotationToken: 'of the role',
      ClientRequestToken: 'one',
      VersionStages: ['staged-1', ontoLabel(1, 'one', 'first')],
    }),
  ])
})

test('no value, no foreign error and no RotationToken is in an error, a state, an event or a log', async () => {
  const canaries = [first, 'c4n4ry of the session token', 'c4n4ry of a role', 'c4n4ry of a password']
  const seen: unknown[] = []
  const listen = (state: unknown): void => void seen.push(state)
  subscribe('finchat.secrets.rotation', listen)
  onTestFinished(() => void unsubscribe('finchat.secrets.rotation', listen))
  const warnings = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  onTestFinished(() => warnings.mockRestore())
  const audit = memoryAuditTrail()
  const generate = (): string => 'c4n4ry of a password'
  for (const isReachable of [true, false]) {
    for (const broken of [undefined, 'describeSecret', 'getSecretValue', 'putSecretValue', 'updateSecretVersionStage'] as const) {
      const aws = new MemoryAws(first)
      const client = { ...aws, ...(broken && { [broken]: () => Promise.reject(Object.assign(new Error(first), { $response: canaries })) }) }
      const { server, handler } = awsTrial({ client, audit, generate, onState: (state) => seen.push(state) })
      server.isReachable = isReachable
      aws.begin('one')
      for (const Step of allSteps) {
        const step = handler({ Step, SecretId: 'db', ClientRequestToken: 'one', RotationToken: 'c4n4ry of a role' })
        seen.push(await step.catch((error: unknown) => error))
      }
    }
  }
  expect(seen.filter((each) => each instanceof Error).length).toBeGreaterThan(20)
  for (const canary of canaries) expect(leaksOf([seen, audit.events(), warnings.mock.calls], canary)).toEqual([])
})
