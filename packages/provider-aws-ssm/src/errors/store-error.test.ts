import { SecretsError } from '@finchat/secrets-core'
import { leaksOf } from '@finchat/secrets-testkit'
import { expect, test, vi } from 'vitest'
import { context, failure, stubbed } from '../testing/ssm-trial.ts'
import { credentialsError, errorTable, failedAttempt } from './store-error.ts'

const asked = { action: 'GetParameter', name: '/prod/db:live', region: 'eu-west-1' } as const
const canary = 'c4n4ry-of-the-value'

function thrown(members: object): unknown {
  const $response = { statusCode: 400, headers: {}, body: canary }
  return Object.assign(new Error(canary), { $metadata: { httpStatusCode: 400, requestId: 'id-1' }, $response, secret: canary, ...members })
}

/** Of each error that the API reference names, its code; with the message where AWS's name is not enough. */
test.each([
  ['ParameterNotFound', '', 'NOT_FOUND'],
  ['ParameterVersionNotFound', '', 'NOT_FOUND'],
  ['InvalidResourceId', '', 'NOT_FOUND'],
  ['ParameterAlreadyExists', '', 'VERSION_CONFLICT'],
  ['ParameterMaxVersionLimitExceeded', '', 'CONFIGURATION'],
  ['HierarchyTypeMismatchException', '', 'CONFIGURATION'],
  ['ParameterPatternMismatchException', '', 'INVALID_ARGUMENT'],
  ['HierarchyLevelLimitExceededException', '', 'INVALID_ARGUMENT'],
  ['ValidationException', 'Parameter name: must be a fully qualified name.', 'INVALID_ARGUMENT'],
  ['ValidationException', 'upgrade the parameter to use the advanced-parameter tier', 'CONFIGURATION'],
  ['ParameterLimitExceeded', '', 'CONFIGURATION'],
  ['TooManyTagsError', '', 'CONFIGURATION'],
  ['InvalidKeyId', '', 'CONFIGURATION'],
  ['AccessDeniedException', 'User: u is not authorized to perform: ssm:GetParameter', 'PERMISSION_DENIED'],
  ['AccessDeniedException', 'The ciphertext refers to a customer master key that does not exist', 'PERMISSION_DENIED'],
  ['ExpiredTokenException', '', 'UNAUTHENTICATED'],
  ['UnrecognizedClientException', '', 'UNAUTHENTICATED'],
  ['ThrottlingException', 'Rate exceeded', 'RATE_LIMITED'],
  ['TooManyUpdates', '', 'RATE_LIMITED'],
  ['InternalServerError', '', 'UNAVAILABLE'],
  ['UnknownOperationException', '', 'CONFIGURATION'],
  ['TimeoutError', '', 'DEADLINE_EXCEEDED'],
])('%s (%s) is %s, with nothing of the SDK but name, status and request id', (name, message, code) => {
  const { error } = failedAttempt(thrown({ name, message: `${message} ${canary}` }), asked)
  expect(error).toMatchObject({ code, storeStatus: `400 ${name}`, storeRequestId: 'id-1' })
  expect(leaksOf(error, canary)).toEqual([])
  expect(error.cause).toBeUndefined()
})

test('every row of the table is the first for each of its names, by its own words or action', () => {
  for (const row of errorTable) {
    for (const name of row.names.split(' ')) {
      const first = errorTable.find((each) => each.names.split(' ').includes(name) && each.says === row.says && each.on === row.on)
      expect(first, name).toBe(row)
      expect(typeof row.problem === 'string' ? row.problem : row.problem(asked)).not.toMatch(/undefined|\.$/)
    }
  }
})

test('the messages name the action and the resource to allow, or the key', () => {
  const denied = failedAttempt(thrown({ name: 'AccessDeniedException', message: 'no policy' }), asked).error
  expect(denied.problem).toBe('ssm:GetParameter is not allowed on arn:*:ssm:eu-west-1:*:parameter/prod/db')
  const all = failedAttempt(thrown({ name: 'AccessDeniedException', message: 'no policy' }), {
    ...asked,
    action: 'DescribeParameters',
    name: undefined,
  })
  expect(all.error.problem).toBe('ssm:DescribeParameters is not allowed on *')
  const key = failedAttempt(thrown({ name: 'AccessDeniedException', message: 'not authorized to perform: kms:Decrypt' }), asked).error
  expect(key.problem).toMatch(/^kms:Decrypt on the key/)
  const conflict = failedAttempt(thrown({ name: 'TooManyUpdates' }), { ...asked, action: 'PutParameter' }).error
  expect(conflict.code).toBe('VERSION_CONFLICT')
  const nested = failedAttempt(
    thrown({ name: 'ValidationException', message: `Parameter value can't nest another parameter.` }),
    asked,
  ).error
  expect(nested.remedy).toBe('encode the value, say as base64')
})

