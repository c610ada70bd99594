import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { bytesOnDisk, context, failure, opened, otherKey, key, temporaryPath, within } from './testing/temporary-store.ts'

const note = { by: 'rotator-1', plan: 'monthly' }

function rows(path: string): unknown[] {
  const sqlite = new DatabaseSync(path, { readOnly: true })
  const all = sqlite.prepare('SELECT path, version, facts FROM secrets ORDER BY path, version').all()
  sqlite.close()
  return all.map(({ facts }) => JSON.parse(String(facts)))
}

test('attempt, time and note are there after another process opened the store, and after a new key', async () => {
  const path = temporaryPath()
  const staged = await within(path, async (store) => {
    await store.put('token', { value: 'current' }, context)
    await store.staging.put('token', { value: 'next', note }, context)
    return store.staging.get('token', context)
  })
  expect(staged).toMatchObject({ value: 'next', version: 2, attempt: 2, note })
  expect(await opened(path).staging.get('token', context)).toEqual(staged)
  await within(path, (store) => store.reencrypt(), { keys: [otherKey, key] })
  expect(await opened(path, { key: otherKey }).staging.get('token', context)).toEqual(staged)
})

test('a repeated call is known to another process, and writes nothing', async () => {
  const path = temporaryPath()
  const receipt = await within(path, async (store) => {
    await store.put('token', { value: 'current' }, context)
    return store.staging.put('token', { value: 'next', note }, context)
  })
  const before = bytesOnDisk(path)
  await within(path, async (store) => expect(await store.staging.put('token', { value: 'next', note }, context)).toEqual(receipt))
  expect(bytesOnDisk(path)).toEqual(before)
  await within(path, (store) => store.staging.discard('token', receipt, context))
  const discarded = bytesOnDisk(path)
  await within(path, (store) => store.staging.discard('token', receipt, context))
  expect(bytesOnDisk(path)).toEqual(discarded)
})

test('a repeated put is held to its number, its kind and `ifCurrent`', async () => {
  const store = opened(temporaryPath())
  const current = await store.put('token', { value: 'current' }, context)
  const receipt = await store.staging.put('token', { value: 'next', version: 7 }, context)
  expect(await store.staging.put('token', { value: 'next', version: 7, ifCurrent: current }, context)).toEqual(receipt)
  expect(await store.staging.put('token', { value: 'next' }, context)).toEqual(receipt)
  const others = [
    { version: 8 },
    { ifCurrent: null },
    { ifCurrent: { version: 9 } },
    { shape: 'map' },
    { value: Buffer.from('next') },
  ] as const
  for (const other of others)
    expect(await failure(store.staging.put('token', { value: 'next', ...other }, context))).toMatchObject({ code: 'VERSION_CONFLICT' })
})

test('a discarded version other than the last is a conflict', async () => {
  const store = opened(temporaryPath())
  const first = await store.staging.put('token', { value: 'one' }, context)
  await store.staging.discard('token', first, context)
  const second = await store.staging.put('token', { value: 'two' }, context)
  await store.staging.discard('token', second, context)
  await store.staging.discard('token', { revision: second.revision }, context)
  expect((await failure(store.staging.discard('token', first, context))).code).toBe('VERSION_CONFLICT')
  expect((await failure(store.staging.discard('token', {}, context))).code).toBe('VERSION_CONFLICT')
})

test('a repeated promotion keeps the time at which the version became current', async () => {
  const store = opened(temporaryPath())
  const receipt = await store.staging.put('token', { value: 'next', note }, context)
  await store.staging.promote('token', receipt, context)
  const promoted = await store.get('token', context)
  expect(promoted?.currentNotBefore).toBe(promoted?.currentSince)
  expect(promoted).not.toHaveProperty('note')
  await store.staging.promote('token', receipt, context)
  expect(await store.get('token', context)).toEqual(promoted)
})

test('what was never staged with a note, and never discarded, is written as before', async () => {
  const path = temporaryPath()
  await within(path, async (store) => {
    await store.put('token', { value: 'current' }, context)
    const receipt = await store.staging.put('token', { value: 'next', note }, context)
    await store.staging.promote('token', receipt, context)
  })
  expect(rows(path).map((facts) => (facts as unknown[]).length)).toEqual([7, 5, 5])
})

test('a note that is too long is refused before the store exists', async () => {
  const path = temporaryPath()
  const long = { by: 'x'.repeat(1_025) }
  expect((await failure(opened(path).staging.put('token', { value: 'v', note: long }, context))).code).toBe('INVALID_ARGUMENT')
  expect(existsSync(path)).toBe(false)
})
