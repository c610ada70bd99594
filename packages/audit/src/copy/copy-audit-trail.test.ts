import { generateKeyPairSync } from 'node:crypto'
import { cpSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { cp, mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { SecretsError } from '@finchat/secrets-core'
import { afterAll, describe, expect, it } from 'vitest'
import { FileLock } from '../file/file-lock.ts'
import { jsonLinesFile } from '../file/file-sink.ts'
import { initAuditFolder } from '../file/init-audit-folder.ts'
import { rotateAuditFolder } from '../file/rotate-audit-folder.ts'
import { pruneAuditFolder } from '../retention/prune-audit-folder.ts'
import { openAuditKey } from '../keys/open-audit-key.ts'
import { afterAllWritten, context, emptyFolder, removeTestFolders, segmentsOf, testFolder, trailOf, written } from '../testing/folders.ts'
import { verifyAuditTrail } from '../verify/verify-audit-trail.ts'
import { type AuditCopy, copyAuditTrail } from './copy-audit-trail.ts'

afterAll(removeTestFolders)

async function failure(call: Promise<unknown>): Promise<SecretsError> {
  const error: unknown = await call.catch((reason: unknown) => reason)
  expect(SecretsError.isInstance(error), String(error)).toBe(true)
  return error as SecretsError // asserted
}

async function verified({ folder, checkpoints }: AuditCopy, key: string): Promise<readonly unknown[]> {
  const { ok, records, problem, segments } = await verifyAuditTrail(folder, { key, checkpoint: checkpoints })
  return [ok, problem, records, segments.length]
}

describe('a copy of a trail', () => {
  it('is verified like the trail, for its owner alone, and lacks the key', async () => {
    const { folder, checkpoints, key } = await segmentsOf(3, 4)
    const copy = await copyAuditTrail(folder, await emptyFolder(), { checkpoints })
    expect(copy).toMatchObject({ segments: 3, copied: 3 })
    expect(await verified(copy, key)).toEqual([true, undefined, 12, 3])
    const names = await readdir(copy.folder)
    expect(names.toSorted()).toEqual(['index.jsonl', ...[1, 2, 3].map((step) => `segment-0000000${2 * step - 1}.jsonl`)].toSorted())
    for (const name of names) expect((await stat(join(copy.folder, name))).mode & 0o777, name).toBe(0o600)
  })

  it('is as it was written, whatever processes do in between', async () => {
    const { folder, checkpoints, key } = await segmentsOf(6, 4)
    const running = jsonLinesFile({ folder, checkpoints: { to: checkpoints } })
    await written(running, 3)
    const target = await emptyFolder()
    const writes: Promise<void>[] = []
    const onProgress = (): void => {
      const other = jsonLinesFile({ folder, checkpoints: { to: checkpoints } })
      writes.push(
        written(running, 2),
        written(other, 2).then(() => other.close?.(context)),
      )
    }
    const copy = await copyAuditTrail(folder, target, { checkpoints, onProgress })
    await Promise.all(writes)
    expect((await verified(copy, key)).slice(0, 2)).toEqual([true, undefined])
    await running.close?.(context)
    const later = await copyAuditTrail(folder, target, { checkpoints })
    expect(await verified(later, key)).toEqual([true, undefined, 24 + 3 + (4 * writes.length) / 2, 7 + writes.length / 2])
  })

  it('copies what has changed since the last call, and no more', async () => {
    const { folder, checkpoints, key } = await segmentsOf(3, 4)
    const target = await emptyFolder()
    await copyAuditTrail(folder, target, { checkpoints })
    expect(await copyAuditTrail(folder, target, { checkpoints })).toMatchObject({ segments: 3, copied: 0 })
    const sink = jsonLinesFile({ folder, checkpoints: { to: checkpoints } })
    await written(sink, 2)
    await sink.close?.(context)
    const copy = await copyAuditTrail(folder, target, { checkpoints })
    expect(copy).toMatchObject({ segments: 4, copied: 1 })
    expect(await verified(copy, key)).toEqual([true, undefined, 14, 4])
  })

  it('has no index while it is interrupted, and is complete after another call', async () => {
    const { folder, key } = await segmentsOf(3, 4)
    const target = await emptyFolder()
    await copyAuditTrail(folder, target)
    const stop = (): never => {
      throw new SecretsError('ABORTED', 'stopped')
    }
    expect((await failure(copyAuditTrail(folder, target, { onProgress: stop }))).code).toBe('ABORTED')
    expect(await readdir(join(target, 'audit'))).not.toContain('index.jsonl')
    expect(await verified(await copyAuditTrail(folder, target), key)).toEqual([true, undefined, 12, 3])
  })

  it('has segments that were moved and compressed', async () => {
    const { folder, key } = await segmentsOf(2, 4)
    const [first = '', second = ''] = (await readdir(folder))
      .filter((name) => name.startsWith('segment-') && name.endsWith('.jsonl'))
      .toSorted()
    await rename(join(folder, first), join(folder, 'moved.jsonl.1'))
    await writeFile(join(folder, `${second}.gz`), gzipSync(await readFile(join(folder, second))))
    await rm(join(folder, second))
    expect(await verified(await copyAuditTrail(folder, await emptyFolder()), key)).toEqual([true, undefined, 8, 2])
  })

  it('is made again, with what a tool compressed since the last call, and not with its former part', async () => {
    const made = await segmentsOf(1, 4)
    const running = jsonLinesFile({ folder: made.folder, checkpoints: { to: made.checkpoints } })
    await written(running, 3)
    const target = await emptyFolder()
    await copyAuditTrail(made.folder, target, { checkpoints: made.checkpoints })
    await written(running, 3)
    await running.close?.(context)
    const path = join(made.folder, 'segment-00000003.jsonl')
    await writeFile(`${path}.gz`, gzipSync(await readFile(path)))
    await rm(path)
    const copy = await copyAuditTrail(made.folder, target, { checkpoints: made.checkpoints })
    expect(await verified(copy, made.key)).toEqual([true, undefined, 10, 2])
    expect((await readdir(copy.folder)).toSorted()).toEqual(['index.jsonl', 'segment-00000001.jsonl', 'segment-00000003.jsonl.gz'])
  })

  it('is as it was written, though old segments are pruned meanwhile, and keeps those of an earlier call', async () => {
    const { folder, checkpoints, key } = await segmentsOf(3, 4)
    const pruned = join(await emptyFolder(), 'pruned')
    await cp(folder, pruned, { recursive: true })
    await pruneAuditFolder(pruned, { before: await afterAllWritten(), reason: 'retention' })
    const left = await readdir(pruned)
    const prune = (): void => {
      for (const name of readdirSync(folder)) if (!left.includes(name)) rmSync(join(folder, name))
      for (const name of left) cpSync(join(pruned, name), join(folder, name))
    }
    const target = await emptyFolder()
    const copy = await copyAuditTrail(folder, target, { checkpoints, onProgress: prune })
    expect((await verified(copy, key)).slice(0, 2)).toEqual([true, undefined])
    expect(await readdir(copy.folder)).toContain('segment-00000001.jsonl')
    expect((await verified(await copyAuditTrail(folder, target, { checkpoints }), key)).slice(0, 3)).toEqual([true, undefined, 4])
  })

  it.each([
    ['a call before this one', 1],
    ['an interrupted call', 0],
  ])('has no half of a segment that went on, ended and was pruned since %s', async (_, whole) => {
    const { folder, checkpoints, key } = await segmentsOf(1, 1)
    const sink = jsonLinesFile({ folder, checkpoints: { to: checkpoints } })
    await written(sink, 1)
    const target = await emptyFolder()
    const { folder: copied } = await copyAuditTrail(folder, target, { checkpoints })
    if (whole === 0) await rename(join(copied, 'index.jsonl'), join(copied, 'index.part'))
    await written(sink, 3)
    await sink.close?.(context)
    await pruneAuditFolder(folder, { before: await afterAllWritten(), reason: 'retention' })
    const copy = await copyAuditTrail(folder, target, { checkpoints })
    expect((await verified(copy, key)).slice(0, 2)).toEqual([true, undefined])
    const names = (await readdir(copy.folder)).filter((name) => name.startsWith('segment'))
    expect(names).toEqual(['segment-00000001.jsonl']) // which was whole
  })

  it('has the half of a segment that no mark of a removal covers: it is evidence', async () => {
    const { folder, checkpoints } = await segmentsOf(1, 1)
    const sink = jsonLinesFile({ folder, checkpoints: { to: checkpoints } })
    await written(sink, 1)
    const target = await emptyFolder()
    const before = await copyAuditTrail(folder, target, { checkpoints })
    const names = await readdir(before.folder)
    await written(sink, 3)
    await sink.close?.(context)
    for (const name of await readdir(folder)) if (/^segment.*jsonl$/.test(name)) await rm(join(folder, name))
    await copyAuditTrail(folder, target, { checkpoints })
    expect(await readdir(before.folder)).toEqual(names)
  })

  it('has the folders in which a trail goes on, with their checkpoints, also beside processes that write', async () => {
    const { folder, checkpoints, key } = await segmentsOf(2, 4)
    await rotateAuditFolder(folder)
    const running = jsonLinesFile({ folder, checkpoints: { to: checkpoints } })
    await written(running, 3)
    const copy = await copyAuditTrail(folder, await emptyFolder(), { checkpoints, onProgress: () => void rotateAuditFolder(folder) })
    await running.close?.(context)
    const { ok, problem, records, folders } = await verifyAuditTrail(copy.folder, { key, checkpoint: copy.checkpoints })
    expect([ok, problem, records, folders.length >= 2]).toEqual([true, undefined, 11, true])
    expect(copy.segments).toBeGreaterThanOrEqual(3)
  })

  it('has the checkpoints of a folder in which the trail went on meanwhile, and a job ran', async () => {
    const made = await segmentsOf(2, 4)
    const job = async (): Promise<void> => {
      await rotateAuditFolder(made.folder)
      const sink = jsonLinesFile({ folder: made.folder, checkpoints: { to: made.checkpoints } })
      await written(sink, 2)
      await sink.close?.(context)
    }
    await job()
    const [folder, checkpoints] = [await emptyFolder(), await emptyFolder()]
    const follow = (): void => {
      cpSync(made.folder, folder, { recursive: true })
      cpSync(made.checkpoints, checkpoints, { recursive: true })
    }
    follow()
    await job()
    const copy = await copyAuditTrail(folder, await emptyFolder(), { checkpoints, onProgress: follow })
    const { ok, problem, records, folders } = await verifyAuditTrail(copy.folder, { key: made.key, checkpoint: copy.checkpoints })
    expect([ok, problem, records, folders.length]).toEqual([true, undefined, 12, 3])
  })

  it('ends before the line of a folder that a process died while making', async () => {
    const { folder, checkpoints, key } = await segmentsOf(1, 4)
    const state = await readFile(join(folder, 'key.json'))
    const { to } = await rotateAuditFolder(folder)
    await writeFile(join(folder, 'key.json'), state) // it was not replaced yet
    await rm(to, { recursive: true })
    const copy = await copyAuditTrail(folder, await emptyFolder(), { checkpoints })
    expect(await verifyAuditTrail(copy.folder, { key, checkpoint: copy.checkpoints })).toMatchObject({ ok: true, records: 4 })
    const later = jsonLinesFile({ folder, checkpoints: { to: checkpoints } })
    await written(later, 2)
    await later.close?.(context)
    expect(await verifyAuditTrail(folder, { key, checkpoint: checkpoints })).toMatchObject({ ok: true, records: 6, folders: [{}, {}] })
  })

  it('has the key that was sealed for the auditor', async () => {
    const folder = join(await emptyFolder(), 'trail')
    const { publicKey: auditor, privateKey } = generateKeyPairSync('x25519')
    await initAuditFolder(folder, { auditor })
    const copy = await copyAuditTrail(folder, await emptyFolder())
    const key = openAuditKey(await readFile(join(copy.folder, 'auditor-key.json'), 'utf8'), { privateKey })
    expect(await verifyAuditTrail(copy.folder, { key })).toMatchObject({ ok: true, foreign: [] })
  })

  it('shows tampering, as the trail does', async () => {
    const { folder, key } = await trailOf(4)
    const [segment = ''] = (await readdir(folder)).filter((name) => name.endsWith('1.jsonl'))
    const text = await readFile(join(folder, segment), 'utf8')
    await writeFile(join(folder, segment), text.replace('secret-2', 'secret-9'))
    expect((await verified(await copyAuditTrail(folder, await emptyFolder()), key)).slice(0, 2)).toEqual([
      false,
      expect.objectContaining({ what: 'edited' }),
    ])
  })

  it('is refused where source and target are the same, also behind a link, and touches nothing', async () => {
    const { folder } = await trailOf(1)
    const parent = await emptyFolder()
    await rename(folder, join(parent, 'audit'))
    await symlink(parent, join(parent, 'link'))
    const own = join(parent, 'audit')
    const before = await readdir(own)
    for (const [from, to] of [
      [own, own],
      [own, parent],
      [own, join(parent, 'link')],
      [own, join(parent, 'link', 'audit')],
    ] as const)
      expect(await failure(copyAuditTrail(from, to))).toMatchObject({
        code: 'CONFIGURATION',
        problem: expect.stringContaining('source and target are the same folder'),
      })
    expect(await readdir(own)).toEqual(before)
  })

  it('waits for the folder in which the trail goes on, while a process makes that ready', { timeout: 60_000 }, async () => {
    const { folder, checkpoints, key } = await segmentsOf(1, 4)
    const { to } = await rotateAuditFolder(folder)
    const sink = jsonLinesFile({ folder, checkpoints: { to: checkpoints } })
    await written(sink, 2)
    await sink.close?.(context)
    const [ready, notYet, lock] = [join(to, 'key.json'), join(folder, 'not-yet'), FileLock.tryTake(join(folder, 'folder.lock'))]
    await rename(ready, notYet)
    setTimeout(() => {
      renameSync(notYet, ready)
      lock?.release()
    }, 3_000)
    const copy = await copyAuditTrail(folder, await emptyFolder(), { checkpoints })
    expect(await verified(copy, key)).toEqual([true, undefined, 6, 2])
  })

  it('is refused into its own folder, over another trail, and of what is no trail', async () => {
    const { folder } = await trailOf(1)
    const other = await trailOf(1)
    const target = await emptyFolder()
    await copyAuditTrail(folder, target)
    expect((await failure(copyAuditTrail(other.folder, target))).problem).toContain('another trail')
    expect(await readdir(join(target, 'audit'))).toContain('index.jsonl') // the copy of the first is whole
    await mkdir(join(folder, 'inner'))
    expect((await failure(copyAuditTrail(folder, join(folder, 'inner')))).problem).toContain("in the trail's own folder")
    expect((await failure(copyAuditTrail(join(target, 'audit', 'x'), target))).problem).toContain('lies in the folder of the copy')
    expect((await failure(copyAuditTrail(await emptyFolder(), await emptyFolder()))).code).toBe('AUDIT_FAILED')
    const { folder: ready } = await testFolder()
    expect(await failure(copyAuditTrail(ready, await emptyFolder(), { checkpoints: join(ready, 'none') }))).toMatchObject({
      problem: expect.stringContaining('the checkpoints'),
      remedy: 'name the folder or the file that has them; it is made with the first checkpoint',
    })
  })
})
