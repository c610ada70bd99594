import { EventEmitter } from 'node:events'
import fs from 'node:fs'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { FolderChanges } from './folder-changes.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

describe('the watches of directories', () => {
  class Watcher extends EventEmitter {
    readonly close = vi.fn<() => void>()
  }

  interface Opened {
    readonly directory: unknown
    readonly options: unknown
    readonly watcher: Watcher
    /** Tells of a name in the directory. */
    readonly tell: (name: string) => void
  }

  function opening(): Opened[] {
    const opened: Opened[] = []
    vi.spyOn(fs, 'watch').mockImplementation((...args: unknown[]) => {
      const [directory, options, listener] = args
      const watcher = new Watcher()
      const tell = (name: string): void => void (typeof listener === 'function' && listener('rename', name))
      opened.push({ directory, options, watcher, tell })
      return watcher as unknown as fs.FSWatcher // what is used of one
    })
    return opened
  }

  it('are open while somebody listens, one for each directory, and keep no process alive', () => {
    const opened = opening()
    const changes = new FolderChanges()
    changes.include('/mnt/a')
    expect(opened).toEqual([])
    const end = changes.listen(() => {})
    for (const directory of ['/mnt/a', '/mnt/b', '/mnt/b']) changes.include(directory)
    expect(opened.map(({ directory, options }) => [directory, options])).toEqual([
      ['/mnt/a', { persistent: false }],
      ['/mnt/b', { persistent: false }],
    ])
    end()
    changes.include('/mnt/c')
    expect(opened.map(({ watcher }) => watcher.close.mock.calls.length)).toEqual([1, 1])
    changes.listen(() => {})
    expect(opened.map(({ directory }) => directory)).toEqual(['/mnt/a', '/mnt/b', '/mnt/a', '/mnt/b', '/mnt/c'])
  })

  it.each<[string, (opened: Opened) => unknown]>([
    ['was moved or removed', ({ tell }) => tell('a')],
    ['can be watched no more', ({ watcher }) => watcher.emit('error', new Error('EPERM'))],
  ])('begin again with the next read in a directory that %s', (_, end) => {
    const opened = opening()
    const changes = new FolderChanges()
    const heard = vi.fn<() => void>()
    changes.listen(heard)
    changes.include('/mnt/a')
    opened[0]?.tell('db')
    changes.include('/mnt/a')
    expect([opened.length, heard.mock.calls.length]).toEqual([1, 1])
    if (opened[0] !== undefined) end(opened[0])
    expect(opened[0]?.watcher.close).toHaveBeenCalledTimes(1)
    changes.include('/mnt/a')
    expect(opened).toHaveLength(2)
  })
})
