import { cp, type FileHandle, open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, expect, test, vi } from 'vitest'
import { advanceEpoch } from '../file/next-epoch.ts'
import { jsonLinesFile } from '../file/file-sink.ts'
import { fileHandle } from '../testing/file-handles.ts'
import { context, removeTestFolders, testFolder, written } from '../testing/folders.ts'
import { syncData, syncHandle } from './fsync.ts'

afterEach(() => {
  vi.restoreAllMocks()
  Reflect.deleteProperty(process.versions, 'pnp')
})
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

/** yarn's Plug'n'Play marks the process so, and its handles have these methods without code. */
async function usePlugAndPlay(): Promise<void> {
  Object.assign(process.versions, { pnp: '3' })
  const handles = await fileHandle()
  for (const method of ['sync', 'datasync'] as const) vi.spyOn(handles, method).mockRejectedValue(new Error('Method not implemented.'))
}

test("a trail is written under yarn's Plug'n'Play, whose file handles cannot sync", async () => {
  await usePlugAndPlay()
  const { folder } = await testFolder()
  const sink = jsonLinesFile({ folder })
  await written(sink, 2)
  await sink.close?.(context)
  expect(await readdir(folder)).toContain(segment)
})

test.each([
  ['fdatasync', syncData],
  ['fsync', syncHandle],
])("%s of a descriptor that is not open fails under yarn's Plug'n'Play, too", async (_, sync) => {
  await usePlugAndPlay()
  const { folder } = await testFolder()
  const file = await open(join(folder, 'index.jsonl'))
  await sync(file)
  await file.close()
  await expect(sync(file)).rejects.toThrow('fd')
})
