import { createSecretsManager, type SecretsError } from '@finchat/secrets-core'
import type { AwsReply, AwsRequest } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { expect, test } from 'vitest'
import { versionIdOf } from '../model/labels.ts'
import { awsCall, context, failure, useAws } from '../testing/aws-trial.ts'
import { startWriter } from '../testing/other-process.ts'

const path = 'prod/db'

function movesCurrent({ action, body }: AwsRequest): boolean {
  return action === 'UpdateSecretVersionStage' && body['VersionStage'] === 'AWSCURRENT'
}

describeWithServer('moto', 'writing to AWS', () => {
  const aws = useAws()
  const put = (value: string, version?: number): ReturnType<ReturnType<typeof aws.provider>['put']> =>
    aws.provider().put(path, { value, version }, context)
  const labels = async (): Promise<string[][]> => {
    const { VersionIdsToStages: byId = {} } = await awsCall(aws.moto().url, 'DescribeSecret', { SecretId: path })
    return Object.values(byId).map((each) => each.toSorted())
  }
  /** Does this to the first request that it fits, and passes all others on. */
  const once = (fits: (request: AwsRequest) => boolean, reply: AwsReply): void => {
    let isDone = false
    aws.stub().plan((request) => {
      if (isDone || !fits(request)) return 'pass'
      isDone = true
      return reply
    })
  }
  /** Does this to every request that it fits. */
  const always = (fits: (request: AwsRequest) => boolean, reply: AwsReply): void =>
    aws.stub().plan((request) => (fits(request) ? reply : 'pass'))

  test('a version is put, numbered, made current in the place of the one before, and then known to have been current', async () => {
    await put('one')
    await put('two')
    const sent = aws.stub().requests()
    const { ARN: arn = '' } = await awsCall(aws.moto().url, 'DescribeSecret', { SecretId: path })
    const [one, two] = [versionIdOf(arn, 1), versionIdOf(arn, 2)]
    const steps = sent.map(({ action, body }) => [action, { ...body, SecretId: undefined }])
    expect(steps).toEqual([
      ['DescribeSecret', {}],
      ['CreateSecret', expect.anything()],
      ['PutSecretValue', { ClientRequestToken: one, SecretString: 'one', VersionStages: ['v1', 'put-1'] }],
      ['UpdateSecretVersionStage', { VersionStage: 'put-1', RemoveFromVersionId: one }],
      ['DescribeSecret', {}],
      ['PutSecretValue', { ClientRequestToken: two, SecretString: 'two', VersionStages: ['put-2'] }],
      ['UpdateSecretVersionStage', { VersionStage: 'v2', MoveToVersionId: two }],
      ['UpdateSecretVersionStage', { VersionStage: 'AWSCURRENT', MoveToVersionId: two, RemoveFromVersionId: one }],
      ['UpdateSecretVersionStage', { VersionStage: 'put-2', RemoveFromVersionId: two }],
    ])
    expect(await labels()).toEqual([
      ['AWSPREVIOUS', 'v1'],
      ['AWSCURRENT', 'v2'],
    ])
  })

  test('a writer that is killed before AWSCURRENT moves has changed no answer, and the same write completes it', async () => {
    await put('one')
    always(movesCurrent, 'hang')
    const writer = startWriter({ endpoint: aws.stub().url, path, value: 'two', version: 2 })
    await expect.poll(() => aws.stub().requests().some(movesCurrent)).toBe(true)
    await writer.kill()
    aws.stub().plan('pass')

    const provider = aws.provider()
    expect((await provider.get(path, context))?.value).toBe('one')
    expect(await provider.getVersion(path, 2, context)).toBeUndefined()
    expect(await failure(put('another', 2))).toMatchObject({ code: 'VERSION_CONFLICT' })
    expect(await put('two', 2)).toMatchObject({ version: 2 })
    expect(await provider.get(path, context)).toMatchObject({ value: 'two', version: 2 })
    expect((await provider.getVersion(path, 'previous', context))?.value).toBe('one')
  })

  test('without a number the same value completes what was left, and another value takes the next number', async () => {
    await put('one')
    always(movesCurrent, { error: 'AccessDeniedException' })
    expect(await failure(put('two'))).toMatchObject({
      code: 'PERMISSION_DENIED',
      effect: undefined, // it is known: nothing is current that was not
      remedy: expect.stringMatching(/^allow it in the policy.*; version 2 is stored and not current: write it again as version 2/),
    })
    aws.stub().plan('pass')
    expect(await put('three')).toMatchObject({ version: 3 })
    always(movesCurrent, { error: 'AccessDeniedException' })
    await failure(put('four'))
    aws.stub().plan('pass')
    expect(await put('four')).toMatchObject({ version: 4 })
    expect((await aws.provider().get(path, context))?.value).toBe('four')
  })

  test('a delayed writer never puts an older version in the place of a newer', async () => {
    await put('one')
    const held = Promise.withResolvers<void>()
    let isHeld = false
    aws.stub().plan(async (request): Promise<AwsReply> => {
      if (isHeld || !movesCurrent(request)) return 'pass'
      isHeld = true
      await held.promise
      return 'pass'
    })
    const delayed = failure(put('delayed', 2))
    await expect.poll(() => isHeld).toBe(true)
    expect(await put('faster')).toMatchObject({ version: 3 })
    held.resolve()
    expect(await delayed).toMatchObject({ code: 'VERSION_CONFLICT', problem: 'version 3 became current meanwhile; version 2 did not' })
    expect(await aws.provider().get(path, context)).toMatchObject({ value: 'faster', version: 3 })
    expect(await failure(put('delayed', 2))).toMatchObject({ code: 'VERSION_CONFLICT' })
  })

  test('of two rotators one wins each number, and the other is told so', async () => {
    const managers = [1, 2].map(() => createSecretsManager({ providers: [aws.provider()] }))
    await managers[0]?.storeSecret(path, 'v1')
    for (let version = 2; version <= 6; version += 1) {
      const settled = await Promise.allSettled(managers.map((manager, n) => manager.rotateSecret(path, `${version} of ${n}`, { version })))
      const lost = settled.filter((result) => result.status === 'rejected').map(({ reason }: { reason: SecretsError }) => reason.code)
      expect(lost).toEqual(['VERSION_CONFLICT'])
      const winner = settled.findIndex(({ status }) => status === 'fulfilled')
      expect(await aws.provider().get(path, context)).toMatchObject({ value: `${version} of ${winner}`, version })
    }
    await Promise.all(managers.map((manager) => manager.close()))
  })

  test.each([
    ['the value is put', ({ action }: AwsRequest) => action === 'PutSecretValue'],
    ['the label is moved', movesCurrent],
    ['the secret is created', ({ action }: AwsRequest) => action === 'CreateSecret'],
  ])('an answer that is lost when %s costs nothing: the SDK repeats it, and it was done once', async (_, fits) => {
    const before = fits.name === 'movesCurrent' ? await put('one') : undefined
    once(fits, { pass: 'reset' })
    const { version, revision } = await put('two')
    expect(version).toBe(before === undefined ? 1 : 2)
    expect(await aws.provider().get(path, context)).toMatchObject({ value: 'two', version, revision })
  })

  test('a lost answer that stays lost is `unknown`, and the manager finds out what became of it', async () => {
    const secrets = createSecretsManager({ providers: [aws.provider({ clientConfig: { maxAttempts: 1 } })] })
    await secrets.storeSecret(path, 'one')
    once(movesCurrent, { pass: 'reset' })
    expect(await secrets.rotateSecret(path, 'two', { version: 2 })).toMatchObject({ version: 2 })
    once(movesCurrent, 'reset')
    await expect(secrets.rotateSecret(path, 'three', { version: 3 })).rejects.toMatchObject({ code: 'UNAVAILABLE', effect: 'unknown' })
    expect(await secrets.rotateSecret(path, 'three', { version: 3 })).toMatchObject({ version: 3 })
    await secrets.close()
  })

  test('a secret that we never wrote is read, reported and rotated: it gets a number first', async () => {
    const create = await awsCall(aws.moto().url, 'CreateSecret', {
      Name: path,
      SecretString: 'by hand',
      ClientRequestToken: crypto.randomUUID(),
    })
    const provider = aws.provider()
    const before = await provider.get(path, context)
    expect(before).toEqual({
      value: 'by hand',
      revision: create.VersionId,
      version: undefined,
      currentSince: undefined,
      currentNotBefore: expect.any(Number),
    })
    expect(await provider.describe(path, context)).toMatchObject({ revision: create.VersionId, version: undefined })
    expect(await failure(put('two', 1))).toMatchObject({ code: 'VERSION_CONFLICT', problem: expect.stringContaining('the next is 2') })
    expect(await provider.put(path, { value: 'two', ifCurrent: { revision: create.VersionId } }, context)).toMatchObject({ version: 2 })
    expect(await provider.getVersion(path, 1, context)).toMatchObject({ value: 'by hand', version: 1, revision: create.VersionId })
    expect(await provider.getVersion(path, 'previous', context)).toMatchObject({ value: 'by hand', version: 1 })
  })

  test('a version that somebody writes by hand in between is numbered by the next write, and an old one is still read by its number', async () => {
    await put('one')
    for (const value of ['by hand', 'by hand again']) {
      await awsCall(aws.moto().url, 'PutSecretValue', { SecretId: path, SecretString: value, ClientRequestToken: crypto.randomUUID() })
    }
    const provider = aws.provider()
    expect((await provider.getVersion(path, 1, context))?.value).toBe('one')
    expect(await put('four')).toMatchObject({ version: 3 })
    expect((await provider.getVersion(path, 2, context))?.value).toBe('by hand again')
    expect((await provider.getVersion(path, 1, context))?.value).toBe('one')
  })

  test('of the 20 labels that AWS allows, the oldest of ours make room; those of others stay', async () => {
    await put('1')
    const { revision = '' } = await put('2')
    await awsCall(aws.moto().url, 'UpdateSecretVersionStage', {
      SecretId: path,
      VersionStage: 'of-another-tool',
      MoveToVersionId: revision,
    })
    for (let n = 3; n <= 25; n += 1) expect(await put(String(n))).toMatchObject({ version: n })
    const all = (await labels()).flat()
    expect(all).toHaveLength(19) // the next write has two at first
    expect(all).toContain('of-another-tool')
    const provider = aws.provider()
    expect((await provider.getVersion(path, 10, context))?.value).toBe('10')
    expect(await provider.getVersion(path, 9, context)).toBeUndefined()
    expect(await failure(put('old', 9))).toMatchObject({ code: 'VERSION_CONFLICT' })
  })

  test('tags are set after the write, and a failure to set them says that it is done', async () => {
    const provider = aws.provider()
    await provider.put(path, { value: 'one', tags: { team: 'pay' } }, context)
    always(({ action }) => action === 'TagResource', { error: 'AccessDeniedException' })
    const error = await failure(provider.put(path, { value: 'two', tags: { owner: 'ops' } }, context))
    expect(error).toMatchObject({ code: 'PERMISSION_DENIED', effect: 'done', problem: expect.stringContaining('TagResource') })
    expect((await provider.get(path, context))?.value).toBe('two')
    expect(await provider.describe(path, context)).toMatchObject({ tags: { team: 'pay' } })
  })

  test('a secret that AWS or another service rotates is not written by hand; its rotation can be started', async () => {
    const provider = aws.provider()
    await put('one')
    expect(await failure(provider.startManagedRotation(path))).toMatchObject({
      code: 'CONFIGURATION',
      problem: expect.stringContaining('no rotation function'),
    })
    const RotationLambdaARN = 'arn:aws:lambda:eu-west-1:123456789012:function:rotate'
    await awsCall(aws.moto().url, 'RotateSecret', {
      SecretId: path,
      RotationLambdaARN,
      RotateImmediately: false,
      ClientRequestToken: crypto.randomUUID(),
    })
    for (const error of await Promise.all([put('two'), provider.staging.put(path, { value: 'two' }, context)].map(failure))) {
      expect(error).toMatchObject({ code: 'CONFIGURATION', remedy: expect.stringContaining('startManagedRotation()') })
    }
    const { revision } = await provider.startManagedRotation(path)
    expect(await labels()).toContainEqual(['AWSPENDING'])
    expect(revision).not.toBe((await provider.get(path, context))?.revision)
    expect(await failure(provider.startManagedRotation('missing'))).toMatchObject({ code: 'NOT_FOUND' })
  })

  test('a write in a replica region is refused with the remedy', async () => {
    await awsCall(
      aws.moto().url,
      'CreateSecret',
      { Name: path, SecretString: 'one', AddReplicaRegions: [{ Region: 'eu-west-1' }], ClientRequestToken: crypto.randomUUID() },
      'us-east-1',
    )
    const provider = aws.provider()
    expect((await provider.get(path, context))?.value).toBe('one')
    expect(await failure(put('two'))).toMatchObject({ code: 'CONFIGURATION', remedy: expect.stringContaining('primary region') })
  })

  test('an ARN and a partial ARN reach the secret too, and an ARN that is none creates nothing', async () => {
    await put('one')
    const { ARN: arn = '' } = await awsCall(aws.moto().url, 'DescribeSecret', { SecretId: path })
    const provider = aws.provider()
    for (const [n, at] of [arn, arn.slice(0, -7)].entries()) {
      expect((await provider.put(at, { value: `by ARN ${n}` }, context)).version).toBe(n + 2)
      expect((await provider.get(at, context))?.value).toBe(`by ARN ${n}`)
    }
    expect(await failure(provider.put(`${arn.slice(0, -7)}-none`, { value: 'v' }, context))).toMatchObject({ code: 'CONFIGURATION' })
  })

  test('with `kmsKeyId` a secret is created under that key', async () => {
    await aws.provider({ kmsKeyId: 'alias/app' }).put(path, { value: 'one' }, context)
    expect(await awsCall(aws.moto().url, 'DescribeSecret', { SecretId: path })).toMatchObject({ KmsKeyId: 'alias/app' })
  })

  test('a deleted secret can be restored for the days of the options; a purged one begins anew', async () => {
    const provider = aws.provider({ recoveryWindowDays: 7 })
    await put('one')
    const { restorableUntil = 0 } = await provider.delete(path, { purge: false }, context)
    expect(Math.round((restorableUntil - Date.now()) / 86_400_000)).toBe(7)
    expect(await failure(put('two'))).toMatchObject({ code: 'DELETED' })
    expect(await provider.delete(path, { purge: false }, context)).toEqual({})
    await provider.restore(path, context)
    expect((await provider.get(path, context))?.value).toBe('one')
    expect(await provider.delete(path, { purge: true }, context)).toEqual({ restorableUntil: undefined })
    expect(await put('anew')).toMatchObject({ version: 1 })
    aws.stub().plan({ error: 'InvalidRequestException' }) // as if it were scheduled and could not be purged
    expect((await failure(provider.delete(path, { purge: true }, context))).code).toBe('DELETED')
  })
})
