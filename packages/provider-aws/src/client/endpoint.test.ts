import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { startAwsStub, startOpenBao } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { type AwsProvider, awsProvider } from '../aws-provider.ts'
import type { AwsProviderOptions } from '../model/options.ts'
import { context, credentials, failure } from '../testing/aws-trial.ts'

const [account, region] = ['123456789012', 'eu-west-1']
let folder = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'secrets-aws-'))
  for (const variable of Object.keys(process.env)) if (variable.startsWith('AWS_')) vi.stubEnv(variable, undefined)
  vi.stubEnv('AWS_CONFIG_FILE', join(folder, 'config'))
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(folder, 'credentials'))
  return () => {
    vi.unstubAllEnvs()
    rmSync(folder, { recursive: true })
  }
})

function opened(options: AwsProviderOptions = {}): AwsProvider {
  const own = options.client === undefined ? { clientConfig: { credentials, maxAttempts: 1, ...options.clientConfig } } : {}
  const provider = awsProvider({ region, ...options, ...own })
  onTestFinished(() => provider.close())
  return provider
}

/** Sets an endpoint where the SDK looks for one. */
const settings: Readonly<Record<string, (url: string) => void>> = {
  AWS_ENDPOINT_URL: (url) => void vi.stubEnv('AWS_ENDPOINT_URL', url),
  AWS_ENDPOINT_URL_SECRETS_MANAGER: (url) => {
    vi.stubEnv('AWS_ENDPOINT_URL', 'https://127.0.0.1:9')
    vi.stubEnv('AWS_ENDPOINT_URL_SECRETS_MANAGER', url)
  },
  'endpoint_url of the profile': (url) => writeFileSync(join(folder, 'config'), `[default]\nendpoint_url = ${url}\n`),
  'endpoint_url of another profile': (url) => {
    vi.stubEnv('AWS_PROFILE', 'app')
    writeFileSync(join(folder, 'config'), `[profile app]\nendpoint_url=${url}\n`)
  },
  'endpoint_url of a service of the profile': (url) => {
    const services = `[services local]\nsecrets_manager =\n  endpoint_url = ${url}\n`
    writeFileSync(join(folder, 'config'), `[default]\nservices = local\n${services}`)
  },
}

test.each(Object.entries(settings))('an endpoint by %s is asked where it is safe, as by `endpoint`', async (_, set) => {
  const stub = await startAwsStub({ error: 'ResourceNotFoundException' })
  onTestFinished(stub.stop)
  set(stub.url)
  expect(await opened().get('prod/db', context)).toBeUndefined()
  expect(stub.requests()).toHaveLength(1)
})

test.each(Object.entries(settings))('an endpoint by %s is refused where `endpoint` refuses it, and nothing is sent', async (_, set) => {
  const sent = vi.spyOn(SecretsManagerClient.prototype, 'send')
  onTestFinished(() => sent.mockRestore())
  for (const url of [
    'http://another-host.example',
    'http://10.0.0.1:4566',
    'ftp://localhost',
    'https://user:c4n4ry@aws.example',
    'localhost:4566',
  ]) {
    set(url)
    const error = await failure(opened().get('prod/db', context))
    expect(error, url).toMatchObject({ code: 'CONFIGURATION', problem: expect.stringContaining('AWS_ENDPOINT_URL') })
    expect(error.message).not.toContain('c4n4ry')
    expect((await failure(opened().put('prod/db', { value: 'v' }, context))).code).toBe('CONFIGURATION')
  }
  expect(sent).not.toHaveBeenCalled()
})

test('what is to be ignored is not refused: by the environment, by `clientConfig`, or by an `endpoint` of the options', async () => {
  const stub = await startAwsStub({ error: 'ResourceNotFoundException' })
  onTestFinished(stub.stop)
  vi.stubEnv('AWS_ENDPOINT_URL', 'http://another-host.example')
  expect(await opened({ endpoint: stub.url }).get('prod/db', context)).toBeUndefined()
  // Nothing leaves this machine.
  const requestHandler = { handle: () => Promise.reject(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })) }
  expect(
    (await failure(opened({ clientConfig: { ignoreConfiguredEndpointUrls: true, requestHandler } }).get('prod/db', context))).code,
  ).toBe('UNAVAILABLE')
  vi.stubEnv('AWS_IGNORE_CONFIGURED_ENDPOINT_URLS', 'true')
  expect((await failure(opened({ clientConfig: { requestHandler } }).get('prod/db', context))).code).toBe('UNAVAILABLE')
})

