import { expect, test } from 'vitest'
import { awsTrial } from '../testing/aws-trial.ts'
import { MemoryAws } from '../testing/memory-aws.ts'
import { failureOf } from '../testing/rotations.ts'

const stored = (password: string): string =>
  `{"engine":"postgres", "host":"db.example","port":5432,"id":12345678901234567890,"rate":1.10,"username":"shop","password":"${password}"}`

test('the target gets the field, and the others are copied as they are written', async () => {
  const { aws, server, rotate } = awsTrial({ aws: new MemoryAws(stored('the first password')), field: 'password' })
  await rotate('one')
  expect([aws.valueOf('AWSCURRENT'), server.passwords.at(-1)]).toEqual([stored('password 1'), 'password 1'])
  await rotate('two')
  expect([aws.valueOf('AWSCURRENT'), server.passwords]).toEqual([stored('password 2'), ['password 1', 'password 2']])
})

test('a field may be within others', async () => {
  const aws = new MemoryAws('{"host":"db.example","login":{"password":"the first password"}}')
  const { rotate } = awsTrial({ aws, field: '/login/password' })
  await rotate('one')
  expect(aws.valueOf('AWSCURRENT')).toBe('{"host":"db.example","login":{"password":"password 1"}}')
})

test.each(['{"host":"db.example"}', 'no JSON'])('a secret without the field is not rotated: %s', async (value) => {
  const { aws, step } = awsTrial({ aws: new MemoryAws(value), field: 'password' })
  aws.begin('one')
  expect(await failureOf(step('createSecret'))).toMatchObject({ code: 'INVALID_ARGUMENT', secret: 'db' })
  expect(aws.labelsOf('one')).toEqual(['AWSPENDING'])
})

test('a field that changes while the value is made is not lost', async () => {
  const aws = new MemoryAws(stored('the first password'))
  const changed = stored('the first password').replace('db.example', 'new.example')
  const { rotate, step } = awsTrial({
    aws,
    field: 'password',
    members: ({ next }) => ({
      next: async (...args) => {
        if (aws.holder('AWSCURRENT') === 'first') aws.write('by hand', changed)
        return next(...args)
      },
    }),
  })
  await rotate('one')
  await step('createSecret')
  expect(aws.valueOf('AWSCURRENT')).toBe(changed.replace('the first password', 'password 1'))
})

test('without a field the target sees all of them, and copies those that are no texts', async () => {
  const aws = new MemoryAws('{"username":"shop","password":"the first password"}')
  const { rotate } = awsTrial({
    aws,
    members: () => ({ apply: async () => {}, test: async () => 'accepted', retire: undefined }),
  })
  await rotate('one')
  expect(aws.valueOf('AWSCURRENT')).toBe('{"username":"shop","password":"password 1"}')
  const whole = new MemoryAws(stored('the first password'))
  await awsTrial({ aws: whole, members: () => ({ apply: async () => {}, test: async () => 'accepted', retire: undefined }) }).rotate('one')
  expect(JSON.parse(whole.valueOf('AWSCURRENT') ?? '')).toEqual(JSON.parse(stored('password 1')))
})

test('a value that is not new is refused, and nothing is put', async () => {
  const aws = new MemoryAws('the first password')
  const { step } = awsTrial({ aws, generate: () => 'the first password' })
  aws.begin('one')
  expect(await failureOf(step('createSecret'))).toMatchObject({ code: 'CONFIGURATION', secret: 'db' })
  expect(aws.valueOf('AWSPENDING')).toBeUndefined()
})
