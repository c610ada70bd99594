import { SecretsError, type SecretsErrorCode } from '@finchat/secrets-core'
import { expect, test } from 'vitest'
import type { Api } from '../client/api.ts'
import { context } from '../testing/ssm-trial.ts'
import { readMany } from './batch.ts'

/** What a batch that fails leads to: how often AWS was asked for batches and for one, and the code of each answer. */
async function batchThat(fails: () => Promise<never>, names: readonly string[]) {
  const asked = { batches: 0, single: 0, atOnce: 0, mostAtOnce: 0 }
  const call = async (): Promise<never> => {
    asked.batches += 1
    asked.atOnce += 1
    asked.mostAtOnce = Math.max(asked.mostAtOnce, asked.atOnce)
    await new Promise((resolve) => setImmediate(resolve))
    asked.atOnce -= 1
    return fails()
  }
  const api: Api = { origin: {}, call }
  const results = await readMany(api, async (path) => ((asked.single += 1), { value: path, version: 1 }))(names, context)
  const codes = new Set(results.map((result) => (result.status === 'fulfilled' ? result.value?.value : result.reason.code)))
  return { ...asked, codes: [...codes] }
}

const failing = (code: SecretsErrorCode) => () => Promise.reject(new SecretsError(code, 'no'))
const many = (count: number): string[] => Array.from({ length: count }, (_, n) => `/app/n${n}`)

test.each(['PERMISSION_DENIED', 'CONFIGURATION', 'INVALID_ARGUMENT', 'NOT_FOUND', 'INTERNAL'] as const)(
  'a batch that fails with %s says nothing of one name: each is read alone',
  async (code) => {
    expect(
      await batchThat(
        failing(code),
        ['/a', '/b'].map((name) => `/app${name}`),
      ),
    ).toMatchObject({
      batches: 1,
      single: 2,
      codes: ['/app/a', '/app/b'],
    })
  },
)

test.each(['UNAVAILABLE', 'RATE_LIMITED', 'DEADLINE_EXCEEDED', 'ABORTED', 'UNAUTHENTICATED', 'CREDENTIALS_MISSING'] as const)(
  'a batch that fails with %s fails for each name',
  async (code) => {
    expect(await batchThat(failing(code), many(3))).toMatchObject({ batches: 1, single: 0, codes: [code] })
  },
)

test.each([
  ['DEADLINE_EXCEEDED', 10],
  ['ABORTED', 10],
  ['UNAUTHENTICATED', 10],
  ['CREDENTIALS_MISSING', 10],
  ['UNAVAILABLE', 20],
] as const)('of 20 batches, ten at once, that fail with %s, AWS is asked for %i', async (code, batches) => {
  expect(await batchThat(failing(code), many(200))).toMatchObject({ batches, mostAtOnce: 10, single: 0, codes: [code] })
})

test('what is not asked for any more fails as the call that ended the reading', async () => {
  const codes: SecretsErrorCode[] = ['UNAUTHENTICATED', ...Array.from({ length: 9 }, () => 'DEADLINE_EXCEEDED' as const)]
  const api: Api = { origin: {}, call: async () => failing(codes.shift() ?? 'INTERNAL')() }
  const results = await readMany(api, async (path) => ({ value: path }))(many(200), context)
  const late = results.slice(100).map((result) => result.status === 'rejected' && result.reason.code)
  expect(new Set(late)).toEqual(new Set(['UNAUTHENTICATED']))
})

test('a failure that is no error of ours is passed on for each name', async () => {
  const foreign = Object.assign(new Error('no'), { code: 'foreign' })
  expect(await batchThat(() => Promise.reject(foreign), many(2))).toMatchObject({ single: 0, codes: ['foreign'] })
})

test('one name is read alone, and no name asks nothing', async () => {
  expect(await batchThat(failing('INTERNAL'), many(1))).toMatchObject({ batches: 0, single: 1 })
  expect(await batchThat(failing('INTERNAL'), [])).toMatchObject({ batches: 0, single: 0, codes: [] })
})
