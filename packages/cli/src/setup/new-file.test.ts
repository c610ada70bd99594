import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { makeProject } from '../testing/make-project.ts'
import { writeNewFile } from './new-file.ts'

/** What the folder had each time that a text was about to be written. */
const seen = vi.hoisted((): string[][] => [])
let watched = ''
vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>()
  const write: typeof fs.writeFileSync = (file, ...rest) => {
    if (typeof file === 'number') seen.push(fs.readdirSync(watched))
    fs.writeFileSync(file, ...rest)
  }
  return { ...fs, writeFileSync: write }
})

describe('writeNewFile', () => {
  it('gives a file its name when it is whole: a kill leaves no empty key, which a second run would keep', () => {
    watched = makeProject({ 'key.new': 'half' })
    writeNewFile({ path: join(watched, 'key'), text: 'whole', mode: 0o600 })
    expect(seen).toEqual([['key.new']])
    expect([readFileSync(join(watched, 'key'), 'utf8'), readdirSync(watched)]).toEqual(['whole', ['key']])
  })

  it('overwrites nothing, also not what a link leads to', () => {
    const folder = makeProject({ key: 'before' })
    symlinkSync('key', join(folder, 'link'))
    symlinkSync('nowhere', join(folder, 'dangling'))
    watched = folder
    for (const name of ['key', 'link', 'dangling'])
      expect(() => writeNewFile({ path: join(folder, name), text: 'canary-4711', mode: 0o600 })).toThrow(`${name} is there already`)
    expect(readFileSync(join(folder, 'key'), 'utf8')).toBe('before')
  })

  it('replaces a file as a whole, also behind a run that was killed', () => {
    const folder = makeProject({ config: 'before', 'config.new': 'half' })
    watched = folder
    writeNewFile({ path: join(folder, 'config'), text: 'after', replace: true })
    expect(readdirSync(folder)).toEqual(['config'])
    expect(readFileSync(join(folder, 'config'), 'utf8')).toBe('after')
  })

  it.each([
    ['a folder in its place', (folder: string) => mkdirSync(join(folder, 'config'))],
    ['no folder for it', () => undefined],
  ])('says what is wrong without the path of the system: %s', (name, prepare) => {
    const folder = makeProject({})
    prepare(folder)
    watched = folder
    const path = name.startsWith('no') ? join(folder, 'none/config') : join(folder, 'config')
    expect(() => writeNewFile({ path, text: 'x', replace: true })).toThrow(/^config(\.new)? (is|cannot)/)
  })

  it('gives a key to its owner alone', () => {
    watched = makeProject({})
    const path = join(watched, 'key')
    writeNewFile({ path, text: 'x', mode: 0o600 })
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })
})
