import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { SecretsManagerClient, type SecretsManagerClientConfig } from '@aws-sdk/client-secrets-manager'
import { createSecretsManager, envProvider, secretsManagerFromEnv } from '@finchat/secrets-core'
import { type AwsReply, startAwsStub } from '@finchat/secrets-test-servers'
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { awsProvider } from '../aws-provider.ts'
import { awsFromEnv } from '../from-env.ts'
import type { AwsProviderOptions } from '../model/options.ts'
import { context, credentials, failure, providerAt } from '../testing/aws-trial.ts'
import { together } from '../testing/together.ts'

let home = ''
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'secrets-aws-'))
  // Nothing of this machine's own setting, and no question to the metadata service.
  for (const variable of Object.keys(process.env)) if (variable.startsWith('AWS_')) vi.stubEnv(variable, undefined)
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
  vi.stubEnv('AWS_CONFIG_FILE', join(home, 'config'))
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(home, 'credentials'))
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(home, { recursive: true })
})

async function stubThat(reply: AwsReply | readonly [AwsReply, ...AwsReply[]]): Promise<Awaited<ReturnType<typeof startAwsStub>>> {
  const stub = await startAwsStub(reply)
  onTestFinished(stub.stop)
  return stub
}

/** The region that a provider's request was signed for. */
async function signedRegion(options: AwsProviderOptions): Promise<string | undefined> {
  const stub = await stubThat({ error: 'ResourceNotFoundException' })
  const provider = awsProvider({ endpoint: stub.url, ...options, clientConfig: { credentials, ...options.clientConfig } })
  await provider.get('prod/db', context)
  await provider.close()
  return stub.requests()[0]?.headers['authorization']?.split('/')[2]
}

test('importing the package loads no SDK, and neither does making a provider; the first call does', async () => {
  const program = `
    import { registerHooks } from 'node:module'
    const loaded = []
    registerHooks({ resolve: (specifier, at, next) => (loaded.push(specifier), next(specifier, at)) })
    const count = () => loaded.filter((each) => /^@(aws-sdk|smithy)/.test(each)).length
    const { awsProvider } = await import('@finchat/secrets-provider-aws')
    const provider = awsProvider({ region: 'eu-west-1', endpoint: 'http://127.0.0.1:9', timeoutMs: 2000 })
    const before = count()
    await provider.get('prod/db', { signal: new AbortController().signal }).catch(() => {})
    await provider.close()
    console.log(before, count() > 0)`
  const args = ['--conditions=@finchat/source', '--input-type=module', '--eval', program]
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: import.meta.dirname })
  expect(stdout.trim()).toBe('0 true')
})

test('without any credentials it is CREDENTIALS_MISSING, and nothing is sent', async () => {
  const stub = await stubThat({ error: 'ResourceNotFoundException' })
  const provider = awsProvider({ region: 'eu-west-1', endpoint: stub.url })
  expect(await failure(provider.get('prod/db', context))).toMatchObject({
    code: 'CREDENTIALS_MISSING',
    problem: 'no AWS credentials were found',
  })
  expect((await failure(provider.checkHealth(context))).code).toBe('CREDENTIALS_MISSING')
  expect(stub.requests()).toEqual([])
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAIOSFODNN7EXAMPLE')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'of-no-account')
  expect(await provider.get('prod/db', context)).toBeUndefined() // they came in the meantime
  await provider.close()
})