test.each([
  [{ name: 'New', $metadata: {}, $response: undefined }, 'INTERNAL', true],
  [{ name: 'New', $metadata: { httpStatusCode: 429 } }, 'RATE_LIMITED', false],
  [{ name: 'New', $metadata: { httpStatusCode: 502 } }, 'UNAVAILABLE', true],
  [{ name: 'SyntaxError', $metadata: { httpStatusCode: 200 } }, 'UNAVAILABLE', true],
  [{ name: 'NewException', $metadata: { httpStatusCode: 400 } }, 'INTERNAL', true],
  [{ name: 'UnknownError', $metadata: { httpStatusCode: 403 } }, 'CONFIGURATION', true],
  [{ name: 'TimeoutError', code: 'ECONNRESET' }, 'UNAVAILABLE', true],
  [{ name: 'Error', code: 'ECONNREFUSED' }, 'UNAVAILABLE', false],
  [{ name: 'Error', code: 'ERR_HTTP2_GOAWAY_SESSION' }, 'UNAVAILABLE', true],
  [{ name: 'Error', code: 'CERT_HAS_EXPIRED' }, 'CONFIGURATION', false],
  [{ name: 'Error', code: 'INVALID_PURPOSE' }, 'CONFIGURATION', false],
])('%j is %s', (members, code, isEffectUnknown) => {
  const attempt = failedAttempt(thrown(members), asked)
  expect([attempt.error.code, attempt.isEffectUnknown]).toEqual([code, isEffectUnknown])
  expect(leaksOf(attempt.error, canary)).toEqual([])
})

test.each([302, 403, 404, 500])('an absence that comes with the status %i is none: AWS sends it with 400', (httpStatusCode) => {
  for (const name of ['ParameterNotFound', 'ParameterVersionNotFound', 'InvalidResourceId']) {
    const { error, isEffectUnknown } = failedAttempt(thrown({ name, $metadata: { httpStatusCode } }), asked)
    expect([error.code, isEffectUnknown]).toEqual([httpStatusCode === 500 ? 'UNAVAILABLE' : 'INTERNAL', true])
  }
})

test.each([
  ['ParameterNotFound', 403, '403'],
  ['BrandNewException', 400, '400 BrandNewException'],
  [`${canary}Exception`, 400, '400'],
])('an unknown error %s with the status %i is shown as %s', (name, httpStatusCode, shown) => {
  const { error } = failedAttempt(thrown({ name, $metadata: { httpStatusCode } }), asked)
  expect(error.problem).toBe(`AWS answered with an unknown error: ${shown}`)
  expect(leaksOf(error, canary)).toEqual([])
})

test.each([null, undefined, 'text', 5, {}, { name: {} }, { message: Symbol('x') }])(
  'whatever is thrown, %j too, is an error of ours',
  (odd) => {
    expect(SecretsError.isInstance(failedAttempt(odd, asked).error)).toBe(true)
  },
)

test('throttling says when to come back: what AWS names, at most a minute, or a second', async () => {
  vi.spyOn(Date, 'now').mockReturnValue(1_000_000)
  for (const [retryAfter, pause] of [
    ['3', 3_000],
    ['9000', 60_000],
    ['Wed, 21 Oct 2026', 1_000],
    [undefined, 1_000],
  ] as const) {
    const $response = { statusCode: 400, headers: { 'retry-after': retryAfter } }
    expect(failedAttempt(thrown({ name: 'ThrottlingException', $response }), asked).error.retryAt).toBe(1_000_000 + pause)
  }
  vi.restoreAllMocks()
  const { provider } = await stubbed({ error: 'ThrottlingException', retryAfterSeconds: 7 })
  const { retryAt = 0 } = await failure(provider.get('/prod/db', context))
  expect(retryAt - Date.now()).toBeGreaterThan(5_000)
})

test.each([
  [{ name: 'CredentialsProviderError', $metadata: undefined }, 'CREDENTIALS_MISSING'],
  [{ name: 'ThrottlingException' }, 'RATE_LIMITED'],
  [{ name: 'TimeoutError' }, 'DEADLINE_EXCEEDED'],
  [{ name: 'AccessDenied' }, 'UNAUTHENTICATED'],
  [{ name: 'TypeError', $metadata: undefined }, 'UNAUTHENTICATED'],
])('a source of credentials that fails with %j is %s', (members, code) => {
  const error = credentialsError(thrown(members), asked)
  expect(error.code).toBe(code)
  expect(leaksOf(error, canary)).toEqual([])
})
