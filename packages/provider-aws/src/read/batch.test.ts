import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { createSecretsManager } from '@finchat/secrets-core'
import { type AwsReply, type AwsRequest, startAwsStub } from '@finchat/secrets-test-servers'
import { afterEach, expect, onTestFinished, test, vi } from 'vitest'
import type { AwsProvider } from '../aws-provider.ts'
import { coalescedReads } from './coalesce.ts'
import { errorTable } from '../errors/classify.ts'
import type { AwsProviderOptions } from '../model/options.ts'
import { context, failure, providerAt } from '../testing/aws-trial.ts'
import { together } from '../testing/together.ts'

afterEach(() => vi.useRealTimers())

const paths = (count: number): string[] => Array.from({ length: count }, (_, n) => `app/secret-${n}`)

/** A secret as AWS answers it, in a batch or alone. */
function answered(name: unknown): object {
  const ARN = `arn:aws:secretsmanager:eu-west-1:123456789012:secret:${String(name)}-AbCdEf`
  return {
    ARN,
    Name: name,
    VersionId: 'id-of-the-version-that-is-current',
    VersionStages: ['AWSCURRENT'],
    SecretString: `value of ${String(name)}`,
  }
}

/** Every secret exists. */
function store({ action, body }: AwsRequest): AwsReply {
  if (action === 'GetSecretValue') return { json: answered(body['SecretId']) }
  const ids = body['SecretIdList']
  return { json: { SecretValues: Array.isArray(ids) ? ids.map(answered) : [], Errors: [] } }
}

type Stub = Awaited<ReturnType<typeof startAwsStub>>

async function over(
  plan: (request: AwsRequest) => AwsReply | Promise<AwsReply>,
  options: AwsProviderOptions = {},
): Promise<{ stub: Stub; provider: AwsProvider }> {
  const stub = await startAwsStub(plan)
  const provider = providerAt(stub.url, { ...options, clientConfig: { maxAttempts: 1, ...options.clientConfig } })
  onTestFinished(async () => {
    await provider.close()
    await stub.stop()
  })
  return { stub, provider }
}

function sent(stub: Stub): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { action } of stub.requests()) counts[action] = (counts[action] ?? 0) + 1
  return counts
}

function summary(results: readonly PromiseSettledResult<unknown>[]): unknown[] {
  return results.map((result) => {
    if (result.status === 'rejected') return (result.reason as { code: string }).code // all of them are ours
    return (result.value as { value: string } | undefined)?.value // a secret, or none
  })
}

const denyBatches = (request: AwsRequest): AwsReply =>
  request.action === 'BatchGetSecretValue' ? { error: 'AccessDeniedException' } : store(request)

test('45 secrets are three batches of at most 20', async () => {
  const { stub, provider } = await over(store)
  expect(summary(await provider.getMany(paths(45), context))).toEqual(paths(45).map((path) => `value of ${path}`))
  expect(stub.requests().map(({ body }) => (body['SecretIdList'] as string[]).length)).toEqual([20, 20, 5]) // it is a list
})

test('what AWS says of one secret of a batch is told of that one only', async () => {
  const [found = '', missing = '', gone = '', denied = '', sealed = '', busy = '', unsaid = ''] = paths(7)
  const { stub, provider } = await over((request) => {
    if (request.action === 'GetSecretValue') return store(request)
    const error = (SecretId: string, ErrorCode: string, Message: string): object => ({ SecretId, ErrorCode, Message })
    const Errors = [
      error(missing, 'ResourceNotFoundException', "Secrets Manager can't find the specified secret."),
      error(gone, 'InvalidRequestException', "You can't perform this operation on the secret because it was marked for deletion."),
      error(denied, 'AccessDeniedException', 'c4n4ry is not authorized'),
      error(sealed, 'DecryptionFailure', 'no key'),
      error(busy, 'InternalServiceError', 'try again'),
    ]
    return { json: { SecretValues: [answered(found)], Errors } }
  })
  const results = await provider.getMany([found, missing, gone, denied, sealed, busy, unsaid], context)
  const values = [`value of ${found}`, undefined, 'DELETED', 'PERMISSION_DENIED', 'CONFIGURATION', `value of ${busy}`, `value of ${unsaid}`]
  expect(summary(results)).toEqual(values)
  expect(results[3]).toMatchObject({
    reason: { problem: expect.stringMatching(/GetSecretValue is not allowed on .*:eu-west-1:.*app\/secret-3/) },
  })
  expect(sent(stub)).toEqual({ BatchGetSecretValue: 1, GetSecretValue: 2 }) // what a repetition may overcome, and what was not answered
})

test('a value is taken for the secret that was asked for and for no other', async () => {
  const { provider } = await over(({ action }) => {
    return action === 'GetSecretValue'
      ? { error: 'ResourceNotFoundException' }
      : { json: { SecretValues: [answered('app/other'), answered('app/secret-1')] } }
  })
  expect(summary(await provider.getMany(paths(2), context))).toEqual([undefined, 'value of app/secret-1'])
})

