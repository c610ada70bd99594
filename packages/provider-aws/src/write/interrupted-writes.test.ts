import type { AwsReply, AwsRequest } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { expect, test } from 'vitest'
import type { AwsProvider } from '../aws-provider.ts'
import { versionIdOf } from '../model/labels.ts'
import { awsCall, context, failure, useAws } from '../testing/aws-trial.ts'

const path = 'prod/db'

function movesCurrent({ action, body }: AwsRequest): boolean {
  return action === 'UpdateSecretVersionStage' && body['VersionStage'] === 'AWSCURRENT'
}

describeWithServer('moto', 'a write to AWS that does not end as it began', () => {
  const aws = useAws()
  const provider = (): AwsProvider => aws.provider({ clientConfig: { maxAttempts: 1 } })
  const put = (value: string): ReturnType<AwsProvider['put']> => provider().put(path, { value }, context)
  /** A version is put, and never made current. */
  const leaveUnfinished = async (value: string): Promise<void> => {
    aws.stub().plan((request) => (movesCurrent(request) ? { error: 'AccessDeniedException' } : 'pass'))
    await failure(put(value))
    aws.stub().plan('pass')
  }

  test('what was never current is read by no number, also after a later version became current', async () => {
    await put('one')
    await leaveUnfinished('never')
    expect(await put('three')).toMatchObject({ version: 3 })
    expect(await provider().getVersion(path, 2, context)).toBeUndefined()
    expect((await provider().describe(path, context))?.versions?.map(({ version }) => version)).toEqual([1, 3])
    expect(await put('four')).toMatchObject({ version: 4 })
  })

  test('a write is done, though it may not take the number of what it overtook', async () => {
    await put('one')
    await leaveUnfinished('never')
    aws
      .stub()
      .plan(({ body }) => ('RemoveFromVersionId' in body && body['VersionStage'] === 'v2' ? { error: 'AccessDeniedException' } : 'pass'))
    expect(await put('three')).toMatchObject({ version: 3 })
    const stages = aws
      .stub()
      .requests()
      .filter(({ body }) => body['VersionStage'] === 'v2')
    expect(stages.filter(({ body }) => 'RemoveFromVersionId' in body)).toHaveLength(1)
    expect(await provider().getVersion(path, 2, context), 'and its number is still not believed').toBeUndefined()
  })

  const putByHand = (value: string): Promise<unknown> =>
    awsCall(aws.moto().url, 'PutSecretValue', { SecretId: path, SecretString: value, ClientRequestToken: crypto.randomUUID() })
  /** The writer is stopped at this call, or told a conflict there, since somebody writes by hand before it. */
  const stopAt = async (fits: (request: AwsRequest) => boolean, reply: AwsReply): Promise<string> => {
    let isStopped = false
    aws.stub().plan(async (request) => {
      if (isStopped || !fits(request)) return 'pass'
      isStopped = true
      if (reply === 'pass') await putByHand('by hand')
      return reply
    })
    const error = await failure(put('never'))
    aws.stub().plan('pass')
    if (reply !== 'pass') await putByHand('by hand')
    return error.code
  }
  const numbers = ({ action, body }: AwsRequest): boolean => action === 'UpdateSecretVersionStage' && body['VersionStage'] === 'v2'

  test.each([
    ['stopped before it has its number', numbers, 'reset', 'UNAVAILABLE'],
    ['stopped before AWSCURRENT moves', movesCurrent, 'reset', 'UNAVAILABLE'],
    ['told a conflict, since somebody wrote by hand before it was numbered', numbers, 'pass', 'VERSION_CONFLICT'],
    ['told a conflict, since somebody wrote by hand before AWSCURRENT moved', movesCurrent, 'pass', 'VERSION_CONFLICT'],
  ] as const)('a version is never read, by number or as `previous`, whose writer was %s', async (_, fits, reply, code) => {
    await put('one')
    expect(await stopAt(fits, reply)).toBe(code)
    const shown = async (): Promise<unknown[]> => {
      const versions = [1, 2, 3, 4, 5, 'previous'] as const
      return Promise.all(versions.map(async (version) => (await provider().getVersion(path, version, context))?.value))
    }
    expect(await shown()).toEqual(['one', undefined, undefined, undefined, undefined, 'one'])
    expect(await provider().get(path, context)).toMatchObject({ value: 'by hand', version: undefined })
    expect(await put('four')).toMatchObject({ version: 4 })
    expect(await shown()).toEqual(['one', undefined, 'by hand', 'four', undefined, 'by hand'])
    await putByHand('five')
    await putByHand('six')
    expect(await shown()).toEqual(['one', undefined, 'by hand', 'four', undefined, 'five'])
    expect((await provider().describe(path, context))?.versions?.map(({ version }) => version)).toEqual([1, 3, 4, undefined, undefined])
    const { VersionIdsToStages: labels = {} } = await awsCall(aws.moto().url, 'DescribeSecret', { SecretId: path })
    expect(Object.values(labels).flat()).not.toContain('v2')
  })

  test('what an earlier release put without `put-<n>` is not read by its number either', async () => {
    await put('one')
    const { ARN: arn = '' } = await awsCall(aws.moto().url, 'DescribeSecret', { SecretId: path })
    const left = { SecretId: path, SecretString: 'never', ClientRequestToken: versionIdOf(arn, 2), VersionStages: ['v2'] }
    await awsCall(aws.moto().url, 'PutSecretValue', left)
    expect(await provider().getVersion(path, 2, context)).toBeUndefined()
    await putByHand('by hand')
    expect(await provider().getVersion(path, 2, context)).toBeUndefined()
    expect(await put('four')).toMatchObject({ version: 4 })
    expect(await provider().getVersion(path, 2, context)).toBeUndefined()
    expect(await provider().getVersion(path, 3, context)).toMatchObject({ value: 'by hand' })
    await putByHand('five')
    expect(await provider().getVersion(path, 1, context)).toMatchObject({ value: 'one' })
  })

  test('a move whose answer was lost is done, though somebody has written since: AWSPREVIOUS tells', async () => {
    await put('one')
    let isLost = false
    aws.stub().plan(async (request): Promise<AwsReply> => {
      if (!movesCurrent(request)) return 'pass'
      if (!isLost) {
        isLost = true
        return { pass: 'reset' }
      }
      await putByHand('by hand')
      return 'pass'
    })
    expect(await aws.provider().put(path, { value: 'two' }, context)).toMatchObject({ version: 2 })
    expect(await provider().get(path, context)).toMatchObject({ value: 'by hand' })
    expect(await provider().getVersion(path, 2, context)).toMatchObject({ value: 'two' })
  })

  test('where two were written since, nobody knows what became of a move whose answer was lost', async () => {
    await put('one')
    let isLost = false
    aws.stub().plan(async (request): Promise<AwsReply> => {
      if (!movesCurrent(request)) return 'pass'
      if (!isLost) {
        isLost = true
        return { pass: 'reset' }
      }
      for (const value of ['by hand', 'by hand again']) await putByHand(value)
      return 'pass'
    })
    const error = await failure(aws.provider().put(path, { value: 'two' }, context))
    expect(error).toMatchObject({ code: 'VERSION_CONFLICT', effect: 'unknown' })
  })

  test('a writer that stopped just after its version became current leaves the rest to the next', async () => {
    await put('one')
    const removesPut = ({ body }: AwsRequest): boolean => String(body['VersionStage']).startsWith('put-') && 'RemoveFromVersionId' in body
    aws.stub().plan((request) => (removesPut(request) ? 'reset' : 'pass'))
    expect(await put('two')).toMatchObject({ version: 2 })
    aws.stub().plan('pass') // which the next write does in its stead
    const pending = await provider().staging.put(path, { value: 'three' }, context)
    aws.stub().plan((request) => (removesPut(request) ? 'reset' : 'pass'))
    expect(await provider().staging.promote(path, pending, context)).toMatchObject({ version: 3 })
    expect(await provider().getVersion(path, 3, context)).toMatchObject({ value: 'three' })
    aws.stub().plan('pass')
    for (const value of ['four', 'five', 'six']) await put(value)
    for (const [version, value] of [
      [2, 'two'],
      [3, 'three'],
      [4, 'four'],
    ] as const)
      expect(await provider().getVersion(path, version, context)).toMatchObject({ value })
    const { VersionIdsToStages: labels = {} } = await awsCall(aws.moto().url, 'DescribeSecret', { SecretId: path })
    const shown = Object.values(labels).flat().toSorted()
    expect(shown.map((label) => label.replace(/\d{13}$/, '…'))).toEqual('AWSCURRENT AWSPREVIOUS since-3-… v1 v2 v3 v4 v5 v6'.split(' '))
  })

  test('what was never current is not read either after a staged version was promoted', async () => {
    await put('one')
    await leaveUnfinished('never')
    const pending = await provider().staging.put(path, { value: 'three' }, context)
    expect(await provider().staging.promote(path, pending, context)).toMatchObject({ version: 3 })
    expect(await provider().getVersion(path, 2, context)).toBeUndefined()
  })

  test('at the limit of 20 labels an unfinished version stands in the way of no other', async () => {
    for (let n = 1; n <= 20; n += 1) await put(String(n))
    await leaveUnfinished('21')
    expect(await put('22')).toMatchObject({ version: 22 })
    expect(await provider().get(path, context)).toMatchObject({ value: '22' })
  })

  test('if AWS fails as it is asked what became of a move, nobody knows: the effect is unknown', async () => {
    await put('one')
    let moves = 0
    const plan = (request: AwsRequest): AwsReply => {
      if (movesCurrent(request)) return (moves += 1) === 1 ? { pass: 'reset' } : 'pass'
      return moves > 0 && request.action === 'DescribeSecret' ? 'reset' : 'pass'
    }
    aws.stub().plan(plan)
    const written = failure(aws.provider().put(path, { value: 'two' }, context))
    expect(await written).toMatchObject({ code: 'UNAVAILABLE', effect: 'unknown', remedy: expect.stringContaining('as version 2') })
    aws.stub().plan('pass')
    const pending = await provider().staging.put(path, { value: 'three' }, context)
    moves = 0
    aws.stub().plan(plan)
    const promoted = failure(aws.provider().staging.promote(path, pending, context))
    expect(await promoted).toMatchObject({ code: 'VERSION_CONFLICT', effect: 'unknown' })
    aws.stub().plan('pass')
    expect(await provider().get(path, context)).toMatchObject({ value: 'three', version: 3 })
  })

  test('a secret that is removed in the middle of a write is a conflict, whatever is written', async () => {
    const { staging } = provider()
    const gone = (action: string) => (request: AwsRequest) =>
      request.action === action ? { error: 'ResourceNotFoundException' } : ('pass' as const)
    const expected = { code: 'VERSION_CONFLICT', problem: 'another process removed the secret meanwhile' }
    await put('one')
    aws.stub().plan(gone('PutSecretValue'))
    expect(await failure(put('two'))).toMatchObject(expected)
    expect(await failure(staging.put(path, { value: 'two' }, context))).toMatchObject(expected)
    aws.stub().plan('pass')
    const pending = await staging.put(path, { value: 'two' }, context)
    aws.stub().plan(gone('UpdateSecretVersionStage'))
    expect(await failure(staging.promote(path, pending, context))).toMatchObject(expected)
    expect(await failure(staging.discard(path, pending, context))).toMatchObject(expected)
  })

  test('of tags that are set and dropped, a failure to drop says that something may have changed', async () => {
    await put('one')
    aws.stub().plan(({ action }) => (action === 'UntagResource' ? { error: 'AccessDeniedException' } : 'pass'))
    const error = await failure(provider().tag(path, { team: 'pay', owner: null }, context))
    expect(error).toMatchObject({ code: 'PERMISSION_DENIED', effect: 'unknown', problem: expect.stringContaining('UntagResource') })
    expect((await failure(provider().tag(path, { owner: null }, context))).effect).toBeUndefined()
    expect((await provider().describe(path, context))?.tags).toEqual({ team: 'pay' })
  })
})
