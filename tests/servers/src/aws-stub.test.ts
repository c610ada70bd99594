import { expect, onTestFinished, test } from 'vitest'
import { awsErrors } from './aws-errors.ts'
import { startAwsStub, type AwsReply, type AwsRequest, type AwsStub } from './aws-stub.ts'
import { httpCall, type CallAnswer } from './http-call.ts'
import type { Plan } from './replies.ts'

async function stubWith(plan: Plan<AwsRequest, AwsReply>, target?: string): Promise<AwsStub> {
  const stub = await startAwsStub(plan, target === undefined ? {} : { target })
  onTestFinished(stub.stop)
  return stub
}

function call(url: string, action = 'GetSecretValue', body: object = { SecretId: 'db' }): Promise<CallAnswer> {
  return httpCall(url, { method: 'POST', headers: { 'X-Amz-Target': `secretsmanager.${action}` }, body })
}

test('answers and remembers what it was asked', async () => {
  const stub = await stubWith({ json: { SecretString: 'one' } })
  const { status, headers, text } = await call(stub.url)
  expect([status, headers['content-type'], text]).toEqual([200, 'application/x-amz-json-1.1', '{"SecretString":"one"}'])
  expect(stub.requests()).toMatchObject([{ action: 'GetSecretValue', body: { SecretId: 'db' } }])
})

test('fails as the JSON 1.1 protocol does', async () => {
  const stub = await stubWith([
    { error: 'ThrottlingException' },
    { error: 'ThrottlingException', retryAfterSeconds: 2 },
    { error: 'InternalServiceError' },
    { error: 'InvalidRequestException', message: 'The secret is scheduled for deletion.' },
    { error: 'SomethingNew', status: 418 },
  ])
  const answers = [await call(stub.url), await call(stub.url), await call(stub.url), await call(stub.url), await call(stub.url)]
  expect(answers.map(({ status, headers, text }) => [status, headers['retry-after'], JSON.parse(text)])).toEqual([
    [400, undefined, { __type: 'ThrottlingException', message: 'Rate exceeded' }],
    [400, '2', { __type: 'ThrottlingException', message: 'Rate exceeded' }],
    [500, undefined, { __type: 'InternalServiceError', Message: 'An error occurred on the server side.' }],
    [400, undefined, { __type: 'InvalidRequestException', Message: 'The secret is scheduled for deletion.' }],
    [418, undefined, { __type: 'SomethingNew', Message: 'SomethingNew' }],
  ])
})

test('has a status and words for every error that it names', () => {
  for (const { status, message } of Object.values(awsErrors)) {
    expect([400, 500, 503]).toContain(status)
    expect(message).not.toBe('')
  }
})

test('fails some calls and hands the others on', async () => {
  const service = await stubWith({ json: { from: 'the service' } })
  const stub = await stubWith(({ action }) => (action === 'BatchGetSecretValue' ? { error: 'AccessDeniedException' } : 'pass'), service.url)
  expect((await call(stub.url, 'BatchGetSecretValue')).status).toBe(400)
  expect((await call(stub.url)).text).toBe('{"from":"the service"}')
  expect([stub.requests().length, service.requests().map(({ action }) => action)]).toEqual([2, ['GetSecretValue']])
})

test('changes its plan, and breaks the connection', async () => {
  const stub = await stubWith('reset')
  await expect(call(stub.url)).rejects.toThrow(/ECONNRESET|hang up/)
  stub.plan({ json: {}, delayMs: 20 })
  expect((await call(stub.url)).status).toBe(200)
})

test('resets what it has no service for', async () => {
  const stub = await stubWith('pass')
  await expect(call(stub.url)).rejects.toThrow(/ECONNRESET|hang up/)
})
