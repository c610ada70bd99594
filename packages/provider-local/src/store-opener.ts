import { SecretsError } from '@finchat/secrets-core'
import { type Patience, unlessAborted } from './busy.ts'
import { openStore, type OpenStore } from './open-store.ts'
import type { StoreOptions } from './options.ts'
import { storeError } from './sqlite-errors.ts'

/** Opens one store at most, however many ask at once. */
export interface StoreOpener {
  /** The open store, or `undefined` if it is not open yet. Throws `ABORTED` after `close`. */
  readonly current: () => OpenStore | undefined
  /** The open store, as soon as it is. One waiter's abort does not disturb the others. */
  readonly open: (signal: AbortSignal) => Promise<OpenStore>
  /** Ends everything; `last` is what there is still to do with a store that is open. */
  readonly close: (last: (store: OpenStore) => void) => void
}

interface Flight {
  readonly result: Promise<OpenStore>
  readonly controller: AbortController
  waiters: number
}

export function storeOpener(options: StoreOptions): StoreOpener {
  let store: OpenStore | undefined
  let flight: Flight | undefined
  let closed = false

  function start(): Flight {
    const controller = new AbortController()
    const started: Flight = { result: opened(options, { signal: controller.signal, lockTimeoutMs: options.lockTimeoutMs }), controller, waiters: 0 }
    started.result.then(
      (result) => {
        if (controller.signal.aborted) return result.sqlite.close()
        store = result
      },
      () => leave(started),
    )
    return started
  }

  function leave(left: Flight): void {
    if (flight === left) flight = undefined
  }

  function current(): OpenStore | undefined {
    if (closed) throw new SecretsError('ABORTED', 'the local store is closed')
    return store
  }

  async function open(signal: AbortSignal): Promise<OpenStore> {
    flight ??= start()
    const joined = flight
    joined.waiters++
    try {
      const opened = await unlessAborted(joined.result, signal, 'the store was being opened: its key is derived, or another connection locks it')
      return current() ?? opened
    } finally {
      joined.waiters--
      if (joined.waiters === 0 && !store) {
        joined.controller.abort() // nobody waits for it any more
        leave(joined)
      }
    }
  }

  function close(last: (store: OpenStore) => void): void {
    closed = true
    if (store) {
      last(store)
      store.sqlite.close()
    }
    store = undefined
    flight?.controller.abort()
    for (const key of options.keys) if (key.kind === 'raw') key.bytes.fill(0)
  }

  return { current, open, close }
}

async function opened(options: StoreOptions, patience: Patience): Promise<OpenStore> {
  try {
    return await openStore(options, patience)
  } catch (error) {
    throw storeError(error)
  }
}
