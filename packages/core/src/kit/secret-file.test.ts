import fs, { mkdtempSync, promises, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { refusal } from '../testing/refusal.ts'
import { maxSecretFileBytes, readSecretFile, readWhole, textOrBytes, withSecretFile } from './secret-file.ts'

const { signal } = new AbortController()

let folder: string
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'secrets-file-'))))
afterEach(() => {
  vi.restoreAllMocks()
  rmSync(folder, { recursive: true })
})

function file(content: string | Uint8Array): string {
  const path = join(folder, 'secret')
  writeFileSync(path, content)
  return path
}

const read = (path: string, by = signal): Promise<string | Uint8Array | undefined> => readSecretFile(path, 'the file', by)

it.each([
  ['a byte order mark and line ends', '\ufeffa\r\nb\n'],
  ['nothing', ''],
  ['the most bytes', 'x'.repeat(maxSecretFileBytes)],
])('returns text as it is, with %s', async (_, content) => {
  expect(await read(file(content))).toBe(content)
})

it('returns bytes if they are no UTF-8', async () => {
  expect(await read(file(Uint8Array.of(0xff, 0xfe)))).toEqual(Uint8Array.of(0xff, 0xfe))
})

it('refuses a file that is larger, without a status of the system', async () => {
  const error = await refusal(read(file('x'.repeat(maxSecretFileBytes + 1))))
  expect(error).toMatchObject({ code: 'CONFIGURATION', problem: 'the file is larger than 65536 bytes', storeStatus: undefined })
})

it('reads up to another bound, where one is given', async () => {
  const bounded = (content: string): Promise<unknown> =>
    withSecretFile(file(content), 'it', signal, (handle) => readWhole(handle, 'it', 100_000))
  expect(await bounded('x'.repeat(100_000))).toBe('x'.repeat(100_000))
  expect(await refusal(bounded('x'.repeat(100_001)))).toMatchObject({ code: 'CONFIGURATION', problem: 'it is larger than 100000 bytes' })
})

it("reads with a handle that reads nothing unless a length is given, as those of Plug'n'Play", async () => {
  const content = Buffer.from('a secret')
  let at = 0
  const piece = async (into: Uint8Array, offset: number, length = 0): Promise<{ bytesRead: number }> => {
    const bytesRead = content.copy(into, offset, at, at + Math.min(length, 3))
    at += bytesRead
    return { bytesRead }
  }
  expect(await readWhole({ read: piece }, 'it')).toBe('a secret')
})

it('gives bytes as a copy, and text as it is', () => {
  const bytes = Uint8Array.of(0xff)
  const copy = textOrBytes(bytes)
  bytes.fill(0)
  expect([copy, textOrBytes(Buffer.from('\ufeffa\n'))]).toEqual([Uint8Array.of(0xff), '\ufeffa\n'])
})

it.each([
  ['a name that is not there', () => join(folder, 'none')],
  ['a name below a file', () => join(file('x'), 'secret')],
  ['a name that no system takes', () => join(folder, 'x'.repeat(300))],
])('returns undefined for %s', async (_, path) => {
  expect(await read(path())).toBeUndefined()
})

it.each([
  ['EACCES', 'PERMISSION_DENIED', 'the file may not be read by this process'],
  ['ELOOP', 'CONFIGURATION', 'the file is not a regular file'],
  ['ENXIO', 'CONFIGURATION', 'the file is not a regular file'],
  ['EIO', 'UNAVAILABLE', 'the file could not be read'],
])('a file that fails with %s is %s', async (status, code, problem) => {
  vi.spyOn(promises, 'open').mockRejectedValue(Object.assign(new Error('open /run/hunter2'), { code: status }))
  expect(await refusal(read('secret'))).toMatchObject({ code, problem, storeStatus: status })
})

it('reads on a system without O_NONBLOCK, such as Windows', async () => {
  const { O_NONBLOCK: _, ...constants } = fs.constants
  const getBuiltinModule = process.getBuiltinModule
  vi.spyOn(process, 'getBuiltinModule').mockImplementation((name: string) =>
    name === 'node:fs' ? { ...fs, constants } : Reflect.apply(getBuiltinModule, process, [name]),
  )
  expect(await read(file('hunter2'))).toBe('hunter2')
})

it('is ABORTED if the signal is aborted already, even if there is no file', async () => {
  expect((await refusal(read(join(folder, 'none'), AbortSignal.abort()))).code).toBe('ABORTED')
})

it('reads nothing for a call that is aborted while the file is opened', async () => {
  const { open } = promises
  const caller = new AbortController()
  vi.spyOn(promises, 'open').mockImplementation(async (...args) => {
    const handle = await open(...args)
    caller.abort()
    return handle
  })
  expect((await refusal(read(file('hunter2'), caller.signal))).code).toBe('ABORTED')
})

it('is found, though its volume is swapped between finding the file and opening it', async () => {
  const path = file('hunter2')
  const swapped = Object.assign(new Error('swapped'), { code: 'ENOENT' })
  vi.spyOn(promises, 'open').mockRejectedValueOnce(swapped)
  expect(await read(path)).toBe('hunter2')
})
