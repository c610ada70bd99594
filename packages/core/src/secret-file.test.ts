import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, promises, realpathSync, rmSync, writeFileSync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { readMountedFile, readSecretFile } from './secret-file.ts'

const canary = 'canary-4be1-of-a-file'
const { signal } = new AbortController()

let folder: string
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'secrets-file-')))
})
afterEach(() => {
  vi.restoreAllMocks()
  rmSync(folder, { recursive: true, force: true })
})

function file(content: string | Uint8Array): string {
  const path = join(folder, 'secret')
  writeFileSync(path, content)
  return path
}

/** Every file that is opened from now on, and every buffer that one is read into. */
function watchedFiles(): { readonly handles: FileHandle[]; readonly buffers: () => Uint8Array[] } {
  const { open } = promises
  const handles: FileHandle[] = []
  const read = vi.fn<(buffer: Uint8Array) => void>()
  vi.spyOn(promises, 'open').mockImplementation(async (...args) => {
    const handle = await open(...args)
    handles.push(handle)
    const reading: (buffer: Uint8Array, at: number) => Promise<{ bytesRead: number }> = handle.read.bind(handle)
    const watching = (buffer: Uint8Array, at: number): ReturnType<typeof reading> => {
      read(buffer)
      return reading(buffer, at)
    }
    return Object.assign(handle, { read: watching })
  })
  return { handles, buffers: () => read.mock.calls.map(([buffer]) => buffer) }
}

/** Whether there are any, and nothing but zeros is left in them. */
function expectOverwritten(buffers: Uint8Array[]): void {
  expect(buffers.length).toBeGreaterThan(0)
  for (const buffer of buffers) expect(Buffer.from(buffer).equals(Buffer.alloc(buffer.length))).toBe(true)
}

describe('the bytes that a file was read into', () => {
  it.each([
    ['text', `${canary} é`],
    ['other bytes', Buffer.concat([Uint8Array.of(0xff), Buffer.from(canary)])],
  ])('are overwritten once %s was made of them, which stays whole', async (_, content) => {
    const { buffers } = watchedFiles()
    const value = await readSecretFile(file(content), 'the file', signal)
    expect(Buffer.from(value ?? '')).toEqual(Buffer.from(content))
    expectOverwritten(buffers())
  })

  it('are overwritten when the file is refused for its size', async () => {
    const { buffers } = watchedFiles()
    await expect(readSecretFile(file('x'.repeat(65_537)), 'the file', signal)).rejects.toMatchObject({ code: 'CONFIGURATION' })
    expectOverwritten(buffers())
  })

  it('are what the text is decoded from, without a copy that would stay', async () => {
    const { buffers } = watchedFiles()
    const decode = vi.spyOn(TextDecoder.prototype, 'decode')
    await readSecretFile(file(canary), 'the file', signal)
    const [decoded] = decode.mock.calls[0] ?? []
    expect(decoded instanceof Uint8Array && decoded.buffer).toBe(buffers()[0]?.buffer)
  })
})

describe('a file', () => {
  const fates: Record<string, () => Promise<unknown>> = {
    'was read': () => readSecretFile(file(canary), 'the file', signal),
    'was read out of a directory': () => {
      file(canary)
      return readMountedFile(folder, 'secret', signal)
    },
    'was too large': () => readSecretFile(file('x'.repeat(65_537)), 'the file', signal),
    'was no regular one': () => readSecretFile(folder, 'the file', signal),
    'was opened for a call that was aborted meanwhile': () => {
      const controller = new AbortController()
      const reading = readSecretFile(file(canary), 'the file', controller.signal)
      controller.abort()
      return reading
    },
  }

  it.each(Object.entries(fates))('that %s is closed', async (_, read) => {
    const { handles } = watchedFiles()
    await Promise.allSettled([read()])
    expect(handles.map(({ fd }) => fd)).toEqual([-1])
  })
})

describe("Node's permission model", () => {
  const script = `
    import { readMountedFile, readSecretFile } from ${JSON.stringify(new URL('secret-file.ts', import.meta.url).href)}
    const [, folder] = process.argv
    const { signal } = new AbortController()
    const codeOf = (error) => [error.code, error.storeStatus].join(' ')
    const denied = [readSecretFile(folder + '/denied/secret', 'it', signal), readMountedFile(folder + '/denied', 'secret', signal)]
    const codes = await Promise.all(denied.map((reading) => reading.catch(codeOf)))
    console.log(JSON.stringify([...codes, await readMountedFile(folder + '/allowed', 'secret', signal)]))`

  it('denies a file, which is never told as an outage that a weaker store may bridge', () => {
    for (const name of ['allowed', 'denied']) {
      mkdirSync(join(folder, name))
      writeFileSync(join(folder, name, 'secret'), name)
    }
    const reads = [import.meta.dirname, join(folder, 'allowed')].map((place) => `--allow-fs-read=${place}`)
    const flags = ['--permission', ...reads, '--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', script, '--', folder]
    const denied = 'PERMISSION_DENIED ERR_ACCESS_DENIED'
    expect(JSON.parse(execFileSync(process.execPath, flags, { encoding: 'utf8' }))).toEqual([denied, denied, 'allowed'])
  })
})
