import { cp, type FileHandle, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, expect, test, vi } from 'vitest'
import { advanceEpoch } from '../file/next-epoch.ts'
import { jsonLinesFile } from '../file/file-sink.ts'
import { fileHandle } from '../testing/file-handles.ts'
import { context, removeTestFolders, testFolder, written } from '../testing/folders.ts'

afterEach(() => void vi.restoreAllMocks())
afterAll(removeTestFolders)

const segment = 'segment-00000001.jsonl'

/** The name of each file that is synced from now on, in their order; of the folder, too. */
async function syncsIn(folder: string): Promise<readonly string[]> {
  const handles = await fileHandle()
  const synced: string[] = []
  for (const method of ['sync', 'datasync'] as const) {
    const original = handles[method]
    vi.spyOn(handles, method).mockImplementation(async function (this: FileHandle) {
      synced.push(await nameOf(folder, (await this.stat()).ino))
      await Reflect.apply(original, this, [])
    })
  }
  return synced
}

async function nameOf(folder: string, file: number): Promise<string> {
  for (const name of ['.', ...(await readdir(folder))]) if ((await stat(join(folder, name))).ino === file) return name
  return 'a file without a name'
}

test('what a process that died has left is on the disk before the index tells of it, and so is the step that it took last', async () => {
  const { folder: live } = await testFolder()
  const sink = jsonLinesFile({ folder: live })
  await written(sink, 1)
  const folder = join(live, '..', 'found')
  await cp(live, folder, { recursive: true })
  await sink.close?.(context)
  const synced = await syncsIn(folder)
  await advanceEpoch(folder, { ended: [] })
  expect([synced[0], synced.slice(1, 3).toSorted(), synced[3]]).toEqual([segment, ['.', 'index.jsonl'], 'index.jsonl'])
})

test('what a process has ended is on the disk before the index tells of it, though its records need not be', async () => {
  const { folder } = await testFolder()
  const sink = jsonLinesFile({ folder, durable: false })
  await written(sink, 1)
  const synced = await syncsIn(folder)
  await sink.close?.(context)
  expect([synced[0], synced.slice(1, 3).toSorted()]).toEqual([segment, ['.', 'index.jsonl']])
})
