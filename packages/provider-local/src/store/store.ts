import { truncateSync } from 'node:fs'
import type { CallContext, SecretsError } from '@finchat/secrets-core'
import { ChangeListeners, configurationError, throwIfAborted } from '@finchat/secrets-core/provider'
import { assertOneName, assertSameFile, assertSameFileAfterCommit } from '../file/identity.ts'
import { quotedPath, withEffect } from '../shared/file-errors.ts'
import { copyInto, emptyLog } from '../sqlite/connection.ts'
import { LockQueue, retryWhileBusy } from '../sqlite/lock-retry.ts'
import { storeError } from '../sqlite/sqlite-errors.ts'
import { StoreOpener } from './lazy-open.ts'
import { closeStore, openCopy, type OpenStore } from './open.ts'
import type { StoreOptions } from './options.ts'
import { emptyView, type ReadView } from './read-view.ts'
import { type Residue, warnOfResidue } from './secure-erase.ts'
import { type WriteBatch, writeBatch } from './write-batch.ts'

/** A probe of the data version takes 4 µs. */
const watchMs = 1_000

/** Opens on first use, runs one transaction per call, and throws only our errors. */
export class Store {
  readonly #options: StoreOptions
  readonly #opener: StoreOpener
  /** Separate, because readers and writers do not block each other, and both block erasing. */
  readonly #queues = { read: new LockQueue(), write: new LockQueue(), erase: new LockQueue() }

  /** Called after commits that change a current version, by other connections within a second. */
  readonly listeners: ChangeListeners = new ChangeListeners(() => this.#watch())

  constructor(options: StoreOptions) {
    this.#options = options
    this.#opener = new StoreOpener(options)
  }

  /**
   * Runs `work` on one verified state, or on an empty one if there is no file. Skips the
   * transaction if `isCached` returns true and no other connection has committed since.
   */
  read<T>({ signal }: CallContext, work: (view: ReadView) => T, isCached?: (view: ReadView) => boolean): Promise<T> {
    return this.#withOurErrors(async () => {
      throwIfAborted(signal)
      const open = this.#opener.current()
      if (open && isCached?.(open.view) && isUnchanged(open)) return work(open.view)
      if (!open && this.#opener.wouldCreate()) return work(emptyView)
      return this.#call('read', signal, (store) => readFrom(store, work))
    })
  }

