import { createSecretsManager } from '@finchat/secrets-core'
import { startAwsStub } from '@finchat/secrets-test-servers'
import { serverThat } from '@finchat/secrets-test-servers/vitest'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { AwsProvider } from '../aws-provider.ts'
import type { AwsProviderOptions } from '../model/options.ts'
import { context, failure, providerAt } from '../testing/aws-trial.ts'

function opened(endpoint: string, options: AwsProviderOptions): AwsProvider {
  const provider = providerAt(endpoint, options)
  onTestFinished(() => provider.close())
  return provider
}

/** What tells a call that ends by its deadline from one that hangs, on a machine however slow. */
const longMs = 15_000

/** With what a call rejects, and after how many milliseconds. */
async function timed(call: Promise<unknown>): Promise<{ readonly code: string; readonly tookMs: number }> {
  const startedAt = performance.now()
  const { code } = await failure(call)
  return { code, tookMs: performance.now() - startedAt }
}

test('an endpoint that accepts a call and never answers costs the deadline and no more', async () => {
  const provider = opened(await serverThat(() => {}), { timeoutMs: 1_500 })
  const { code, tookMs } = await timed(provider.get('prod/db', context))
  expect(code).toBe('DEADLINE_EXCEEDED')
  expect(tookMs).toBeGreaterThan(1_400)
  expect(tookMs).toBeLessThan(longMs)
})

test('the deadline is four and a half seconds, unless told', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const provider = opened('http://127.0.0.1:9', { clientConfig: { credentials: () => new Promise(() => {}) } })
  let isSettled = false
  const read = failure(provider.get('prod/db', context)).finally(() => (isSettled = true))
  await vi.advanceTimersByTimeAsync(4_499)
  expect(isSettled).toBe(false)
  await vi.advanceTimersByTimeAsync(1)
  expect((await read).code).toBe('DEADLINE_EXCEEDED')
})

test('one that stops in the middle of an answer costs no more either, and its connection is given up', async () => {
  let closed = 0
  const endpoint = await serverThat((_, response) => {
    response.on('close', () => (closed += 1))
    response.writeHead(200, { 'content-length': '500' }).write('{"Name":')
  })
  const provider = opened(endpoint, { timeoutMs: 1_500 })
  const { code, tookMs } = await timed(provider.get('prod/db', context))
  expect(code).toBe('DEADLINE_EXCEEDED')
  expect(tookMs).toBeLessThan(longMs)
  await expect.poll(() => closed).toBeGreaterThan(0)
})

test('an attempt that stops in the middle of its answer leaves time for another', async () => {
  let requests = 0
  const endpoint = await serverThat((_, response) => {
    requests += 1
    if (requests === 1) response.writeHead(200, { 'content-length': '500' }).write('{"Name":')
    else response.writeHead(400, { 'content-type': 'application/x-amz-json-1.1' }).end('{"__type":"ResourceNotFoundException"}')
  })
  expect(await opened(endpoint, { timeoutMs: 5_000 }).get('prod/db', context)).toBeUndefined()
  expect(requests).toBe(2)
})

test('an attempt that hangs leaves time for another', async () => {
  const stub = await startAwsStub(['hang', { error: 'ResourceNotFoundException' }])
  onTestFinished(stub.stop)
  const provider = opened(stub.url, { timeoutMs: 5_000 })
  expect(await provider.get('prod/db', context)).toBeUndefined()
  expect(stub.requests()).toHaveLength(2)
})

test('credentials that never come cost the deadline too, and nothing is sent', async () => {
  const stub = await startAwsStub({ error: 'ResourceNotFoundException' })
  onTestFinished(stub.stop)
  const provider = opened(stub.url, { timeoutMs: 200, clientConfig: { credentials: () => new Promise(() => {}) } })
  expect(await failure(provider.get('prod/db', context))).toMatchObject({ code: 'DEADLINE_EXCEEDED' })
  expect(stub.requests()).toEqual([])
})

test('an abort ends a call at once, also while the SDK waits to repeat it', async () => {
  const stub = await startAwsStub({ error: 'ThrottlingException', retryAfterSeconds: 60 })
  onTestFinished(stub.stop)
  const provider = opened(stub.url, { timeoutMs: 100_000 })
  const { code, tookMs } = await timed(provider.get('prod/db', { signal: AbortSignal.timeout(200) }))
  expect(code).toBe('ABORTED')
  expect(tookMs).toBeLessThan(longMs)
})

test('by default throttling ends before the deadline of a manager does, and a throttled write is known to have done nothing', async () => {
  const stub = await startAwsStub({ error: 'ThrottlingException', retryAfterSeconds: 60 })
  onTestFinished(stub.stop)
  const secrets = createSecretsManager({ providers: [opened(stub.url, {})] })
  onTestFinished(() => secrets.close())
  const [read, written] = await Promise.all([failure(secrets.getSecret('prod/db')), failure(secrets.storeSecret('prod/db', 'value'))])
  expect(read.attempts).toMatchObject([{ provider: 'aws', code: 'RATE_LIMITED' }])
  expect([written.code, written.effect]).toEqual(['RATE_LIMITED', undefined])
})

test('a write that was sent and not answered says that its effect is unknown; one that was not sent does not', async () => {
  const silent = opened(await serverThat(() => {}), { timeoutMs: 2_000 })
  expect(await failure(silent.tag('prod/db', { team: 'pay' }, context))).toMatchObject({ code: 'DEADLINE_EXCEEDED', effect: 'unknown' })
  const caller = new AbortController()
  const patient = opened(await serverThat(() => caller.abort()), { timeoutMs: 600_000 })
  const aborted = patient.tag('prod/db', { team: 'pay' }, { signal: caller.signal })
  expect(await failure(aborted)).toMatchObject({ code: 'ABORTED', effect: 'unknown' })
  const nobody = opened('http://127.0.0.1:9', { timeoutMs: 3_000 })
  const refused = await failure(nobody.tag('prod/db', { team: 'pay' }, context))
  expect([refused.code, refused.effect]).toEqual(['UNAVAILABLE', undefined])
})

test('closing ends what is under way; every call after it is ABORTED', async () => {
  const provider = opened(await serverThat(() => {}), {})
  const underWay = failure(provider.get('prod/db', context))
  await new Promise((resolve) => setTimeout(resolve, 100))
  await Promise.all([provider.close(), provider.close()])
  expect(await underWay).toMatchObject({ code: 'ABORTED', problem: 'the AWS provider is closed' })
  const later = [provider.get('prod/db', context), provider.put('prod/db', { value: 'v' }, context), provider.checkHealth(context)]
  for (const error of await Promise.all(later.map(failure))) expect(error).toMatchObject({ code: 'ABORTED' })
})
