import { describe, expect, test } from 'vitest'
import { awsTrial, first } from '../testing/aws-trial.ts'
import { MemoryAws } from '../testing/memory-aws.ts'
import { failureOf } from '../testing/rotations.ts'
import { attemptOf, labelsToDrop, lastNumber, numberOf, wasInterrupted } from './labels.ts'

describe('numbers', () => {
  test.each<[string, string[], number]>([
    ['of a write', ['v7'], 7],
    ['of a write that stopped', ['put-7'], 7],
    ['of a staged version', ['staged-7', 'staged-3'], 7],
    ['of a discard', ['claim-7'], 7],
    ['of a promotion', ['since-7-1700000000000'], 7],
    ['of other tools', ['v0', 'v07', 'staged-7x', 'version-7', 'AWSCURRENT'], 0],
  ])('that are used up: %s', (_, labels, number) => {
    expect(lastNumber({ one: labels, two: ['v0'] })).toBe(number)
  })

  test('of a version are those that its label gives it', () => {
    expect([attemptOf(['v9', 'staged-7']), numberOf(['v9', 'staged-7', 'claim-12']), numberOf(['claim-12'])]).toEqual([7, 9, undefined])
  })

  test('go on after those of the AWS provider, so that the fence grows', async () => {
    const { rotate, server, aws } = awsTrial({ aws: new MemoryAws(first, ['v41', 'claim-42']) })
    await rotate('one')
    expect([server.token, aws.labelsOf('one')]).toEqual([86, ['AWSCURRENT', 'staged-43']])
  })
})

test.each<[boolean, string, Record<string, string[]>]>([
  [true, 'has the last number, and nothing else', { one: ['staged-3'], two: ['AWSCURRENT', 'v2'] }],
  [false, 'is not there', { two: ['AWSCURRENT', 'v2'] }],
  [false, 'has no number', { one: ['v0'], two: ['AWSCURRENT'] }],
  [false, 'was followed by another', { one: ['staged-3'], two: ['staged-4'] }],
  [false, 'was discarded', { one: ['staged-3'], two: ['AWSCURRENT', 'claim-3'] }],
  [false, 'was current', { one: ['staged-3', 'AWSPREVIOUS'], two: ['AWSCURRENT'] }],
])('that a version lost AWSPENDING on the way is %s if it %s', (expected, _, labelsById) => {
  expect(wasInterrupted(labelsById, 'one')).toBe(expected)
})

describe('room for labels', () => {
  test('is made from the lowest numbers of old versions', async () => {
    const { rotate, aws, server } = awsTrial()
    for (let number = 1; number <= 30; number += 1) await rotate(`token ${number}`)
    expect([aws.valueOf('AWSCURRENT'), server.token, aws.labelsOf('token 30')]).toEqual(['password 30', 60, ['AWSCURRENT', 'staged-30']])
    expect([aws.labelsOf('token 5'), aws.labelsOf('token 20')]).toEqual([[], ['staged-20']])
  })

  test('is not made from labels of other tools, from the last number, or from what is in use', () => {
    const others = Array.from({ length: 14 }, (_, index) => `other ${index}`)
    const labelsById = {
      one: ['AWSCURRENT', 'v3', 'claim-2'],
      two: ['AWSPREVIOUS', 'v2'],
      three: ['staged-9', ...others],
      four: ['v1', 'put-1'],
    }
    expect(labelsToDrop(labelsById)).toEqual([
      { label: 'v1', revision: 'four', number: 1 },
      { label: 'put-1', revision: 'four', number: 1 },
      { label: 'claim-2', revision: 'one', number: 2 },
    ])
  })

  test.each([
    [14, []],
    [15, ['staged-1']],
    [16, ['staged-1', 'staged-2']],
  ])('is for one number, its note and one claim: beside %d numbers', (count, dropped) => {
    const numbers = Array.from({ length: count }, (_, index) => [`version ${index}`, [`staged-${index + 1}`]])
    expect(labelsToDrop(Object.fromEntries(numbers)).map(({ label }) => label)).toEqual(dropped)
  })

  test('cannot be made where other tools have it all', async () => {
    const { aws, step } = awsTrial({
      aws: new MemoryAws(
        first,
        Array.from({ length: 18 }, (_, index) => `other ${index}`),
      ),
    })
    aws.begin('one')
    expect(await failureOf(step('createSecret'))).toMatchObject({ code: 'CONFIGURATION', remedy: expect.stringContaining('labels') })
  })
})
