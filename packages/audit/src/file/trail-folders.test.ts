import { mkdir, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { canonicalLine } from '../record/canonical.ts'
import { emptyFolder, removeTestFolders, testFolder } from '../testing/folders.ts'
import { firstEntry } from '../format/first-entry.ts'
import { keyFile, stateText } from '../format/folder-key.ts'
import { mostPredecessors } from '../format/index-marks.ts'
import { randomKey } from '../keys/key-chain.ts'
import { verifyAuditTrail } from '../verify/verify-audit-trail.ts'
import { FolderFull } from './next-epoch.ts'
import { SegmentWriter } from './segment-writer.ts'
import { type PlaceInTrail, TrailFolders } from './trail-folders.ts'

afterAll(removeTestFolders)

/** As its index says: of 1970, with so many folders before it and so many lines. */
async function folderAfter(predecessors: number, step: number): Promise<string> {
  const folder = join(await emptyFolder(), '1970-01-01')
  await mkdir(folder)
  const follows = Array.from({ length: predecessors }, (_, at) => ({ folder: 'id', name: '', step: at }))
  const entry = { v: 2, folder: 'id', step: 0, time: 0, host: 'host', pid: 1, before: '', opens: false, ended: [], follows, mac: '' }
  await writeFile(join(folder, 'index.jsonl'), canonicalLine(entry))
  await writeFile(join(folder, keyFile), stateText({ folder: 'id', step, key: randomKey(), live: [], unused: [] }))
  return folder
}

it.each([
  ['its year is over', 'year', 1],
  ['it is full', undefined, 20_000],
] as const)('a trail of as many folders as it may have goes on in the last, though %s', async (_, period, step) => {
  const [last, other] = [await folderAfter(mostPredecessors, step), await folderAfter(mostPredecessors - 1, step)]
  const opened: string[] = []
  const open = (folder: string) =>
    new TrailFolders(folder, period).inCurrent(async (path, { mostEpochs }) => {
      if (step >= mostEpochs) throw new FolderFull()
      opened.push(path)
    })
  await open(last)
  await expect(open(other), 'it leaves a folder with room, whose lines are not as they were left').rejects.toMatchObject({
    code: expect.any(String),
  })
  expect(opened).toEqual([last])
})

describe('a folder with as many lines as it takes', () => {
  const opening =
    (ended: Awaited<ReturnType<SegmentWriter['end']>>[], places: string[]) =>
    async (folder: string, within: PlaceInTrail): Promise<void> => {
      const writer = await SegmentWriter.open({ folder, ...within, isDurable: false }, ended.splice(0))
      places.push(`${within.name}/${writer.step} ${within.trail ?? 'first'}`)
      ended.push(await writer.end())
      writer.wipe()
    }

  it('is left for another, by a process that runs and by the next, and the trail verifies', async () => {
    const { folder, key } = await testFolder()
    const id = firstEntry(folder).folder
    const [places, running]: [string[], TrailFolders] = [[], new TrailFolders(folder, undefined, 4)]
    for (let one = 0; one < 4; one++) await running.inCurrent(opening([], places))
    await new TrailFolders(folder, undefined, 4).inCurrent(opening([], places))
    await new TrailFolders(folder, undefined, 4).inCurrent(opening([], places))
    await running.inCurrent(opening([], places))
    const { ok, folders } = await verifyAuditTrail(folder, { key })
    const [, second = '', third = ''] = folders.map(({ name }) => name)
    expect([ok, folders.length, basename(second)]).toEqual([true, 3, second])
    expect(places).toEqual([
      ...[1, 2, 3].map((step) => `/${step} first`),
      ...[1, 2, 3].map((step) => `${second}/${step} ${id}`),
      `${third}/1 ${id}`,
    ])
  })

  it('is left once, by processes that find it full at once', async () => {
    const { folder, key } = await testFolder()
    const places: string[] = []
    const processes = Array.from({ length: 3 }, () => new TrailFolders(folder, undefined, 4))
    for (const each of processes) await each.inCurrent(opening([], places))
    await Promise.all(processes.map((each) => each.inCurrent(opening([], places))))
    const { ok, folders } = await verifyAuditTrail(folder, { key })
    expect([ok, folders.length, places.filter((place) => place.startsWith(`${folders[1]?.name}/`)).length]).toEqual([true, 2, 3])
  })
})
