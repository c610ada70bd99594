import { execFileSync } from 'node:child_process'
import { mkdir, rm, symlink } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { removeTestFolders, trailOf } from './testing/folders.ts'
import { verifyAuditTrail } from './verify-audit-trail.ts'

afterAll(removeTestFolders)

describe('what is no file', () => {
  it.each([
    ['a pipe', (path: string) => void execFileSync('mkfifo', [path])],
    ['a folder', (path: string) => mkdir(path)],
    ['a link that leads nowhere', (path: string) => symlink('nowhere', path)],
    ['a link that leads to itself', (path: string) => symlink(basename(path), path)],
  ])('is found among the segments and never opened: %s', async (_, make) => {
    const { folder, key } = await trailOf(1)
    for (const name of ['foreign.jsonl', 'segment-00000007.jsonl']) {
      await make(join(folder, name))
      expect((await verifyAuditTrail(folder, { key })).problem).toMatchObject({ what: 'inserted', file: 'foreign.jsonl' })
    }
  })

  it('is found in the place of the index, and never opened', async () => {
    const { folder, key } = await trailOf(1)
    await rm(join(folder, 'index.jsonl'))
    execFileSync('mkfifo', [join(folder, 'index.jsonl')])
    expect((await verifyAuditTrail(folder, { key })).problem).toMatchObject({ what: 'missing', file: 'index.jsonl' })
  })

  it('is passed over among the checkpoints, where a mount has a folder of its own', async () => {
    const { folder, key, checkpoints } = await trailOf(1)
    await mkdir(join(checkpoints, 'lost+found'))
    expect(await verifyAuditTrail(folder, { key, checkpoint: checkpoints })).toMatchObject({ ok: true, records: 1 })
  })
})
