import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { canonicalLine } from '../record/canonical.ts'
import { emptyFolder, removeTestFolders } from '../testing/folders.ts'
import { mostPredecessors } from '../format/index-marks.ts'
import { TrailFolders } from './trail-folders.ts'

afterAll(removeTestFolders)

/** As its index says: of 1970, and with so many folders before it. */
async function folderAfter(predecessors: number): Promise<string> {
  const folder = await emptyFolder()
  const follows = Array.from({ length: predecessors }, (_, step) => ({ folder: 'id', name: '', step }))
  const entry = { v: 2, folder: 'id', step: 0, time: 0, host: 'host', pid: 1, before: '', opens: false, ended: [], follows, mac: '' }
  await writeFile(join(folder, 'index.jsonl'), canonicalLine(entry))
  return folder
}

it('a trail of as many folders as it may have goes on in the last, though its year is over', async () => {
  const [last, other] = [await folderAfter(mostPredecessors), await folderAfter(mostPredecessors - 1)]
  const opened: string[] = []
  const open = (folder: string) => new TrailFolders(folder, 'year').inCurrent(async (path) => void opened.push(path))
  await open(last)
  await expect(open(other), 'it leaves a folder with room, which is none of a trail here').rejects.toThrow('key.json')
  expect(opened).toEqual([last])
})
