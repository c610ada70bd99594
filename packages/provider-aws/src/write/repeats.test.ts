import type { StagedReceipt, WriteReceipt } from '@finchat/secrets-core'
import type { AwsReply, AwsRequest } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { describe, expect, test } from 'vitest'
import type { AwsProvider } from '../aws-provider.ts'
import { awsCall, context, failure, providerAt, useAws } from '../testing/aws-trial.ts'

const note = { by: 'rotator-1', plan: 'monthly' }

describeWithServer('moto', 'what is repeated in AWS after a lost answer', () => {
  const aws = useAws()
  const labelsOf = async (path: string): Promise<Record<string, readonly string[]>> => {
    const { VersionIdsToStages: labels = {} } = await awsCall(aws.moto().url, 'DescribeSecret', { SecretId: path })
    return labels
  }
  const stage = (provider: AwsProvider, path: string, value = 'two'): Promise<StagedReceipt> =>
    provider.staging.put(path, { value, note, tags: { team: 'pay' } }, context)

  type Prepare = (provider: AwsProvider, path: string) => Promise<StagedReceipt | undefined>
  type Run = (provider: AwsProvider, path: string, pending: StagedReceipt | undefined) => Promise<WriteReceipt | void>

  const none: Prepare = async () => undefined
  const written: Prepare = async (provider, path) => void (await provider.put(path, { value: 'one' }, context))
  const waiting: Prepare = async (provider, path) => {
    await written(provider, path)
    return stage(provider, path)
  }
  const first: Prepare = (provider, path) => stage(provider, path)

  const calls: readonly (readonly [what: string, prepare: Prepare, run: Run])[] = [
    ['put of a first version', none, (provider, path) => stage(provider, path)],
    ['put', written, (provider, path) => stage(provider, path)],
    ['promotion', waiting, (provider, path, pending = {}) => provider.staging.promote(path, pending, context)],
    ['promotion of a first version', first, (provider, path, pending = {}) => provider.staging.promote(path, pending, context)],
    ['discard', waiting, (provider, path, pending = {}) => provider.staging.discard(path, pending, context)],
  ]

  describe.each([1, 3])('with %i attempts of the SDK', (maxAttempts) => {
    test.each(calls)('a %s is answered as the first time, whichever answer was lost', { timeout: 120_000 }, async (what, prepare, run) => {
      const provider = aws.provider({ clientConfig: { maxAttempts } })
      for (let at = 1; ; at += 1) {
        const path = `prod/${at}`
        const pending = await prepare(provider, path)
        let requests = 0
        aws.stub().plan((): AwsReply => ((requests += 1) === at ? { pass: 'reset' } : 'pass'))
        const [lost] = await Promise.allSettled([run(provider, path, pending)])
        aws.stub().plan('pass')
        if (requests < at) break
        const again = await run(provider, path, pending)
        expect(await run(provider, path, pending), `${what}, request ${at}`).toEqual(again)
        if (lost.status === 'fulfilled') expect(again).toEqual(lost.value)
        const waits = await provider.staging.get(path, context)
        if (what.startsWith('put')) expect(waits).toMatchObject({ ...again, value: 'two', note })
        else expect(waits).toBeUndefined()
        if (what.startsWith('promotion')) expect(await provider.get(path, context)).toMatchObject({ value: 'two', ...again })
        if (what === 'discard') expect(await provider.get(path, context)).toMatchObject({ value: 'one', version: 1 })
        const left = Object.values(await labelsOf(path)).flat()
        if (!what.startsWith('put')) expect(left.filter((label) => /^(?:note|AWSPENDING)/.test(label))).toEqual([])
      }
    })
  })

  test.each(['put', 'promote', 'discard'] as const)(
    'a %s by two processes at once is answered alike, wherever one stops while the other is done',
    { timeout: 120_000 },
    async (what) => {
      const other = providerAt(aws.moto().url)
      const provider = aws.provider()
      for (let at = 1; ; at += 1) {
        const path = `prod/${at}`
        const pending = what === 'put' ? await written(provider, path) : await waiting(provider, path)
        const run = (by: AwsProvider): Promise<WriteReceipt | void> =>
          what === 'put' ? stage(by, path) : by.staging[what](path, pending ?? {}, context)
        let requests = 0
        let theirs: WriteReceipt | void = undefined
        aws.stub().plan(async (): Promise<AwsReply> => {
          if ((requests += 1) === at) theirs = await run(other)
          return 'pass'
        })
        const ours = await run(provider)
        aws.stub().plan('pass')
        if (requests < at) break
        expect(ours, `before request ${at}`).toEqual(theirs)
        if (what === 'put') expect(await provider.staging.get(path, context)).toMatchObject({ ...ours, note })
        else expect((await provider.get(path, context))?.value).toBe(what === 'promote' ? 'two' : 'one')
      }
      await other.close()
    },
  )

  test('of two that stage one value with two notes at once, one gets a conflict', async () => {
    const [provider, other] = [aws.provider(), providerAt(aws.moto().url)]
    await provider.put('db', { value: 'one' }, context)
    let theirs: StagedReceipt | undefined
    aws.stub().plan(async ({ action }: AwsRequest): Promise<AwsReply> => {
      if (action === 'PutSecretValue') theirs ??= await other.staging.put('db', { value: 'two', note: { by: 'rotator-2' } }, context)
      return 'pass'
    })
    expect(await failure(stage(provider, 'db'))).toMatchObject({ code: 'VERSION_CONFLICT' })
    expect(await provider.staging.get('db', context)).toMatchObject({ ...theirs, note: { by: 'rotator-2' } })
    await other.close()
  })

  test('a value that another process just writes under that number is not taken for the staged one', async () => {
    const [provider, other] = [aws.provider(), providerAt(aws.moto().url, { clientConfig: { maxAttempts: 1 } })]
    await provider.put('db', { value: 'one' }, context)
    let isWritten = false
    aws.stub().plan(async ({ action }: AwsRequest): Promise<AwsReply> => {
      if (action === 'PutSecretValue' && !isWritten) {
        isWritten = true
        await other.put('db', { value: 'two' }, context)
      }
      return 'pass'
    })
    expect(await failure(provider.staging.put('db', { value: 'two' }, context))).toMatchObject({ code: 'VERSION_CONFLICT' })
    expect(await provider.staging.get('db', context)).toBeUndefined()
    expect(await provider.get('db', context)).toMatchObject({ value: 'two', version: 2 })
    await other.close()
  })

  test('a version that another tool put under AWSPENDING has no attempt, and is not ours to stage again', async () => {
    const provider = aws.provider()
    await provider.put('db', { value: 'one' }, context)
    const foreign = { SecretId: 'db', SecretString: 'two', VersionStages: ['AWSPENDING'], ClientRequestToken: crypto.randomUUID() }
    await awsCall(aws.moto().url, 'PutSecretValue', foreign)
    expect(await provider.staging.get('db', context)).toMatchObject({ value: 'two', attempt: undefined, note: undefined })
    expect(await failure(provider.staging.put('db', { value: 'two' }, context))).toMatchObject({ code: 'VERSION_CONFLICT' })
  })

  test('a condition that does not hold any more refuses the repetition too', async () => {
    const provider = aws.provider()
    await provider.put('db', { value: 'one' }, context)
    const secret = { value: 'two', ifCurrent: { version: 1 } }
    const receipt = await provider.staging.put('db', secret, context)
    expect(await provider.staging.put('db', secret, context)).toEqual(receipt)
    await provider.put('db', { value: 'three' }, context)
    expect(await failure(provider.staging.put('db', secret, context))).toMatchObject({ code: 'VERSION_CONFLICT' })
  })

  test('the longest note has six labels, beside 20 numbers, and they go with the promotion', async () => {
    const provider = aws.provider()
    for (let version = 1; version <= 17; version += 1) await provider.put('db', { value: String(version) }, context)
    const long = { by: 'ü'.repeat(507) }
    const pending = await provider.staging.put('db', { value: 'next', note: long }, context)
    expect((await provider.staging.get('db', context))?.note).toEqual(long)
    const labels = Object.values(await labelsOf('db')).flat()
    expect(labels.filter((label) => label.startsWith('note-18-'))).toHaveLength(6)
    expect(labels.length).toBeLessThanOrEqual(20)
    await provider.staging.promote('db', pending, context)
    expect(
      Object.values(await labelsOf('db'))
        .flat()
        .filter((label) => label.startsWith('note-')),
    ).toEqual([])
    expect(await provider.get('db', context)).toMatchObject({ value: 'next', version: 18 })
  })

  test('labels of a note that could not be removed go with the next write', async () => {
    const provider = aws.provider()
    await provider.put('db', { value: 'one' }, context)
    for (const end of ['promote', 'discard'] as const) {
      const pending = await stage(provider, 'db', end)
      aws.stub().plan(({ body }) => (String(body['VersionStage']).startsWith('note-') ? { error: 'AccessDeniedException' } : 'pass'))
      await provider.staging[end]('db', pending, context)
      aws.stub().plan('pass')
      expect(
        Object.values(await labelsOf('db'))
          .flat()
          .join(' '),
      ).toContain('note-')
      await provider.put('db', { value: `after ${end}` }, context)
      if (end === 'discard') await provider.put('db', { value: 'later' }, context)
      expect(
        Object.values(await labelsOf('db'))
          .flat()
          .join(' '),
      ).not.toContain('note-')
    }
  })
})