test('a client that was passed in is the user`s, its endpoint included', async () => {
  const stub = await startAwsStub({ error: 'ResourceNotFoundException' })
  onTestFinished(stub.stop)
  const client = new SecretsManagerClient({ region, endpoint: stub.url, credentials })
  vi.stubEnv('AWS_ENDPOINT_URL', 'http://another-host.example')
  const provider = awsProvider({ client })
  onTestFinished(() => provider.close())
  expect(await provider.get('prod/db', context)).toBeUndefined()
  client.destroy()
})

test('answers of two endpoints are never shared, however each was configured', () => {
  const own = awsProvider({ account, region }).sharedAs
  const byOption = awsProvider({ account, region, endpoint: 'https://one.example' }).sharedAs
  expect(own).toBe('aws 123456789012 eu-west-1')
  const client = new SecretsManagerClient({ region, endpoint: 'https://three.example' })
  expect(awsProvider({ account, region, client }).sharedAs, 'its endpoint is known when it is asked').toBeUndefined()
  client.destroy()
  vi.stubEnv('AWS_ENDPOINT_URL', 'https://two.example')
  const byVariable = awsProvider({ account, region }).sharedAs
  vi.stubEnv('AWS_ENDPOINT_URL_SECRETS_MANAGER', 'https://four.example')
  const byVariableOfService = awsProvider({ account, region }).sharedAs
  expect(new Set([own, byOption, byVariable, byVariableOfService]).size).toBe(4)
  expect(awsProvider({ account, region, endpoint: 'https://one.example' }).sharedAs, 'the option goes before').toBe(byOption)
  vi.stubEnv('AWS_IGNORE_CONFIGURED_ENDPOINT_URLS', 'true')
  expect(awsProvider({ account, region }).sharedAs).toBe(own)
})

test.each(Object.entries(settings).slice(2))('with %s answers are not shared: which profile holds is known later', (_, set) => {
  set('https://one.example')
  expect(awsProvider({ account, region }).sharedAs).toBeUndefined()
})

test('an endpoint that changed after the provider was made is CONFIGURATION where its answers are shared', async () => {
  const provider = opened({ account })
  vi.stubEnv('AWS_ENDPOINT_URL', 'https://127.0.0.1:9')
  expect(await failure(provider.get('prod/db', context))).toMatchObject({ code: 'CONFIGURATION', remedy: 'give it as `endpoint`' })
})

test('an endpoint provider in `clientConfig` is refused as an endpoint is', () => {
  const clientConfig = { endpointProvider: () => ({ url: new URL('http://another-host.example') }) } as AwsProviderOptions['clientConfig']
  expect(() => awsProvider({ region, clientConfig })).toThrow('`clientConfig` has an endpoint')
})

describeWithServer('openbao', 'a server that cannot prove who it is', () => {
  test('gets no request, whatever the environment says, and however its handler is configured', async () => {
    const bao = await startOpenBao({ tls: true })
    onTestFinished(() => bao.stop())
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
    const configs = [{}, { requestHandler: { requestTimeout: 5_000 } }, { requestHandler: { httpsAgent: { maxSockets: 5 } } }]
    for (const clientConfig of configs) {
      const provider = opened({ endpoint: bao.url, timeoutMs: 20_000, clientConfig })
      const error = await failure(provider.put('prod/db', { value: 'v' }, context))
      expect(error).toMatchObject({ code: 'CONFIGURATION', effect: undefined, problem: "the endpoint's certificate is not trusted" })
    }
    const trusting = opened({
      endpoint: bao.url,
      timeoutMs: 20_000,
      clientConfig: { requestHandler: { httpsAgent: { ca: bao.ca ?? '' } } },
    })
    expect((await failure(trusting.get('prod/db', context))).problem).toContain('does not answer as AWS')
  })
})
