import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, promises, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { readSecretFile, readWhole } from '../secret-file.ts'
import { askMountedFile, identify, isMountedName, mountedRoot, readIdentified } from './mounted-file.ts'

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

describe('the buffer of a file', () => {
  it.each([
    ['text', `${canary} é`],
    ['other bytes', Buffer.concat([Uint8Array.of(0xff), Buffer.from(canary)])],
  ])('is overwritten after %s was copied from it', async (_, content) => {
    const { buffers } = watchedFiles()
    const value = await readSecretFile(file(content), 'the file', signal)
    expect(Buffer.from(value ?? '')).toEqual(Buffer.from(content))
    expectOverwritten(buffers())
  })

  it('is overwritten if the file is too large', async () => {
    const { buffers } = watchedFiles()
    await expect(readSecretFile(file('x'.repeat(65_537)), 'the file', signal)).rejects.toMatchObject({ code: 'CONFIGURATION' })
    expectOverwritten(buffers())
  })

  it('is decoded without another copy', async () => {
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
      return askMountedFile(folder, 'secret', signal, readWhole)
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

describe('a mounted directory', () => {
  it('is named by its option if it is missing', async () => {
    await expect(mountedRoot(join(folder, 'none'), 'folder')).rejects.toMatchObject({ problem: '`folder` names no directory' })
    await expect(mountedRoot(file('x'))).rejects.toMatchObject({ problem: '`directory` names no directory' })
    const asked = askMountedFile(join(folder, 'none'), 'secret', signal, identify, 'folder')
    await expect(asked).rejects.toMatchObject({ code: 'CONFIGURATION', problem: '`folder` names no directory' })
    expect(await mountedRoot(folder)).toBe(folder)
  })

  it('gives a content with its identity, up to the bound', async () => {
    file(canary)
    const found = await askMountedFile(folder, 'secret', signal, identify)
    expect(await askMountedFile(folder, 'secret', signal, readIdentified)).toEqual({ value: canary, revision: found?.revision })
    const bounded = askMountedFile(folder, 'secret', signal, (handle, subject) => readIdentified(handle, subject, 5))
    await expect(bounded).rejects.toMatchObject({ code: 'CONFIGURATION' })
  })

  it.each(['', '.', '..', '..data', 'a/..data', 'a//b', '/a', 'a/', 'a\\b'])('has no file of the name %j', (name) => {
    expect(isMountedName(name)).toBe(false)
    expect(isMountedName(`${name}x`.replaceAll(/[./\\]/g, ''))).toBe(true)
  })
})

/** Calls this between finding out where a path leads and opening that, at each attempt. */
function beforeOpen(change: (attempt: number) => void, after: () => void = () => {}): void {
  const { open } = promises
  let attempt = 0
  vi.spyOn(promises, 'open').mockImplementation(async (...args) => {
    change((attempt += 1))
    const handle = await open(...args)
    after()
    return handle
  })
}

describe.each([['the system gives the path of an open file'], ['it does not']])(
  'a directory that changes under its reader, where %s',
  (system) => {
    let [mount, outside] = ['', '']
    beforeEach(() => {
      ;[mount, outside] = [join(folder, 'mount'), join(folder, 'outside')]
      for (const place of [mount, outside, join(mount, 'db'), join(outside, 'db')]) mkdirSync(place)
      for (const path of ['token', 'db/token']) writeFileSync(join(mount, path), 'inside')
      for (const path of ['token', 'db/token']) writeFileSync(join(outside, path), canary)
      if (system === 'it does not') vi.spyOn(promises, 'readlink').mockRejectedValue(Object.assign(new Error('x'), { code: 'ENOENT' }))
    })

    /** Puts a link to what is outside in the place of this file or folder, or puts it back. */
    function swap(path: string): void {
      const place = join(mount, path)
      renameSync(place, join(folder, 'aside'))
      symlinkSync(join(outside, path), place)
    }
    function swapBack(path: string): void {
      rmSync(join(mount, path))
      renameSync(join(folder, 'aside'), join(mount, path))
    }

    it.each(['token', 'db', 'db/token'])('reads nothing outside if %s becomes a link before it is opened', async (path) => {
      const name = path === 'db' ? 'db/token' : path
      beforeOpen((attempt) => (attempt === 1 ? swap(path) : undefined))
      await expect(askMountedFile(mount, name, signal, readWhole)).rejects.toMatchObject({ code: 'CONFIGURATION' })
    })

    it.each(['token', 'db', 'db/token'])('reads nothing outside if %s is a link only while it is opened', async (path) => {
      const name = path === 'db' ? 'db/token' : path
      beforeOpen(
        () => swap(path),
        () => swapBack(path),
      )
      await expect(askMountedFile(mount, name, signal, readWhole)).rejects.toMatchObject({
        code: expect.stringMatching(/CONFIGURATION|UNAVAILABLE/),
      })
    })

    it('reads nothing outside if the directory becomes a link', async () => {
      beforeOpen((attempt) => {
        if (attempt > 1) return
        renameSync(mount, join(folder, 'aside'))
        symlinkSync(outside, mount)
      })
      const read = askMountedFile(mount, 'token', signal, readWhole)
      const code = await read.catch((error: { readonly code: string }) => error.code)
      expect(code).toBe(system === 'it does not' ? 'UNAVAILABLE' : 'CONFIGURATION')
    })

    it.each([
      ['another one is in its place', true, { code: 'UNAVAILABLE', remedy: 'try again' }],
      ['none is', false, { code: 'CONFIGURATION', problem: '`directory` names no directory' }],
    ])('says so, and not that the file is outside, if the directory is renamed while it is open: %s', async (_, isReplaced, error) => {
      const aside = join(folder, 'aside')
      beforeOpen(
        () => {},
        () => {
          renameSync(mount, aside)
          if (!isReplaced) return
          mkdirSync(mount)
          writeFileSync(join(mount, 'token'), 'second')
        },
      )
      await expect(askMountedFile(mount, 'token', signal, readWhole)).rejects.toMatchObject(error)
    })

    it('reads the file that replaced it meanwhile', async () => {
      beforeOpen((attempt) => {
        if (attempt > 1) return
        writeFileSync(join(mount, 'next'), 'rotated')
        renameSync(join(mount, 'next'), join(mount, 'token'))
      })
      expect(await askMountedFile(mount, 'token', signal, readWhole)).toBe('rotated')
    })

    /** A volume as Kubernetes mounts it: links to a folder that is swapped by renaming a link. */
    function publish(generation: string, content: string): void {
      const data = join(mount, generation)
      mkdirSync(data)
      writeFileSync(join(data, 'password'), content)
      symlinkSync(generation, join(mount, '..data_tmp'))
      renameSync(join(mount, '..data_tmp'), join(mount, '..data'))
    }

    it.each([
      ['the old folder is still there', false, /^(first|second)$/],
      ['the old folder is gone', true, /^second$/],
    ])("follows Kubernetes's swap of a volume: %s", async (_, isGone, expected) => {
      publish('..2026_1', 'first')
      symlinkSync('..data/password', join(mount, 'password'))
      beforeOpen((attempt) => {
        if (attempt > 1) return
        publish('..2026_2', 'second')
        if (isGone) rmSync(join(mount, '..2026_1'), { recursive: true })
      })
      expect(await askMountedFile(mount, 'password', signal, readWhole)).toMatch(expected)
      expect(await askMountedFile(mount, 'password', signal, readWhole)).toBe('second')
    })

    it('gives up if it keeps changing, and never reports it as missing', async () => {
      beforeOpen(
        () => rmSync(join(mount, 'token')),
        () => writeFileSync(join(mount, 'token'), 'inside'),
      )
      const { open } = promises
      vi.mocked(open).mockImplementation(async () => {
        await promises.rename(join(mount, 'token'), join(mount, 'moving'))
        await promises.rename(join(mount, 'moving'), join(mount, 'token'))
        throw Object.assign(new Error('x'), { code: 'ENOENT' })
      })
      await expect(askMountedFile(mount, 'token', signal, readWhole)).rejects.toMatchObject({ code: 'UNAVAILABLE', remedy: 'try again' })
    })

    it('never reports as missing what a replaced directory had and has', async () => {
      const { lstat } = promises
      renameSync(mount, join(folder, 'aside'))
      // The directory is away while its file is looked for, and another one is back behind that.
      vi.spyOn(promises, 'realpath').mockImplementationOnce(async () => mount)
      vi.spyOn(promises, 'stat').mockImplementationOnce(() => promises.stat(join(folder, 'aside')))
      vi.spyOn(promises, 'lstat').mockImplementationOnce(async (place) => {
        const found = await lstat(place).catch((error: unknown) => error)
        mkdirSync(mount)
        writeFileSync(join(mount, 'token'), 'second')
        throw found
      })
      await expect(askMountedFile(mount, 'token', signal, readWhole)).rejects.toMatchObject({ code: 'UNAVAILABLE', remedy: 'try again' })
      expect(await askMountedFile(mount, 'token', signal, readWhole)).toBe('second')
    })

    it('refuses a FIFO or a folder that replaced it', async () => {
      beforeOpen((attempt) => {
        if (attempt > 1) return
        rmSync(join(mount, 'token'))
        execFileSync('mkfifo', [join(mount, 'token')])
      })
      await expect(askMountedFile(mount, 'token', signal, readWhole)).rejects.toMatchObject({ code: 'CONFIGURATION' })
    })

    it('stops between two attempts when the caller gives up', async () => {
      const caller = new AbortController()
      beforeOpen(() => {
        caller.abort()
        throw Object.assign(new Error('x'), { code: 'ENOENT' })
      })
      await expect(askMountedFile(mount, 'token', caller.signal, readWhole)).rejects.toMatchObject({ code: 'ABORTED' })
    })
  },
)

describe('a folder that another process keeps swapping with a link', () => {
  it('never reads outside', async () => {
    for (const place of ['mount/db', 'outside/db']) mkdirSync(join(folder, place), { recursive: true })
    writeFileSync(join(folder, 'mount/db/token'), 'inside')
    writeFileSync(join(folder, 'outside/db/token'), canary)
    symlinkSync(join(folder, 'outside/db'), join(folder, 'link'))
    const script = `
      import { renameSync } from 'node:fs'
      const [db, link, aside] = ['/mount/db', '/link', '/aside'].map((place) => process.argv[1] + place)
      const swap = (one, other) => { renameSync(one, aside); renameSync(other, one); renameSync(aside, other) }
      process.stdout.write('swapping')
      for (;;) for (let times = 0; times < 100; times += 1) swap(db, link)`
    const swapping = spawn(process.execPath, ['--input-type=module', '--eval', script, folder])
    try {
      await once(swapping.stdout, 'data')
      const outcomes = new Set<unknown>()
      for (let times = 0; times < 2_000; times += 1)
        outcomes.add(await askMountedFile(join(folder, 'mount'), 'db/token', signal, readWhole).catch(({ code }: { code: string }) => code))
      expect(outcomes).not.toContain(canary)
      expect(outcomes).toContain('inside')
    } finally {
      swapping.kill('SIGKILL')
      await once(swapping, 'exit')
    }
  })
})

describe("Node's permission model", () => {
  const script = `
    import { askMountedFile } from ${JSON.stringify(new URL('mounted-file.ts', import.meta.url).href)}
    import { readSecretFile, readWhole } from ${JSON.stringify(new URL('../secret-file.ts', import.meta.url).href)}
    const [, folder] = process.argv
    const { signal } = new AbortController()
    const codeOf = (error) => [error.code, error.storeStatus].join(' ')
    const denied = [readSecretFile(folder + '/denied/secret', 'it', signal), askMountedFile(folder + '/denied', 'secret', signal, readWhole)]
    const codes = await Promise.all(denied.map((reading) => reading.catch(codeOf)))
    console.log(JSON.stringify([...codes, await askMountedFile(folder + '/allowed', 'secret', signal, readWhole)]))`

  it('denies a file as PERMISSION_DENIED, so that no weaker store answers', () => {
    for (const name of ['allowed', 'denied']) {
      mkdirSync(join(folder, name))
      writeFileSync(join(folder, name, 'secret'), name)
    }
    const reads = [join(import.meta.dirname, '../..'), join(folder, 'allowed')].map((place) => `--allow-fs-read=${place}`)
    const flags = ['--permission', ...reads, '--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', script, '--', folder]
    const denied = 'PERMISSION_DENIED ERR_ACCESS_DENIED'
    expect(JSON.parse(execFileSync(process.execPath, flags, { encoding: 'utf8' }))).toEqual([denied, denied, 'allowed'])
  })
})
