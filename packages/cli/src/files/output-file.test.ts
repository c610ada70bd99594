import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { makeProject } from '../testing/make-project.ts'
import { assertFree, readableByAll, reserveOutput, writeOutput } from './output-file.ts'
import { newPart } from './part-file.ts'

const canary = 'canary-4711'
const part = /^key\.\d+\.[0-9a-f]{12}\.part$/

/** What the folder had, by mode, each time that a file was about to get its name. */
const seen = vi.hoisted((): { readonly names: readonly string[]; readonly mode: number }[] => [])
vi.mock('node:fs/promises', async (original) => {
  const fs = await original<typeof import('node:fs/promises')>()
  const { readdirSync: names, statSync: status } = await import('node:fs')
  const link: typeof fs.link = async (from, to) => {
    seen.push({ names: names(join(String(to), '..')), mode: status(String(from)).mode & 0o777 })
    return fs.link(from, to)
  }
  return { ...fs, link }
})

/** A part as a run of this process left it. */
function partOf(path: string, id: number | undefined): string {
  const file = newPart(path).replace(`.${process.pid}.`, `.${id}.`)
  writeFileSync(file, 'half')
  return basename(file)
}

async function running(): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
  onTestFinished(() => void child.kill('SIGKILL'))
  await once(child, 'spawn')
  return child
}

describe('writeOutput', () => {
  it('gives a file its name when it is whole: a kill leaves no empty key, which a second run would keep', async () => {
    const folder = makeProject({})
    await writeOutput(join(folder, 'key'), 'whole')
    expect(seen).toEqual([{ names: [expect.stringMatching(part)], mode: 0o600 }])
    expect([readFileSync(join(folder, 'key'), 'utf8'), readdirSync(folder)]).toEqual(['whole', ['key']])
  })

  it('overwrites nothing, also not what a link leads to', async () => {
    const folder = makeProject({ key: 'before' })
    symlinkSync('key', join(folder, 'link'))
    symlinkSync('nowhere', join(folder, 'dangling'))
    for (const name of ['key', 'link', 'dangling'])
      await expect(writeOutput(join(folder, name), canary)).rejects.toThrow(`${name} is there already`)
    expect(readFileSync(join(folder, 'key'), 'utf8')).toBe('before')
    expect(readdirSync(folder).toSorted()).toEqual(['dangling', 'key', 'link'])
  })

  it('replaces a file as a whole, if it may', async () => {
    const folder = makeProject({ config: 'before' })
    await writeOutput(join(folder, 'config'), 'after', { replace: true })
    expect(readdirSync(folder)).toEqual(['config'])
    expect(readFileSync(join(folder, 'config'), 'utf8')).toBe('after')
  })

  it('never takes the place of a pipe or a device, also behind a link', async () => {
    const folder = makeProject({})
    execFileSync('mkfifo', [join(folder, 'pipe')])
    symlinkSync('/dev/null', join(folder, 'link'))
    for (const name of ['pipe', 'link']) {
      await expect(writeOutput(join(folder, name), canary, { replace: true })).rejects.toThrow(`${name} is no file`)
      expect(() => assertFree(join(folder, name), true)).toThrow(`${name} is no file`)
    }
    expect(statSync(join(folder, 'pipe')).isFIFO()).toBe(true)
    expect(statSync(join(folder, 'link')).isCharacterDevice()).toBe(true)
  })

  it('leaves the files beside it alone, such as the next key', async () => {
    const folder = makeProject({ 'key.new': canary, 'key.1.part': canary, 'other.1.0123456789ab.part': canary })
    await writeOutput(join(folder, 'key'), 'x')
    expect(readdirSync(folder).toSorted()).toEqual(['key', 'key.1.part', 'key.new', 'other.1.0123456789ab.part'])
  })

  it.each<[string, (folder: string) => string, RegExp]>([
    ['a folder in its place', (folder) => (mkdirSync(join(folder, 'key')), 'key'), /^key is no file$/],
    ['no folder for it', () => 'none/key', /^key cannot be made: its folder does not exist$/],
    [
      'a file for a folder',
      (folder) => (writeFileSync(join(folder, 'none'), ''), 'none/key'),
      /^key cannot be made: its folder is no folder$/,
    ],
    ['too long a name', () => 'k'.repeat(255), /^k+ cannot be made: its name is too long$/],
  ])('says what is wrong without the path of the system: %s', async (_, prepare, message) => {
    const folder = makeProject({})
    const path = join(folder, prepare(folder))
    await expect(writeOutput(path, canary, { replace: true })).rejects.toThrow(message)
    await expect(writeOutput(path, canary, { replace: true })).rejects.not.toThrow(folder)
  })

  it('gives a file to the user alone, unless it says otherwise', async () => {
    const folder = makeProject({})
    await writeOutput(join(folder, 'key'), 'x')
    await writeOutput(join(folder, 'config'), 'x', { mode: readableByAll })
    const modes = ['key', 'config'].map((name) => statSync(join(folder, name)).mode & 0o777)
    expect(modes).toEqual([0o600, readableByAll & ~process.umask()])
  })
})

describe('what a killed run left', () => {
  it('is removed by the next run, also by one of the same number, as in a container', async () => {
    const folder = makeProject({})
    const ended = await running()
    ended.kill('SIGKILL')
    await once(ended, 'exit')
    for (const id of [ended.pid, process.pid]) partOf(join(folder, 'key'), id)
    await writeOutput(join(folder, 'key'), 'x')
    expect(readdirSync(folder)).toEqual(['key'])
  })

  it('is removed even where nothing is written, since the name is taken', () => {
    const folder = makeProject({ key: 'before' })
    partOf(join(folder, 'key'), process.pid)
    expect(() => assertFree(join(folder, 'key'), false)).toThrow('key is there already')
    expect(readdirSync(folder)).toEqual(['key'])
  })

  it('stays while its process runs', async () => {
    const folder = makeProject({})
    const name = partOf(join(folder, 'key'), (await running()).pid)
    await writeOutput(join(folder, 'key'), 'x')
    expect(readdirSync(folder).toSorted()).toEqual(['key', name])
  })
})

describe('reserveOutput', () => {
  it('takes a name for the user alone before there is anything to write', async () => {
    const folder = makeProject({})
    const file = await reserveOutput(join(folder, 'key'))
    expect(statSync(join(folder, 'key')).mode & 0o777).toBe(0o600)
    await expect(reserveOutput(join(folder, 'key'))).rejects.toThrow('key is there already')
    await file.write('whole')
    expect(readFileSync(join(folder, 'key'), 'utf8')).toBe('whole')
    await file.remove()
    expect(readdirSync(folder)).toEqual([])
  })
})
