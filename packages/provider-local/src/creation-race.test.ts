import * as fs from 'node:fs'
import { dirname } from 'node:path'
import { expect, test, vi } from 'vitest'
import { context, createStore, opened, temporaryPath } from './testing/temporary-store.ts'

vi.mock('node:fs', async (original) => {
  const real = await original<typeof fs>()
  return { ...real, readdirSync: vi.fn(real.readdirSync), statSync: vi.fn(real.statSync) }
})

test('a creation that removes its temporary name meanwhile does not count as a second name', async () => {
  const path = temporaryPath()
  await createStore(path)
  const temporary = `${path}.0123456789ab.new`
  fs.linkSync(path, temporary)
  vi.mocked(fs.readdirSync).mockImplementationOnce(() => {
    fs.unlinkSync(temporary)
    return []
  })
  expect((await opened(path).put('name', { value: 'value' }, context)).version).toBe(1)
  expect(fs.readdirSync(dirname(path)).filter((name) => name.endsWith('.new'))).toEqual([])
})

test('a store that another process creates between two checks of its path is opened', async () => {
  const path = temporaryPath()
  await createStore(path)
  const away = `${path}-elsewhere`
  fs.renameSync(path, away)
  vi.mocked(fs.statSync).mockImplementationOnce(() => {
    fs.renameSync(away, path)
    return undefined
  })
  expect((await opened(path).put('name', { value: 'value' }, context)).version).toBe(1)
})
