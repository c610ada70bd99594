import { createSecretsManager } from '@finchat/secrets-core'
import { leaksOf } from '@finchat/secrets-testkit'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { expect, test } from 'vitest'
import type { SsmProvider } from '../ssm-provider.ts'
import { awsCall, context, failure, stubbed, useSsm } from '../testing/ssm-trial.ts'

const path = '/prod/db'
const canary = 'c4n4ry-of-the-value'

describeWithServer('moto', 'writing to Parameter Store', () => {
  const ssm = useSsm()
  const stored = async (): Promise<unknown> => (await ssm.provider().get(path, context))?.value

  test('makes a SecureString by one call, and AWS counts the versions', async () => {
    const provider = ssm.provider({ keyId: 'alias/ours', tier: 'Advanced' })
    expect(await provider.put(path, { value: 'one' }, context)).toEqual({ version: 1 })
    expect(await provider.put(path, { value: 'one' }, context)).toEqual({ version: 2 })
    const bodies = ssm
      .stub()
      .requests()
      .map(({ action, body }) => [action, body])
    const input = { Name: path, Value: 'one', Type: 'SecureString', Overwrite: true, KeyId: 'alias/ours', Tier: 'Advanced' }
    expect(bodies).toEqual([
      ['PutParameter', input],
      ['PutParameter', input],
    ])
  })

  test.each([{ ifCurrent: null }, { version: 1 }, { version: 1, ifCurrent: null }])(
    'writes a first version only if there is none: %j',
    async (condition) => {
      const provider = ssm.provider()
      expect(await provider.put(path, { value: 'first', ...condition }, context)).toEqual({ version: 1 })
      const error = await failure(provider.put(path, { value: 'late', ...condition }, context))
      expect(error).toMatchObject({ code: 'VERSION_CONFLICT', effect: undefined })
      expect(await stored()).toBe('first')
      await provider.delete(path, { purge: true }, context)
      expect(await provider.put(path, { value: 'anew', ...condition }, context)).toEqual({ version: 1 })
    },
  )

  test.each([
    { version: 2 },
    { ifCurrent: { version: 1 } },
    { ifCurrent: {} },
    { version: 1, ifCurrent: { version: 1 } },
    { version: 2, ifCurrent: null },
  ])('pretends no comparison that AWS cannot make: %j is UNSUPPORTED before any call', async (condition) => {
    const provider = ssm.provider()
    await provider.put(path, { value: 'one' }, context)
    ssm.asked()
    const error = await failure(provider.put(path, { value: canary, ...condition }, context))
    expect(error).toMatchObject({ code: 'UNSUPPORTED', remedy: expect.stringContaining('leave out') })
    expect(leaksOf(error, canary)).toEqual([])
    expect([ssm.asked(), await stored()]).toEqual([[], 'one'])
  })

  test.each([
    [{ version: 2 }, 'leave out `version`; `version: 1` writes a first version only'],
    [{ ifCurrent: {} }, 'leave out `ifCurrent`; `ifCurrent: null` writes a first version only'],
    [
      { version: 2, ifCurrent: null },
      'leave out `version` and `ifCurrent`; `version: 1` with `ifCurrent: null` writes a first version only',
    ],
  ])('names what was passed, and nothing else: %j', async (condition, remedy) => {
    expect((await failure(ssm.provider().put(path, { value: 'a', ...condition }, context))).remedy).toBe(remedy)
  })

  test('through a manager: a field of a first version, and a whole value over any', async () => {
    const secrets = createSecretsManager({ providers: [ssm.provider({ prefix: '/prod/' })] })
    expect(await secrets.storeSecret('db', 'p', { field: 'password' })).toMatchObject({ version: 1 })
    const { code, remedy } = await failure(secrets.storeSecret('db', 'q', { field: 'password' }))
    expect([code, remedy]).toEqual(['UNSUPPORTED', 'write the whole secret: one field cannot be written alone'])
    expect(await secrets.storeSecret('db', { password: 'q' })).toMatchObject({ version: 2 })
    expect(await secrets.rotateSecret('db', { password: 'r' })).toMatchObject({ version: 3 })
    expect(await secrets.getSecret('db', { field: 'password' })).toBe('r')
    await secrets.close()
  })

  test('sets tags after the version, and says so if only they failed', async () => {
    const provider = ssm.provider({ clientConfig: { maxAttempts: 1 } })
    await provider.put(path, { value: 'one', tags: { team: 'pay' } }, context)
    expect(ssm.asked()).toEqual(['PutParameter', 'AddTagsToResource'])
    ssm.stub().plan(({ action }) => (action === 'AddTagsToResource' ? { error: 'AccessDeniedException' } : 'pass'))
    const error = await failure(provider.put(path, { value: 'two', tags: { team: 'ops' } }, context))
    expect(error).toMatchObject({ code: 'PERMISSION_DENIED', effect: 'done' })
    expect(await stored()).toBe('two')
    ssm.stub().plan(({ action }) => (action === 'RemoveTagsFromResource' ? { error: 'AccessDeniedException' } : 'pass'))
    expect(await failure(provider.tag(path, { team: 'ops', old: null }, context))).toMatchObject({ effect: 'unknown' })
    expect((await provider.describe(path, context))?.tags).toEqual({ team: 'ops' })
  })

  test('is not repeated by the SDK after a lost answer: a second version would hide the former value', async () => {
    const provider = ssm.provider()
    await provider.put(path, { value: 'one' }, context)
    for (const reply of [{ pass: 'reset' }, { error: 'InternalServerError', status: 500 }] as const) {
      ssm.asked()
      ssm.stub().plan(({ action }) => (action === 'PutParameter' ? reply : 'pass'))
      expect(await failure(provider.put(path, { value: 'two' }, context))).toMatchObject({ code: 'UNAVAILABLE', effect: 'unknown' })
      expect(ssm.asked()).toEqual(['PutParameter'])
    }
    expect(await provider.getVersion(path, 'previous', context)).toMatchObject({ value: 'one' })
    let throttled = 0
    ssm.stub().plan(({ action }) => (action === 'PutParameter' && throttled++ === 0 ? { error: 'ThrottlingException' } : 'pass'))
    expect(await provider.put(path, { value: 'three' }, context)).toEqual({ version: 3 })
    const secrets = createSecretsManager({ providers: [ssm.provider({ prefix: '/prod/' })] })
    ssm.stub().plan(({ action }) => (action === 'PutParameter' ? { pass: 'reset' } : 'pass'))
    expect(await secrets.rotateSecret('db', 'four'), 'the manager reads back').toMatchObject({ version: 4 })
    await secrets.close()
  })

  test('a delete is for good, and a repetition after a lost answer is no failure', async () => {
    const provider = ssm.provider()
    await provider.put(path, { value: 'one' }, context)
    expect(await failure(provider.delete(path, { purge: false }, context))).toMatchObject({
      code: 'UNSUPPORTED',
      remedy: 'delete with `purge: true`',
    })
    let lost = 0
    ssm.stub().plan(({ action }) => (action === 'DeleteParameter' && lost++ === 0 ? { pass: 'reset' } : 'pass'))
    expect(await provider.delete(path, { purge: true }, context)).toEqual({})
    expect(lost).toBe(2)
    expect(await provider.get(path, context)).toBeUndefined()
    expect((await failure(provider.delete(path, { purge: true }, context))).code).toBe('NOT_FOUND')
  })

  test('the hundredth version is the last one while the oldest has a label', async () => {
    const { url } = ssm.moto()
    for (let n = 1; n <= 100; n += 1)
      await awsCall(url, 'PutParameter', { Name: path, Value: `${n}`, Type: 'SecureString', Overwrite: true })
    const provider = ssm.provider()
    expect((await provider.describe(path, context))?.versions).toHaveLength(100)
    await awsCall(url, 'LabelParameterVersion', { Name: path, ParameterVersion: 1, Labels: ['live'] })
    const error = await failure(provider.put(path, { value: canary }, context))
    expect(error).toMatchObject({ code: 'CONFIGURATION', effect: undefined, remedy: expect.stringContaining('move the label') })
    await awsCall(url, 'LabelParameterVersion', { Name: path, ParameterVersion: 2, Labels: ['live'] })
    expect(await provider.put(path, { value: 'next' }, context)).toEqual({ version: 101 })
    expect(await provider.getVersion(path, 1, context), 'AWS keeps 100').toBeUndefined()
  })
})

