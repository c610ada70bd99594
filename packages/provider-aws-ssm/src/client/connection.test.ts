import { SSMClient } from '@aws-sdk/client-ssm'
import { serverThat } from '@finchat/secrets-test-servers/vitest'
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import type { SsmProviderOptions } from '../model/options.ts'
import { type SsmProvider, ssmProvider } from '../ssm-provider.ts'
import { account, context, credentials, failure, providerAt, region, stubbed } from '../testing/ssm-trial.ts'

beforeEach(() => {
  for (const variable of Object.keys(process.env)) if (variable.startsWith('AWS_')) vi.stubEnv(variable, undefined)
  for (const file of ['AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE']) vi.stubEnv(file, '/dev/null')
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
})
afterEach(() => void vi.unstubAllEnvs())

const found = { json: { Parameter: { Name: 'db', Value: 'x', Version: 1 } } }

function opened(options: SsmProviderOptions): SsmProvider {
  const provider = ssmProvider(options)
  onTestFinished(() => provider.close())
  return provider
}

test('region and credentials are left to the SDK; without either the error has the remedy', async () => {
  const { stub } = await stubbed(found)
  expect(await failure(opened({ endpoint: stub.url, clientConfig: { credentials } }).get('db', context))).toMatchObject({
    code: 'CONFIGURATION',
    problem: 'no AWS region',
  })
  const missing = await failure(opened({ region, endpoint: stub.url }).get('db', context))
  expect(missing).toMatchObject({ code: 'CREDENTIALS_MISSING', remedy: expect.stringContaining('AWS_EC2_METADATA_DISABLED=true') })
  expect(stub.requests()).toEqual([])
  vi.stubEnv('AWS_REGION', 'eu-west-2')
  vi.stubEnv('AWS_ACCESS_KEY_ID', credentials.accessKeyId)
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', credentials.secretAccessKey)
  expect((await opened({ endpoint: stub.url }).get('db', context))?.value).toBe('x')
  expect(stub.requests()[0]?.headers['authorization']).toContain('/eu-west-2/ssm/')
})

test('credentials that cannot be sent are refused, and a search that took long is not made again for a minute', async () => {
  const bad = { ...credentials, secretAccessKey: `${credentials.secretAccessKey}\n` }
  const refused = await failure(opened({ region, clientConfig: { credentials: bad } }).get('db', context))
  expect(refused.code).toBe('CONFIGURATION')
  expect(String(refused)).not.toContain('c4n4ry')
  let searches = 0
  let now = 0
  vi.spyOn(performance, 'now').mockImplementation(() => now)
  onTestFinished(() => void vi.restoreAllMocks())
  const search = async (): Promise<never> => {
    searches += 1
    now += 2_000
    throw Object.assign(new Error('none'), { name: 'CredentialsProviderError' })
  }
  const provider = opened({ region, timeoutMs: 20_000, clientConfig: { credentials: search } })
  const { retryAt } = await failure(provider.get('db', context))
  expect(await failure(provider.checkHealth(context))).toMatchObject({ code: 'CREDENTIALS_MISSING', retryAt })
  expect(searches).toBe(1)
  vi.spyOn(Date, 'now').mockReturnValue(Number(retryAt))
  await failure(provider.get('db', context))
  expect(searches).toBe(2)
})

test('refused credentials are fetched again, once, and used if they differ', async () => {
  const { stub } = await stubbed(({ headers }) =>
    headers['authorization']?.includes('OLD') === true ? { error: 'ExpiredTokenException' } : found,
  )
  let calls = 0
  const source = (next: string) => async () => ({
    ...credentials,
    accessKeyId: (calls += 1) === 1 ? 'OLD' : next,
    expiration: new Date(Date.now() + 9e6),
  })
  const provider = opened({ region, endpoint: stub.url, clientConfig: { credentials: source('NEW') } })
  expect((await provider.get('db', context))?.value).toBe('x')
  expect(stub.requests()).toHaveLength(2)
  calls = 0
  const same = opened({ region, endpoint: stub.url, clientConfig: { credentials: source('OLD') } })
  expect((await failure(same.get('db', context))).code).toBe('UNAUTHENTICATED')
  expect(stub.requests()).toHaveLength(3)
})

