import { type CallContext, SecretsError } from '@finchat/secrets-core'
import { throwIfAborted, whileBusy } from './busy.ts'
import { emptyLog } from './database.ts'
import type { OpenStore } from './open-store.ts'
import type { StoreOptions } from './options.ts'
import { storeError } from './sqlite-errors.ts'
import { storeEdit, type StoreEdit } from './store-edit.ts'
import { assertSameFile } from './store-file.ts'
import { StoreOpener } from './store-opener.ts'
import type { StoreView } from './store-view.ts'

/** The store as the operations use it: opened when first needed, every call one transaction, every error ours. */
export interface Store {
  /** Runs `work` on one consistent, verified state. */
  readonly read: <T>(context: CallContext, work: (view: StoreView) => T) => Promise<T>
  /** Runs `work` whole or not at all; when it resolves, the change is on disk. */
  readonly write: <T>(context: CallContext, work: (edit: StoreEdit) => T) => Promise<T>
  /** Resolves once nothing that was removed or overwritten is left in the file or its log. */
  readonly forget: (context: CallContext) => Promise<void>
  /** Idempotent. Every later call rejects with `ABORTED`. */
  readonly close: () => void
}

export function lazyStore(options: StoreOptions): Store {
  const opener = new StoreOpener(options)
  let mustForget = false

  async function call<T>({ signal }: CallContext, attempt: (store: OpenStore) => T): Promise<T> {
    try {
      throwIfAborted(signal)
      const store = opener.current() ?? (await opener.open(signal))
      return await whileBusy(() => attempt(opener.current() ?? store), { signal, lockTimeoutMs: options.lockTimeoutMs })
    } catch (error) {
      throw storeError(error)
    }
  }

  async function forget(context: CallContext): Promise<void> {
    mustForget = true
    try {
      await call(context, ({ sqlite }) => emptyLog(sqlite))
      mustForget = false
    } catch (error) {
      throw notForgotten(storeError(error))
    }
  }

  /** What an earlier call could not forget because others were reading. */
  function forgetLate({ sqlite }: OpenStore): void {
    if (!mustForget) return
    try {
      emptyLog(sqlite)
      mustForget = false
    } catch {
      // Others are reading still; the next write, or close, tries again.
    }
  }

  return {
    read: (context, work) => call(context, (store) => readFrom(store, work)),
    write: (context, work) =>
      call(context, (store) => {
        forgetLate(store)
        return writeTo(store, work)
      }),
    forget,
    close: () => opener.close(forgetLate),
  }
}

function readFrom<T>({ transaction, index, view }: OpenStore, work: (view: StoreView) => T): T {
  return transaction('read', () => {
    index.refresh()
    return work(view)
  })
}

function writeTo<T>(store: OpenStore, work: (edit: StoreEdit) => T): T {
  const { transaction, index, view, file } = store
  if (file) assertSameFile(file)
  const [result, adopt] = transaction('write', () => {
    index.refresh()
    const edit = storeEdit(store, view)
    return [work(edit), edit.finish()] as const
  })
  adopt()
  return result
}

function notForgotten({ code, problem }: SecretsError): SecretsError {
  return new SecretsError(code, `the change is made, but what it removed may still stand in the store's log: ${problem}`, {
    effect: 'done',
    remedy: 'the next write, or closing, removes it',
  })
}
