import { type CallContext, SecretsError } from '@finchat/secrets-core'
import { throwIfAborted } from '../shared/abort.ts'
import { LockQueue, whileBusy } from '../sqlite/lock-retry.ts'
import { warnOfResidue } from './secure-erase.ts'
import type { OpenStore } from './open.ts'
import { assertKept, assertOneName, assertSameFile } from '../file/identity.ts'
import type { Remnants, StoreOptions } from './options.ts'
import { storeError } from '../sqlite/sqlite-errors.ts'
import { storeEdit, type StoreEdit } from './write-batch.ts'
import { StoreOpener } from './lazy-open.ts'
import { emptyView, type StoreView } from './read-view.ts'

/** The store as the operations use it: opened when first needed, every call one transaction, every error ours. */
export interface Store {
  /**
   * Runs `work` on one consistent, verified state; on an empty one if there is no file, which no read creates. It needs no transaction if
   * `isRemembered` says that all it looks at is in memory, and nobody has changed the store since.
   */
  readonly read: <T>(context: CallContext, work: (view: StoreView) => T, isRemembered?: IsRemembered) => Promise<T>
  /** Runs `work` whole or not at all; when it resolves, the change is on disk. */
  readonly write: <T>(context: CallContext, work: (edit: StoreEdit) => T) => Promise<T>
  /**
   * Resolves once nothing that was removed or overwritten is left where it may still stand. `late`
   * waits for nobody.
   */
  readonly forget: (remnants: Remnants, context: CallContext) => Promise<void>
  /** Idempotent. Every later call rejects with `ABORTED`. */
  readonly close: () => void
}

type IsRemembered = (view: StoreView) => boolean

export function lazyStore(options: StoreOptions): Store {
  const opener = new StoreOpener(options)
  // Apart, since a reader shuts out no writer and the other way round, and a log is emptied only when neither is there.
  const queues = { read: new LockQueue(), write: new LockQueue(), forget: new LockQueue() }

  async function call<T>(kind: keyof typeof queues, { signal }: CallContext, attempt: (store: OpenStore) => T): Promise<T> {
    const store = opener.current() ?? (await opener.open(signal))
    return whileBusy(() => attempt(opener.current() ?? store), { signal, lockTimeoutMs: options.lockTimeoutMs }, queues[kind])
  }

  async function read<T>(context: CallContext, work: (view: StoreView) => T, isRemembered: IsRemembered = never): Promise<T> {
    throwIfAborted(context.signal)
    const open = opener.current()
    if (open && isRemembered(open.view) && isUnchanged(open)) return work(open.view)
    if (!open && opener.wouldCreate()) return work(emptyView)
    return call('read', context, (store) => readFrom(store, work))
  }

  async function write<T>(context: CallContext, work: (edit: StoreEdit) => T): Promise<T> {
    throwIfAborted(context.signal)
    return call('write', context, (store) => writeTo(store, work))
  }

  async function forget(remnants: Remnants, context: CallContext): Promise<void> {
    if (!opener.current() && opener.wouldCreate()) return
    const open = opener.current()
    open?.forgetting.owe(remnants)
    // A reader that stays, such as a backup tool, must not fail each write of a caller who did not
    // ask for `keepVersions`.
    if (remnants === 'late') return open && forgetLate(open, open.forgetting.isDue)
    await call('forget', context, forgetIn)
  }

  return {
    read: (context, work, isRemembered) => withOurErrors(read(context, work, isRemembered), options.path),
    write: (context, work) => withOurErrors(write(context, work), options.path),
    forget: (remnants, context) => forget(remnants, context).catch((error: unknown) => notForgotten(error, options.path)),
    close: () =>
      opener.close((store) => {
        forgetLate(store, store.forgetting.isOwed)
        if (store.forgetting.isPromised) warnOfResidue(options.path)
      }),
  }
}

async function withOurErrors<T>(call: Promise<T>, path: string | undefined): Promise<T> {
  try {
    return await call
  } catch (error) {
    throw storeError(error, path)
  }
}

const never = (): boolean => false

/** Whether what is in memory is what is in the store. Where that cannot be told, a transaction says why. */
function isUnchanged({ index, file }: OpenStore): boolean {
  try {
    if (file) assertSameFile(file)
    return index.isCurrent()
  } catch {
    return false
  }
}

function readFrom<T>({ transaction, index, view, file }: OpenStore, work: (view: StoreView) => T): T {
  if (file) assertSameFile(file)
  return transaction('read', (dataVersion) => {
    index.refresh(dataVersion)
    return work(view)
  })
}

function writeTo<T>(store: OpenStore, work: (edit: StoreEdit) => T): T {
  const { transaction, index, view, file } = store
  if (file) assertSameFile(file)
  if (file) assertOneName(file.path)
  forgetLate(store, store.forgetting.isDue)
  const [result, adopt] = transaction('write', (dataVersion) => {
    index.refresh(dataVersion)
    const edit = storeEdit(store, view)
    return [work(edit), edit.finish()] as const
  })
  adopt()
  if (file) assertKept(file)
  return result
}

function forgetIn(store: OpenStore): void {
  if (store.file) assertSameFile(store.file)
  store.forgetting.settle(store)
}

/** What an earlier call could not forget because others were reading. */
function forgetLate(store: OpenStore, now: boolean): void {
  if (!now) return
  try {
    forgetIn(store)
  } catch {
    // Others are reading still; the next write, or close, tries again.
  }
}

function notForgotten(error: unknown, path: string | undefined): never {
  const { code, problem, remedy } = storeError(error, path)
  const next = 'the next write, or closing, removes it'
  throw new SecretsError(code, `the change is made, but what it removed may still stand in the store's file or log: ${problem}`, {
    effect: 'done',
    remedy: remedy === undefined ? next : `${remedy}; ${next}`,
  })
}
