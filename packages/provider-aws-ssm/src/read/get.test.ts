import { createSecretsManager } from '@finchat/secrets-core'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { expect, test } from 'vitest'
import { account, awsCall, context, failure, seed, stubbed, useSsm } from '../testing/ssm-trial.ts'

const path = '/prod/db'

describeWithServer('moto', 'reading from Parameter Store', () => {
  const ssm = useSsm()
  const seeded = (name: string, value: string, more?: object): Promise<void> => seed(ssm.moto().url, name, value, more)

  test('a version by its number and `previous`, each with the time at which AWS made it current', async () => {
    for (const value of ['one', 'two', 'three']) await seeded(path, value)
    const provider = ssm.provider()
    const now = await provider.get(path, context)
    expect(now).toMatchObject({ value: 'three', version: 3, currentSince: expect.any(Number) })
    expect(now?.currentNotBefore).toBe(now?.currentSince)
    ssm.asked()
    expect(await provider.getVersion(path, 1, context)).toMatchObject({ value: 'one', version: 1 })
    expect(ssm.asked()).toEqual(['GetParameter'])
    expect(await provider.getVersion(path, 'previous', context)).toMatchObject({ value: 'two', version: 2 })
    expect(ssm.asked()).toEqual(['GetParameter', 'GetParameter'])
    expect(
      ssm
        .stub()
        .requests()
        .map(({ body }) => body['WithDecryption']),
    ).toEqual([true, true, false, true])
    expect(await provider.getVersion(path, 4, context)).toBeUndefined()
  })

  test('a path selects a version by label or number, and has no other version', async () => {
    for (const value of ['one', 'two', 'three']) await seeded(path, value)
    await awsCall(ssm.moto().url, 'LabelParameterVersion', { Name: path, ParameterVersion: 2, Labels: ['live'] })
    const provider = ssm.provider()
    const live = await provider.get(`${path}:live`, context)
    expect(live).toMatchObject({ value: 'two', version: 2, currentNotBefore: expect.any(Number) })
    expect(live?.currentSince, 'AWS does not tell since when it has its label').toBeUndefined()
    expect(await provider.get(`${path}:1`, context)).toMatchObject({ value: 'one', version: 1, currentSince: expect.any(Number) })
    for (const absent of [`${path}:none`, `${path}:9`, '/prod/none:live']) expect(await provider.get(absent, context)).toBeUndefined()
    expect(await provider.getVersion(`${path}:live`, 2, context)).toMatchObject({ value: 'two' })
    for (const version of [3, 'previous'] as const) expect(await provider.getVersion(`${path}:live`, version, context)).toBeUndefined()
    expect(await provider.probe(`${path}:live`, context)).toEqual({ version: 2 })
    expect(await provider.describe(`${path}:live`, context)).toEqual({
      version: 2,
      currentSince: undefined,
      currentNotBefore: live?.currentNotBefore,
      tags: {},
    })
    const results = await provider.getMany([`${path}:live`, path, `${path}:1`, '/prod/none'], context)
    expect(results.map((each) => (each.status === 'fulfilled' ? each.value?.value : each))).toEqual(['two', 'three', 'one', undefined])
  })

  test('a version that is selected is only read', async () => {
    await seeded(path, 'one')
    const provider = ssm.provider()
    ssm.asked()
    const changes = [
      provider.put(`${path}:1`, { value: 'x' }, context),
      provider.tag(`${path}:1`, { team: 'pay' }, context),
      provider.delete(`${path}:1`, { purge: true }, context),
    ]
    for (const { code } of await Promise.all(changes.map(failure))) expect(code).toBe('INVALID_ARGUMENT')
    expect(ssm.asked()).toEqual([])
  })

  test('String and StringList are read as they are stored, and fields are cut by the manager', async () => {
    await seeded('/prod/plain', 'text', { Type: 'String' })
    await seeded('/prod/list', 'a,b', { Type: 'StringList' })
    await seeded(path, '{"user":"app","password":"p"}')
    const secrets = createSecretsManager({ providers: [ssm.provider({ prefix: '/prod/', names: { TOKEN: '/prod/db#password' } })] })
    expect(await secrets.getSecret('plain')).toBe('text')
    expect(await secrets.getSecret('list')).toBe('a,b')
    expect(await secrets.getSecret('TOKEN')).toBe('p')
    expect(await secrets.getSecret('db', { field: 'user' })).toBe('app')
    expect(await secrets.verifySecret('db', 'no')).toBe(false)
    await secrets.close()
  })

  test('with `account` an answer from another one is an error, in a batch too', async () => {
    await seeded(path, 'one')
    await seeded('/prod/other', 'two')
    expect((await ssm.provider({ account }).get(path, context))?.value).toBe('one')
    const elsewhere = ssm.provider({ account: '210987654321' })
    const calls = [elsewhere.get(path, context), elsewhere.probe(path, context), elsewhere.describe(path, context)]
    for (const error of await Promise.all(calls.map(failure)))
      expect(error).toMatchObject({ code: 'CONFIGURATION', remedy: expect.stringContaining('`account`') })
    for (const result of await elsewhere.getMany([path, '/prod/other'], context))
      expect(result).toMatchObject({ reason: { code: 'CONFIGURATION' } })
  })
})

const parameter = { Name: path, Value: 'c4n4ry-of-the-value', Version: 3, LastModifiedDate: 1_700_000_000.5, Type: 'SecureString' }

test.each([
  ['another name', { Name: '/prod/other' }],
  ['no name', { Name: undefined }],
  ['no value', { Value: undefined }],
  ['an empty value', { Value: '' }],
  ['half a character', { Value: 'x\ud800' }],
  ['no version', { Version: undefined }],
  ['version 0', { Version: 0 }],
  ['a version that is text', { Version: '3' }],
])('an answer is understood whole or not at all: %s', async (_, odd) => {
  const { provider } = await stubbed({ json: { Parameter: { ...parameter, ...odd } } })
  const error = await failure(provider.get(path, context))
  expect(error.code).toBe('INTERNAL')
  expect(String(error)).not.toContain('c4n4ry')
})

test('an endpoint that knows no selectors does not answer a version with the newest one', async () => {
  const { provider } = await stubbed({ json: { Parameter: parameter } })
  expect((await provider.getVersion(path, 3, context))?.currentSince).toBe(1_700_000_000_500)
  for (const version of [2, 'previous'] as const) expect((await failure(provider.getVersion(path, version, context))).code).toBe('INTERNAL')
  expect((await failure(provider.get(`${path}:2`, context))).code).toBe('INTERNAL')
})

test('bytes that are not UTF-8, and endless answers, are errors and never another value', async () => {
  const body = Buffer.from(JSON.stringify({ Parameter: { ...parameter, Value: '#' } }).replace('#', '\xff\xfe'), 'latin1')
  const { provider, stub } = await stubbed({ body })
  expect(await failure(provider.get(path, context))).toMatchObject({
    code: 'INTERNAL',
    problem: 'the endpoint answered bytes that are not UTF-8',
  })
  stub.plan({ body: Buffer.alloc(9 * 1_024 * 1_024, 'x') })
  expect(await failure(provider.get(path, context))).toMatchObject({
    code: 'INTERNAL',
    problem: 'the endpoint answered more than AWS ever does',
  })
  stub.plan({ status: 503, body: Buffer.from('<html>\xe4', 'latin1') })
  expect((await failure(provider.get(path, context))).code, 'an error page may be as it likes').toBe('UNAVAILABLE')
})
