import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, connect } from 'node:net'
import { dirname, join } from 'node:path'
import { createServer } from 'node:tls'
import { promisify } from 'node:util'
import { type AwsStub, startAwsStub, startOpenBao } from '@finchat/secrets-test-servers'
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

/**
 * What a process with these flags reads, with credentials from its environment as in a container.
 */
async function readAt(url: string, more: Readonly<Record<string, string>>, ...flags: readonly string[]): Promise<string> {
  const args = ['--conditions=@finchat/source', '--no-warnings', ...flags, '--input-type=module', '--eval', reads, url]
  const env = { ...process.env, ...more, AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE', AWS_SECRET_ACCESS_KEY: 'of-no-account' }
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: import.meta.dirname, env })
  return stdout
}

it.each([
  ['with frozen intrinsics', ['--frozen-intrinsics']],
  ['without the right to anything but to read its code', ['--permission', `--allow-fs-read=${join(import.meta.dirname, '../../..')}`]],
])('a provider works %s', async (_, flags) => {
  expect(await readAt((await startStub()).url, {}, ...flags)).toBe('hunter2\n')
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
      const { caFile = '', stop } = await startOpenBao({ tls: true }) // for its certificate
      onTestFinished(stop)
      const [cert, key] = ['vault-cert.pem', 'vault-key.pem'].map((name) => readFileSync(join(dirname(caFile), name)))
      const stub = await startStub()
      const { port } = new URL(stub.url)
      const server = createServer({ cert, key, minVersion: 'TLSv1', maxVersion, ciphers: 'DEFAULT@SECLEVEL=0' }, (socket) => {
        socket
          .on('error', () => {})
          .pipe(connect(Number(port), '127.0.0.1'))
          .pipe(socket)
      }).listen(0, '127.0.0.1')
      onTestFinished(() => void server.close())
      await once(server, 'listening')
      const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}` // of a server that listens on TCP
      const env = { NODE_OPTIONS: `--tls-min-v${least} --tls-cipher-list=DEFAULT@SECLEVEL=0`, NODE_EXTRA_CA_CERTS: caFile }
      expect(await readAt(url, env)).toBe(expected)
      expect(stub.requests()).toHaveLength(requests)
    },
  )
})
