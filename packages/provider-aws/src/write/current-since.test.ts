import { createSecretsManager } from '@finchat/secrets-core'
import type { AwsReply } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { expect, test } from 'vitest'
import { awsCall, context, useAws } from '../testing/aws-trial.ts'

const path = 'prod/db'

describeWithServer('moto', 'since when a version in AWS is current', () => {
  const aws = useAws()

  test('a version that we wrote or promoted says since when it is current; one that was written by hand, since when at most', async () => {
    const provider = aws.provider()
    const before = Date.now() - 1_000 // AWS's times here are in whole seconds
    await provider.put(path, { value: 'one' }, context)
    for (const told of [
      await provider.get(path, context),
      await provider.describe(path, context),
      (await provider.getMany([path, 'other'], context))[0],
    ]) {
      const { currentSince = 0 } = told !== undefined && 'status' in told ? (told.status === 'fulfilled' && told.value) || {} : (told ?? {})
      expect(currentSince).toBeGreaterThanOrEqual(before)
    }
    await provider.staging.promote(path, await provider.staging.put(path, { value: 'two' }, context), context)
    const promoted = await provider.get(path, context)
    expect(promoted?.currentSince).toBeGreaterThanOrEqual(promoted?.currentNotBefore ?? 0)
    expect(promoted?.currentSince).toBeLessThanOrEqual(Date.now())
    expect(promoted?.currentNotBefore).toBeGreaterThanOrEqual(before)
    const { currentSince, currentNotBefore } = (await provider.describe(path, context)) ?? {}
    expect({ currentSince, currentNotBefore }).toEqual({
      currentSince: promoted?.currentSince,
      currentNotBefore: promoted?.currentNotBefore,
    })
    expect((await provider.getVersion(path, 'previous', context))?.currentSince).toBeGreaterThanOrEqual(before)
    await awsCall(aws.moto().url, 'PutSecretValue', { SecretId: path, SecretString: 'by hand', ClientRequestToken: crypto.randomUUID() })
    const byHand = await provider.get(path, context)
    expect(byHand?.currentSince).toBeUndefined()
    expect(byHand?.currentNotBefore).toBeGreaterThanOrEqual(before)
  })

  test('a promotion is dated by the clock of AWS, not by ours; without its date the time is unknown', async () => {
    const provider = aws.provider()
    await provider.put(path, { value: 'one' }, context)
    const { ARN: arn } = await awsCall(aws.moto().url, 'DescribeSecret', { SecretId: path })
    for (const [date, expected] of [
      ['Fri, 27 Nov 2099 10:00:00 GMT', Date.UTC(2099, 10, 27, 10)],
      ['no date', undefined],
    ] as const) {
      const pending = await provider.staging.put(path, { value: date }, context)
      aws.stub().plan(({ body }): AwsReply => {
        const isClaim = String(body['VersionStage']).startsWith('claim-') && 'MoveToVersionId' in body
        return isClaim ? { headers: { date }, body: { ARN: arn, Name: path } } : 'pass'
      })
      await provider.staging.promote(path, pending, context)
      aws.stub().plan('pass')
      expect((await provider.get(path, context))?.currentSince).toBe(expected)
    }
  })

  test.each(['rotation', 'promotion'])('the manager accepts the version before for a while after a %s', async (how) => {
    const provider = aws.provider()
    const secrets = createSecretsManager({ providers: [provider] })
    await secrets.storeSecret(path, 'old-token')
    if (how === 'rotation') await secrets.rotateSecret(path, 'new-token')
    else await provider.staging.promote(path, await provider.staging.put(path, { value: 'new-token' }, context), context)
    expect(await secrets.verifySecret(path, 'new-token')).toBe(true)
    expect(await secrets.verifySecret(path, 'old-token')).toBe(false)
    expect(await secrets.verifySecret(path, 'old-token', { acceptPreviousForSeconds: 600 })).toBe(true)
    await secrets.close()
  })
})