  /** Runs `work` atomically. Resolves when the change is on disk. */
  write<T>({ signal }: CallContext, work: (batch: WriteBatch) => T): Promise<T> {
    return this.#withOurErrors(async () => {
      throwIfAborted(signal)
      return this.#call('write', signal, (store) => writeTo(store, work))
    })
  }

  /** Copies the store into this empty file, and runs `use` on the copy, which is then one file. */
  copy<T>(to: string, { signal }: CallContext, use: (copy: OpenStore) => Promise<T>): Promise<T> {
    return this.#withOurErrors(async () => {
      throwIfAborted(signal)
      if (!this.#opener.current() && this.#opener.wouldCreate()) throw noStore(this.#options.path)
      const copy = openCopy(to, await this.#call('read', signal, (store) => copyFrom(store, to)))
      try {
        const result = await use(copy)
        emptyLog(copy.sqlite)
        return result
      } finally {
        closeStore(copy)
      }
    })
  }

  /** Throws `CONFIGURATION` once the store was used: the keys as they were given are gone then. */
  assertUnused(): void {
    if (this.#opener.current() === undefined) return
    throw configurationError('this provider has the store open', 'make a new provider, and restore the backup before any other call')
  }

  /** Resolves when nothing removed is left in the places of `residue`; `late` never waits. */
  async erase(residue: Residue, { signal }: CallContext): Promise<void> {
    try {
      if (!this.#opener.current() && this.#opener.wouldCreate()) return
      const open = this.#opener.current()
      open?.secureErase.schedule(residue)
      // A reader that stays, such as a backup, must not fail writes without `keepVersions`.
      if (residue === 'late') return open && eraseIf(open.secureErase.isDue, open)
      await this.#call('erase', signal, eraseFrom)
    } catch (error) {
      throw notErased(error, this.#options.path)
    }
  }

  /** Idempotent. Every later call rejects with `ABORTED`. */
  close(): void {
    this.listeners.close()
    this.#opener.close((store) => {
      eraseIf(store.secureErase.isPending, store)
      if (store.secureErase.isPromised) warnOfResidue(this.#options.path)
    })
  }

  /** `data_version` moves only with the commits of other connections. */
  #watch(): () => void {
    let seen = dataVersionOf(this.#opener)
    const timer = setInterval(() => {
      const now = dataVersionOf(this.#opener)
      if (now !== seen) this.listeners.notify()
      seen = now
    }, watchMs)
    timer.unref()
    return () => clearInterval(timer)
  }

  async #call<T>(kind: 'read' | 'write' | 'erase', signal: AbortSignal, attempt: (store: OpenStore) => T): Promise<T> {
    const store = this.#opener.current() ?? (await this.#opener.open(signal))
    const { lockTimeoutMs } = this.#options
    return retryWhileBusy(() => attempt(this.#opener.current() ?? store), { signal, lockTimeoutMs }, this.#queues[kind])
  }

  async #withOurErrors<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call()
    } catch (error) {
      throw storeError(error, this.#options.path)
    }
  }
}

/** Undefined while the store is not open, or cannot be asked: a change of that is a hint too. */
function dataVersionOf(opener: StoreOpener): number | undefined {
  try {
    return opener.current()?.tables.dataVersion()
  } catch {
    return undefined
  }
}

/** Whether memory matches the file. On an error, the transaction that follows reports the cause. */
function isUnchanged({ index, file }: OpenStore): boolean {
  try {
    if (file) assertSameFile(file)
    return index.isCurrent()
  } catch {
    return false
  }
}

function readFrom<T>({ transaction, index, view, file }: OpenStore, work: (view: ReadView) => T): T {
  if (file) assertSameFile(file)
  return transaction('read', (dataVersion) => {
    index.refresh(dataVersion)
    return work(view)
  })
}

function writeTo<T>(store: OpenStore, work: (batch: WriteBatch) => T): T {
  const { transaction, index, view, file } = store
  if (file) assertSameFile(file)
  if (file) assertOneName(file.path)
  eraseIf(store.secureErase.isDue, store)
  const [result, adopt] = transaction('write', (dataVersion) => {
    index.refresh(dataVersion)
    const batch = writeBatch(store, view)
    return [work(batch), batch.finish()] as const
  })
  adopt()
  if (file) assertSameFileAfterCommit(file)
  return result
}

function eraseFrom(store: OpenStore): void {
  if (store.file) assertSameFile(store.file)
  store.secureErase.run(store)
}

function copyFrom(store: OpenStore, to: string): OpenStore {
  if (store.file) assertSameFile(store.file)
  store.transaction('read', () => undefined) // checks the schema, which VACUUM executes
  truncateSync(to) // what an attempt left that met a lock
  copyInto(store.sqlite, to)
  return store
}

function noStore(path = ':memory:'): SecretsError {
  return configurationError(`there is no store at ${quotedPath(path)}`, 'check `path`; the first write creates a store')
}

/** Erases what earlier calls left because others were reading. */
function eraseIf(isDue: boolean, store: OpenStore): void {
  if (!isDue) return
  try {
    eraseFrom(store)
  } catch {
    // Others still read; the next write or `close` retries.
  }
}

function notErased(error: unknown, path: string | undefined): SecretsError {
  const ours = storeError(error, path)
  const problem = `the change is made, but removed values may remain in the store's file or log: ${ours.problem}`
  return withEffect(ours, 'done', 'the next write, or closing, erases them', problem)
}
