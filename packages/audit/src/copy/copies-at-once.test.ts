import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, cp, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { jsonLinesFile } from '../file/file-sink.ts'
import { rotateAuditFolder } from '../file/rotate-audit-folder.ts'
import { context, emptyFolder, removeTestFolders, segmentsOf, type TestFolder, written } from '../testing/folders.ts'
import { verifyAuditTrail } from '../verify/verify-audit-trail.ts'
import { type AuditCopy, copyAuditTrail } from './copy-audit-trail.ts'

afterAll(removeTestFolders)

async function proves({ folder, checkpoints }: AuditCopy, { key }: TestFolder): Promise<unknown> {
  const { ok, problem, records } = await verifyAuditTrail(folder, { key, checkpoint: checkpoints })
  return { ok, problem, records }
}

async function moreIn({ folder, checkpoints }: TestFolder, records = 2): Promise<void> {
  const sink = jsonLinesFile({ folder, checkpoints: { to: checkpoints } })
  await written(sink, records)
  await sink.close?.(context)
}

function copying({ folder, checkpoints }: TestFolder, target: string, times = 'Infinity'): ChildProcess {
  const program = join(import.meta.dirname, '../testing/copy-process.ts')
  const args = ['--conditions=@finchat/source', program, folder, target, checkpoints, times]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

describe('two copies of a trail into one target at once', () => {
  it.each([0, 1, 2, 5, 10, 20])('are made one after the other, the second begun %i ms later', async (laterMs) => {
    const made = await segmentsOf(6, 4)
    const target = await emptyFolder()
    const first = copyAuditTrail(made.folder, target, { checkpoints: made.checkpoints })
    await sleep(laterMs)
    const copies = await Promise.all([first, copyAuditTrail(made.folder, target, { checkpoints: made.checkpoints })])
    expect(copies.map(({ copied }) => copied)).toEqual(expect.arrayContaining([0, 6]))
    expect(await proves(copies[0], made)).toEqual({ ok: true, problem: undefined, records: 24 })
  })

  it('are both whole, while processes write to the trail', async () => {
    const made = await segmentsOf(2, 4)
    const target = await emptyFolder()
    const copies = Array.from({ length: 4 }, async () => copyAuditTrail(made.folder, target, { checkpoints: made.checkpoints }))
    await Promise.all([moreIn(made), ...copies])
    const last = await copyAuditTrail(made.folder, target, { checkpoints: made.checkpoints })
    expect(await proves(last, made)).toEqual({ ok: true, problem: undefined, records: 10 })
  })

  it('are made one after the other by two processes', async () => {
    const made = await segmentsOf(3, 4)
    const target = await emptyFolder()
    const children = [copying(made, target, '20'), copying(made, target, '20')]
    const exits = Promise.all(children.map(async (child) => once(child, 'exit')))
    for (let run = 0; run < 3; run++) await moreIn(made)
    expect((await exits).map(([code]) => code as unknown)).toEqual([0, 0])
    const last = await copyAuditTrail(made.folder, target, { checkpoints: made.checkpoints })
    expect(await proves(last, made)).toEqual({ ok: true, problem: undefined, records: 18 })
  })

  it('do not wait for a process that was killed', async () => {
    const made = await segmentsOf(3, 4)
    const target = await emptyFolder()
    for (const laterMs of [0, 3, 11]) {
      const child = copying(made, target)
      if (child.stdout !== null) await once(child.stdout, 'data')
      await moreIn(made)
      await sleep(laterMs)
      child.kill('SIGKILL')
      await once(child, 'exit')
      const copy = await copyAuditTrail(made.folder, target, { checkpoints: made.checkpoints })
      expect(await proves(copy, made)).toMatchObject({ ok: true })
    }
  })

  it('leave nothing in the folder of the copy but the trail, and a lock beside it', async () => {
    const made = await segmentsOf(1, 2)
    const copy = await copyAuditTrail(made.folder, await emptyFolder(), { checkpoints: made.checkpoints })
    expect((await readdir(join(copy.folder, '..'))).toSorted()).toEqual(['audit', 'checkpoints', 'copy.lock'])
    expect((await stat(join(copy.folder, '../copy.lock'))).mode & 0o777).toBe(0o600)
    expect(await readdir(copy.folder)).not.toContain('copy.lock')
  })
})

describe('an archive that two copies at once broke in an earlier release', () => {
  /** What they left, by the places that it stands at. */
  const states: Readonly<Record<string, (audit: string) => Promise<void>>> = {
    'a segment as the index': async (audit) => cp(join(audit, 'segment-00000001.jsonl'), join(audit, 'index.jsonl')),
    'a segment as the index of a copy under way': async (audit) => {
      await rm(join(audit, 'index.jsonl'))
      await cp(join(audit, 'segment-00000001.jsonl'), join(audit, 'index.part'))
    },
    'an empty index': async (audit) => writeFile(join(audit, 'index.jsonl'), ''),
    'the beginning of an index': async (audit) =>
      writeFile(join(audit, 'index.jsonl'), (await readFile(join(audit, 'index.jsonl'))).subarray(0, 40)),
    'no index': async (audit) => rm(join(audit, 'index.jsonl')),
    'a file that was half copied': async (audit) => rename(join(audit, 'segment-00000003.jsonl'), join(audit, 'copying.part')),
    'a segment under the name and with the size and time of another': async (audit) => {
      const [one, other] = [join(audit, 'segment-00000001.jsonl'), join(audit, 'segment-00000003.jsonl')]
      const [{ size, mtime }, length] = [await stat(other), (await stat(one)).size]
      await cp(one, other)
      if (length < size) await appendFile(other, '\n'.repeat(size - length))
      await utimes(other, mtime, mtime)
    },
  }

  it.each(Object.keys(states))('is repaired by the next copy: %s', async (state) => {
    const made = await segmentsOf(3, 4)
    const target = await emptyFolder()
    const { folder } = await copyAuditTrail(made.folder, target, { checkpoints: made.checkpoints })
    await states[state]?.(folder)
    const copy = await copyAuditTrail(made.folder, target, { checkpoints: made.checkpoints })
    expect(await proves(copy, made)).toEqual({ ok: true, problem: undefined, records: 12 })
    expect(await verifyAuditTrail(folder, { key: made.key })).toMatchObject({ foreign: [] })
  })

  it('is repaired in the folders that follow', async () => {
    const made = await segmentsOf(1, 4)
    await rotateAuditFolder(made.folder)
    await moreIn(made)
    const target = await emptyFolder()
    const { folder } = await copyAuditTrail(made.folder, target, { checkpoints: made.checkpoints })
    const [next = ''] = (await readdir(folder)).filter((name) => name.startsWith('2'))
    await cp(join(folder, next, 'segment-00000001.jsonl'), join(folder, next, 'index.jsonl'))
    const copy = await copyAuditTrail(made.folder, target, { checkpoints: made.checkpoints })
    expect(await proves(copy, made)).toEqual({ ok: true, problem: undefined, records: 6 })
  })

  it('is left alone if its segments are of another trail', async () => {
    const [made, other] = [await segmentsOf(1, 4), await segmentsOf(1, 4)]
    const target = await emptyFolder()
    const { folder } = await copyAuditTrail(made.folder, target)
    await writeFile(join(folder, 'index.jsonl'), '{}\n')
    const before = await readdir(folder)
    await expect(copyAuditTrail(other.folder, target)).rejects.toMatchObject({ problem: expect.stringContaining('another trail') })
    expect(await readdir(folder)).toEqual(before)
  })
})
