import { type AwsReply, startAwsStub } from '@finchat/secrets-test-servers'
import { leaksOf } from '@finchat/secrets-testkit'
import { SecretsError } from '@finchat/secrets-core'
import { expect, onTestFinished, test, vi } from 'vitest'
import { failedAttempt } from './store-error.ts'
import { context, credentials, failure, providerAt, region } from '../testing/aws-trial.ts'

const message = 'c4n4ry-of-the-message-Lm3'
const canaries = [message, 'c4n4ry-of-the-value-Xq7', credentials.secretAccessKey, credentials.sessionToken]
const json = { 'content-type': 'application/x-amz-json-1.1' }

/** What AWS, or something in its place, answers; what a read and a write are told; and how often the SDK asks. */
const table: Readonly<Record<string, readonly [reply: AwsReply, read: string, write: string, attempts: number]>> = {
  'not found': [{ error: 'ResourceNotFoundException', message }, 'undefined', 'NOT_FOUND', 1],
  'not found, with the status of a page, as moto sends it': [
    { error: 'ResourceNotFoundException', message, status: 404 },
    'undefined',
    'NOT_FOUND',
    1,
  ],
  'not found, with the status of a redirect': [
    { error: 'ResourceNotFoundException', message, status: 302 },
    'INTERNAL',
    'INTERNAL unknown',
    1,
  ],
  'not found, with the status of a denial': [
    { error: 'ResourceNotFoundException', message, status: 403 },
    'INTERNAL',
    'INTERNAL unknown',
    1,
  ],
  'not found, with the status of a failure': [
    { error: 'ResourceNotFoundException', message, status: 500 },
    'UNAVAILABLE',
    'UNAVAILABLE unknown',
    3,
  ],
  'pending deletion': [{ error: 'InvalidRequestException', message: `marked for deletion ${message}` }, 'DELETED', 'DELETED', 1],
  'another state': [{ error: 'InvalidRequestException', message }, 'CONFIGURATION', 'CONFIGURATION', 1],
  'owned by a service': [
    { error: 'InvalidRequestException', message: `managed by another service ${message}` },
    'CONFIGURATION',
    'CONFIGURATION',
    1,
  ],
  'a replica': [{ error: 'InvalidParameterException', message: `a replica secret ${message}` }, 'CONFIGURATION', 'CONFIGURATION', 1],
  'a bad parameter': [{ error: 'InvalidParameterException', message }, 'INVALID_ARGUMENT', 'INVALID_ARGUMENT', 1],
  'a bad request': [{ error: 'ValidationException', message }, 'INVALID_ARGUMENT', 'INVALID_ARGUMENT', 1],
  'a token that is in use': [{ error: 'ResourceExistsException', message }, 'VERSION_CONFLICT', 'VERSION_CONFLICT', 1],
  denied: [{ error: 'AccessDeniedException', message }, 'PERMISSION_DENIED', 'PERMISSION_DENIED', 1],
  'the key denied': [{ error: 'AccessDeniedException', message: `Access to KMS ${message}` }, 'PERMISSION_DENIED', 'PERMISSION_DENIED', 1],
  'no decryption': [{ error: 'DecryptionFailure', message }, 'CONFIGURATION', 'CONFIGURATION', 1],
  'no encryption': [{ error: 'EncryptionFailure', message }, 'CONFIGURATION', 'CONFIGURATION', 1],
  'a quota used up': [{ error: 'LimitExceededException', message }, 'CONFIGURATION', 'CONFIGURATION', 3],
  expired: [{ error: 'ExpiredTokenException', message }, 'UNAUTHENTICATED', 'UNAUTHENTICATED', 1],
  unknown: [{ error: 'UnrecognizedClientException', message }, 'UNAUTHENTICATED', 'UNAUTHENTICATED', 1],
  'a bad signature': [{ error: 'InvalidSignatureException', message }, 'UNAUTHENTICATED', 'UNAUTHENTICATED', 1],
  'a wrong clock': [{ error: 'RequestExpired', message }, 'UNAUTHENTICATED', 'UNAUTHENTICATED', 1],
  throttled: [{ error: 'ThrottlingException', message }, 'RATE_LIMITED', 'RATE_LIMITED', 3],
  'throttled by a balancer': [{ status: 429, body: message }, 'RATE_LIMITED', 'RATE_LIMITED', 3],
  'an internal error': [{ error: 'InternalServiceError', message }, 'UNAVAILABLE', 'UNAVAILABLE unknown', 3],
  unavailable: [{ error: 'ServiceUnavailable', message }, 'UNAVAILABLE', 'UNAVAILABLE unknown', 3],
  'HTML with 503': [{ status: 503, body: `<html>${message}` }, 'UNAVAILABLE', 'UNAVAILABLE unknown', 3],
  'HTML with 200': [{ body: `<html>${message}` }, 'UNAVAILABLE', 'UNAVAILABLE unknown', 1],
  'half of an answer': [{ headers: json, body: `{"Name":"prod/db","SecretString":"${message}` }, 'UNAVAILABLE', 'UNAVAILABLE unknown', 1],
  'a torn connection': [{ headers: json, body: `{"Name":"${message}"}`, truncate: true }, 'UNAVAILABLE', 'UNAVAILABLE unknown', 3],
  'HTML with 403': [{ status: 403, body: `<html>${message}` }, 'CONFIGURATION', 'CONFIGURATION unknown', 1],
  'a page that is not there': [{ status: 404, body: '' }, 'CONFIGURATION', 'CONFIGURATION unknown', 1],
  'a method that is not allowed': [{ status: 405, body: message }, 'CONFIGURATION', 'CONFIGURATION unknown', 1],
  'a status of another store': [{ status: 472, body: message }, 'CONFIGURATION', 'CONFIGURATION unknown', 1],
  'and another': [{ status: 473, body: message }, 'CONFIGURATION', 'CONFIGURATION unknown', 1],
  'HTML with 502': [{ status: 502, body: `<html>${message}` }, 'UNAVAILABLE', 'UNAVAILABLE unknown', 3],
  'a redirect': [{ status: 301, headers: { location: 'http://127.0.0.1:9/' }, body: '' }, 'CONFIGURATION', 'CONFIGURATION unknown', 1],
  'another API': [{ error: 'UnknownOperationException', message }, 'CONFIGURATION', 'CONFIGURATION', 1],
  'an error that is new': [{ error: `${message}Exception`, message }, 'INTERNAL', 'INTERNAL unknown', 1],
  'an empty answer': [{ headers: json, body: '' }, 'INTERNAL', 'INTERNAL unknown', 1],
  'JSON of a wrong type': [{ headers: json, body: [message] }, 'INTERNAL', 'INTERNAL unknown', 1],
  'a secret of a wrong type': [{ json: { Name: 5, ARN: message, VersionId: 'id' } }, 'INTERNAL', 'INTERNAL unknown', 1],
  'labels of a wrong type': [
    { json: { Name: 'prod/db', ARN: 'a', VersionId: 'id', SecretString: message, VersionStages: message } },
    'INTERNAL',
    'undefined',
    1,
  ],
  'no value': [{ json: { Name: 'prod/db', ARN: 'a', VersionId: 'id' } }, 'INTERNAL', 'undefined', 1],
  'another secret': [{ json: { Name: 'other', ARN: 'a', VersionId: 'id', SecretString: message } }, 'INTERNAL', 'INTERNAL unknown', 1],
  'a reset': ['reset', 'UNAVAILABLE', 'UNAVAILABLE unknown', 3],
}

