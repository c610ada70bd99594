import { readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { collected, context, failure, key, opened, otherKey, temporaryFolder, temporaryPath } from './testing/temporary-store.ts'

test('a store that does not exist yet is empty to every read, and no read creates it', async () => {
  const path = temporaryPath()
  const provider = opened(path)
  expect(await provider.get('name', context)).toBeUndefined()
  expect(await provider.getVersion('name', 'previous', context)).toBeUndefined()
  expect(await provider.getMany(['name'], context)).toEqual([{ status: 'fulfilled', value: undefined }])
  expect(await provider.describe('name', context)).toBeUndefined()
  expect(await provider.staging.get('name', context)).toBeUndefined()
  expect(await collected(provider.list('', context))).toEqual([])
  expect(await provider.checkHealth(context)).toBeUndefined()
  expect(await provider.prune({ keepVersions: 1 })).toEqual({ pruned: 0, removed: [] })
  await provider.close()
  expect(readdirSync(dirname(path))).toEqual([])
})

test('the first write creates it, and reads see it from then on', async () => {
  const path = temporaryPath()
  const [reader, writer] = [opened(path), opened(path)]
  expect(await reader.get('name', context)).toBeUndefined()
  const [before, , after] = await Promise.all([
    writer.get('name', context),
    writer.put('name', { value: 'value' }, context),
    writer.get('name', context),
  ])
  expect(before).toBeUndefined()
  expect(after === undefined || after.value === 'value').toBe(true)
  expect((await reader.get('name', context))?.value).toBe('value')
})

test('a read still refuses invalid arguments and a path that cannot be a store', async () => {
  const path = temporaryPath()
  expect((await failure(opened(path).get('', context))).code).toBe('INVALID_ARGUMENT')
  expect((await failure(opened(path).get('name', { signal: AbortSignal.abort() }))).code).toBe('ABORTED')
  expect((await failure(opened(join(temporaryFolder(), 'no', 'x.db')).get('name', context))).code).toBe('CONFIGURATION')
  writeFileSync(`${path}-wal`, 'of a store whose file is gone')
  for (const outcome of await Promise.all(
    [opened(path).get('name', context), opened(path).put('name', { value: '' }, context)].map(failure),
  ))
    expect(outcome.code).toBe('INTEGRITY')
})

test('re-encryption without a store creates one that only the first key opens', async () => {
  const path = temporaryPath()
  const provider = opened(path, { keys: [otherKey, key] })
  expect(await provider.reencrypt()).toEqual({ reencrypted: 0 })
  await provider.close()
  expect(await opened(path, { key: otherKey }).get('name', context)).toBeUndefined()
  expect((await failure(opened(path, { key }).get('name', context))).code).toBe('CONFIGURATION')
})
