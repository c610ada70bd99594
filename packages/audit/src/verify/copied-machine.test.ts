import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { jsonLinesFile } from '../file/file-sink.ts'
import { context, removeTestFolders, segmentsOf, sentTo, type TestFolder, written } from '../testing/folders.ts'
import { verifyAuditTrail } from './verify-audit-trail.ts'

afterAll(removeTestFolders)

/** A process that writes to this folder, and sends its checkpoints to the place of all. */
async function process(folder: string, { checkpoints }: TestFolder, records: number): Promise<void> {
  const sink = jsonLinesFile({ folder, checkpoints: { to: checkpoints } })
  await written(sink, records)
  await sink.close?.(context)
}

/** A machine and its copy, from a snapshot or an image, which both go on. */
async function copiedMachine(): Promise<TestFolder & { readonly copy: string }> {
  const made = await segmentsOf(2, 3)
  const copy = join(made.folder, '..', 'copy')
  await cp(made.folder, copy, { recursive: true })
  await process(made.folder, made, 3)
  await process(copy, made, 5)
  return { ...made, copy }
}

describe('two machines that write as one', () => {
  it('are recognised by their checkpoints, in the folder of either', async () => {
    const { folder, copy, checkpoints, key } = await copiedMachine()
    for (const each of [folder, copy]) {
      const { problems } = await verifyAuditTrail(each, { key, checkpoint: checkpoints })
      expect(problems).toContainEqual(
        expect.objectContaining({
          what: 'forked',
          segment: 5,
          explanation: expect.stringMatching(/^two authentic histories: .* of checkpoints-/),
        }),
      )
    }
  })

  it('are as recognised if the checkpoints are lines of one log, in any order', async () => {
    const { folder, checkpoints, key } = await copiedMachine()
    const lines = await sentTo(checkpoints)
    for (const checkpoint of [lines, lines.toReversed()]) {
      const { problems } = await verifyAuditTrail(folder, { key, checkpoint })
      expect(problems.filter(({ what }) => what === 'forked')).toHaveLength(1)
    }
  })

  it('are each as it was written by its own checkpoints alone', async () => {
    const { folder, copy, checkpoints, key } = await copiedMachine()
    const [own, other] = [await verifyAuditTrail(folder, { key }), await verifyAuditTrail(copy, { key })]
    expect([own.ok, other.ok, own.records, other.records]).toEqual([true, true, 9, 11])
    expect(await sentTo(checkpoints)).not.toEqual([])
  })
})

it('a folder that was set back, and then written to, is recognised too', async () => {
  const made = await segmentsOf(2, 3)
  const yesterday = join(made.folder, '..', 'yesterday')
  await cp(made.folder, yesterday, { recursive: true })
  await process(made.folder, made, 3)
  await rm(made.folder, { recursive: true })
  await cp(yesterday, made.folder, { recursive: true })
  expect((await verifyAuditTrail(made.folder, { key: made.key, checkpoint: made.checkpoints })).problem).toMatchObject({
    what: 'truncated',
    mayBeCopy: true,
  })
  await process(made.folder, made, 4)
  const { problems } = await verifyAuditTrail(made.folder, { key: made.key, checkpoint: made.checkpoints })
  expect(problems.map(({ what }) => what)).toContain('forked')
})