test('every answer has a code, a number of attempts, and gives nothing away', async () => {
  const rows = await Promise.all(Object.entries(table).map(async ([what, [reply]]) => [what, [reply, ...(await outcomes(reply))]] as const))
  expect(Object.fromEntries(rows)).toEqual(table)
})

/** A read, a write of one call, and how often each was sent. */
async function outcomes(reply: AwsReply): Promise<readonly [read: string, write: string, attempts: number]> {
  const stub = await startAwsStub(reply)
  const provider = providerAt(stub.url, { timeoutMs: 60_000 }) // all rows at once take a loaded machine their time
  const read = await outcomeOf(provider.get('prod/db', context))
  const attempts = stub.requests().length
  const write = await outcomeOf(provider.restore('prod/db', context))
  expect(stub.requests().length, 'a write is sent as often').toBe(2 * attempts)
  await provider.close()
  await stub.stop()
  return [read, write, attempts]
}

async function outcomeOf(call: Promise<unknown>): Promise<string> {
  const [settled] = await Promise.allSettled([call])
  if (settled.status === 'fulfilled') return settled.value === undefined ? 'undefined' : 'a value'
  const error: unknown = settled.reason
  for (const canary of canaries) expect(leaksOf(error, canary)).toEqual([])
  if (!SecretsError.isInstance(error)) return 'a foreign error'
  expect(error.cause).toBeUndefined()
  return [error.code, error.effect].filter(Boolean).join(' ')
}

