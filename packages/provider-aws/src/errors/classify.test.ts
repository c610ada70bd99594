import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { startAwsStub } from '@finchat/secrets-test-servers'
import { expect, onTestFinished, test } from 'vitest'
import { errorTable } from './classify.ts'
import { failedAttempt } from './store-error.ts'
import { context, failure, providerAt, region } from '../testing/aws-trial.ts'

/** The names in one of the SDK's own lists of errors. */
function namesOfSdk(list: string): string[] {
  const sdk = createRequire(createRequire(import.meta.url).resolve('@aws-sdk/client-secrets-manager'))
  const source = readFileSync(sdk.resolve('@smithy/core/retry'), 'utf8')
  const [, names = ''] = new RegExp(`const ${list} = \\[([^\\]]*)\\]`).exec(source) ?? []
  return [...names.matchAll(/"([^"]+)"/g)].map(([, name = '']) => name)
}

function outcome(name: string): string {
  const { error, isEffectUnknown } = failedAttempt(
    { name, message: 'words', $metadata: { httpStatusCode: 400 } },
    { action: 'PutSecretValue', path: 'prod/db', region },
  )
  return [error.code, ...(isEffectUnknown ? ['open'] : [])].join(' ')
}

test('every name by which the SDK knows throttling is RATE_LIMITED, but that of a quota, which does not pass', () => {
  const names = namesOfSdk('THROTTLING_ERROR_CODES')
  expect(names.length).toBeGreaterThan(10)
  for (const name of names) expect(outcome(name), name).toBe(name === 'LimitExceededException' ? 'CONFIGURATION' : 'RATE_LIMITED')
})

test('every name by which the SDK knows a passing fault, a network or a wrong clock has a code of its own', () => {
  const lists = ['TRANSIENT_ERROR_CODES', 'NODEJS_TIMEOUT_ERROR_CODES', 'NODEJS_NETWORK_ERROR_CODES', 'CLOCK_SKEW_ERROR_CODES']
  const names = lists.flatMap(namesOfSdk)
  expect(names.length).toBeGreaterThan(12)
  const known = new Set(errorTable.flatMap((row) => row.names))
  expect(names.filter((name) => !known.has(name))).toEqual([])
})

test.each([
  // "Common Error Types" of the API reference
  ['AccessDeniedException', 'PERMISSION_DENIED'],
  ['ExpiredTokenException', 'UNAUTHENTICATED'],
  ['IncompleteSignature', 'UNAUTHENTICATED'],
  ['InternalFailure', 'UNAVAILABLE open'],
  ['InvalidClientTokenId', 'UNAUTHENTICATED'],
  ['MalformedHttpRequestException', 'CONFIGURATION'],
  ['NotAuthorized', 'PERMISSION_DENIED'],
  ['OptInRequired', 'PERMISSION_DENIED'],
  ['RequestAbortedException', 'UNAVAILABLE open'],
  ['RequestEntityTooLargeException', 'INVALID_ARGUMENT'],
  ['RequestExpired', 'UNAUTHENTICATED'],
  ['RequestTimeoutException', 'DEADLINE_EXCEEDED open'],
  ['ServiceUnavailable', 'UNAVAILABLE open'],
  ['ThrottlingException', 'RATE_LIMITED'],
  ['UnknownOperationException', 'CONFIGURATION'],
  ['UnrecognizedClientException', 'UNAUTHENTICATED'],
  ['ValidationError', 'INVALID_ARGUMENT'],
  // and of older references of the query protocol
  ['InvalidAction', 'CONFIGURATION'],
  ['InvalidParameterCombination', 'INVALID_ARGUMENT'],
  ['InvalidParameterValue', 'INVALID_ARGUMENT'],
  ['InvalidQueryParameter', 'INVALID_ARGUMENT'],
  ['MalformedQueryString', 'INVALID_ARGUMENT'],
  ['MissingAction', 'CONFIGURATION'],
  ['MissingAuthenticationToken', 'UNAUTHENTICATED'],
  ['MissingParameter', 'INVALID_ARGUMENT'],
])('the error %s, which every service of AWS may answer, is %s', (name, expected) => {
  expect(outcome(name)).toBe(expected)
})

test('an account without a subscription is not told to change a policy', () => {
  const { error } = failedAttempt({ name: 'OptInRequired' }, { action: 'GetSecretValue', path: 'prod/db', region })
  expect(error.problem).toContain('no subscription')
  expect(error.remedy).not.toContain('policy')
})

test('a KMS key that is not there is a matter of the options, and nothing to write anew', async () => {
  const stub = await startAwsStub({ error: 'ResourceNotFoundException' }) // of the secret, then of the key
  const provider = providerAt(stub.url, { kmsKeyId: 'alias/none' })
  onTestFinished(async () => {
    await provider.close()
    await stub.stop()
  })
  for (const write of [provider.put, provider.staging.put]) {
    const error = await failure(write('prod/db', { value: 'v' }, context))
    expect(error).toMatchObject({ code: 'CONFIGURATION', effect: undefined, remedy: expect.stringContaining('`kmsKeyId`') })
  }
  stub.plan(({ action }) => {
    const message = 'The KMS key is not found.'
    return action === 'DescribeSecret' ? { json: secret } : { error: 'ResourceNotFoundException', message }
  })
  expect(await failure(provider.put('prod/db', { value: 'v' }, context))).toMatchObject({ code: 'CONFIGURATION', effect: undefined })
})

const secret = {
  ARN: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf',
  Name: 'prod/db',
  VersionIdsToStages: { id: ['AWSCURRENT', 'v1'] },
}

test('settings that exclude each other, such as FIPS and an endpoint, are CONFIGURATION', async () => {
  const stub = await startAwsStub({ error: 'ResourceNotFoundException' })
  const provider = providerAt(stub.url, { clientConfig: { useFipsEndpoint: true } })
  expect(await failure(provider.get('prod/db', context))).toMatchObject({
    code: 'CONFIGURATION',
    remedy: expect.stringContaining('AWS_USE_FIPS_ENDPOINT'),
  })
  await provider.close()
  await stub.stop()
})
