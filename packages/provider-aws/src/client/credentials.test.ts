import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { type AwsProvider, awsProvider } from '../aws-provider.ts'
import type { AwsProviderOptions } from '../model/options.ts'
import { context, failure } from '../testing/aws-trial.ts'

beforeEach(() => {
  for (const variable of Object.keys(process.env)) if (variable.startsWith('AWS_')) vi.stubEnv(variable, undefined)
  for (const file of ['AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE']) vi.stubEnv(file, '/dev/null')
  return () => void vi.unstubAllEnvs()
})

/** A metadata service whose packets are swallowed on the way; how often it was asked. */
async function swallowingMetadataService(): Promise<() => number> {
  let asked = 0
  const server: Server = createServer((socket) => {
    asked += 1
    socket.on('error', () => {})
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('it listens on a port')
  vi.stubEnv('AWS_EC2_METADATA_SERVICE_ENDPOINT', `http://127.0.0.1:${address.port}`)
  return () => asked
}

function opened(options: AwsProviderOptions = {}): AwsProvider {
  const provider = awsProvider({ region: 'eu-west-1', endpoint: 'http://127.0.0.1:9', ...options })
  onTestFinished(() => provider.close())
  return provider
}

test('calls at once share one search for credentials, also where the metadata service is swallowed', async () => {
  const asked = await swallowingMetadataService()
  const provider = opened({ timeoutMs: 20_000 })
  const startedAt = performance.now()
  const reads = Array.from({ length: 20 }, (_, n) => failure(provider.get(`app/${n}`, context)))
  const others = [provider.getVersion('app/0', 1, context), provider.put('app/0', { value: 'v' }, context), provider.checkHealth(context)]
  const errors = await Promise.all([...reads, ...others.map(failure)])
  const tookMs = performance.now() - startedAt
  expect(new Set(errors.map(({ code }) => code))).toEqual(new Set(['CREDENTIALS_MISSING']))
  expect(asked()).toBe(2) // for a token, and without one
  expect(tookMs).toBeLessThan(8_000)
})

test('a batch asks for credentials once, however many secrets it has', async () => {
  const asked = await swallowingMetadataService()
  const provider = opened({ timeoutMs: 20_000 })
  const results = await provider.getMany(
    Array.from({ length: 1_000 }, (_, n) => `app/${n}`),
    context,
  )
  expect(results).toHaveLength(1_000)
  for (const result of results) expect(result).toMatchObject({ reason: { code: 'CREDENTIALS_MISSING' } })
  expect(asked()).toBe(2)
})

test('a search that took long and found nothing is not made again for a minute', async () => {
  const asked = await swallowingMetadataService()
  const provider = opened({ timeoutMs: 20_000 })
  const begunAt = performance.now()
  const first = await failure(provider.get('app/0', context))
  const startedAt = performance.now()
  for (const call of [provider.get('app/1', context), provider.checkHealth(context), provider.describe('app/2', context)])
    expect(await failure(call)).toMatchObject({ code: 'CREDENTIALS_MISSING', retryAt: first.retryAt })
  expect(performance.now() - startedAt).toBeLessThan(startedAt - begunAt) // one search takes two seconds
  expect(asked()).toBe(2)
  vi.spyOn(Date, 'now').mockReturnValue(Number(first.retryAt))
  await failure(provider.get('app/0', context))
  expect(asked()).toBe(4)
})

test('where no credentials are found, the error says how to spare the search', async () => {
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
  const error = await failure(opened().get('app', context))
  expect(error).toMatchObject({ code: 'CREDENTIALS_MISSING', remedy: expect.stringContaining('AWS_EC2_METADATA_DISABLED=true') })
})

test.each([[() => ({})], [() => ({ clientConfig: { credentials: undefined } })]])(
  'a source of the user is asked once too (%#)',
  async () => {
    let asked = 0
    const source = async (): Promise<never> => {
      asked += 1
      await new Promise((resolve) => setTimeout(resolve, 50))
      throw Object.assign(new Error('none'), { name: 'CredentialsProviderError' })
    }
    const provider = opened({ clientConfig: { credentials: source } })
    const reads = Array.from({ length: 20 }, (_, n) => failure(provider.get(`app/${n}`, context)))
    expect(new Set((await Promise.all(reads)).map(({ code }) => code))).toEqual(new Set(['CREDENTIALS_MISSING']))
    expect(asked).toBe(1)
  },
)