// moto takes any size: the stub says that nothing was asked.
test.each([
  ['by default', undefined, 4_096],
  ['of Standard', 'Standard', 4_096],
  ['of Advanced', 'Advanced', 8_192],
  ['of Intelligent-Tiering', 'Intelligent-Tiering', 8_192],
] as const)('a value %s has its most bytes, and one more is refused before any call', async (_, tier, most) => {
  const { provider, stub } = await stubbed({ json: { Version: 1 } }, { tier })
  await provider.put(path, { value: 'é'.repeat(most / 2) }, context)
  for (const value of ['x'.repeat(most + 1), `x${'é'.repeat(most / 2)}`, ''])
    expect((await failure(provider.put(path, { value }, context))).code).toBe('INVALID_ARGUMENT')
  expect(stub.requests()).toHaveLength(1)
})

test('bytes are refused before any call, with a remedy', async () => {
  const { provider, stub } = await stubbed({ json: { Version: 1 } })
  const error = await failure(provider.put(path, { value: Uint8Array.of(1, 2) }, context))
  expect(error).toMatchObject({
    code: 'INVALID_ARGUMENT',
    problem: 'the store holds text, not bytes',
    remedy: 'encode them, say as base64',
  })
  expect(stub.requests()).toEqual([])
})

test.each([{ Version: undefined }, { Version: 0 }, { Version: '1' }])(
  'an answer without a version says that the write may be done: %j',
  async (json) => {
    const { provider } = await stubbed({ json })
    expect(await failure(provider.put(path, { value: canary }, context))).toMatchObject({ code: 'INTERNAL', effect: 'unknown' })
  },
)

test.each<[string, (provider: SsmProvider) => Promise<unknown>]>([
  ['sets', (provider) => provider.tag(path, { team: 'pay' }, context)],
  ['drops', (provider) => provider.tag(path, { team: null }, context)],
  ['deletes', (provider) => provider.delete(path, { purge: true }, context)],
])('AWS answers a call that %s with 200: an empty 204 leaves open whether it is done', async (_, call) => {
  const { provider, stub } = await stubbed({ status: 204, body: '' })
  expect(await failure(call(provider))).toMatchObject({ code: 'INTERNAL', effect: 'unknown' })
  stub.plan({ status: 200, body: '' })
  await call(provider)
})

test('a tag has the characters of AWS', async () => {
  const { provider, stub } = await stubbed({ json: {} })
  await provider.tag(path, { 'Kosten Stelle': 'a_b.c:d/e=f+g-h@1 ä' }, context)
  for (const tags of [{ 'a"b': 'x' }, { a: 'x;y' }, { 'AWS:x': 'y' }, { '': 'y' }, { ['x'.repeat(129)]: 'y' }, { a: 'x'.repeat(257) }])
    expect((await failure(provider.tag(path, tags, context))).code).toBe('INVALID_ARGUMENT')
  expect(stub.requests()).toHaveLength(1)
})