test.each([
  ['an error of its own', () => new Error('c4n4ry'), 'UNAUTHENTICATED'],
  [
    'a denial by STS',
    () => Object.assign(new Error('c4n4ry'), { name: 'AccessDenied', $metadata: { httpStatusCode: 403 } }),
    'UNAUTHENTICATED',
  ],
  [
    'an STS that throttles',
    () => Object.assign(new Error('c4n4ry'), { name: 'Throttling', $metadata: { httpStatusCode: 400 } }),
    'RATE_LIMITED',
  ],
  ['an STS that cannot be reached', () => Object.assign(new Error('c4n4ry'), { code: 'ECONNREFUSED' }), 'UNAVAILABLE'],
  ['no credentials', () => Object.assign(new Error('c4n4ry'), { name: 'CredentialsProviderError' }), 'CREDENTIALS_MISSING'],
])('a source of credentials that fails with %s is no answer of Secrets Manager', async (_, thrown, code) => {
  const stub = await stubThat({ error: 'ResourceNotFoundException' })
  const provider = providerAt(stub.url, { clientConfig: { credentials: () => Promise.reject(thrown()) } })
  const error = await failure(provider.get('prod/db', context))
  expect(error.code).toBe(code)
  expect(error.message).not.toContain('c4n4ry')
  expect(stub.requests()).toEqual([])
  await provider.close()
})

test('credentials that are refused are fetched anew, once, and not sent again where their source has no others', async () => {
  let fetched = 0
  const renewing = async (): Promise<typeof credentials> => ({ ...credentials, accessKeyId: `AKIA${(fetched += 1)}` })
  const stub = await stubThat([{ error: 'ExpiredTokenException' }, { error: 'ResourceNotFoundException' }])
  const provider = providerAt(stub.url, { clientConfig: { credentials: renewing } })
  expect(await provider.get('prod/db', context)).toBeUndefined()
  expect(stub.requests().map(({ headers }) => /Credential=(\w+)/.exec(headers['authorization'] ?? '')?.[1])).toEqual(['AKIA1', 'AKIA2'])
  await provider.close()

  const refusing = await stubThat({ error: 'ExpiredTokenException' })
  const [same, always] = [providerAt(refusing.url), providerAt(refusing.url, { clientConfig: { credentials: renewing } })]
  expect((await failure(same.get('prod/db', context))).code).toBe('UNAUTHENTICATED')
  expect(refusing.requests()).toHaveLength(1)
  expect((await failure(always.get('prod/db', context))).code).toBe('UNAUTHENTICATED')
  expect(refusing.requests()).toHaveLength(3)
  await Promise.all([same.close(), always.close()])
})

test('credentials that are refused stay refused where their source then fails: no other provider takes their place', async () => {
  const sources = [
    () => Promise.resolve(credentials),
    () => Promise.reject(Object.assign(new Error('none'), { name: 'CredentialsProviderError' })),
  ]
  const stub = await stubThat({ error: 'ExpiredTokenException' })
  const provider = providerAt(stub.url, { clientConfig: { credentials: () => sources.shift()?.() ?? Promise.reject(new Error('none')) } })
  expect((await failure(provider.get('prod/db', context))).code).toBe('UNAUTHENTICATED')
  await provider.close()
})

test('so do they where their source never answers again', async () => {
  const sources = [Promise.resolve(credentials), new Promise<never>(() => {})]
  const stub = await stubThat({ error: 'ExpiredTokenException' })
  const provider = providerAt(stub.url, {
    timeoutMs: 4_000,
    clientConfig: { credentials: () => sources.shift() ?? Promise.resolve(credentials) },
  })
  expect((await failure(provider.get('prod/db', context))).code).toBe('UNAUTHENTICATED')
  await provider.close()
})

test.each([
  ['half of them', { accessKeyId: 'AKIAIOSFODNN7EXAMPLE' }],
  ['the other half', { secretAccessKey: 'of-no-account' }],
  ['a token with the line break of its file', { ...credentials, sessionToken: 'c4n4ry\n' }],
  ['a number', { ...credentials, secretAccessKey: 42 }],
])('credentials that nobody could sign with (%s) are CONFIGURATION, and nothing is sent', async (_, unusable) => {
  const stub = await stubThat({ error: 'ResourceNotFoundException' })
  const provider = providerAt(stub.url, { clientConfig: { credentials: unusable as typeof credentials } }) // as JavaScript may pass it
  const error = await failure(provider.get('prod/db', context))
  expect(error).toMatchObject({ code: 'CONFIGURATION', problem: expect.stringContaining('credentials') })
  expect(error.message).not.toContain('c4n4ry')
  expect(stub.requests()).toEqual([])
  await provider.close()
})

