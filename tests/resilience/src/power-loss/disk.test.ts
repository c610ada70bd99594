import { expect, test } from 'vitest'
import { randomFrom } from '../harness/random.ts'
import { Disk, type Folder } from './disk.ts'

function folder(content: string, name = 'file'): Folder {
  return { names: new Map([[name, 1]]), files: new Map([[1, Buffer.from(content)]]) }
}

function afterPowerCut(disk: Disk, now: Folder, share: number): Record<string, string> {
  return Object.fromEntries([...disk.afterPowerCut(now, share, randomFrom(1))].map(([name, bytes]) => [name, bytes.toString()]))
}

test('what was synced stays, what was not may be lost or kept', () => {
  const disk = new Disk()
  expect(afterPowerCut(disk, folder('new'), 0)).toEqual({})
  expect(afterPowerCut(disk, folder('new'), 1)).toEqual({ file: 'new' })
  disk.syncAll(folder('old'))
  expect(afterPowerCut(disk, folder('new'), 0)).toEqual({ file: 'old' })
  disk.sync('file', folder('new'))
  expect(afterPowerCut(disk, folder('newer'), 0)).toEqual({ file: 'new' })
})

test('a name is on the disk once its folder was synced', () => {
  const disk = new Disk()
  disk.syncAll(folder('content', 'before'))
  disk.sync('after', folder('content', 'after'))
  expect(afterPowerCut(disk, folder('content', 'after'), 0)).toEqual({ before: 'content' })
  disk.sync('', folder('content', 'after'))
  expect(afterPowerCut(disk, folder('content', 'after'), 0)).toEqual({ after: 'content' })
})

test('of a file’s sectors each is as it was or as it is', () => {
  const disk = new Disk()
  disk.syncAll(folder('a'.repeat(5120)))
  const [image] = disk.afterPowerCut(folder('b'.repeat(5120)), 0.5, randomFrom(7)).values()
  const sectors = Array.from({ length: 10 }, (_, n) => image?.toString('utf8', n * 512, (n + 1) * 512))
  expect(new Set(sectors)).toEqual(new Set(['a'.repeat(512), 'b'.repeat(512)]))
})
