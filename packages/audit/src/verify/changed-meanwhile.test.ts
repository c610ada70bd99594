import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, renameSync } from 'node:fs'
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { AuditRecord } from '@finchat/secrets-core'
import { afterAll, afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { copyAuditTrail } from '../copy/copy-audit-trail.ts'
import { ChangedMeanwhile } from '../disk/changed-meanwhile.ts'
import { FileLock } from '../file/file-lock.ts'
import { jsonLinesFile } from '../file/file-sink.ts'
import { rotateAuditFolder } from '../file/rotate-audit-folder.ts'
import { verifiedTrail } from '../query/verified-trail.ts'
import { verifiedTrails } from '../query/verified-trails.ts'
import { pruneAuditFolder } from '../retention/prune-audit-folder.ts'
import { afterAllWritten, context, emptyFolder, removeTestFolders, segmentsOf, type TestFolder, written } from '../testing/folders.ts'
import { ReadGroups } from './trail-folder-verification.ts'
import { TrailPass } from './trail-pass.ts'
import { verifyAuditTrail } from './verify-audit-trail.ts'
import { checkedVerifyOptions } from './verify-options.ts'

afterAll(removeTestFolders)
afterEach(() => void vi.restoreAllMocks())

const prune = async ({ folder }: TestFolder): Promise<number> =>
  (await pruneAuditFolder(folder, { before: await afterAllWritten(), reason: 'retention' })).files

/** Each segment as a tool for log rotation leaves it. */
async function compress({ folder }: TestFolder): Promise<void> {
  for (const name of (await readdir(folder)).filter((each) => /^segment-\d+\.jsonl$/.test(each))) {
    const path = join(folder, name)
    await writeFile(`${path}.gz`, gzipSync(await readFile(path)))
    await rm(path)
  }
}

/** A copy that takes away files which a verification has not read yet, but for the last. */
async function removedWithCopy({ folder, checkpoints }: TestFolder, target: string): Promise<void> {
  for (const name of ['segment-00000003.jsonl', 'segment-00000005.jsonl']) {
    const path = join(folder, name)
    await writeFile(`${path}.gz`, gzipSync(await readFile(path)))
    await rm(path)
  }
  await copyAuditTrail(folder, target, { checkpoints })
}

/** Takes files away once the first record was read. */
function reader(change: () => Promise<unknown>): (records: AsyncIterable<AuditRecord>) => Promise<number> {
  return async (records) => {
    let count = 0
    for await (const _ of records) if (++count === 1) await change()
    return count
  }
}

describe('a verification begins again if files were taken away while it read them', () => {
  it('by a removal, and passes each record on once', async () => {
    const made = await segmentsOf(4, 3)
    const read = reader(async () => expect(await prune(made)).toBe(4))
    const { verification, result } = await verifiedTrail(made.folder, { key: made.key, checkpoint: made.checkpoints }, read)
    expect(verification).toMatchObject({ ok: true, pruned: [{ segments: 4 }] })
    expect(result).toBeLessThanOrEqual(12)
  })

  it('by compression, and passes each record on once', async () => {
    const made = await segmentsOf(4, 3)
    const read = reader(async () => compress(made))
    const { verification, result } = await verifiedTrail(made.folder, { key: made.key, checkpoint: made.checkpoints }, read)
    expect(verification).toMatchObject({ ok: true, records: 12 })
    expect(result).toBe(12)
  })

  it('by a copy, and then keeps copies away until it ends', async () => {
    const made = await segmentsOf(4, 3)
    const target = await emptyFolder()
    const { folder, checkpoints } = await copyAuditTrail(made.folder, target, { checkpoints: made.checkpoints })
    const lock = join(target, 'copy.lock')
    const kept: boolean[] = []
    const read = async (records: AsyncIterable<AuditRecord>): Promise<number> => {
      let count = 0
      for await (const _ of records) {
        if (++count === 1) await removedWithCopy(made, target)
        const free = FileLock.tryTake(lock)
        kept.push(free === undefined)
        free?.release()
      }
      return count
    }
    const { verification } = await verifiedTrail(folder, { key: made.key, checkpoint: checkpoints }, read)
    expect(verification).toMatchObject({ ok: true })
    expect([kept[0], kept.at(-1)]).toEqual([false, true])
    const free = FileLock.tryTake(lock)
    expect(free).toBeDefined()
    free?.release()
  })

  it('soon, though another process has the lock of its copies', async () => {
    const made = await segmentsOf(4, 3)
    const target = await emptyFolder()
    const { folder, checkpoints } = await copyAuditTrail(made.folder, target, { checkpoints: made.checkpoints })
    const lock = FileLock.tryTake(join(target, 'copy.lock'))
    const begun = performance.now()
    const read = reader(async () => compress({ ...made, folder }))
    const { verification } = await verifiedTrail(folder, { key: made.key, checkpoint: checkpoints }, read)
    lock?.release()
    expect(verification).toMatchObject({ ok: true, records: 12 })
    expect(performance.now() - begun).toBeLessThan(60_000)
  })

  it('and leaves the lock of copies alone that lie beside it', async () => {
    const made = await segmentsOf(4, 3)
    const target = dirname(made.folder)
    await copyAuditTrail(made.folder, target, { checkpoints: made.checkpoints })
    const free: boolean[] = []
    let count = 0
    await verifiedTrail(made.folder, { key: made.key }, async (records) => {
      for await (const _ of records) {
        if (++count === 1) await compress(made)
        const lock = FileLock.tryTake(join(target, 'copy.lock'))
        free.push(lock !== undefined)
        lock?.release()
      }
    })
    expect(new Set(free)).toEqual(new Set([true]))
  })

  it('from each of several trails', async () => {
    const trails = [await segmentsOf(3, 2), await segmentsOf(3, 2)]
    let changes = 0
    const read = async (records: AsyncIterable<AuditRecord>): Promise<number> => {
      let count = 0
      for await (const _ of records) if (count++ % 6 === 0) await compress(trails[changes++] as TestFolder)
      return count
    }
    const found = await verifiedTrails(
      trails.map(({ folder, key }) => ({ folder, key })),
      read,
    )
    expect(found).toMatchObject({ result: 12, trails: [{ verification: { ok: true } }, { verification: { ok: true } }] })
  })

  it('in a folder in which it goes on, which moved to an archive meanwhile', async () => {
    const made = await segmentsOf(2, 2)
    const { to } = await rotateAuditFolder(made.folder)
    const sink = jsonLinesFile({ folder: made.folder })
    await written(sink, 2)
    await sink.close?.(context)
    const read = reader(async () => rename(to, join(dirname(made.folder), 'moved')))
    const { verification } = await verifiedTrail(made.folder, { key: made.key }, read)
    expect(verification).toMatchObject({ ok: false, problems: [{ what: 'missing', explanation: expect.stringContaining('is gone') }] })
  })

  it('and says so if they are taken away each time', async () => {
    const made = await segmentsOf(1, 1)
    const begun = vi.spyOn(TrailPass.prototype, 'groups').mockImplementation(() => {
      throw new ChangedMeanwhile()
    })
    const failure = { code: 'AUDIT_FAILED', problem: expect.stringContaining('went away whenever they were read') }
    await expect(verifyAuditTrail(made.folder, { key: made.key })).rejects.toMatchObject(failure)
    expect(begun).toHaveBeenCalledTimes(20)
  })

  it('but not for a folder that is not there', async () => {
    const { key } = await segmentsOf(1, 1)
    const begun = vi.spyOn(TrailPass.prototype, 'groups')
    const missing = verifyAuditTrail(join(await emptyFolder(), 'none'), { key })
    await expect(missing).rejects.toMatchObject({ code: 'AUDIT_FAILED', problem: expect.stringContaining('does not exist') })
    expect(begun).toHaveBeenCalledTimes(1)
  })
})

describe('a verification of a copy', () => {
  it('waits for a copy that is under way', async () => {
    const made = await segmentsOf(2, 2)
    const { folder } = await copyAuditTrail(made.folder, await emptyFolder())
    const lock = await FileLock.take(join(folder, '../copy.lock'), { patienceMs: 1_000 })
    await rename(join(folder, 'index.jsonl'), join(folder, 'index.part'))
    const tried = vi.spyOn(FileLock, 'tryTake')
    const verifying = verifyAuditTrail(folder, { key: made.key })
    await vi.waitFor(() => expect(tried.mock.calls.length).toBeGreaterThan(1)) // it looks again and again
    await rename(join(folder, 'index.part'), join(folder, 'index.jsonl'))
    lock.release()
    expect(await verifying).toMatchObject({ ok: true, records: 4 })
  })

  it('begins again if the end of one copy and the begin of the next lay in it', async () => {
    const made = await segmentsOf(1, 2)
    await rotateAuditFolder(made.folder)
    const target = await emptyFolder()
    const { folder } = await copyAuditTrail(made.folder, target, { checkpoints: made.checkpoints })
    const [index, held, checkpoint] = [join(folder, 'index.jsonl'), join(folder, 'index.part'), join(target, 'checkpoints')]
    const sink = jsonLinesFile({ folder: made.folder, checkpoints: { to: made.checkpoints } })
    await written(sink, 2)
    await sink.close?.(context)
    renameSync(index, held) // a copy is under way
    const options = checkedVerifyOptions(folder, { key: made.key, checkpoint })
    const groups = new TrailPass(folder, { options, keepsLines: false, read: new ReadGroups() }).groups()
    const first = groups.next()
    renameSync(held, index) // and ends
    expect((await first).done).toBe(false)
    renameSync(index, held) // the next has begun, and copied the checkpoints first
    cpSync(made.checkpoints, checkpoint, { recursive: true })
    const rest = (async () => {
      for await (const _ of groups);
    })()
    await expect(rest).rejects.toBeInstanceOf(ChangedMeanwhile)
  })

  it('says of half a copy that it is not complete, and how to complete it', async () => {
    const made = await segmentsOf(2, 2)
    const { folder } = await copyAuditTrail(made.folder, await emptyFolder())
    await rename(join(folder, 'index.jsonl'), join(folder, 'index.part'))
    const explanation = 'the index is missing: the copy is not complete, and copyAuditTrail completes it'
    expect((await verifyAuditTrail(folder, { key: made.key })).problem).toMatchObject({ what: 'missing', explanation })
  })

  it('is good at any moment of copies by another process', { timeout: 60_000 }, async () => {
    const made = await segmentsOf(3, 2)
    await rotateAuditFolder(made.folder)
    const target = await emptyFolder()
    await copyAuditTrail(made.folder, target, { checkpoints: made.checkpoints })
    const copying = program('copy-process.ts', made.folder, target, made.checkpoints)
    for (let run = 0; run < 8; run++) {
      const sink = jsonLinesFile({ folder: made.folder, checkpoints: { to: made.checkpoints } })
      await written(sink, 1)
      await sink.close?.(context)
      const checkpoint = join(target, 'checkpoints')
      const { ok, problem } = await verifyAuditTrail(join(target, 'audit'), { key: made.key, checkpoint })
      expect([ok, problem]).toEqual([true, undefined])
    }
    expect(copying.exitCode).toBeNull()
  })
})

it('a verification beside removals by another process never rejects', { timeout: 60_000 }, async () => {
  const made = await segmentsOf(60, 1)
  const pruning = program('retention-process.ts', 'prune', made.folder)
  const verdicts: boolean[] = []
  while (pruning.exitCode === null || verdicts.length < 3)
    verdicts.push((await verifyAuditTrail(made.folder, { key: made.key, checkpoint: made.checkpoints })).ok)
  expect(new Set(verdicts)).toEqual(new Set([true]))
})

function program(name: string, ...args: readonly string[]): ChildProcess {
  const path = join(import.meta.dirname, '../testing', name)
  const child = spawn(process.execPath, ['--conditions=@finchat/source', path, ...args], { stdio: ['ignore', 'ignore', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}
