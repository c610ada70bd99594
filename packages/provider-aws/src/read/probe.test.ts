import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { expect, test } from 'vitest'
import { awsCall, context, failure, useAws } from '../testing/aws-trial.ts'

describeWithServer('moto', 'a probe of a secret in AWS', () => {
  const aws = useAws()
  const actionsOf = async (run: () => Promise<unknown>): Promise<string[]> => {
    const before = aws.stub().requests().length
    await run()
    return aws
      .stub()
      .requests()
      .slice(before)
      .map(({ action }) => action)
  }

  test('is one call that decrypts nothing', async () => {
    const provider = aws.provider()
    const receipt = await provider.put('db', { value: 'one' }, context)
    expect(await actionsOf(async () => expect(await provider.probe('db', context)).toEqual(receipt))).toEqual(['DescribeSecret'])
    expect(await provider.probe('other', context)).toBeUndefined()
  })

  test('tells the version of another tool, of which AWS has no number', async () => {
    const { VersionId: revision } = await awsCall(aws.moto().url, 'CreateSecret', {
      Name: 'db',
      SecretString: 'by hand',
      ClientRequestToken: crypto.randomUUID(),
    })
    expect(await aws.provider().probe('db', context)).toEqual({ version: undefined, revision })
  })

  test('sees no version that is only staged, and no secret without a value', async () => {
    const provider = aws.provider()
    await provider.staging.put('db', { value: 'one' }, context)
    expect(await provider.probe('db', context)).toBeUndefined()
    await awsCall(aws.moto().url, 'CreateSecret', { Name: 'empty' })
    expect(await failure(provider.probe('empty', context))).toMatchObject({ code: 'CONFIGURATION' })
  })

  test('needs no right but that to read, and remembers that it has no other', async () => {
    const provider = aws.provider()
    const receipt = await provider.put('db', { value: Buffer.from('one') }, context)
    aws.stub().plan(({ action }) => (action === 'DescribeSecret' ? { error: 'AccessDeniedException' } : 'pass'))
    const asked = await actionsOf(async () => {
      for (let n = 0; n < 2; n += 1) expect(await provider.probe('db', context)).toEqual(receipt)
      expect(await provider.probe('other', context)).toBeUndefined()
    })
    expect(asked).toEqual(['DescribeSecret', 'GetSecretValue', 'GetSecretValue', 'GetSecretValue'])
  })

  test('that is denied everything says so, and forgets it', async () => {
    const provider = aws.provider()
    await provider.put('db', { value: 'one' }, context)
    aws.stub().plan({ error: 'AccessDeniedException' })
    expect(await failure(provider.probe('db', context))).toMatchObject({ code: 'PERMISSION_DENIED' })
    aws.stub().plan('pass')
    expect(await actionsOf(() => provider.probe('db', context))).toEqual(['DescribeSecret'])
  })
})
