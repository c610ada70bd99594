import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { rotateAuditFolder } from '../file/rotate-audit-folder.ts'
import { deriveAuditKey } from '../retention/derive-audit-key.ts'
import { emptyFolder, removeTestFolders, testFolder, trailOf } from '../testing/folders.ts'
import { chooseAuditKey } from './choose-audit-key.ts'

afterAll(removeTestFolders)

it('finds the key of a folder among those of others, also one for a part of it', async () => {
  const [one, other] = [await trailOf(1), await testFolder()]
  expect(await chooseAuditKey(one.folder, [other.key, one.key])).toBe(one.key)
  expect(await chooseAuditKey(other.folder, [Buffer.from(one.key), Buffer.from(other.key)])).toEqual(Buffer.from(other.key))
  const part = deriveAuditKey(one.key, { firstSegment: 1 })
  expect(await chooseAuditKey(one.folder, [other.key, part])).toBe(part)
})

it('finds the key of the first folder for one in which its trail went on', async () => {
  const [one, other] = [await trailOf(1), await testFolder()]
  const { to } = await rotateAuditFolder(one.folder)
  expect(await chooseAuditKey(to, [other.key, one.key])).toBe(one.key)
  expect(await chooseAuditKey(to, [other.key])).toBeUndefined()
})

it('finds none if none is its own', async () => {
  const [one, other] = [await trailOf(1), await testFolder()]
  expect(await chooseAuditKey(one.folder, [other.key])).toBeUndefined()
  expect(await chooseAuditKey(one.folder, [])).toBeUndefined()
  expect(await chooseAuditKey(await emptyFolder(), [one.key])).toBeUndefined()
})

it('goes by the segments if the index is gone or damaged', async () => {
  const { folder, key } = await trailOf(1)
  await writeFile(join(folder, 'index.jsonl'), 'damaged\n')
  expect(await chooseAuditKey(folder, [key])).toBe(key)
  await rm(join(folder, 'index.jsonl'))
  expect(await chooseAuditKey(folder, [key])).toBe(key)
})

it('refuses what is no key, no list and no folder', async () => {
  const { folder, key } = await trailOf(1)
  const canary = 'canary-4711'
  await expect(chooseAuditKey(folder, [canary])).rejects.toMatchObject({
    code: 'CONFIGURATION',
    message: expect.not.stringContaining(canary),
  })
  await expect(chooseAuditKey(folder, key as never)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  await expect(chooseAuditKey(join(folder, 'none'), [key])).rejects.toMatchObject({ code: 'AUDIT_FAILED' })
})
