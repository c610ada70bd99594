import { SecretsError, type SecretsErrorCode } from '@finchat/secrets-core'
import { leaksOf } from '@finchat/secrets-testkit'
import { expect, test } from 'vitest'
import { awsTrial, first } from '../testing/aws-trial.ts'
import { MemoryAws } from '../testing/memory-aws.ts'
import { failureOf } from '../testing/rotations.ts'
import { awsError } from './aws-error.ts'
import type { ActionName } from './client.ts'

const canary = 'Zq9_kX7-session-w0Rb'

test.each<[string, string, ActionName, SecretsErrorCode]>([
  ['ResourceNotFoundException', 'no such secret', 'describeSecret', 'NOT_FOUND'],
  ['ResourceNotFoundException', "can't find the specified secret value for staging label: AWSCURRENT", 'getSecretValue', 'CONFIGURATION'],
  ['InvalidRequestException', 'it was marked for deletion', 'getSecretValue', 'DELETED'],
  ['InvalidRequestException', 'managed by another service', 'putSecretValue', 'CONFIGURATION'],
  ['InvalidParameterException', 'the label is elsewhere', 'updateSecretVersionStage', 'VERSION_CONFLICT'],
  ['InvalidParameterException', 'a replica', 'putSecretValue', 'CONFIGURATION'],
  ['ResourceExistsException', 'used', 'putSecretValue', 'VERSION_CONFLICT'],
  ['AccessDeniedException', 'no', 'putSecretValue', 'PERMISSION_DENIED'],
  ['AccessDenied', 'no', 'putSecretValue', 'PERMISSION_DENIED'],
  ['DecryptionFailure', 'no', 'getSecretValue', 'CONFIGURATION'],
  ['EncryptionFailure', 'no', 'putSecretValue', 'CONFIGURATION'],
  ['ValidationException', 'no', 'putSecretValue', 'CONFIGURATION'],
  ['LimitExceededException', 'no', 'updateSecretVersionStage', 'CONFIGURATION'],
  ['CredentialsProviderError', 'none', 'describeSecret', 'UNAUTHENTICATED'],
  ['ExpiredTokenException', 'old', 'describeSecret', 'UNAUTHENTICATED'],
  ['InvalidSignatureException', 'wrong', 'describeSecret', 'UNAUTHENTICATED'],
  ['UnrecognizedClientException', 'unknown', 'describeSecret', 'UNAUTHENTICATED'],
  ['ThrottlingException', 'slow down', 'describeSecret', 'RATE_LIMITED'],
  ['Throttling', 'slow down', 'describeSecret', 'RATE_LIMITED'],
  ['TooManyRequestsException', 'slow down', 'describeSecret', 'RATE_LIMITED'],
  ['RequestLimitExceeded', 'slow down', 'describeSecret', 'RATE_LIMITED'],
  ['TimeoutError', 'late', 'describeSecret', 'UNAVAILABLE'],
])('%s (%s) of %s is %s', (name, message, action, code) => {
  const thrown = Object.assign(new Error(`${message} ${canary}`), { name, $metadata: { httpStatusCode: 400, requestId: 'request-1' } })
  const error = awsError(Object.assign(thrown, { $response: canary }), action)
  expect(error).toMatchObject({ code, problem: expect.stringContaining(action), storeRequestId: 'request-1' })
  expect(error.storeStatus).toMatch(code === 'UNAVAILABLE' ? /^400$/ : new RegExp(`^400 ${name}$`))
  expect(leaksOf(error, canary)).toEqual([])
})

test('a write without an answer may have happened', () => {
  expect(awsError(new Error('reset'), 'putSecretValue')).toMatchObject({
    problem: expect.stringContaining('did not answer'),
    effect: 'unknown',
  })
  expect(awsError(undefined, 'updateSecretVersionStage')).toMatchObject({ code: 'UNAVAILABLE', effect: 'unknown' })
  expect(awsError(new Error('reset'), 'getSecretValue').effect).toBeUndefined()
})

test('what is ours stays as it is, and what is odd is left out', () => {
  const ours = new SecretsError('ABORTED', 'given up')
  expect(awsError(ours, 'describeSecret')).toBe(ours)
  const odd = { name: 'ThrottlingException', $metadata: { httpStatusCode: canary, requestId: `${canary}\n` } }
  expect(awsError(odd, 'describeSecret')).toMatchObject({ code: 'RATE_LIMITED' })
  expect(leaksOf(awsError(odd, 'describeSecret'), canary)).toEqual([])
})

test.each<[ActionName, unknown]>([
  ['describeSecret', undefined],
  ['describeSecret', { RotationEnabled: true, VersionIdsToStages: { one: ['AWSPENDING'], two: 'AWSCURRENT' } }],
  ['describeSecret', { RotationEnabled: true, VersionIdsToStages: { one: ['AWSPENDING', 7] } }],
  ['getSecretValue', { VersionId: 'one', SecretString: first }],
  ['getSecretValue', { VersionStages: ['AWSPENDING'], SecretString: first }],
  ['getSecretValue', { VersionId: 'one', VersionStages: ['AWSPENDING'] }],
  ['putSecretValue', 'done'],
])('an answer to %s that AWS does not document is INTERNAL: %j', async (action, answer) => {
  const aws = new MemoryAws(first)
  const { step } = awsTrial({ client: { ...aws, [action]: async () => answer } })
  aws.begin('one')
  const failure = await failureOf(step('createSecret'))
  expect(failure).toMatchObject({ code: 'INTERNAL', problem: expect.stringContaining(action) })
  expect(leaksOf(failure, first)).toEqual([])
})
