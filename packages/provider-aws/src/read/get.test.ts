import { createSecretsManager, envProvider } from '@finchat/secrets-core'
import { hostilePaths } from '@finchat/secrets-testkit'
import { startMoto } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { account, awsCall, context, failure, providerAt, useAws } from '../testing/aws-trial.ts'

const path = 'prod/db'

describeWithServer('moto', 'reading from AWS', () => {
  const aws = useAws()
  const create = (name: string, content: object = { SecretString: 'value' }): ReturnType<typeof awsCall> =>
    awsCall(aws.moto().url, 'CreateSecret', { Name: name, ...content, ClientRequestToken: crypto.randomUUID() })

  test('by name, ARN and partial ARN, alone and in a batch', async () => {
    const { ARN: arn = '' } = await create(path)
    await create('other')
    const provider = aws.provider()
    for (const at of [path, arn, arn.slice(0, -7)]) {
      expect((await provider.get(at, context))?.value).toBe('value')
      expect((await provider.describe(at, context))?.revision).toEqual(expect.any(String))
      expect(await provider.getMany([at, 'other'], context)).toEqual([
        { status: 'fulfilled', value: expect.objectContaining({ value: 'value' }) },
        { status: 'fulfilled', value: expect.objectContaining({ value: 'value' }) },
      ])
    }
  })

  test('the version before is read by its number, at the cost of one request, and told from one that is not there', async () => {
    const provider = aws.provider()
    for (const value of ['one', 'two', 'three']) await provider.put(path, { value }, context)
    await provider.staging.discard(path, await provider.staging.put(path, { value: 'four' }, context), context)
    await provider.put(path, { value: 'five' }, context)
    const asked = async (version: number | 'previous'): Promise<readonly unknown[]> => {
      const before = aws.stub().requests().length
      const found = await provider.getVersion(path, version, context)
      return [found?.value, found?.version, aws.stub().requests().length - before]
    }
    expect(await asked(3)).toEqual(['three', 3, 1])
    expect(await asked(4), 'it was never current').toEqual([undefined, undefined, 1])
    expect(await asked('previous'), 'numbers have gaps, and this has none').toEqual(['three', 3, 1])
    expect(await asked(2)).toEqual(['two', 2, 2])
    expect(await asked(9)).toEqual([undefined, undefined, 1])
    await provider.delete(path, { purge: false }, context)
    expect((await failure(provider.getVersion(path, 3, context))).code).toBe('DELETED')
    await provider.delete(path, { purge: true }, context)
    expect(await provider.getVersion(path, 3, context)).toBeUndefined()
  })

  test('text stays text, and bytes stay bytes', async () => {
    await create('text', { SecretString: 'AQID' })
    await create('bytes', { SecretBinary: 'AQID' })
    const provider = aws.provider()
    expect((await provider.get('text', context))?.value).toBe('AQID')
    expect((await provider.get('bytes', context))?.value).toEqual(Uint8Array.of(1, 2, 3))
  })

  test('fields are cut by the manager, and lists are read page by page', async () => {
    for (let n = 0; n < 120; n += 1) await create(`app/${n}`, { SecretString: `{"n":"${n}"}` })
    const secrets = createSecretsManager({ providers: [aws.provider({ prefix: 'app/' })] })
    expect(await secrets.getSecret('7', { field: 'n' })).toBe('7')
    let listed = 0
    for await (const secret of aws.provider().list('app/', context)) listed += secret.path.startsWith('app/') ? 1 : 0
    expect(listed).toBe(120)
    expect(
      aws
        .stub()
        .requests()
        .filter(({ action }) => action === 'ListSecrets'),
    ).toHaveLength(2)
    await secrets.close()
  })

  test('a secret without a value is there: it is CONFIGURATION in every read, costs a batch nothing, and can be written', async () => {
    const withoutValue = { code: 'CONFIGURATION', problem: 'the secret exists and has no value' }
    await create('empty', {})
    await create(path)
    const provider = aws.provider()
    expect(await failure(provider.get('empty', context))).toMatchObject(withoutValue)
    expect(await failure(provider.describe('empty', context))).toMatchObject(withoutValue)
    expect(await provider.getMany(['empty', path, 'none'], context)).toMatchObject([
      { status: 'rejected', reason: withoutValue },
      { status: 'fulfilled', value: { value: 'value' } },
      { status: 'fulfilled', value: undefined },
    ])
    for (const version of [1, 'previous'] as const) expect(await provider.getVersion('empty', version, context)).toBeUndefined()
    const secrets = createSecretsManager({ providers: [provider, envProvider({ env: { empty: 'a weaker answer' } })] })
    expect((await failure(secrets.getSecret('empty'))).code).toBe('CONFIGURATION')
    expect((await failure(secrets.verifySecret('empty', 'a weaker answer'))).code).toBe('CONFIGURATION')
    expect(await secrets.storeSecret('empty', 'first')).toMatchObject({ version: 1 })
    expect(await secrets.getSecret('empty')).toBe('first')
    await secrets.close()
  })

  test('bytes that are no UTF-8 are an error in every read, and never another value', async () => {
    const { ARN } = await create(path)
    await create('other')
    const provider = aws.provider({ clientConfig: { maxAttempts: 1 } })
    const odd = (body: string) => ({ body: Buffer.from(body, 'latin1') })
    const value = `"ARN":"${ARN}","Name":"${path}","VersionId":"id","VersionStages":["AWSCURRENT","v1"],"SecretString":"\xff\xfe"`
    aws.stub().plan(({ action }) => odd(action === 'BatchGetSecretValue' ? `{"SecretValues":[{${value}}],"Errors":[]}` : `{${value}}`))
    const garbled = { code: 'INTERNAL', problem: 'the endpoint answered bytes that are not UTF-8' }
    expect(await failure(provider.get(path, context))).toMatchObject(garbled)
    expect(await failure(provider.getVersion(path, 1, context))).toMatchObject(garbled)
    expect((await provider.getMany([path, 'other'], context))[0]).toMatchObject({ status: 'rejected', reason: garbled })
    aws.stub().plan(odd(`{${value.replace('\xff\xfe', '\xc3')}`)) // cut off within a character
    expect((await failure(provider.get(path, context))).code).toBe('INTERNAL')
    aws.stub().plan({ status: 503, ...odd('<html>\xe4') })
    expect((await failure(provider.get(path, context))).code, 'an error page may be as it likes').toBe('UNAVAILABLE')
    aws.stub().plan('pass')
    for (const text of ['\ufffd', 'ä€😀'.repeat(16_000 / 3)]) {
      await provider.put(path, { value: text }, context)
      expect((await provider.get(path, context))?.value).toBe(text)
    }
    const bytes = Uint8Array.of(0xff, 0xfe, 0xc3)
    await provider.put(path, { value: Uint8Array.from(bytes) }, context)
    expect((await provider.get(path, context))?.value).toEqual(bytes)
    expect((await provider.getMany([path, 'other'], context))[0]).toMatchObject({ value: { value: bytes } })
  })

  test('with `account` an answer from another one is an error, in a batch too', async () => {
    await create(path)
    await create('other')
    expect((await aws.provider({ account }).get(path, context))?.value).toBe('value')
    const elsewhere = aws.provider({ account: '210987654321' })
    expect(await failure(elsewhere.get(path, context))).toMatchObject({
      code: 'CONFIGURATION',
      remedy: expect.stringContaining('`account`'),
    })
    for (const result of await elsewhere.getMany([path, 'other'], context))
      expect(result).toMatchObject({ reason: { code: 'CONFIGURATION' } })
    expect((await failure(elsewhere.describe(path, context))).code).toBe('CONFIGURATION')
    for (const at of [path, 'new']) expect((await failure(elsewhere.put(at, { value: 'v' }, context))).code).toBe('CONFIGURATION')
    expect(
      aws
        .stub()
        .requests()
        .some(({ action }) => action === 'PutSecretValue'),
      'no value went to the wrong account',
    ).toBe(false)
  })

  test('a description needs no right to list versions', async () => {
    const provider = aws.provider()
    await provider.put(path, { value: 'one' }, context)
    expect((await provider.describe(path, context))?.currentSince).toEqual(expect.any(Number))
    aws.stub().plan(({ action }) => (action === 'ListSecretVersionIds' ? { error: 'AccessDeniedException' } : 'pass'))
    expect(await provider.describe(path, context)).toMatchObject({ version: 1, currentSince: undefined })
  })

  test('a store that denies everything is healthy: it is there and knows us', async () => {
    const provider = aws.provider()
    await provider.checkHealth(context)
    expect(
      aws
        .stub()
        .requests()
        .map(({ action }) => action),
    ).toEqual(['GetRandomPassword'])
    aws.stub().plan({ error: 'AccessDeniedException' })
    await provider.checkHealth(context)
    aws.stub().plan({ json: {} })
    expect(await failure(provider.checkHealth(context))).toMatchObject({ code: 'INTERNAL' })
  })

  test('a list that is not understood is an error, and not an empty one', async () => {
    aws.stub().plan({ json: {} })
    const first = aws.provider().list('', context)[Symbol.asyncIterator]().next()
    expect(await failure(first)).toMatchObject({ code: 'INTERNAL' })
  })

  test('a store that is stopped for real is UNAVAILABLE, for reads and writes', async () => {
    const moto = await startMoto()
    const provider = providerAt(moto.url)
    await provider.put(path, { value: 'one' }, context)
    await moto.stop()
    const calls = [provider.get(path, context), provider.put(path, { value: 'two' }, context), provider.checkHealth(context)]
    for (const error of await Promise.all(calls.map(failure))) {
      expect(error).toMatchObject({ code: 'UNAVAILABLE', problem: 'the endpoint refuses connections' })
    }
    await provider.close()
  })

  test('500 hostile names are refused before any request, or are exactly themselves at AWS', async () => {
    const provider = aws.provider({ clientConfig: { maxAttempts: 1 } })
    aws.stub().plan({ error: 'ResourceNotFoundException' })
    const pieces = [
      '..',
      '/',
      '%2e',
      '\\',
      '?',
      '#',
      '*',
      "'",
      '"',
      '\n',
      '\0',
      ' ',
      '{{x}}',
      '${x}',
      ':',
      'arn:aws:secretsmanager:',
      'prod',
      'db',
      '-AbCdEf',
      'é',
      '\ud800',
    ]
    const hostile = fc.sample(
      fc.array(fc.constantFrom(...pieces), { maxLength: 6 }).map((some) => some.join('')),
      500 - hostilePaths.length,
    )
    const names = [...hostilePaths, ...hostile]
    expect(names).toHaveLength(500)
    let expected = 0
    for (const name of names) {
      const [settled] = await Promise.allSettled([provider.get(name, context)])
      if (settled.status === 'rejected') expect(settled.reason).toMatchObject({ code: 'INVALID_ARGUMENT' })
      else expect(aws.stub().requests().at(-1)?.body, `request ${(expected += 1)}`).toEqual({ SecretId: name })
    }
    expect(expected).toBeGreaterThan(20)
    expect(aws.stub().requests()).toHaveLength(expected)

    const secrets = createSecretsManager({ providers: [aws.provider({ prefix: 'app/' })] })
    for (const name of names) await failure(secrets.getSecret(name))
    const asked = aws
      .stub()
      .requests()
      .slice(expected)
      .map(({ body }) => String(body['SecretId']))
    expect(asked.length).toBeGreaterThan(0)
    expect(asked.filter((id) => !id.startsWith('app/') || !names.includes(id.slice(4)))).toEqual([])
    await secrets.close()
  })

  test('a name at the limits of the grammar is taken by AWS as it is', async () => {
    const provider = aws.provider()
    for (const name of ['/leading/slash', 'trailing/', '..', '@+=_.-', 'x'.repeat(512)]) {
      await provider.put(name, { value: name }, context)
      expect((await provider.get(name, context))?.value).toBe(name)
    }
  })
})
