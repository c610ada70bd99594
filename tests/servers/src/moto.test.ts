import { randomUUID } from 'node:crypto'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { awsCall } from './aws-call.ts'
import { startMoto, type Moto } from './moto.ts'
import { describeWithServer } from './vitest.ts'

// Quotations are from the AWS Secrets Manager API Reference, of the action that is named with them.
describeWithServer('moto', 'moto, as we start it', () => {
  let moto: Moto
  beforeAll(async () => void (moto = await startMoto()))
  afterAll(() => moto.stop())
  beforeEach(() => moto.reset())

  test('runs where no file of another user chooses its Python', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'moto-test-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    writeFileSync(join(folder, 'python3'), `#!/bin/sh\npwd >"${folder}/ran-in"\nPATH="\${PATH#*:}" exec python3 "$@"\n`)
    chmodSync(join(folder, 'python3'), 0o755)
    vi.stubEnv('PATH', `${folder}${delimiter}${process.env['PATH']}`)
    onTestFinished(() => void vi.unstubAllEnvs())
    const other = await startMoto()
    await other.stop()
    expect(readFileSync(join(folder, 'ran-in'), 'utf8')).toBe(
      `${join(import.meta.dirname, '../../../tests/servers/programs/moto_as_documented')}\n`,
    )
  })

  type Json = Record<string, unknown>

  const call = (action: string, body: Json, region = 'us-east-1'): Promise<Json> =>
    awsCall({ url: moto.url, service: 'secretsmanager', region }, action, body)

  /** Writes a version and returns its id. */
  async function put(value: string, labels?: string[], token: string = randomUUID()): Promise<string> {
    const stages = labels && { VersionStages: labels }
    const { VersionId } = await call('PutSecretValue', { SecretId: 'db', SecretString: value, ClientRequestToken: token, ...stages })
    return String(VersionId)
  }

  async function create(value: string): Promise<string> {
    return String((await call('CreateSecret', { Name: 'db', SecretString: value, ClientRequestToken: randomUUID() }))['VersionId'])
  }

  const move = (label: string, from: string | undefined, to: string | undefined): Promise<Json> =>
    call('UpdateSecretVersionStage', { SecretId: 'db', VersionStage: label, RemoveFromVersionId: from, MoveToVersionId: to })

  const labels = async (): Promise<unknown> => (await call('DescribeSecret', { SecretId: 'db' }))['VersionIdsToStages']

  const read = async (selector: Json = {}): Promise<unknown> =>
    (await call('GetSecretValue', { SecretId: 'db', ...selector }))['SecretString']

  describe('staging labels', () => {
    test('stay on their versions when AWSCURRENT moves on by PutSecretValue', async () => {
      // PutSecretValue: "If this operation moves the staging label AWSCURRENT from another version
      // to this version, then Secrets Manager also automatically moves the staging label
      // AWSPREVIOUS to the version that AWSCURRENT was removed from."
      const first = await create('one')
      await move('v1', undefined, first)
      const second = await put('two', ['AWSCURRENT', 'v2'])
      const third = await put('three')
      expect(await labels()).toEqual({
        [first]: ['v1'],
        [second]: ['v2', 'AWSPREVIOUS'],
        [third]: ['AWSCURRENT'],
      })
      expect([await read({ VersionStage: 'v1' }), await read({ VersionStage: 'v2' }), await read()]).toEqual(['one', 'two', 'three'])
    })

    test('without AWSCURRENT leave the current value as it is', async () => {
      const first = await create('one')
      const second = await put('two', ['v2'])
      expect(await labels()).toEqual({ [first]: ['AWSCURRENT'], [second]: ['v2'] })
      expect([await read(), await read({ VersionStage: 'v2' })]).toEqual(['one', 'two'])
    })

    test('are taken silently by PutSecretValue from the version that had them', async () => {
      // PutSecretValue: "If you specify a staging label that's already associated with a different
      // version of the same secret, then Secrets Manager removes the label from the other version
      // and attaches it to this version."
      const first = await create('one')
      await move('v1', undefined, first)
      const second = await put('two', ['AWSCURRENT', 'v1'])
      expect(await labels()).toEqual({ [first]: ['AWSPREVIOUS'], [second]: ['AWSCURRENT', 'v1'] })
    })

    test('make the first version current, whatever it asks for', async () => {
      // PutSecretValue: "If this operation creates the first version for the secret, then Secrets
      // Manager automatically attaches the staging label AWSCURRENT to it."
      await call('CreateSecret', { Name: 'db', ClientRequestToken: randomUUID() })
      const first = await put('one', ['v1'])
      expect(await labels()).toEqual({ [first]: ['v1', 'AWSCURRENT'] })
    })
  })

  describe('UpdateSecretVersionStage', () => {
    test('moves what plain and batch reads give, and AWSPREVIOUS follows', async () => {
      // "Whenever you move AWSCURRENT, Secrets Manager automatically moves the label AWSPREVIOUS to
      // the version that AWSCURRENT was removed from."
      const first = await create('one')
      const second = await put('two', ['v2'])
      await move('AWSCURRENT', first, second)
      expect(await labels()).toEqual({ [first]: ['AWSPREVIOUS'], [second]: ['v2', 'AWSCURRENT'] })
      expect(await read()).toBe('two')
      expect((await call('BatchGetSecretValue', { SecretIdList: ['db'] }))['SecretValues']).toMatchObject([{ SecretString: 'two' }])
      await move('AWSCURRENT', second, first)
      expect(await labels()).toEqual({ [first]: ['AWSCURRENT'], [second]: ['v2', 'AWSPREVIOUS'] })
      expect([await read(), await read({ VersionStage: 'AWSPREVIOUS' })]).toEqual(['one', 'two'])
    })

    test('demands to know where the label is now', async () => {
      // RemoveFromVersionId: "If the label is attached and you either do not specify this
      // parameter, or the version ID does not match, then the operation fails."
      const first = await create('one')
      const second = await put('two', ['v2'])
      const third = await put('three', ['v3'])
      const before = await labels()
      for (const label of ['AWSCURRENT', 'v2']) {
        await expect(move(label, undefined, third)).rejects.toThrow(/^400 InvalidParameterException: .*RemoveFromVersionId can't be empty/)
        await expect(move(label, third, third)).rejects.toThrow(/^400 InvalidParameterException/)
      }
      await expect(move('AWSCURRENT', second, third)).rejects.toThrow(/^400 InvalidParameterException/)
      await expect(move('AWSCURRENT', first, randomUUID())).rejects.toThrow(/^400 InvalidParameterException/)
      expect(await labels()).toEqual(before)
    })

    test('of a label to where it is changes nothing', async () => {
      const first = await create('one')
      await move('AWSCURRENT', first, first)
      await move('AWSCURRENT', undefined, first)
      expect(await labels()).toEqual({ [first]: ['AWSCURRENT'] })
    })

    test('lets one of many at the same time win', async () => {
      const first = await create('one')
      const others = await Promise.all(Array.from({ length: 8 }, (_, index) => put(`other ${index}`, [`v${index}`])))
      const moves = await Promise.allSettled(others.map((other) => move('AWSCURRENT', first, other)))
      expect(moves.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    })

    test('takes a label away, but never AWSCURRENT', async () => {
      // "If this action results in the last label being removed from a version, then the version is
      // considered to be 'deprecated'". DescribeSecret, VersionIdsToStages: "A list of the versions
      // of the secret that have staging labels attached."
      const first = await create('one')
      const second = await put('two', ['v2'])
      await move('v2', second, undefined)
      expect(await labels()).toEqual({ [first]: ['AWSCURRENT'] })
      expect(await read({ VersionId: second })).toBe('two')
      await expect(move('AWSCURRENT', first, undefined)).rejects.toThrow(/^400 InvalidParameterException: You can only move/)
    })
  })

  describe('ListSecretVersionIds', () => {
    test('leaves out what has no label, unless asked, and what has no value', async () => {
      // "ListSecretVersionIds only returns versions that contain a secret value."
      // IncludeDeprecated: "By default, versions without staging labels aren't included."
      const first = await create('one')
      const second = await put('two', ['v2'])
      await move('v2', second, undefined)
      await call('RotateSecret', { SecretId: 'db', RotationLambdaARN: 'arn:aws:lambda:us-east-1:123456789012:function:rotate' })
      const list = async (more: Json = {}): Promise<unknown> =>
        (await call('ListSecretVersionIds', { SecretId: 'db', ...more }))['Versions']
      const listed = (VersionId: string, VersionStages: string[]): Json => ({ VersionId, VersionStages, CreatedDate: expect.any(Number) })
      expect(await list()).toEqual([listed(first, ['AWSCURRENT'])])
      expect(await list({ IncludeDeprecated: true })).toEqual([listed(first, ['AWSCURRENT']), listed(second, [])])
      await expect(call('ListSecretVersionIds', { SecretId: 'other' })).rejects.toThrow(/^400 ResourceNotFoundException/)
    })

    test('goes by pages', async () => {
      await create('one')
      await put('two')
      const { Versions: first, NextToken } = await call('ListSecretVersionIds', { SecretId: 'db', MaxResults: 1 })
      const { Versions: second, ...rest } = await call('ListSecretVersionIds', { SecretId: 'db', MaxResults: 1, NextToken })
      expect([first, second, rest]).toEqual([[expect.any(Object)], [expect.any(Object)], expect.not.objectContaining({ NextToken })])
    })
  })

  describe('BatchGetSecretValue', () => {
    test('tells the ids that failed apart, and gives the others', async () => {
      // "If Secrets Manager encounters errors such as AccessDeniedException while attempting to
      // retrieve any of the secrets, you can see the errors in Errors in the response."
      await create('one')
      await call('CreateSecret', { Name: 'valueless', ClientRequestToken: randomUUID() })
      await call('CreateSecret', { Name: 'deleted', SecretString: 'gone', ClientRequestToken: randomUUID() })
      await call('DeleteSecret', { SecretId: 'deleted' })
      const { SecretValues, Errors } = await call('BatchGetSecretValue', { SecretIdList: ['valueless', 'db', 'missing', 'deleted'] })
      expect(SecretValues).toMatchObject([{ Name: 'db', SecretString: 'one' }])
      const error = (SecretId: string, ErrorCode: string, Message: string): Json => ({ SecretId, ErrorCode, Message })
      expect(Errors).toEqual([
        error(
          'valueless',
          'ResourceNotFoundException',
          "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT",
        ),
        error('missing', 'ResourceNotFoundException', "Secrets Manager can't find the specified secret."),
        error('deleted', 'InvalidRequestException', "You can't perform this operation on the secret because it was marked for deletion."),
      ])
    })

    test('takes 20 ids, and not one more', async () => {
      // SecretIdList: "Array Members: Minimum number of 1 item. Maximum number of 20 items."
      await create('one')
      const ids = Array.from({ length: 20 }, () => 'db')
      expect((await call('BatchGetSecretValue', { SecretIdList: ids }))['SecretValues']).toHaveLength(20)
      await expect(call('BatchGetSecretValue', { SecretIdList: [...ids, 'db'] })).rejects.toThrow(/^400 ValidationException/)
    })

    test('goes by filters or ids, but not both', async () => {
      await create('one')
      const Filters = [{ Key: 'name', Values: ['d'] }]
      expect((await call('BatchGetSecretValue', { Filters }))['SecretValues']).toMatchObject([{ SecretString: 'one' }])
      await expect(call('BatchGetSecretValue', { Filters, SecretIdList: ['db'] })).rejects.toThrow(/^400 InvalidParameterException/)
    })
  })

  describe('a version', () => {
    test('is never changed: the same token with other content is refused, with the same it does nothing', async () => {
      // PutSecretValue: "if the secret data is different, then the operation fails because you
      // can't modify an existing version".
      const first = await create('one')
      for (const stage of ['AWSPENDING', 'v2']) {
        const token = await put('two', [stage])
        await expect(put('other', [stage], token)).rejects.toThrow(/^400 ResourceExistsException/)
        const before = await labels()
        expect(await put('two', [stage, 'v9'], token)).toBe(token)
        expect(await labels()).toEqual(before)
      }
      expect(await read({ VersionId: first })).toBe('one')
    })
  })

  describe('limits', () => {
    test.each([
      ['', 'greater than or equal to 1'],
      ['ü'.repeat(32_769), 'less than or equal to 65536'],
    ])('refuse a value that is empty or above 65,536 bytes (%#)', async (value, constraint) => {
      // SecretString: "Length Constraints: Minimum length of 1. Maximum length of 65536."
      await create('x'.repeat(65_536))
      const refused = new RegExp(`^400 ValidationException: .*'secretString'.*${constraint}$`)
      await expect(put(value)).rejects.toThrow(refused)
      await expect(call('UpdateSecret', { SecretId: 'db', SecretString: value, ClientRequestToken: randomUUID() })).rejects.toThrow(refused)
      await expect(call('CreateSecret', { Name: 'b', SecretString: value, ClientRequestToken: randomUUID() })).rejects.toThrow(refused)
      const SecretBinary = Buffer.from(value).toString('base64')
      await expect(call('PutSecretValue', { SecretId: 'db', SecretBinary, ClientRequestToken: randomUUID() })).rejects.toThrow(constraint)
    })

    test('allow 20 staging labels for all versions of a secret', async () => {
      // Quotas: "Staging labels attached across all versions of a secret: 20".
      // LimitExceededException: "The request failed because it would exceed one of the Secrets
      // Manager quotas."
      await create('one')
      for (let version = 1; version <= 18; version += 1) await put(`${version}`, [`v${version}`])
      const last = await put('19', ['v19'])
      const before = await labels()
      await expect(put('20', ['v20'])).rejects.toThrow(/^400 LimitExceededException/)
      await expect(put('20')).rejects.toThrow(/^400 LimitExceededException/) // AWSPREVIOUS would be one more
      await expect(move('v20', undefined, last)).rejects.toThrow(/^400 LimitExceededException/)
      expect(await labels()).toEqual(before)
      await move('v19', last, undefined)
      expect(await put('20')).toEqual(expect.any(String))
    })

    test.each(['', 'with space', 'ünïcode', 'star*', 'x'.repeat(513)])('refuse the name %j', async (Name) => {
      // Name: "The secret name can contain ASCII letters, numbers, and the following characters:
      // /_+=.@-"
      await expect(call('CreateSecret', { Name, SecretString: 'a', ClientRequestToken: randomUUID() })).rejects.toThrow(
        /^400 ValidationException/,
      )
    })
  })

  describe('a secret', () => {
    test('that is scheduled for deletion takes no write and gives no value', async () => {
      // InvalidRequestException: "The secret is scheduled for deletion."
      const first = await create('one')
      await call('DeleteSecret', { SecretId: 'db' })
      const refused = /^400 InvalidRequestException: You can't perform this operation on the secret because it was marked for deletion\.$/
      await expect(read()).rejects.toThrow(refused)
      await expect(read({ VersionId: first })).rejects.toThrow(refused)
      await expect(put('two')).rejects.toThrow(refused)
      await expect(move('v1', undefined, first)).rejects.toThrow(refused)
      await expect(create('two')).rejects.toThrow(/^400 InvalidRequestException: .*already scheduled for deletion\.$/)
      await call('RestoreSecret', { SecretId: 'db' })
      expect(await read()).toBe('one')
    })

    test('that another service owns is written by that service alone', async () => {
      // InvalidRequestException: "The secret is managed by another service, and you must use that
      // service to update it."
      const Tags = [{ Key: 'aws:secretsmanager:owningService', Value: 'rds' }]
      await call('CreateSecret', { Name: 'db', SecretString: 'one', Tags, ClientRequestToken: randomUUID() })
      await expect(put('two')).rejects.toThrow(/^400 InvalidRequestException: .*managed by another service/)
      expect(await call('DescribeSecret', { SecretId: 'db' })).toMatchObject({ OwningService: 'rds' })
      expect(await call('RotateSecret', { SecretId: 'db' })).toMatchObject({ VersionId: expect.any(String) })
    })

    test('is found by name, ARN and partial ARN, in its own region', async () => {
      await create('one')
      const { ARN } = await call('DescribeSecret', { SecretId: 'db' })
      const partial = String(ARN).replace(/-.{6}$/, '')
      for (const SecretId of ['db', ARN, partial]) expect(await read({ SecretId })).toBe('one')
      const elsewhere = partial.replace('us-east-1', 'eu-west-1')
      await expect(read({ SecretId: elsewhere })).rejects.toThrow(/^400 ResourceNotFoundException/)
      await expect(call('GetSecretValue', { SecretId: ARN }, 'eu-west-1')).rejects.toThrow(/^400 ResourceNotFoundException/)
    })

    test('without the version asked for says so', async () => {
      await create('one')
      await expect(read({ VersionStage: 'v9' })).rejects.toThrow(
        /^400 ResourceNotFoundException: Secrets Manager can't find the specified secret value for staging label: v9$/,
      )
      await expect(read({ VersionId: randomUUID() })).rejects.toThrow(/^400 ResourceNotFoundException: .*for VersionId: /)
    })

    test('in a replica region is not written there', async () => {
      await call('CreateSecret', {
        Name: 'db',
        SecretString: 'one',
        ClientRequestToken: randomUUID(),
        AddReplicaRegions: [{ Region: 'eu-west-1' }],
      })
      expect(await call('GetSecretValue', { SecretId: 'db' }, 'eu-west-1')).toMatchObject({ SecretString: 'one' })
      const write = { SecretId: 'db', SecretString: 'two', ClientRequestToken: randomUUID() }
      await expect(call('PutSecretValue', write, 'eu-west-1')).rejects.toThrow(/^400 InvalidParameterException: .*replica/)
    })
  })

  describe('RotateSecret', () => {
    const RotationLambdaARN = 'arn:aws:lambda:us-east-1:123456789012:function:rotate'

    test('needs a rotation function, and leaves the secret alone without one', async () => {
      // InvalidRequestException: "You tried to enable rotation on a secret that doesn't already
      // have a Lambda function ARN configured and you didn't include such an ARN as a parameter in
      // this call."
      await create('one')
      await expect(call('RotateSecret', { SecretId: 'db' })).rejects.toThrow(/^400 InvalidRequestException: You tried to enable rotation/)
      expect(await read()).toBe('one')
    })

    test('begins a version without a value, which a rotation function then fills and makes current', async () => {
      // DescribeSecret: "During rotation, Secrets Manager creates an AWSPENDING version ID before
      // creating the new secret version."
      const first = await create('one')
      const { VersionId } = await call('RotateSecret', { SecretId: 'db', RotationLambdaARN, RotationRules: { AutomaticallyAfterDays: 7 } })
      const pending = String(VersionId)
      expect(await labels()).toEqual({ [first]: ['AWSCURRENT'], [pending]: ['AWSPENDING'] })
      await expect(read({ VersionStage: 'AWSPENDING' })).rejects.toThrow(/^400 ResourceNotFoundException/)
      expect([await read(), await call('DescribeSecret', { SecretId: 'db' })]).toMatchObject([
        'one',
        { RotationEnabled: true, RotationLambdaARN, RotationRules: { AutomaticallyAfterDays: 7 } },
      ])
      await put('two', ['AWSPENDING'], pending)
      await move('AWSCURRENT', first, pending)
      expect([await read(), await labels()]).toEqual(['two', { [first]: ['AWSPREVIOUS'], [pending]: ['AWSPENDING', 'AWSCURRENT'] }])
      expect(await call('RotateSecret', { SecretId: 'db' })).toMatchObject({ VersionId: expect.any(String) })
    })

    test('waits for the rotation before it', async () => {
      // "If the AWSPENDING staging label is present but not attached to the same version as
      // AWSCURRENT, then any later invocation of RotateSecret assumes that a previous rotation
      // request is still in progress and returns an error."
      await create('one')
      await call('RotateSecret', { SecretId: 'db', RotationLambdaARN })
      await expect(call('RotateSecret', { SecretId: 'db' })).rejects.toThrow(
        /^400 InvalidRequestException: A previous rotation isn't complete/,
      )
    })
  })
})
