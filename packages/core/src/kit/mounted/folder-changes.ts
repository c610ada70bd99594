import type { FSWatcher } from 'node:fs'
import { ChangeListeners } from '../change-listeners.ts'

/**
 * Hints that a file of these directories may have changed. It watches directories, since a watch of
 * a file dies without an error when another file is renamed over it, as every mount does it.
 *
 * @example
 * import { FolderChanges } from '@finchat/secrets-core/provider'
 *
 * const changes = new FolderChanges()
 * changes.include('/run/secrets')
 * const end = changes.listen(() => console.log('a file may have changed'))
 * end()
 */
export class FolderChanges {
  readonly #directories = new Set<string>()
  readonly #watchers = new Map<string, FSWatcher>()
  #isHeard = false
  readonly #listeners = new ChangeListeners(() => {
    this.#isHeard = true
    for (const directory of this.#directories) this.#watch(directory)
    return () => {
      this.#isHeard = false
      for (const directory of this.#watchers.keys()) this.#end(directory)
    }
  })

  /** Also begins again with a directory that was replaced as a whole. */
  include(directory: string): void {
    this.#directories.add(directory)
    if (this.#isHeard) this.#watch(directory)
  }

  /** Returns the function that ends it. */
  listen(listener: () => void): () => void {
    return this.#listeners.add(() => listener())
  }

  /** A user has few watches (128 inotify instances by default), so a missing one is no failure. */
  #watch(directory: string): void {
    if (this.#watchers.has(directory)) return
    const { basename } = process.getBuiltinModule('node:path')
    try {
      const watcher = process.getBuiltinModule('node:fs').watch(directory, { persistent: false }, (_event, name) => {
        // Linux names the directory itself when it was moved or removed.
        if (name === basename(directory)) this.#end(directory)
        this.#listeners.notify()
      })
      watcher.on('error', () => this.#end(directory))
      this.#watchers.set(directory, watcher)
    } catch {
      // Polling remains.
    }
  }

  #end(directory: string): void {
    this.#watchers.get(directory)?.close()
    this.#watchers.delete(directory)
  }
}
