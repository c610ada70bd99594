import { mkdirSync, renameSync, rmSync, statSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { temporaryFolder } from '../testing/temporary-store.ts'
import { Folder } from './folder.ts'

/** The fake clock runs ahead of the one that stamps folders. */
beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 1_000 }))
afterEach(() => void vi.useRealTimers())

/** How often each call ran its check. */
function watched(path: string): () => number {
  const folder = new Folder(path)
  return () => {
    const check = vi.fn<() => void>()
    folder.unlessUnchanged(check)
    return check.mock.calls.length
  }
}

describe('a folder', () => {
  test('is checked once while no name in it changes', () => {
    const look = watched(temporaryFolder())
    expect([look(), look(), look()]).toEqual([1, 0, 0])
  })

  test.each<[string, (folder: string) => void]>([
    ['is created', (folder) => writeFileSync(join(folder, 'new'), '')],
    ['is removed', (folder) => unlinkSync(join(folder, 'file'))],
    ['is renamed', (folder) => renameSync(join(folder, 'file'), join(folder, 'other'))],
    ['takes the place of another', (folder) => renameSync(join(folder, 'second'), join(folder, 'file'))],
  ])('is checked again when a file in it %s, even if its times are set back', (_, change) => {
    const folder = temporaryFolder()
    for (const name of ['file', 'second']) writeFileSync(join(folder, name), '')
    const look = watched(folder)
    expect([look(), look()]).toEqual([1, 0])
    const { atime, mtime } = statSync(folder)
    change(folder)
    utimesSync(folder, atime, mtime)
    expect([look(), look()]).toEqual([1, 0])
  })

  test('is checked again when it was replaced or removed', () => {
    const path = join(temporaryFolder(), 'folder')
    mkdirSync(path)
    const look = watched(path)
    expect([look(), look()]).toEqual([1, 0])
    renameSync(path, `${path}.former`)
    expect([look(), look()]).toEqual([1, 1])
    mkdirSync(path)
    expect([look(), look()]).toEqual([1, 0])
    rmSync(path, { recursive: true })
    renameSync(`${path}.former`, path)
    expect(look()).toBe(1)
  })

  test('is checked each time while its stamp is too recent to be unique', () => {
    vi.setSystemTime(Date.now() - 1_000)
    const look = watched(temporaryFolder())
    expect([look(), look()]).toEqual([1, 1])
    vi.setSystemTime(Date.now() + 1_000)
    expect([look(), look()]).toEqual([1, 0])
  })

  test('is checked again after a check that failed', () => {
    const folder = new Folder(temporaryFolder())
    const fails = (): void => {
      throw new Error('not as it was')
    }
    expect(() => folder.unlessUnchanged(fails)).toThrow('not as it was')
    expect(() => folder.unlessUnchanged(fails)).toThrow('not as it was')
  })
})