test('what Node.js reports of the network has a code, and the endpoint is never named', () => {
  const codes = {
    ECONNREFUSED: 'UNAVAILABLE',
    ENOTFOUND: 'UNAVAILABLE',
    EAI_AGAIN: 'UNAVAILABLE',
    EHOSTUNREACH: 'UNAVAILABLE',
    ECONNRESET: 'UNAVAILABLE',
    EPIPE: 'UNAVAILABLE',
    ETIMEDOUT: 'DEADLINE_EXCEEDED',
    HPE_INVALID_CONSTANT: 'UNAVAILABLE',
    CERT_HAS_EXPIRED: 'CONFIGURATION',
    SELF_SIGNED_CERT_IN_CHAIN: 'CONFIGURATION',
    ERR_TLS_CERT_ALTNAME_INVALID: 'CONFIGURATION',
    EPROTO: 'CONFIGURATION',
    ESOMETHING: 'INTERNAL',
  }
  for (const [code, expected] of Object.entries(codes)) {
    // A reset has the SDK's name of a timeout.
    const thrown = Object.assign(new Error(message, { cause: message }), { name: 'TimeoutError', code, address: message })
    if (code === 'ESOMETHING') thrown.name = message
    const { error } = failedAttempt(thrown, { action: 'GetSecretValue', path: 'prod/db', region })
    expect(error.code, code).toBe(expected)
    expect(leaksOf(error, message)).toEqual([])
  }
})

test('whatever else is thrown gives nothing away either', () => {
  for (const thrown of [
    undefined,
    null,
    message,
    { message },
    [message],
    new TypeError(message),
    Object.assign(() => message, { message }),
  ]) {
    const { error } = failedAttempt(thrown, { action: 'PutSecretValue', path: 'prod/db', region })
    expect(error).toMatchObject({ code: 'INTERNAL', problem: 'the AWS SDK failed for an unknown reason' })
    expect(leaksOf(error, message)).toEqual([])
  }
})

