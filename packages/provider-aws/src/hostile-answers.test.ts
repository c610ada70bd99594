import { type AwsRequest, startAwsStub } from '@finchat/secrets-test-servers'
import { leaksOf } from '@finchat/secrets-testkit'
import { expect, onTestFinished, test } from 'vitest'
import type { AwsProvider } from './aws-provider.ts'
import { versionIdOf } from './model/labels.ts'
import type { AwsProviderOptions } from './model/options.ts'
import { account, context, failure, providerAt } from './testing/aws-trial.ts'

const canary = 'c4n4ry-of-the-value-Xq7'
const identity = { ARN: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf', Name: 'prod/db' }
const secret = { ...identity, VersionId: 'id', VersionStages: ['AWSCURRENT', 'v1'], SecretString: canary }

/** A provider whose endpoint answers each action with this JSON, and what it was asked. */
async function answering(
  json: (request: AwsRequest) => object,
  options: AwsProviderOptions = {},
): Promise<{ provider: AwsProvider; sent: () => string[] }> {
  const stub = await startAwsStub((request) => ({ json: json(request) }))
  const provider = providerAt(stub.url, { clientConfig: { maxAttempts: 1 }, ...options })
  onTestFinished(async () => {
    await provider.close()
    await stub.stop()
  })
  return { provider, sent: () => stub.requests().map(({ action }) => action) }
}

test.each([
  ['text and bytes', { SecretBinary: 'AQID' }],
  ['no bytes', { SecretString: undefined, SecretBinary: '' }],
  ['no text', { SecretString: '' }],
  ['text that is not well-formed', { SecretString: `${canary}\ud800` }],
  ['a number', { SecretString: 5 }],
  ['labels that are text', { VersionStages: 'AWSCURRENT' }],
  ['labels that are none', { VersionStages: [null] }],
  ['no version id', { VersionId: undefined }],
])('a value is understood whole or not at all: %s', async (_, odd) => {
  const { provider } = await answering(() => ({ ...secret, ...odd, SecretValues: [{ ...secret, ...odd }] }))
  const error = await failure(provider.get('prod/db', context))
  expect(error.code).toBe('INTERNAL')
  expect(leaksOf(error, canary)).toEqual([])
  expect((await provider.getMany(['prod/db', 'other'], context))[0]).toMatchObject({ reason: { code: 'INTERNAL' } })
})

test('an endpoint that knows no labels does not answer a version with the current one', async () => {
  const { provider } = await answering(() => secret)
  expect((await provider.getVersion('prod/db', 1, context))?.value).toBe(canary)
  expect((await failure(provider.getVersion('prod/db', 2, context))).code).toBe('INTERNAL')
  expect((await failure(provider.getVersion('prod/db', 'previous', context))).code).toBe('INTERNAL')
})

test('what AWS answers as current is taken for it, though its label moved on meanwhile', async () => {
  const { provider } = await answering(() => ({ ...secret, VersionStages: ['AWSPREVIOUS', 'v1'] }))
  expect(await provider.get('prod/db', context)).toMatchObject({ value: canary, version: 1 })
})

test('no value is written to the ARN of another secret, whatever the endpoint says', async () => {
  const other = { ARN: identity.ARN.replace('prod/db', 'prod/other'), Name: 'prod/other' }
  const { provider, sent } = await answering(() => ({ ...other, VersionIdsToStages: { id: ['AWSCURRENT'] } }))
  for (const put of [provider.put, provider.staging.put]) {
    expect(await failure(put('prod/db', { value: canary }, context))).toMatchObject({
      code: 'INTERNAL',
      problem: 'AWS answered with another secret than the one asked for',
    })
  }
  expect((await failure(provider.describe('prod/db', context))).code).toBe('INTERNAL')
  expect(new Set(sent())).toEqual(new Set(['DescribeSecret']))
})

test('with `account`, a name is answered from that account and region only; an ARN says by itself where it is', async () => {
  for (const ARN of [identity.ARN.replace('eu-west-1', 'eu-west-2'), identity.ARN.replace(account, '210987654321'), 'prod/db']) {
    const { provider } = await answering(() => ({ ...secret, ARN, SecretValues: [{ ...secret, ARN }] }), { account })
    expect((await failure(provider.get('prod/db', context))).code).toBe('CONFIGURATION')
    expect((await provider.getMany(['prod/db', 'other'], context))[0]).toMatchObject({ reason: { code: 'CONFIGURATION' } })
  }
  const ARN = identity.ARN.replace(account, '210987654321')
  const { provider } = await answering(() => ({ ...secret, ARN }), { account })
  expect((await provider.get(ARN, context))?.value).toBe(canary)
})

const described = { ...identity, VersionIdsToStages: { id: ['AWSCURRENT', 'v1'] } }

async function listed(provider: AwsProvider): Promise<string[]> {
  const paths: string[] = []
  for await (const { path } of provider.list('', context)) paths.push(path)
  return paths
}

test.each([
  ['no ARN', { ...described, ARN: undefined }],
  ['no name', { ...described, Name: undefined }],
  ['labels that are text', { ...described, VersionIdsToStages: { id: 'AWSCURRENT' } }],
  ['labels that are null', { ...described, VersionIdsToStages: { id: null } }],
  ['labels without versions', { ...described, VersionIdsToStages: ['AWSCURRENT'] }],
  ['tags that are text', { ...described, VersionIdsToStages: { id: ['AWSCURRENT'] }, Tags: 'team' }],
  ['a tag that is null', { ...described, VersionIdsToStages: { id: ['AWSCURRENT'] }, Tags: [null] }],
  ['a tag that is a number', { ...described, VersionIdsToStages: { id: ['AWSCURRENT'] }, Tags: [{ Key: 1, Value: 2 }] }],
])('a description is understood whole or not at all: %s', async (_, json) => {
  const { provider } = await answering(() => json)
  expect((await failure(provider.describe('prod/db', context))).code).toBe('INTERNAL')
})

test.each([
  ['a secret that is null', { SecretList: [null] }],
  ['secrets that are text', { SecretList: 'prod/db' }],
  ['a tag that is null', { SecretList: [{ Name: 'prod/db', Tags: [null] }] }],
  ['labels that are null', { SecretList: [{ Name: 'prod/db', SecretVersionsToStages: { id: null } }] }],
])('a list is understood whole or not at all: %s', async (_, json) => {
  const { provider } = await answering(() => json)
  expect((await failure(listed(provider))).code).toBe('INTERNAL')
})

test('a name that AWS could not have given is in no list: no second line in a log', async () => {
  const { provider } = await answering(() => ({ SecretList: ['prod/db', 'prod/\nforged', 5, undefined].map((Name) => ({ Name })) }))
  expect(await listed(provider)).toEqual(['prod/db'])
})

test('pages that lead round in circles end', async () => {
  const { provider, sent } = await answering(({ action }) => {
    return action === 'DescribeSecret' ? secretOfOurs : { ...identity, SecretList: [], Versions: [], NextToken: 'again' }
  })
  expect((await failure(listed(provider))).code).toBe('INTERNAL')
  expect((await failure(provider.describe('prod/db', context))).code).toBe('INTERNAL')
  expect(sent()).toEqual('ListSecrets ListSecrets DescribeSecret ListSecretVersionIds ListSecretVersionIds'.split(' '))
})

const secretOfOurs = { ...identity, VersionIdsToStages: { [versionIdOf(identity.ARN, 1)]: ['AWSCURRENT', 'v1'] } }

test.each([
  ['secrets that are text', { SecretValues: 'x' }],
  ['a secret that is null', { SecretValues: [null] }],
  ['an error that is null', { SecretValues: [], Errors: [null] }],
])('a batch that is not understood is an error of each of its secrets: %s', async (_, json) => {
  const { provider, sent } = await answering(() => json)
  const results = await provider.getMany(['prod/db', 'other'], context)
  expect(results).toEqual([0, 1].map(() => ({ status: 'rejected', reason: expect.objectContaining({ code: 'INTERNAL' }) })))
  expect(sent()).toEqual(['BatchGetSecretValue'])
})

test.each([{ team: 'pay' }, { team: null }])('AWS answers tags with 200: an empty 204 leaves open whether it is done: %j', async (tags) => {
  const stub = await startAwsStub({ status: 204, body: '' })
  const provider = providerAt(stub.url, { clientConfig: { maxAttempts: 1 } })
  onTestFinished(async () => {
    await provider.close()
    await stub.stop()
  })
  for (const call of [provider.tag('prod/db', tags, context), provider.delete('prod/db', { purge: true }, context)])
    expect(await failure(call)).toMatchObject({ code: 'INTERNAL', effect: 'unknown' })
  stub.plan({ status: 200, body: '' })
  await provider.tag('prod/db', tags, context)
})

test('what a write, a deletion or a rotation is answered is understood whole or not at all', async () => {
  const { provider } = await answering(({ action }) => {
    return action === 'DescribeSecret' ? described : { ...identity, VersionStages: 5 }
  })
  for (const call of [() => provider.put('prod/db', { value: canary }, context), () => provider.startManagedRotation('prod/db')]) {
    expect(await failure(call())).toMatchObject({ code: 'INTERNAL' })
  }
})