test('a denial of the batch is remembered for ten minutes, and single reads take its place, not degraded', async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  const { stub, provider } = await over(denyBatches)
  const secrets = createSecretsManager({ providers: [provider] })
  const values = await secrets.getSecretValues(paths(5).map((name) => ({ name })))
  expect(values.map((each) => each.status === 'fulfilled' && [each.value.reveal(), each.value.degraded])).toEqual(
    paths(5).map((path) => [`value of ${path}`, false]),
  )
  expect(sent(stub)).toEqual({ BatchGetSecretValue: 1, GetSecretValue: 5 })
  await provider.getMany(paths(3), context)
  expect(sent(stub)).toEqual({ BatchGetSecretValue: 1, GetSecretValue: 8 })
  vi.advanceTimersByTime(600_000)
  await provider.getMany(paths(3), context)
  expect(sent(stub)).toMatchObject({ BatchGetSecretValue: 2 })
  vi.setSystemTime(Date.now() - 86_400_000) // a clock that was set back keeps it for no longer
  await provider.getMany(paths(3), context)
  expect(sent(stub)).toMatchObject({ BatchGetSecretValue: 3 })
  await secrets.close()
})

test('throttled batches become single reads, ten at a time, and are tried again the next time', async () => {
  const inStep = together(10)
  let isDone = false
  const { stub, provider } = await over(async (request): Promise<AwsReply> => {
    if (request.action === 'BatchGetSecretValue') return { error: 'ThrottlingException' }
    if (!isDone) await inStep.turn()
    return store(request)
  })
  expect(summary(await provider.getMany(paths(60), context))).toEqual(paths(60).map((path) => `value of ${path}`))
  expect([inStep.most(), sent(stub)]).toEqual([10, { BatchGetSecretValue: 3, GetSecretValue: 60 }])
  isDone = true
  await provider.getMany(paths(2), context)
  expect(sent(stub)).toMatchObject({ BatchGetSecretValue: 4 })
})

test('what is wrong with AWS itself is told of every secret, and asked for once', async () => {
  for (const [reply, code] of [
    ['reset', 'UNAVAILABLE'],
    [{ error: 'ExpiredTokenException' }, 'UNAUTHENTICATED'],
    [{ error: 'InternalServiceError' }, 'UNAVAILABLE'],
  ] as const) {
    const { stub, provider } = await over(() => reply)
    expect(summary(await provider.getMany(paths(3), context))).toEqual([code, code, code])
    expect(stub.requests()).toHaveLength(1)
  }
})

test('whatever AWS says of a secret, a batch tells it as a single read does', async () => {
  const names = [...new Set(errorTable.flatMap((row) => row.names)), 'SomeNewException']
  const messages = [
    'words',
    'it was marked for deletion',
    'Access to KMS is not allowed',
    "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT",
  ]
  const said = names.flatMap((ErrorCode) => messages.map((Message) => ({ ErrorCode, Message })))
  const at = (path: unknown): (typeof said)[number] => said[Number(String(path).split('-').at(-1))] ?? { ErrorCode: '', Message: '' }
  const { provider } = await over(
    ({ action, body }) => {
      if (action === 'GetSecretValue') return { error: at(body['SecretId']).ErrorCode, message: at(body['SecretId']).Message }
      const ids = body['SecretIdList'] as string[] // it is a list
      return { json: { SecretValues: [], Errors: ids.map((SecretId) => ({ SecretId, ...at(SecretId) })) } }
    },
    { timeoutMs: 60_000 },
  )
  const shown = ({ code, problem }: { code?: unknown; problem?: unknown } = {}): unknown => [code, problem]
  for (const path of paths(said.length)) {
    const [alone] = await Promise.allSettled([provider.get(path, context)])
    const [inBatch] = await provider.getMany([path, 'app/other-0'], context)
    expect(
      [inBatch?.status, inBatch?.status === 'rejected' ? shown(Object(inBatch.reason)) : inBatch?.value],
      JSON.stringify(at(path)),
    ).toEqual([alone.status, alone.status === 'rejected' ? shown(Object(alone.reason)) : alone.value])
  }
})

test.each(['SomeNewException', 'UnknownOperationException', 'ValidationError', 'RequestEntityTooLargeException'])(
  'where AWS answers the batch itself with %s, its secrets are read one by one',
  async (error) => {
    const { stub, provider } = await over((request) => (request.action === 'BatchGetSecretValue' ? { error } : store(request)))
    expect(summary(await provider.getMany(paths(3), context))).toEqual(paths(3).map((path) => `value of ${path}`))
    expect(sent(stub)).toEqual({ BatchGetSecretValue: 1, GetSecretValue: 3 })
  },
)

