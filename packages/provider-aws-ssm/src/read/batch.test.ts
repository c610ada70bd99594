import type { AwsReply, AwsRequest } from '@finchat/secrets-test-servers'
import { expect, test } from 'vitest'
import { context, failure, providerAt, stubbed } from '../testing/ssm-trial.ts'

const names = (count: number): string[] => Array.from({ length: count }, (_, n) => `/app/n${n}`)

/** As the API reference: what is found, and the names of what is not. ssm-provider.test.ts asks moto. */
function answerFor({ action, body }: AwsRequest, stored: readonly string[]): AwsReply {
  const parameter = (Name: string): object => ({ Name, Value: Name, Version: 1 })
  if (action === 'GetParameter') return { json: { Parameter: parameter(String(body['Name'])) } }
  const asked = body['Names'] as readonly string[] // the SDK sends a list
  const isStored = (name: string): boolean => stored.includes(name)
  return { json: { Parameters: asked.filter(isStored).map(parameter), InvalidParameters: asked.filter((name) => !isStored(name)) } }
}

test('many reads take 10 names a call, and a name that AWS lists as invalid does not exist', async () => {
  const all = names(25)
  const { provider, stub } = await stubbed((request) => answerFor(request, all.slice(0, 20)))
  const results = await provider.getMany(all, context)
  expect(results.map((each) => (each.status === 'fulfilled' ? each.value?.value : each))).toEqual([
    ...all.slice(0, 20),
    ...all.slice(20).map(() => undefined),
  ])
  expect(stub.requests().map(({ action, body }) => [action, Object(body['Names']).length])).toEqual([
    ['GetParameters', 10],
    ['GetParameters', 10],
    ['GetParameters', 5],
  ])
  expect(stub.requests().every(({ body }) => body['WithDecryption'] === true)).toBe(true)
})

test('many reads are done one by one where a key or a policy denies one of them', async () => {
  const message =
    'The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.'
  const { provider } = await stubbed((request) => {
    const isDenied = request.action === 'GetParameters' || request.body['Name'] === '/app/n1'
    return isDenied ? { error: 'AccessDeniedException', message } : answerFor(request, names(3))
  })
  expect(await provider.getMany(names(3), context)).toMatchObject([
    { value: { value: '/app/n0' } },
    { reason: { code: 'PERMISSION_DENIED', problem: expect.stringContaining('kms:Decrypt') } },
    { value: { value: '/app/n2' } },
  ])
})

test('an answer that names a parameter nowhere is an error of that one', async () => {
  const found = { Name: '/app/n0', Value: 'x', Version: 1 }
  const { provider, stub } = await stubbed({ json: { Parameters: [found], InvalidParameters: ['/app/n2'] } })
  expect(await provider.getMany(names(3), context)).toMatchObject([
    { value: { value: 'x' } },
    { reason: { code: 'INTERNAL' } },
    { value: undefined },
  ])
  for (const json of [{ Parameters: 'x' }, { Parameters: [null] }, { Parameters: [found], InvalidParameters: '/app/n1' }]) {
    stub.plan(({ action }) => (action === 'GetParameters' ? { json } : { error: 'InternalServerError', status: 500 }))
    expect((await provider.getMany(['/app/n1', '/app/n2'], context))[0]).toMatchObject({ status: 'rejected' })
  }
})

test('a failure of the store ends the reading: no call follows', async () => {
  const { provider, stub } = await stubbed({ error: 'ExpiredTokenException' })
  const results = await provider.getMany([...names(300), '/app/n1:live'], context)
  expect(results).toHaveLength(301)
  for (const result of results) expect(result).toMatchObject({ reason: { code: 'UNAUTHENTICATED' } })
  expect(stub.requests().length).toBeLessThanOrEqual(10)
})

test('an outage is an outage of each, and a bad path fails alone', async () => {
  const { provider } = await stubbed({ error: 'InternalServerError', status: 500 })
  const results = await provider.getMany(['/app/a', 'no/slash', '/app/b'], context)
  expect(results).toMatchObject([
    { reason: { code: 'UNAVAILABLE' } },
    { reason: { code: 'INVALID_ARGUMENT' } },
    { reason: { code: 'UNAVAILABLE' } },
  ])
  const closed = providerAt('http://127.0.0.1:9')
  await closed.close()
  expect((await failure(closed.get('/app/a', context))).code).toBe('ABORTED')
})
