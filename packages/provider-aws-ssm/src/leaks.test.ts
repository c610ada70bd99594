import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { inspect, promisify } from 'node:util'
import { leaksOf } from '@finchat/secrets-testkit'
import { type AwsReply, startAwsStub } from '@finchat/secrets-test-servers'
import { expect, onTestFinished, test } from 'vitest'
import { context, credentials, failure, stubbed } from './testing/ssm-trial.ts'

const valueCanary = 'c4n4ry-of-the-value-Xq7'
const canaries = [valueCanary, credentials.secretAccessKey, credentials.sessionToken]
const parameter = { Name: '/prod/db', Value: valueCanary, Version: 1 }

test('a provider shows neither its credentials nor what it has read', async () => {
  const { provider } = await stubbed({ json: { Parameter: parameter } })
  expect((await provider.get('/prod/db', context))?.value).toBe(valueCanary)
  for (const canary of canaries) {
    expect(leaksOf(provider, canary)).toEqual([])
    expect(inspect(provider, { showHidden: true, showProxy: true, depth: 20 })).not.toContain(canary)
  }
})

test('no refused write says what was to be written', async () => {
  const { provider, stub } = await stubbed({ json: {} })
  const errors = [
    await failure(provider.put('a\nb', { value: valueCanary }, context)),
    await failure(provider.put('/prod/db', { value: `${valueCanary}\ud800` }, context)),
    await failure(provider.put('/prod/db', { value: valueCanary.padEnd(9_000) }, context)),
    await failure(provider.put('/prod/db', { value: valueCanary, version: 0 }, context)),
    await failure(provider.put('/prod/db', { value: valueCanary, version: 7 }, context)),
    await failure(provider.put('/prod/db', { value: Buffer.from(valueCanary) }, context)),
    await failure(provider.put('/prod/db', { value: valueCanary, tags: { 'aws:x': valueCanary } }, context)),
    await failure(provider.put('/prod/db', { value: valueCanary }, { signal: AbortSignal.abort(new Error(valueCanary)) })),
  ]
  for (const error of errors) expect(leaksOf(error, valueCanary)).toEqual([])
  expect(stub.requests()).toEqual([])
})

const echoing = { Value: valueCanary, Message: valueCanary, message: valueCanary }

test.each<[string, AwsReply, number]>([
  ['answers', { json: { Parameter: { ...parameter, ...echoing }, Parameters: [parameter], InvalidParameters: ['/prod/other'] } }, 1], // no version of a write
  ['denies', { status: 400, body: { __type: 'AccessDeniedException', ...echoing } }, 3],
  ['fails', { status: 500, body: { __type: 'InternalServerError', ...echoing } }, 4],
  ['cuts its answer off', { body: { ...echoing }, truncate: true }, 4],
])('with DEBUG=* nothing is printed, and a diagnostic report shows nothing, where AWS %s', async (_, reply, failures) => {
  const stub = await startAwsStub(reply)
  onTestFinished(stub.stop)
  const { accessKeyId, secretAccessKey, sessionToken } = credentials
  const env = {
    PATH: process.env['PATH'],
    DEBUG: '*',
    CANARY_OF_THE_VALUE: valueCanary,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: sessionToken,
  }
  const script = join(import.meta.dirname, 'testing/calling-process.ts')
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--conditions=@finchat/source', script, stub.url], { env })
  expect([stdout.trim(), stderr]).toEqual([`0 ${failures}`, ''])
  for (const { headers } of stub.requests()) expect(headers['x-amz-security-token'], 'it is sent').toBe(sessionToken)
})