test('of a thousand secrets at an endpoint that hangs, no more are asked for than there was time for', async () => {
  const { stub, provider } = await over(() => 'hang', { timeoutMs: 1_000 })
  const startedAt = performance.now()
  const results = await provider.getMany(paths(1_000), context)
  expect(new Set(summary(results))).toEqual(new Set(['DEADLINE_EXCEEDED']))
  expect(performance.now() - startedAt).toBeLessThan(5_000) // and not five rounds of it
  expect([Object.keys(sent(stub)), (sent(stub)['BatchGetSecretValue'] ?? 0) <= 10]).toEqual([['BatchGetSecretValue'], true])
})

test('nor are single calls built that are out of time when their turn comes', async () => {
  const built = vi.spyOn(SecretsManagerClient.prototype, 'send')
  onTestFinished(() => built.mockRestore())
  const { provider } = await over(() => 'hang', { timeoutMs: 1_500 })
  const reads = await Promise.all(paths(1_000).map((path) => failure(provider.get(path, context))))
  expect(new Set(reads.map(({ code }) => code))).toEqual(new Set(['DEADLINE_EXCEEDED']))
  expect(built.mock.calls.length).toBeLessThanOrEqual(150) // 50 at once, for 40 % of the time each
})

test('a bad path costs the others nothing', async () => {
  const { stub, provider } = await over(store)
  expect(summary(await provider.getMany(['app/secret-0', 'no such name', 'app/secret-1'], context))).toEqual([
    'value of app/secret-0',
    'INVALID_ARGUMENT',
    'value of app/secret-1',
  ])
  expect(stub.requests().map(({ body }) => body)).toEqual([{ SecretIdList: ['app/secret-0', 'app/secret-1'] }])
})

test('single reads are single calls, unless they are to be coalesced: then those of one turn are one batch', async () => {
  const apart = await over(store)
  await Promise.all(paths(5).map((path) => apart.provider.get(path, context)))
  expect(sent(apart.stub)).toEqual({ GetSecretValue: 5 })

  const { stub, provider } = await over(store, { coalesceReads: true })
  const answers = await Promise.all([...paths(5), ...paths(5)].map((path) => provider.get(path, context)))
  expect(answers.map((each) => each?.value)).toEqual([...paths(5), ...paths(5)].map((path) => `value of ${path}`))
  expect(sent(stub)).toEqual({ BatchGetSecretValue: 1 })
  expect((await provider.get('app/secret-0', context))?.value).toBe('value of app/secret-0')
  expect(sent(stub)).toEqual({ BatchGetSecretValue: 1, GetSecretValue: 1 })
})

test('of coalesced reads each has its own outcome, its own signal and its own bytes', async () => {
  const { promise: held, resolve: letGo } = Promise.withResolvers<void>()
  const { stub, provider } = await over(
    async ({ action, body }) => {
      await held
      if (action === 'GetSecretValue') return { error: 'ResourceNotFoundException' }
      const ids = (body['SecretIdList'] as string[]).filter((id) => id === 'app/bytes') // it is a list
      return { json: { SecretValues: ids.map((id) => ({ ...answered(id), SecretString: undefined, SecretBinary: 'AQID' })) } }
    },
    { coalesceReads: true },
  )
  const controller = new AbortController()
  const [one, other] = [provider.get('app/bytes', context), provider.get('app/bytes', context)]
  const missing = provider.get('app/missing', context)
  const aborted = failure(provider.get('app/aborted', { signal: controller.signal }))
  const refused = failure(provider.get('no such name', context))
  await expect.poll(() => stub.requests()).toHaveLength(1)
  controller.abort()
  expect((await aborted).code).toBe('ABORTED')
  expect((await refused).code).toBe('INVALID_ARGUMENT')
  letGo()
  const [first, second] = [await one, await other]
  if (!(first?.value instanceof Uint8Array)) throw new Error('the value is not bytes')
  first.value.fill(0)
  expect(second?.value).toEqual(Uint8Array.of(1, 2, 3))
  expect(await missing).toBeUndefined()
})

test('who reads in the turn in which all others gave up is not given up with them', async () => {
  const { provider } = await over(store, { coalesceReads: true })
  const controller = new AbortController()
  const aborted = failure(provider.get('app/secret-0', { signal: controller.signal }))
  controller.abort()
  expect((await aborted).code).toBe('ABORTED')
  expect((await provider.get('app/secret-1', context))?.value).toBe('value of app/secret-1')
})

test('when every coalesced reader has given up, so has the call', async () => {
  const asked = Promise.withResolvers<AbortSignal>()
  const read = coalescedReads(async (_, { signal }) => {
    asked.resolve(signal)
    return new Promise(() => {})
  })
  const [patient, hasty] = [new AbortController(), new AbortController()]
  const reads = [patient, hasty].map(({ signal }, n) => failure(read(`app/secret-${n}`, { signal })))
  const call = await asked.promise
  hasty.abort()
  await reads[1]
  expect(call.aborted).toBe(false)
  patient.abort()
  expect((await Promise.all(reads)).map(({ code }) => code)).toEqual(['ABORTED', 'ABORTED'])
  expect(call.aborted).toBe(true)
})
