import { expect, test } from 'vitest'
import { ssmProvider } from '../ssm-provider.ts'
import { context, failure } from '../testing/ssm-trial.ts'
import { ssmManifest } from './limits.ts'

const long = (length: number): string => '/a/'.padEnd(length, 'x')
const deep = (levels: number): string => '/a'.repeat(levels)

// "Requirements and constraints for parameter names" of the user guide, and `PutParameter`.
test.each([
  ['prod/db', 'begin a name of several levels with /'],
  ['/db', 'leave out the / before a name of one level: AWS drops it, and knows the name without it only'],
  ['/prod//db', 'leave no level empty'],
  ['/prod/db/', 'leave no level empty'],
  ['/prod/d b', 'use A-Z a-z 0-9 _ . - and / only'],
  ['/prod/dß', 'use A-Z a-z 0-9 _ . - and / only'],
  ['', 'use A-Z a-z 0-9 _ . - and / only'],
  ['awsTestParameter', 'begin with neither aws nor ssm, which AWS keeps for itself'],
  ['SSM-testparameter', 'begin with neither aws nor ssm, which AWS keeps for itself'],
  ['/aws/testparam1', 'begin with neither aws nor ssm, which AWS keeps for itself'],
  [deep(16), 'use at most 15 levels'],
  [long(968), 'use at most 967 characters'],
  ['/prod/db:1:2', 'write name, name:3 or name:label'],
  ['/prod/db:', 'select a version by its number or its label'],
  ['/prod/db:0', 'select a version by its number or its label'],
  ['/prod/db:3x', 'select a version by its number or its label'],
  ['/prod/db:aws-live', 'select a version by its number or its label'],
  [`/prod/db:${'x'.repeat(101)}`, 'select a version by its number or its label'],
])('%s is refused before any call, with the rule that it breaks', async (path, remedy) => {
  const provider = ssmProvider({ region: 'eu-west-1', endpoint: 'http://127.0.0.1:9' })
  expect(ssmManifest.canHoldPath(path)).toBe(false)
  expect(provider.locate(path)).toBeUndefined()
  const calls = [provider.get(path, context), provider.put(path, { value: 'x' }, context), provider.delete(path, { purge: true }, context)]
  for (const error of await Promise.all(calls.map(failure))) expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', remedy })
  await provider.close()
})

test.each(['db', 'DB_PASSWORD', '/prod/db', '.', '/prod/../db', 'x.aws', '/prod/aws', deep(15), long(967)])('%s is a name', (path) => {
  expect(ssmManifest.canHoldPath(path)).toBe(true)
})

test('a version is selected by `names`, and never by the name of a caller', () => {
  const provider = ssmProvider({ region: 'eu-west-1', prefix: '/prod/', names: { OLD: '/prod/db:3', LIVE: '/prod/db:live#password' } })
  expect(provider.locate('OLD')).toEqual({ path: '/prod/db:3' })
  expect(provider.locate('LIVE')).toEqual({ path: '/prod/db:live', field: 'password' })
  expect(provider.locate('db')).toEqual({ path: '/prod/db' })
  expect(provider.locate('db:3')).toBeUndefined()
  expect(ssmManifest.canHoldPath('/prod/db:3')).toBe(false)
})

test('a path that selects a version is read, and never written, tagged or deleted', async () => {
  const provider = ssmProvider({ region: 'eu-west-1', endpoint: 'http://127.0.0.1:9' })
  const path = '/prod/db:3'
  const calls = [
    provider.put(path, { value: 'x' }, context),
    provider.tag(path, { team: 'pay' }, context),
    provider.delete(path, { purge: true }, context),
  ]
  for (const error of await Promise.all(calls.map(failure)))
    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', problem: 'the path selects a version, and versions are only read' })
  await provider.close()
})

test.each([undefined, null, 7, ['/prod/db']])('%j is no name', async (given) => {
  const path = given as unknown as string // as from JavaScript
  const provider = ssmProvider({ region: 'eu-west-1', endpoint: 'http://127.0.0.1:9' })
  expect(ssmManifest.canHoldPath(path)).toBe(false)
  expect((await failure(provider.get(path, context))).code).toBe('INVALID_ARGUMENT')
  await provider.close()
})
