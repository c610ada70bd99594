import { join } from 'node:path'
import { type AwsStub, restrictedModes, runModule, startAwsStub, startTlsProxy } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { expect, it, onTestFinished, vi } from 'vitest'

// Each starts processes, which take their time where others run too.
vi.setConfig({ testTimeout: 120_000 })

const reads = `
  import { awsProvider } from '@finchat/secrets-provider-aws'
  const [endpoint] = process.argv.slice(1)
  const aws = awsProvider({ region: 'eu-west-1', endpoint })
  const answer = await aws.get('prod/db', { signal: new AbortController().signal }).then(({ value }) => value, ({ code }) => code)
  console.log(answer)
  await aws.close()`

async function startStub(): Promise<AwsStub> {
  const arn = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf'
  const stub = await startAwsStub({
    json: { Name: 'prod/db', ARN: arn, VersionId: 'id', VersionStages: ['AWSCURRENT'], SecretString: 'hunter2' },
  })
  onTestFinished(stub.stop)
  return stub
}

const cwd = import.meta.dirname
/** Credentials, from the environment as in a container. */
const credentials = { AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE', AWS_SECRET_ACCESS_KEY: 'of-no-account' }

it.each(restrictedModes(join(cwd, '../../..')))('a provider works %s', async (_, flags) => {
  const run = { cwd, flags, args: [(await startStub()).url], env: credentials }
  expect(await runModule(reads, run)).toBe('hunter2\n')
})

describeWithServer('openbao', 'an endpoint of an old version of TLS', () => {
  it.each([
    ['TLSv1', '1.0', 'CONFIGURATION\n', 0],
    ['TLSv1.1', '1.0', 'CONFIGURATION\n', 0],
    ['TLSv1.2', '1.0', 'hunter2\n', 1],
    ['TLSv1.2', '1.3', 'CONFIGURATION\n', 0],
  ] as const)(
    'of %s at most gets no request below 1.2, nor below %s, which NODE_OPTIONS says',
    async (maxVersion, least, expected, requests) => {
      const stub = await startStub()
      const proxy = await startTlsProxy(stub.url, maxVersion)
      onTestFinished(proxy.stop)
      const env = { ...proxy.clientEnvironment(least), ...credentials }
      expect(await runModule(reads, { cwd, args: [proxy.url], env })).toBe(expected)
      expect(stub.requests()).toHaveLength(requests)
    },
  )
})