test("a denial says which action on which resource, in AWS's own form", () => {
  const denied = (path: string, at = region): string =>
    failedAttempt({ name: 'AccessDeniedException', message }, { action: 'PutSecretValue', path, region: at }).error.message
  const arn = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db'
  expect(denied('prod/db')).toMatch(
    /^secretsmanager:PutSecretValue is not allowed on arn:aws:secretsmanager:eu-west-1:\*:secret:prod\/db-\?{6} \(allow it in the policy/,
  )
  expect(denied(arn)).toContain(`on ${arn}-??????`)
  expect(denied(`${arn}-AbC123`)).toContain(`on ${arn}-AbC123 (`)
  expect(denied('prod/db', 'cn-north-1')).toContain('on arn:aws-cn:secretsmanager:cn-north-1:*:')
  expect(denied('prod/db', 'us-gov-west-1')).toContain('on arn:aws-us-gov:')
  expect(denied('prod/db', 'us-isob-east-1')).toContain('on arn:aws-iso-b:')
  const listing = failedAttempt({ name: 'AccessDeniedException', message }, { action: 'ListSecrets', region }).error.message
  expect(listing).toContain('secretsmanager:ListSecrets is not allowed on * (')
})

test("an error carries AWS's status, its own name for it and the request id, and nothing that only looks like them", async () => {
  const thrown = (name: string, requestId: string): object => ({
    name,
    message,
    $metadata: { httpStatusCode: 400, requestId },
    $response: { body: message },
  })
  const asked = { action: 'GetSecretValue', region } as const
  const { error } = failedAttempt(thrown('AccessDeniedException', 'd3b07384-d9a0'), asked)
  expect(error).toMatchObject({ storeStatus: '400 AccessDeniedException', storeRequestId: 'd3b07384-d9a0' })
  const odd = failedAttempt(thrown(message, `${message} `), asked).error
  expect([odd.storeStatus, odd.storeRequestId]).toEqual(['400', undefined])
})

test.each([
  ['ResourceNotFoundException', 403, '403 ResourceNotFoundException'],
  ['BrandNewException', 400, '400 BrandNewException'],
  [`${message}Exception`, 400, '400'],
  ['c4n4ryException', 418, '418'],
  ['HunterTwo', 400, '400'],
  ['S'.repeat(70) + 'Exception', 400, '400'],
])('an unknown error %s with the status %i is shown as %s', (name, httpStatusCode, shown) => {
  const { error } = failedAttempt({ name, message, $metadata: { httpStatusCode } }, { action: 'GetSecretValue', path: 'prod/db', region })
  expect(error).toMatchObject({ problem: `AWS answered with an unknown error: ${shown}`, remedy: expect.stringContaining('emulator') })
  expect(canaries.flatMap((canary) => leaksOf(error, canary))).toEqual([])
})

test('a throttled call says when to come back: when AWS says so, else after a second', async () => {
  const retryAt = async (reply: AwsReply): Promise<number> => {
    const stub = await startAwsStub(reply)
    const provider = providerAt(stub.url, { clientConfig: { maxAttempts: 1 } })
    const { retryAt: at = 0 } = await failure(provider.get('prod/db', context))
    await provider.close()
    await stub.stop()
    return at - Date.now()
  }
  vi.useFakeTimers({ toFake: ['Date'] })
  onTestFinished(() => void vi.useRealTimers())
  expect(await retryAt({ error: 'ThrottlingException' })).toBe(1_000)
  expect(await retryAt({ error: 'ThrottlingException', retryAfterSeconds: 7 })).toBe(7_000)
  expect(await retryAt({ error: 'ThrottlingException', retryAfterSeconds: 9_999 }), 'a proxy that says hours').toBe(60_000)
})

test('time that runs out while AWS has the SDK wait is throttling', async () => {
  const stub = await startAwsStub({ error: 'ThrottlingException', retryAfterSeconds: 60 })
  const provider = providerAt(stub.url, { timeoutMs: 4_000 })
  expect(await failure(provider.get('prod/db', context))).toMatchObject({ code: 'RATE_LIMITED' })
  expect(stub.requests()).toHaveLength(1)
  stub.plan([{ error: 'ThrottlingException' }, 'hang'])
  const hung = providerAt(stub.url, {
    timeoutMs: 5_000,
    clientConfig: { requestHandler: { requestTimeout: 60_000, socketTimeout: 60_000 } },
  })
  expect(await failure(hung.get('prod/db', context)), 'but not while an attempt is under way').toMatchObject({ code: 'DEADLINE_EXCEEDED' })
  await Promise.all([provider.close(), hung.close()])
  await stub.stop()
})

test('an ARN of another region is CONFIGURATION, and no secret that does not exist', async () => {
  const stub = await startAwsStub({ error: 'ResourceNotFoundException' })
  const provider = providerAt(stub.url)
  const arn = 'arn:aws:secretsmanager:us-east-2:123456789012:secret:prod/db'
  const calls = [provider.get(arn, context), provider.describe(arn, context), provider.put(arn, { value: 'v' }, context)]
  for (const error of await Promise.all(calls.map(failure))) {
    expect(error).toMatchObject({ code: 'CONFIGURATION', problem: 'the ARN is of another region, and this provider asks eu-west-1' })
  }
  expect(await provider.get(arn.replace('us-east-2', region), context)).toBeUndefined()
  await provider.close()
  await stub.stop()
})
