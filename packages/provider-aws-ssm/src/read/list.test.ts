import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { expect, test } from 'vitest'
import { awsCall, context, failure, listed, seed, stubbed, useSsm } from '../testing/ssm-trial.ts'

describeWithServer('moto', 'lists and descriptions', () => {
  const ssm = useSsm()

  test('go page by page, and by GetParametersByPath where DescribeParameters is denied', async () => {
    const names = Array.from({ length: 23 }, (_, n) => `/app/n${n}`)
    for (const name of [...names, '/other/x', 'root']) await seed(ssm.moto().url, name, 'c4n4ry')
    const provider = ssm.provider()
    expect((await listed(provider, '/app/')).toSorted()).toEqual(names.toSorted())
    expect(ssm.asked()).toEqual(['DescribeParameters', 'DescribeParameters', 'DescribeParameters']) // moto's pages have 10
    ssm.stub().plan(({ action }) => (action === 'DescribeParameters' ? { error: 'AccessDeniedException' } : 'pass'))
    expect((await listed(provider, '/app/n')).toSorted()).toEqual(names.toSorted())
    expect((await listed(provider, '/')).toSorted()).toEqual([...names, '/other/x'].toSorted())
    expect(await listed(provider, 'no such')).toEqual([])
    const paths = ssm
      .stub()
      .requests()
      .flatMap(({ action, body }) => (action === 'GetParametersByPath' ? [body] : []))
    expect(paths[0]).toEqual({ Path: '/app', Recursive: true, WithDecryption: false, MaxResults: 10 })
    expect(new Set(paths.map(({ Path }) => Path))).toEqual(new Set(['/app', '/']))
  })

  test('a description has the versions that AWS keeps, and the tags; both only where they are allowed', async () => {
    for (const value of ['one', 'two']) await seed(ssm.moto().url, '/app/db', value)
    await awsCall(ssm.moto().url, 'AddTagsToResource', {
      ResourceType: 'Parameter',
      ResourceId: '/app/db',
      Tags: [{ Key: 'team', Value: 'pay' }],
    })
    const provider = ssm.provider()
    const version = (number: number): object => ({ version: number, currentSince: expect.any(Number) })
    expect(await provider.describe('/app/db', context)).toEqual({
      ...version(2),
      currentNotBefore: expect.any(Number),
      versions: [version(1), version(2)],
      tags: { team: 'pay' },
    })
    ssm.stub().plan(({ action }) => (action === 'GetParameter' ? 'pass' : { error: 'AccessDeniedException' }))
    expect(await provider.describe('/app/db', context)).toEqual({ ...version(2), currentNotBefore: expect.any(Number) })
  })
})

test('an empty page is no end, and pages that lead round in circles end', async () => {
  // "The number of items returned, however, can be between zero and the value of MaxResults."
  const { provider, stub } = await stubbed(({ body }) => ({
    json:
      body['NextToken'] === undefined
        ? { Parameters: [], NextToken: 'a' }
        : { Parameters: [{ Name: '/app/x' }, { Name: '/app/\nforged' }, {}] },
  }))
  expect(await listed(provider, '')).toEqual(['/app/x'])
  stub.plan({ json: { Parameters: [], NextToken: 'again' } })
  expect((await failure(listed(provider, ''))).code).toBe('INTERNAL')
  for (const json of [{}, { Parameters: 'x' }, { Parameters: [null] }, { Parameters: [], NextToken: 5 }]) {
    stub.plan({ json })
    expect((await failure(listed(provider, ''))).code).toBe('INTERNAL')
  }
})

test('a health check asks for no parameter, and a denial proves that AWS is up', async () => {
  const { provider, stub } = await stubbed({ json: { Parameters: [] } })
  await provider.checkHealth(context)
  expect(stub.requests().map(({ action, body }) => [action, body])).toEqual([['DescribeParameters', { MaxResults: 1 }]])
  stub.plan({ error: 'AccessDeniedException' })
  await provider.checkHealth(context)
  stub.plan({ error: 'ExpiredTokenException' })
  expect((await failure(provider.checkHealth(context))).code).toBe('UNAUTHENTICATED')
  for (const json of [{}, { Parameters: 'x' }]) {
    stub.plan({ json })
    expect((await failure(provider.checkHealth(context))).code).toBe('INTERNAL')
  }
})

test('a denial after the first page ends a list, which would begin again', async () => {
  const { provider } = await stubbed(({ action, body }) => {
    if (action === 'GetParametersByPath') return { json: { Parameters: [{ Name: '/prod/a' }] } }
    return body['NextToken'] === undefined
      ? { json: { Parameters: [{ Name: '/prod/a' }], NextToken: 'next' } }
      : { error: 'AccessDeniedException' }
  })
  expect((await failure(listed(provider, ''))).code).toBe('PERMISSION_DENIED')
})
