import * as fs from 'node:fs'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { context } from '../testing/folders.ts'
import { initAuditFolder } from './init-audit-folder.ts'
import { jsonLinesFile } from './file-sink.ts'

vi.mock('node:fs', async (original) => {
  const real = await original<typeof fs>()
  return { ...real, accessSync: vi.fn(real.accessSync) }
})

let parent: string

beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'audit-'))
  await mkdir(join(parent, 'empty'))
  await writeFile(join(parent, 'file'), '')
  await initAuditFolder(join(parent, 'ready'))
})
afterEach(() => vi.mocked(fs.accessSync).mockReset())
afterAll(() => rm(parent, { recursive: true }))

const refused = (text: string): unknown => expect.objectContaining({ code: 'CONFIGURATION', message: expect.stringContaining(text) })

/** As the system says it to whoever is not root. */
function accessFails(code: string): void {
  vi.mocked(fs.accessSync).mockImplementationOnce(() => {
    throw Object.assign(new Error('the message of the system'), { code })
  })
}

it.each([
  [0o777, 1],
  [0o707, 1],
  [0o775, 0], // a group may be meant to
  [0o700, 0],
])('of a folder of mode %o, that every user may write to, it warns when it is made ready and when it is used: %i', async (mode, count) => {
  const folder = join(parent, `mode-${mode}`)
  await mkdir(folder)
  await chmod(folder, mode)
  const warn = vi.spyOn(process, 'emitWarning').mockReturnValue(undefined)
  await initAuditFolder(folder)
  await jsonLinesFile({ folder }).close?.(context)
  expect(warn.mock.calls.map(([text]) => text)).toEqual(Array.from({ length: 2 * count }, () => expect.stringContaining('chmod o-w')))
  warn.mockRestore()
})

it('nothing warns of the mode of a folder on Windows, where each folder has that one', async () => {
  const folder = join(parent, 'windows')
  await mkdir(folder)
  await chmod(folder, 0o777)
  const warn = vi.spyOn(process, 'emitWarning').mockReturnValue(undefined)
  const platform = vi.spyOn(process, 'platform', 'get').mockReturnValue('win32')
  await initAuditFolder(folder)
  expect(warn).not.toHaveBeenCalled()
  platform.mockRestore()
  warn.mockRestore()
})

it.each(['missing', 'empty', 'file'])('a sink for a folder that was never made ready (%s) is refused when it is made', (folder) => {
  expect(() => jsonLinesFile({ folder: join(parent, folder) })).toThrow(refused('initAuditFolder'))
})

it.each(['EACCES', 'EPERM', 'ERR_ACCESS_DENIED'])('so is one for a folder that this process may not read (%s)', (code) => {
  accessFails(code)
  expect(() => jsonLinesFile({ folder: join(parent, 'ready') })).toThrow(
    refused(`may not read the folder ${JSON.stringify(join(parent, 'ready'))}`),
  )
})

it('one that lost its key is not to be made ready again: it can be verified, and a new one written', async () => {
  const folder = join(parent, 'lost')
  await initAuditFolder(folder)
  await rm(join(folder, 'key.json'))
  expect(() => jsonLinesFile({ folder })).toThrow(refused(`${JSON.stringify(folder)} of the audit trail lost its key.json`))
})

it('a disk that fails is left to the first record', async () => {
  accessFails('EIO')
  const sink = jsonLinesFile({ folder: join(parent, 'ready') })
  expect(sink.name).toBe('file')
  await sink.close?.(context)
})

it('a folder that is ready is not touched', async () => {
  const folder = join(parent, 'ready')
  const before = fs.readdirSync(folder)
  const sink = jsonLinesFile({ folder })
  expect(fs.readdirSync(folder)).toEqual(before)
  await sink.close?.(context)
})
