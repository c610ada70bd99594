import { dirname } from 'node:path'
import type { ListedSecret, SecretProvider, StoredSecret } from '@finchat/secrets-core'
import {
  configurationError,
  FolderChanges,
  identify,
  locator,
  type ProviderManifest,
  type Provides,
  readIdentified,
  throwIfAborted,
  withSecretFile,
} from '@finchat/secrets-core/provider'
import { maxEncryptedBytes } from './limits.ts'
import { assertHolds, type FileOptions } from './options.ts'

/** The secrets of an opened document. A value is made when it is asked for, and may be refused. */
export type OpenedSecrets = ReadonlyMap<string, () => StoredSecret['value']>

/** A document of many secrets and what opens it. */
export interface DocumentParts {
  readonly name: string
  /** Absolute. */
  readonly file: string
  readonly manifest: ProviderManifest
  readonly open: (content: Uint8Array, signal: AbortSignal) => Promise<OpenedSecrets>
  /** Rejects unless there is a credential that may open it. */
  readonly checkCredential: (signal: AbortSignal) => Promise<unknown>
}

/** Reads of a document of many secrets. */
export type DocumentProvider = SecretProvider & Provides<'getMany' | 'list' | 'probe' | 'changes' | 'checkHealth' | 'locate'>

/** Makes a provider of one encrypted file that holds many secrets. Each read opens it anew. */
export function documentProvider(parts: DocumentParts, options: FileOptions): DocumentProvider {
  const { graceSharedAs } = options
  const document = new SecretDocument(parts)
  return {
    specificationVersion: 'v1',
    name: parts.name,
    ...(graceSharedAs !== undefined && { graceSharedAs }),
    locate: locator(options, parts.manifest.canHoldPath),
    get: (path, { signal }) => document.get(path, signal),
    getMany: (paths, { signal }) => document.getMany(paths, signal),
    probe: (path, { signal }) => document.probe(path, signal),
    list: (prefix, { signal }) => document.list(prefix, signal),
    changes: (listener) => document.changes.listen(listener),
    checkHealth: async ({ signal }) => {
      await document.identity(signal)
      await parts.checkCredential(signal)
    },
  }
}

const subject = 'the file of secrets'

interface Opened {
  readonly revision: string | undefined
  readonly secrets: OpenedSecrets
}

class SecretDocument {
  readonly changes: FolderChanges = new FolderChanges()
  readonly #file: string
  readonly #manifest: ProviderManifest
  readonly #open: DocumentParts['open']
  /** What the last opened content has, so that a probe of the same content need not open it. */
  #last: { readonly revision: string | undefined; readonly paths: ReadonlySet<string> } | undefined

  constructor({ file, manifest, open }: DocumentParts) {
    this.#file = file
    this.#manifest = manifest
    this.#open = open
    this.#watch()
  }

  async get(path: string, signal: AbortSignal): Promise<StoredSecret | undefined> {
    throwIfAborted(signal)
    assertHolds(this.#manifest, path)
    return secretIn(await this.#read(signal), path)
  }

  /** One read for all: they are of one content. */
  async getMany(paths: readonly string[], signal: AbortSignal): Promise<PromiseSettledResult<StoredSecret | undefined>[]> {
    const reading = this.#read(signal)
    reading.catch(() => {}) // no path may need it
    return Promise.allSettled(
      paths.map(async (path) => {
        assertHolds(this.#manifest, path)
        return secretIn(await reading, path)
      }),
    )
  }

  async probe(path: string, signal: AbortSignal): Promise<{ readonly revision: string | undefined } | undefined> {
    throwIfAborted(signal)
    assertHolds(this.#manifest, path)
    const revision = await this.identity(signal)
    if (this.#last === undefined || this.#last.revision !== revision) await this.#read(signal)
    return this.#last?.paths.has(path) ? { revision: this.#last.revision } : undefined
  }

  async *list(prefix: string, signal: AbortSignal): AsyncGenerator<ListedSecret> {
    const { secrets } = await this.#read(signal)
    for (const path of secrets.keys()) {
      throwIfAborted(signal)
      if (path.startsWith(prefix) && this.#manifest.canHoldPath(path)) yield { path }
    }
  }

  async identity(signal: AbortSignal): Promise<string | undefined> {
    return (await this.#ask(signal, identify)).revision
  }

  async #read(signal: AbortSignal): Promise<Opened> {
    const { value, revision } = await this.#ask(signal, (handle, named) => readIdentified(handle, named, maxEncryptedBytes))
    const secrets = await this.#open(Buffer.from(value), signal)
    throwIfAborted(signal)
    this.#last = { revision, paths: new Set(secrets.keys()) }
    return { revision, secrets }
  }

  async #ask<T>(signal: AbortSignal, ask: Parameters<typeof withSecretFile<T>>[3]): Promise<T> {
    this.#watch()
    const found = await withSecretFile(this.#file, subject, signal, ask)
    if (found !== undefined) return found
    throw configurationError('`file` names no file', 'mount it, or correct its path')
  }

  /** Also begins again with a folder that was replaced as a whole. */
  #watch(): void {
    this.changes.include(dirname(this.#file))
  }
}

function secretIn({ secrets, revision }: Opened, path: string): StoredSecret | undefined {
  const value = secrets.get(path)
  return value && { value: value(), revision }
}
