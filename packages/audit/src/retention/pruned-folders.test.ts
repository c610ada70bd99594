import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { rotateAuditFolder } from '../file/rotate-audit-folder.ts'
import { removeTestFolders, testFolder } from '../testing/folders.ts'
import { holdAuditFolder, releaseAuditFolder } from './hold-audit-folder.ts'
import { HoldWatch } from './pruned-folders.ts'

afterAll(removeTestFolders)

const reason = 'case 4711'

describe('a watch for legal holds', () => {
  it('finds one that begins or ends later, in any folder of the trail', async () => {
    const { folder } = await testFolder()
    const watch = new HoldWatch(folder)
    expect((await watch.held()).length > 0).toBe(false)
    await holdAuditFolder(folder, { reason })
    await rotateAuditFolder(folder)
    expect((await watch.held()).length > 0).toBe(true)
    await releaseAuditFolder(folder, { reason })
    expect([await watch.held(), await new HoldWatch(folder).held()]).toEqual([[], []])
  })

  it('reads no index again that did not grow: of many folders each would be read for each', async () => {
    const { folder } = await testFolder()
    await holdAuditFolder(folder, { reason })
    const watch = new HoldWatch(folder)
    expect((await watch.held()).length > 0).toBe(true)
    const [path, index] = [join(folder, 'index.jsonl'), await readFile(join(folder, 'index.jsonl'), 'utf8')]
    await writeFile(path, index.replace('"isHeld":true', '"isHeld":trUe'))
    expect([(await watch.held()).length > 0, (await new HoldWatch(folder).held()).length > 0]).toEqual([true, false])
  })
})