test('an endpoint of the environment follows the same rule, and with `account` it must be an option', async () => {
  vi.stubEnv('AWS_ENDPOINT_URL_SSM', 'http://ssm.example')
  const clientConfig = { credentials }
  expect(await failure(opened({ region, clientConfig }).get('db', context))).toMatchObject({
    code: 'CONFIGURATION',
    problem: expect.stringContaining('AWS_ENDPOINT_URL'),
  })
  const { stub } = await stubbed(found)
  vi.stubEnv('AWS_ENDPOINT_URL_SSM', stub.url)
  expect((await opened({ region, clientConfig }).get('db', context))?.value).toBe('x')
  const shared = opened({ region, clientConfig, account })
  expect(shared.sharedAs).toBe(`ssm ${account} ${region}`)
  expect(await failure(shared.get('db', context))).toMatchObject({ code: 'CONFIGURATION', remedy: 'give it as `endpoint`' })
  expect(opened({ region, clientConfig, account, endpoint: stub.url }).sharedAs).toBe(`ssm ${account} ${region} ${stub.url}`)
  expect(opened({ region, clientConfig }).sharedAs).toBeUndefined()
})

test('a client of your own is used and never destroyed; one with its own endpoint shares nothing', async () => {
  const { stub } = await stubbed(found)
  const client = new SSMClient({ region, credentials, endpoint: stub.url, maxAttempts: 1 })
  const destroy = vi.spyOn(client, 'destroy')
  const provider = ssmProvider({ client, account, region })
  expect(provider.sharedAs).toBeUndefined()
  expect((await ssmProvider({ client }).get('db', context))?.value).toBe('x')
  await provider.close()
  expect(destroy).not.toHaveBeenCalled()
  expect((await failure(provider.get('db', context))).code).toBe('ABORTED')
  client.destroy()
})

test('an endpoint that hangs, or stops within an answer, costs the deadline and no more', async () => {
  const hangs = await serverThat(() => {})
  const stops = await serverThat((_, response) => void response.writeHead(200, { 'content-length': '500' }).write('{"Parameter":'))
  const started = performance.now()
  const calls = [hangs, stops].flatMap((url) => {
    const provider = providerAt(url, { timeoutMs: 600 })
    onTestFinished(() => provider.close())
    return [failure(provider.get('db', context)), failure(provider.put('db', { value: 'x' }, context))]
  })
  const errors = await Promise.all(calls)
  expect(errors.map(({ code, effect }) => [code, effect])).toEqual([
    ['DEADLINE_EXCEEDED', undefined],
    ['DEADLINE_EXCEEDED', 'unknown'],
    ['DEADLINE_EXCEEDED', undefined],
    ['DEADLINE_EXCEEDED', 'unknown'],
  ])
  expect(performance.now() - started).toBeLessThan(15_000)
})

test('fifty calls run at once, a waiting one is not sent after its time, and `close` ends them', async () => {
  let running = 0
  const url = await serverThat(() => (running += 1))
  const provider = providerAt(url, { timeoutMs: 60_000 })
  const calls = Array.from({ length: 60 }, (_, n) => failure(provider.get(`n${n}`, context)))
  await vi.waitFor(() => expect(running).toBe(50), { timeout: 15_000 })
  await provider.close()
  expect(new Set((await Promise.all(calls)).map(({ code }) => code))).toEqual(new Set(['ABORTED']))
  expect(running).toBe(50)
})

test('the certificate is verified, whatever the environment says', async () => {
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
  const provider = opened({ region, clientConfig: { credentials } })
  const { SSMClient: Client } = await import('@aws-sdk/client-ssm')
  const send = vi.spyOn(Client.prototype, 'send').mockImplementation(async function read(this: SSMClient) {
    const { httpsAgent } = await Reflect.get(this.config.requestHandler, 'configProvider')
    expect(httpsAgent.options).toMatchObject({ rejectUnauthorized: true, minVersion: 'TLSv1.2' })
    return found.json
  } as never)
  onTestFinished(() => send.mockRestore())
  expect((await provider.get('db', context))?.value).toBe('x')
})
