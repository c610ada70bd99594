import { expect, test, vi } from 'vitest'
import { latestTime } from './record/secret-record.ts'
import { context, failure, opened, temporaryPath } from './testing/temporary-store.ts'

// As JavaScript callers may pass them: the types of the contract do not allow these.
const nothing = undefined as never
const text = 'text' as never

test('an argument of the wrong kind is INVALID_ARGUMENT, and nothing is written', async () => {
  const provider = opened(':memory:')
  await provider.put('name', { value: 'value', tags: { team: 'pay' } }, context)
  const nul = null as never
  const calls = [
    () => provider.put('name', nothing, context),
    () => provider.put('name', { value: nothing }, context),
    () => provider.put('name', { value: '', tags: nul }, context),
    () => provider.put('name', { value: '', tags: text }, context),
    () => provider.put('name', { value: '', tags: ['team'] as never }, context),
    () => provider.put('name', { value: '', tags: { team: nul } }, context),
    () => provider.put('name', { value: '', ifCurrent: text }, context),
    () => provider.put('name', { value: '', version: nul }, context),
    () => provider.tag('name', nul, context),
    () => provider.tag('name', { team: 5 as never }, context),
    () => provider.getMany(nothing, context),
    () => provider.getMany(text, context),
    () => provider.getVersion('name', nothing, context),
    () => provider.get(nothing, context),
    () => provider.delete('name', nothing, context),
    () => provider.staging.promote('name', nothing, context),
    () => provider.staging.discard('name', nul, context),
  ]
  for (const [index, call] of calls.entries()) expect((await failure(call())).code, String(index)).toBe('INVALID_ARGUMENT')
  expect(await provider.describe('name', context)).toMatchObject({ version: 1, tags: { team: 'pay' } })
})

test('maintenance accepts a context without a signal and refuses an invalid policy', async () => {
  const provider = opened(':memory:')
  await provider.put('name', { value: 'value' }, context)
  expect(await provider.reencrypt({ signal: undefined })).toEqual({ reencrypted: 0 })
  expect(await provider.prune({ keepVersions: 1 }, { signal: undefined })).toEqual({ pruned: 0, removed: [] })
  for (const policy of [nothing, {} as never, { keepVersion: 1 } as never])
    expect((await failure(provider.prune(policy))).code).toBe('CONFIGURATION')
  await provider.close({ signal: undefined })
})

test('changes to arguments after the call are not written', async () => {
  const provider = opened(temporaryPath())
  const tags: Record<string, string> = { team: 'pay' }
  const value = Uint8Array.of(1, 2, 3)
  const write = provider.put('name', { value, tags }, context)
  Object.assign(tags, { team: 5n, ['x'.repeat(999)]: 'too long' })
  value.fill(0)
  await write
  expect((await provider.describe('name', context))?.tags).toEqual({ team: 'pay' })
  expect((await provider.get('name', context))?.value).toEqual(Uint8Array.of(1, 2, 3))
  const change: Record<string, string | null> = { team: 'core' }
  const tagging = provider.tag('name', change, context)
  change['team'] = '\ud800'
  await tagging
  expect((await provider.describe('name', context))?.tags).toEqual({ team: 'core' })
})

test('a clock out of bounds writes readable times', async () => {
  const path = temporaryPath()
  const provider = opened(path)
  const clock = vi.spyOn(Date, 'now')
  const times = [
    [-1, 0],
    [1.5, 1],
    [Number.NaN, 0],
    [1e300, latestTime],
  ] as const
  for (const [now, written] of times) {
    clock.mockReturnValue(now)
    await provider.put('name', { value: '' }, context)
    expect((await provider.get('name', context))?.currentSince).toBe(written)
  }
  clock.mockRestore()
  await provider.close()
  expect((await opened(path).get('name', context))?.version).toBe(4)
})
