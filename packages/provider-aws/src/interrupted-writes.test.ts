import type { AwsReply, AwsRequest } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { expect, test } from 'vitest'
import type { AwsProvider } from './aws-provider.ts'
import { context, failure, useAws } from './testing/aws-trial.ts'

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
    const removals = aws
      .stub()
      .requests()
      .filter(({ body }) => body['VersionStage'] === 'v2')
    expect(removals).toHaveLength(1)
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
    const expected = { code: 'VERSION_CONFLICT', problem: 'the secret was removed by somebody else meanwhile' }
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
