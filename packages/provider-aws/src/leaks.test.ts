import { inspect } from 'node:util'
import { startAwsStub } from '@finchat/secrets-test-servers'
import { leaksOf } from '@finchat/secrets-testkit'
import { expect, onTestFinished, test } from 'vitest'
import { awsProvider } from './aws-provider.ts'
import { context, credentials, failure, providerAt } from './testing/aws-trial.ts'

const valueCanary = 'c4n4ry-of-the-value-Xq7'
const canaries = [valueCanary, credentials.secretAccessKey, credentials.sessionToken]
const arn = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf'

test('a provider shows neither its credentials nor what it has read', async () => {
  const stub = await startAwsStub({
    json: { Name: 'prod/db', ARN: arn, VersionId: 'id', VersionStages: ['AWSCURRENT'], SecretString: valueCanary },
  })
  const provider = providerAt(stub.url)
  onTestFinished(async () => {
    await provider.close()
    await stub.stop()
  })
  expect((await provider.get('prod/db', context))?.value).toBe(valueCanary)
  for (const canary of canaries) {
    expect(leaksOf(provider, canary)).toEqual([])
    expect(inspect(provider, { showHidden: true, showProxy: true, depth: 20 })).not.toContain(canary)
  }
})

test('no refused write says what was to be written', async () => {
  const provider = awsProvider({ region: 'eu-west-1', clientConfig: { credentials } })
  const errors = [
    await failure(provider.put('a\nb', { value: valueCanary }, context)),
    await failure(provider.put('prod/db', { value: `${valueCanary}\ud800` }, context)),
    await failure(provider.put('prod/db', { value: valueCanary.padEnd(70_000) }, context)),
    await failure(provider.put('prod/db', { value: valueCanary, version: 0 }, context)),
    await failure(provider.put('prod/db', { value: valueCanary, tags: { 'aws:x': valueCanary } }, context)),
    await failure(provider.put('prod/db', { value: valueCanary }, { signal: AbortSignal.abort(new Error(valueCanary)) })),
  ]
  for (const error of errors) expect(leaksOf(error, valueCanary)).toEqual([])
  await provider.close()
})

test('no log of the SDK and no DEBUG variable is switched on by us: a call prints nothing', async () => {
  const stub = await startAwsStub({ error: 'AccessDeniedException', message: valueCanary })
  const provider = providerAt(stub.url)
  const printed: string[] = []
  const streams = [process.stdout, process.stderr]
  const writes = streams.map((stream) => stream.write)
  for (const stream of streams) stream.write = (text) => printed.push(String(text)) > 0
  await failure(provider.put('prod/db', { value: valueCanary }, context)).finally(() => {
    for (const [index, stream] of streams.entries()) stream.write = writes[index] ?? stream.write
  })
  expect(printed).toEqual([])
  await provider.close()
  await stub.stop()
})
