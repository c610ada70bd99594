import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { startAwsStub } from '@finchat/secrets-test-servers'
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

/** What a process with these flags reads, with credentials from its environment as in a container. */
async function read(...flags: readonly string[]): Promise<string> {
  const arn = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf'
  const stub = await startAwsStub({
    json: { Name: 'prod/db', ARN: arn, VersionId: 'id', VersionStages: ['AWSCURRENT'], SecretString: 'hunter2' },
  })
  onTestFinished(stub.stop)
  const args = ['--conditions=@finchat/source', '--no-warnings', ...flags, '--input-type=module', '--eval', reads, stub.url]
  const env = { ...process.env, AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE', AWS_SECRET_ACCESS_KEY: 'of-no-account' }
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: import.meta.dirname, env })
  return stdout
}

it.each([
  ['with frozen intrinsics', ['--frozen-intrinsics']],
  ['without the right to anything but to read its code', ['--permission', `--allow-fs-read=${join(import.meta.dirname, '../../..')}`]],
])('a provider works %s', async (_, flags) => {
  expect(await read(...flags)).toBe('hunter2\n')
})
