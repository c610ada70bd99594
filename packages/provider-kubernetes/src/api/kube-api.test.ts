import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { canaries, context, failure, providerOf, seed, stubApi } from '../testing/kube-harness.ts'

test('a token is sent to the server, and read again for each request', async () => {
  const api = await stubApi()
  seed(api, 'db', { value: 'one' })
  const tokens = ['first', 'second']
  const provider = providerOf(api, { token: async () => tokens.shift() ?? 'last' })
  await provider.get('db', context)
  await provider.get('db', context)
  expect(api.requests.map(({ headers }) => headers.authorization)).toEqual(['Bearer first', 'Bearer second'])
})

test('a refused token is read once more, and its successor repeats the request, also a write', async () => {
  const api = await stubApi()
  const file = join(temporaryFolder(), 'token')
  writeFileSync(file, 'former\n')
  api.tokens = ['rotated']
  const provider = providerOf(api, { token: { file } })
  expect((await failure(provider.get('db', context))).code).toBe('UNAUTHENTICATED')
  expect(api.requests.length).toBe(1)
  const tokens = ['former', 'former', 'rotated', 'rotated', 'rotated']
  const writing = providerOf(api, { token: async () => tokens.shift() ?? '' })
  await failure(writing.get('db', context))
  expect(await writing.put('db', { value: 'one' }, context)).toHaveProperty('revision')
})

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'kubernetes-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

test('without a token none is sent', async () => {
  const api = await stubApi()
  await providerOf(api, { token: undefined }).get('db', context)
  expect(api.requests[0]?.headers).not.toHaveProperty('authorization')
})

test.each([
  [{ file: '/no/such/token' }, 'CREDENTIALS_MISSING'],
  [`${canaries.token} and more`, 'CONFIGURATION'],
  ['', 'CREDENTIALS_MISSING'],
] as const)('the token %j sends no request', async (token, code) => {
  const api = await stubApi()
  const provider = providerOf(api, { token })
  expect((await failure(provider.get('db', context))).code).toBe(code)
  expect(api.requests).toEqual([])
})

test('a redirect is not followed, and proxies are not asked', async () => {
  const api = await stubApi()
  vi.stubEnv('HTTP_PROXY', 'http://127.0.0.1:1')
  vi.stubEnv('NODE_USE_ENV_PROXY', '1')
  onTestFinished(() => void vi.unstubAllEnvs())
  const provider = providerOf(api)
  expect(await provider.get('db', context)).toBeUndefined()
  api.mood = 'redirecting'
  expect(await failure(provider.get('db', context))).toMatchObject({ code: 'CONFIGURATION', storeStatus: '302' })
})

test('a read over a broken connection is repeated once, a write is not', async () => {
  const api = await stubApi()
  const provider = providerOf(api)
  api.mood = 'reset'
  expect((await failure(provider.get('db', context))).code).toBe('UNAVAILABLE')
  expect(api.requests.length).toBe(2)
  expect(await failure(provider.tag('db', { team: 'pay' }, context))).toMatchObject({ code: 'UNAVAILABLE', effect: 'unknown' })
  expect(api.requests.length).toBe(3)
})

test('health asks whether the server is ready, and reads no secret', async () => {
  const api = await stubApi()
  api.tokens = [canaries.token]
  await providerOf(api).checkHealth(context)
  expect(api.requests.map(({ method, url }) => `${method} ${url}`)).toEqual(['GET /readyz'])
  expect((await failure(providerOf(api, { token: 'old' }).checkHealth(context))).code).toBe('UNAUTHENTICATED')
})

test('what answers a page in the place of the server is not healthy', async () => {
  const api = await stubApi()
  api.mood = 'garbage'
  expect(await failure(providerOf(api).checkHealth(context))).toMatchObject({ code: 'INTERNAL', storeStatus: '200' })
})

test('a probe asks for metadata only', async () => {
  const api = await stubApi()
  seed(api, 'db', { value: canaries.value })
  const { revision } = (await providerOf(api).probe('db', context)) ?? {}
  expect(revision).toBe(api.cluster.revision)
  expect(api.requests[0]?.headers.accept).toContain('as=PartialObjectMetadata;')
})
