import { dirname, join } from 'node:path'
import type { CallContext, ListedSecret } from '@finchat/secrets-core'
import {
  askMountedFile,
  type FileQuestion,
  FolderChanges,
  identify,
  mountedRoot,
  type ProviderManifest,
  throwIfAborted,
} from '@finchat/secrets-core/provider'
import { assertHolds } from '../shared/options.ts'
import { listedNames } from './listed-names.ts'

/** A folder with one file for each secret, under its path and a suffix. */
export class SecretFolder {
  readonly path: string
  readonly changes: FolderChanges = new FolderChanges()
  readonly #manifest: ProviderManifest
  readonly #suffix: string

  constructor(path: string, manifest: ProviderManifest, suffix = '') {
    this.path = path
    this.#manifest = manifest
    this.#suffix = suffix
    this.changes.include(path)
  }

  async ask<T>(path: string, signal: AbortSignal, ask: FileQuestion<T>): Promise<T | undefined> {
    throwIfAborted(signal)
    assertHolds(this.#manifest, path)
    this.changes.include(this.path) // it may have been replaced as a whole
    // No time of the files: Kubernetes mounts all of them anew when one changes.
    const found = await askMountedFile(this.path, `${path}${this.#suffix}`, signal, ask, 'folder')
    // A watch of a folder does not see what happens in the folders inside it.
    if (found !== undefined) this.changes.include(dirname(join(this.path, path)))
    return found
  }

  async probe(path: string, signal: AbortSignal): Promise<{ readonly revision: string | undefined } | undefined> {
    const found = await this.ask(path, signal, identify)
    return found && { revision: found.revision }
  }

  async *list(prefix: string, { signal }: CallContext): AsyncGenerator<ListedSecret> {
    for await (const file of listedNames(this.path, prefix, signal)) {
      const path = file.slice(0, file.length - this.#suffix.length)
      if (file.endsWith(this.#suffix) && path.startsWith(prefix) && this.#manifest.canHoldPath(path)) yield { path }
    }
  }

  async check(signal: AbortSignal): Promise<void> {
    throwIfAborted(signal)
    await mountedRoot(this.path, 'folder')
  }
}