test('reads beyond what is sent at once wait for their turn, and not for a connection that is then timed out', async () => {
  const inStep = together(50)
  const stub = await startAwsStub(async () => {
    await inStep.turn()
    return { error: 'ResourceNotFoundException' }
  })
  onTestFinished(stub.stop)
  const provider = providerAt(stub.url, { timeoutMs: 20_000, clientConfig: { requestHandler: { connectionTimeout: 1_000 } } })
  const reads = Array.from({ length: 150 }, (_, n) => provider.get(`app/${n}`, context))
  expect(await Promise.all(reads)).toEqual(reads.map(() => undefined))
  expect([inStep.most(), stub.requests().length]).toEqual([50, 150])
  await provider.close()
})

test('a client that was passed in has as many calls under way as it is made for', async () => {
  const all = Promise.withResolvers<AwsReply>()
  let running = 0
  const stub = await startAwsStub(() => {
    if ((running += 1) === 60) all.resolve({ error: 'ResourceNotFoundException' })
    return all.promise
  })
  onTestFinished(stub.stop)
  const requestHandler = { httpAgent: { maxSockets: 60 } }
  const client = new SecretsManagerClient({ region: 'eu-west-1', endpoint: stub.url, credentials, requestHandler })
  const provider = awsProvider({ client, timeoutMs: 20_000 })
  await Promise.all(Array.from({ length: 60 }, (_, n) => provider.get(`app/${n}`, context)))
  expect(running).toBe(60)
  await provider.close()
  client.destroy()
})

test('a `clientConfig` that the SDK cannot use is CONFIGURATION', async () => {
  const clientConfig = { credentials, requestHandler: 5 } as unknown as SecretsManagerClientConfig // as JavaScript may pass it
  const provider = awsProvider({ region: 'eu-west-1', clientConfig })
  expect((await failure(provider.get('prod/db', context))).code).toBe('CONFIGURATION')
  await provider.close()
})

test('the region is that of the options, else of the chain of the SDK', async () => {
  writeFileSync(join(home, 'config'), '[profile app]\nregion = eu-north-1\n')
  expect(await signedRegion({ clientConfig: { profile: 'app' } })).toBe('eu-north-1')
  vi.stubEnv('AWS_REGION', 'eu-central-1')
  expect(await signedRegion({})).toBe('eu-central-1')
  expect(await signedRegion({ clientConfig: { region: 'eu-west-2' } })).toBe('eu-west-2')
  expect(await signedRegion({ region: 'eu-west-3', clientConfig: { region: 'eu-west-3' } })).toBe('eu-west-3')
})

test('without any region it is CONFIGURATION, and not "no such secret" of some region; nothing is sent', async () => {
  const stub = await stubThat({ error: 'ResourceNotFoundException' })
  const provider = awsProvider({ endpoint: stub.url, clientConfig: { credentials } })
  const remedy = 'give `region`, or set AWS_REGION or the region of the profile'
  for (const outcome of await Promise.all([provider.get('prod/db', context), provider.checkHealth(context)].map(failure)))
    expect(outcome).toMatchObject({ code: 'CONFIGURATION', problem: 'no AWS region', remedy })
  expect(stub.requests()).toEqual([])
  const warn = vi.spyOn(process, 'emitWarning').mockReturnValue()
  const secrets = createSecretsManager({ providers: [provider, envProvider({ env: { TOKEN: 'a weaker answer' } })] })
  expect((await failure(secrets.getSecret('TOKEN'))).code).toBe('CONFIGURATION')
  expect(warn).not.toHaveBeenCalled()
  vi.stubEnv('AWS_REGION', 'eu-central-1')
  expect(await provider.get('prod/db', context)).toBeUndefined() // it came in the meantime
  await secrets.close()
})

