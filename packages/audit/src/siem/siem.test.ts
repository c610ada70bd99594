import { expect, test } from 'vitest'
import { aRecord } from '../testing/sample-records.ts'
import { toEcs } from './ecs.ts'
import { toOcsf } from './ocsf.ts'

const noRecords: readonly unknown[] = [
  undefined,
  null,
  'text',
  {},
  [],
  { ...aRecord({}), time: Number.NaN },
  { ...aRecord({}), name: undefined },
]

test.each([
  ['toEcs', toEcs as (record: unknown) => unknown],
  ['toOcsf', toOcsf as (record: unknown) => unknown],
])('%s takes records of a trail and nothing else', (_, map) => {
  const refused = expect.objectContaining({ code: 'INVALID_ARGUMENT', remedy: expect.stringContaining('readAuditRecords') })
  for (const record of noRecords) expect(() => map(record)).toThrow(refused)
  expect(map(aRecord({}))).toBeTypeOf('object')
})
