import type { WriteReceipt } from '@finchat/secrets-core'
import type { AwsReply, AwsRequest } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { expect, test } from 'vitest'
import { awsCall, context, failure, providerAt, useAws } from '../testing/aws-trial.ts'

const path = 'prod/db'

function identityOf({ version, revision }: WriteReceipt): WriteReceipt {
  return { version, revision }
}

function movesCurrent({ action, body }: AwsRequest): boolean {
  return action === 'UpdateSecretVersionStage' && body['VersionStage'] === 'AWSCURRENT'
}

describeWithServer('moto', 'staging in AWS', () => {
  const aws = useAws()
  const listed = async (): Promise<string[]> => {
    const paths: string[] = []
    for await (const secret of aws.provider().list('', context)) paths.push(secret.path)
    return paths
  }

  test('a staged version is under AWSPENDING, where other tools look for it', async () => {
    const provider = aws.provider()
    await provider.put(path, { value: 'one' }, context)
    const { revision = '' } = await provider.staging.put(path, { value: 'two' }, context)
    const { VersionIdsToStages: labels = {} } = await awsCall(aws.moto().url, 'DescribeSecret', { SecretId: path })
    expect(labels[revision]).toEqual(['staged-2', 'AWSPENDING'])
  })

  test('the first version of a secret is not current, for AWS or for a read, before it is promoted', async () => {
    const provider = aws.provider()
    const pending = await provider.staging.put(path, { value: 'one' }, context)
    const { VersionIdsToStages: labels = {} } = await awsCall(aws.moto().url, 'DescribeSecret', { SecretId: path })
    expect(Object.values(labels)).toEqual([
      ['unreleased', 'AWSCURRENT'],
      ['staged-1', 'AWSPENDING'],
    ])
    expect(await provider.get(path, context)).toBeUndefined()
    expect(await provider.getVersion(path, 1, context)).toBeUndefined()
    expect(await provider.getMany([path, 'other'], context)).toEqual([
      { status: 'fulfilled', value: undefined },
      { status: 'fulfilled', value: undefined },
    ])
    expect(await provider.describe(path, context)).toBeUndefined()
    expect(await listed()).toEqual([])
    expect(await provider.staging.get(path, context)).toMatchObject({ value: 'one', version: 1 })

    expect(await provider.staging.promote(path, pending, context)).toEqual(identityOf(pending))
    expect(await provider.get(path, context)).toMatchObject({ value: 'one', version: 1 })
    expect(await provider.staging.get(path, context)).toBeUndefined()
    expect(await listed()).toEqual([path])
    expect(await provider.put(path, { value: 'two' }, context)).toMatchObject({ version: 2 })
    expect(await provider.getVersion(path, 'previous', context)).toMatchObject({ value: 'one' })
  })

  test('promotions at once of a first version resolve alike too', async () => {
    const provider = aws.provider()
    const pending = await provider.staging.put(path, { value: 'one' }, context)
    const receipts = await Promise.all([1, 2].map(() => provider.staging.promote(path, pending, context)))
    expect(receipts).toEqual([identityOf(pending), identityOf(pending)])
  })

  test('a first version that is promoted is told as done, though AWS does not take its last label away', async () => {
    const provider = aws.provider()
    const pending = await provider.staging.put(path, { value: 'one' }, context)
    aws
      .stub()
      .plan(({ body }) =>
        'RemoveFromVersionId' in body && body['VersionStage'] === 'AWSPENDING' ? { error: 'AccessDeniedException' } : 'pass',
      )
    expect(await provider.staging.promote(path, pending, context)).toEqual(identityOf(pending))
    expect(await provider.get(path, context)).toMatchObject({ value: 'one', version: 1 })
    expect(await provider.staging.get(path, context)).toBeUndefined()
    aws.stub().plan('pass')
    expect(await provider.staging.put(path, { value: 'two' }, context)).toMatchObject({ version: 2 })
  })

  test('a first version that is discarded or written over is never read, and its number is used', async () => {
    const provider = aws.provider()
    await provider.staging.discard(path, await provider.staging.put(path, { value: 'one' }, context), context)
    expect(await provider.get(path, context)).toBeUndefined()
    expect(await provider.staging.get(path, context)).toBeUndefined()
    expect(await provider.put(path, { value: 'two', ifCurrent: null }, context)).toMatchObject({ version: 2 })
    expect(await provider.getVersion(path, 'previous', context)).toBeUndefined()
    expect(await provider.getVersion(path, 1, context)).toBeUndefined()
    expect((await provider.describe(path, context))?.versions).toEqual([expect.objectContaining({ version: 2 })])
  })

  test('one version waits at a time, and a number that was staged is used', async () => {
    const provider = aws.provider()
    await provider.put(path, { value: 'one' }, context)
    const pending = await provider.staging.put(path, { value: 'two' }, context)
    expect(await failure(provider.staging.put(path, { value: 'three' }, context))).toMatchObject({ code: 'VERSION_CONFLICT' })
    expect(await failure(provider.staging.promote(path, { version: 9 }, context))).toMatchObject({ code: 'VERSION_CONFLICT' })
    expect(await failure(provider.staging.promote(path, {}, context))).toMatchObject({ code: 'VERSION_CONFLICT' })
    await provider.staging.discard(path, pending, context)
    expect(await provider.getVersion(path, 2, context)).toBeUndefined()
    expect(await provider.staging.put(path, { value: 'three' }, context)).toMatchObject({ version: 3 })
  })

  test('a promotion that stopped before it was done has changed no answer, and can be done, or discarded after a newer write', async () => {
    const provider = aws.provider({ clientConfig: { maxAttempts: 1 } })
    await provider.put(path, { value: 'one' }, context)
    for (const end of ['promote', 'discard'] as const) {
      const pending = await provider.staging.put(path, { value: end }, context)
      const before = await provider.get(path, context)
      aws.stub().plan((request) => (movesCurrent(request) ? 'reset' : 'pass'))
      expect(await failure(provider.staging.promote(path, pending, context))).toMatchObject({ code: 'UNAVAILABLE', effect: 'unknown' })
      aws.stub().plan('pass')
      expect(await provider.get(path, context)).toEqual(before)
      expect(await provider.getVersion(path, pending.version ?? 0, context)).toBeUndefined()
      expect(await failure(provider.staging.discard(path, pending, context))).toMatchObject({ code: 'VERSION_CONFLICT' })
      if (end === 'discard') expect(await provider.put(path, { value: 'four' }, context)).toMatchObject({ version: 4 })
      await provider.staging[end](path, pending, context)
      expect(await provider.get(path, context)).toMatchObject(
        end === 'promote' ? { value: 'promote', version: 2 } : { value: 'four', version: 4 },
      )
    }
    expect(await provider.getVersion(path, 3, context)).toBeUndefined()
  })

  const codeOf = async (call: Promise<unknown>): Promise<string> => {
    const [settled] = await Promise.allSettled([call])
    return settled.status === 'fulfilled' ? 'ok' : (await failure(Promise.reject(settled.reason))).code
  }

  test.each([
    ['promote', 'discard'],
    ['discard', 'promote'],
  ] as const)('of a %s, and a %s that is done between its look and its first change, one is told that it lost', async (slow, fast) => {
    const provider = aws.provider()
    await provider.put(path, { value: 'one' }, context)
    const pending = await provider.staging.put(path, { value: 'two' }, context)
    const other = providerAt(aws.moto().url)
    let between: Promise<string> | undefined
    aws.stub().plan(async ({ action }): Promise<AwsReply> => {
      if (action === 'UpdateSecretVersionStage') await (between ??= codeOf(other.staging[fast](path, pending, context)))
      return 'pass'
    })
    expect([await codeOf(provider.staging[slow](path, pending, context)), await between]).toEqual(['VERSION_CONFLICT', 'ok'])
    expect((await provider.get(path, context))?.value).toBe(fast === 'promote' ? 'two' : 'one')
    await other.close()
  })

  test('of two that stage at once, also under numbers of their own, one version waits', async () => {
    const provider = aws.provider()
    await provider.put(path, { value: 'one' }, context)
    const other = providerAt(aws.moto().url)
    let between: Promise<string> | undefined
    aws.stub().plan(async ({ action }): Promise<AwsReply> => {
      if (action === 'PutSecretValue') await (between ??= codeOf(other.staging.put(path, { value: 'theirs' }, context)))
      return 'pass'
    })
    const ours = codeOf(provider.staging.put(path, { value: 'ours', version: 7 }, context))
    expect([await ours, await between]).toEqual(['VERSION_CONFLICT', 'ok'])
    expect((await provider.staging.get(path, context))?.value).toBe('theirs')
    await other.close()
  })

  test('a discard whose process ended in the middle forbids a promotion, and is done when it is repeated', async () => {
    const provider = aws.provider({ clientConfig: { maxAttempts: 1 } })
    await provider.put(path, { value: 'one' }, context)
    const pending = await provider.staging.put(path, { value: 'two' }, context)
    aws.stub().plan(({ body }) => (body['VersionStage'] === 'AWSPENDING' && 'RemoveFromVersionId' in body ? 'reset' : 'pass'))
    expect(await codeOf(provider.staging.discard(path, pending, context))).toBe('UNAVAILABLE')
    aws.stub().plan('pass')
    expect(await codeOf(provider.staging.promote(path, pending, context))).toBe('VERSION_CONFLICT')
    await provider.staging.discard(path, pending, context)
    expect(await provider.staging.put(path, { value: 'three' }, context)).toMatchObject({ version: 3 })
  })

  test('a promotion whose answer is lost is done once', async () => {
    const provider = aws.provider()
    await provider.put(path, { value: 'one' }, context)
    const pending = await provider.staging.put(path, { value: 'two' }, context)
    let isLost = false
    aws.stub().plan((request) => {
      if (isLost || !movesCurrent(request)) return 'pass'
      isLost = true
      return { pass: 'reset' }
    })
    expect(await provider.staging.promote(path, pending, context)).toEqual(identityOf(pending))
    expect(await provider.get(path, context)).toMatchObject({ value: 'two', version: 2 })
  })

  test("AWSPENDING that could not be taken away after a promotion stands in nobody's way", async () => {
    const provider = aws.provider()
    await provider.put(path, { value: 'one' }, context)
    const pending = await provider.staging.put(path, { value: 'two' }, context)
    aws
      .stub()
      .plan(({ body }) =>
        body['VersionStage'] === 'AWSPENDING' && 'RemoveFromVersionId' in body && !('MoveToVersionId' in body)
          ? { error: 'AccessDeniedException' }
          : 'pass',
      )
    expect(await provider.staging.promote(path, pending, context)).toEqual(identityOf(pending))
    for (const version of [3, 4, 5]) {
      expect(await provider.staging.get(path, context)).toBeUndefined()
      expect(await provider.put(path, { value: String(version) }, context)).toMatchObject({ version })
      expect(await provider.getVersion(path, 2, context)).toMatchObject({ value: 'two' })
    }
    expect(await provider.staging.put(path, { value: 'six' }, context)).toMatchObject({ version: 6 })
  })

  test('what was written by hand since a version was staged forbids its promotion', async () => {
    const provider = aws.provider()
    await provider.put(path, { value: 'one' }, context)
    const pending = await provider.staging.put(path, { value: 'two' }, context)
    await awsCall(aws.moto().url, 'PutSecretValue', { SecretId: path, SecretString: 'by hand', ClientRequestToken: crypto.randomUUID() })
    expect(await failure(provider.staging.promote(path, pending, context))).toMatchObject({ code: 'VERSION_CONFLICT' })
    expect((await provider.get(path, context))?.value).toBe('by hand')
  })

  test("AWSPENDING that AWS's own rotation leaves on the current version is no pending version", async () => {
    const create = await awsCall(aws.moto().url, 'CreateSecret', {
      Name: path,
      SecretString: 'one',
      ClientRequestToken: crypto.randomUUID(),
    })
    await awsCall(aws.moto().url, 'UpdateSecretVersionStage', {
      SecretId: path,
      VersionStage: 'AWSPENDING',
      MoveToVersionId: create.VersionId,
    })
    const provider = aws.provider()
    expect(await provider.staging.get(path, context)).toBeUndefined()
    expect(await provider.staging.put(path, { value: 'two' }, context)).toMatchObject({ version: 2 })
  })
})