test('only a provider that variables made asks us-east-1 as a last resort, and warns of it once', async () => {
  const stub = await stubThat({ error: 'ResourceNotFoundException' })
  vi.stubEnv('AWS_ENDPOINT_URL', stub.url)
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAIOSFODNN7EXAMPLE')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'of-no-account')
  const warn = vi.spyOn(process, 'emitWarning').mockReturnValue()
  onTestFinished(() => warn.mockRestore())
  const secrets = secretsManagerFromEnv({ aws: awsFromEnv }, { env: { FINCHAT_SECRETS_PROVIDER: 'aws', FINCHAT_SECRETS_FALLBACKS: '' } })
  for (const name of ['A', 'B']) expect((await failure(secrets.getSecret(name))).code).toBe('NOT_FOUND')
  expect(stub.requests().map(({ headers }) => headers['authorization']?.split('/')[2])).toEqual(['us-east-1', 'us-east-1'])
  expect(warn.mock.calls).toEqual([
    [
      "No AWS region is set, so AWS provider 'aws' asks us-east-1: set FINCHAT_AWS_REGION",
      { type: 'SecretsWarning', code: 'FINCHAT_SECRETS_AWS_REGION' },
    ],
  ])
  await secrets.close()
})

test.each(['no region!', 'eu-west1', 'eu-west-1a'])(
  'a region %j in the environment is CONFIGURATION, and none that is asked instead',
  async (impossible) => {
    vi.stubEnv('AWS_REGION', impossible)
    const provider = awsProvider({ clientConfig: { credentials } })
    expect(await failure(provider.get('prod/db', context))).toMatchObject({ code: 'CONFIGURATION', remedy: 'give one such as eu-west-1' })
    vi.stubEnv('AWS_REGION', undefined)
    await provider.close()
  },
)

test('a client that was passed in without a region is CONFIGURATION', async () => {
  const client = new SecretsManagerClient({ credentials })
  const provider = awsProvider({ client })
  expect(await failure(provider.get('prod/db', context))).toMatchObject({ code: 'CONFIGURATION', problem: 'no AWS region' })
  await provider.close()
  client.destroy()
})

test('a client that was passed in is used as it is, and never destroyed', async () => {
  const stub = await stubThat({ error: 'ResourceNotFoundException' })
  const client = new SecretsManagerClient({ region: 'eu-west-1', endpoint: stub.url, credentials })
  const destroy = vi.spyOn(client, 'destroy')
  const provider = awsProvider({ client })
  expect(await provider.get('prod/db', context)).toBeUndefined()
  await provider.close()
  expect(destroy).not.toHaveBeenCalled()
  const another = awsProvider({ client })
  expect(await another.get('prod/db', context)).toBeUndefined()
  await another.close()
  client.destroy()
})

test('the client that the provider makes is destroyed when it closes: no connection is left', async () => {
  const destroy = vi.spyOn(SecretsManagerClient.prototype, 'destroy')
  const stub = await stubThat({ error: 'ResourceNotFoundException' })
  const provider = providerAt(stub.url)
  await provider.get('prod/db', context)
  expect(destroy).not.toHaveBeenCalled()
  await provider.close()
  expect(destroy).toHaveBeenCalledTimes(1)
})

test("a handler's own settings go before ours, and those that it has not stay", async () => {
  const stub = await stubThat('hang')
  // Our own deadline is beyond the patience of the test.
  const provider = providerAt(stub.url, { timeoutMs: 600_000, clientConfig: { maxAttempts: 1, requestHandler: { requestTimeout: 100 } } })
  expect((await failure(provider.get('prod/db', context))).code).toBe('DEADLINE_EXCEEDED') // by `throwOnRequestTimeout`
  await provider.close()
})
