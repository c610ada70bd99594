import { SecretsError } from '@finchat/secrets-core'
import { unlessAborted } from '../shared/call.ts'
import type { LockWait } from '../sqlite/lock-retry.ts'
import { closeStore, openStore, type OpenStore, storeExists } from './open.ts'
import type { StoreOptions } from './options.ts'
import { storeError } from '../sqlite/sqlite-errors.ts'
import { KeyCache } from '../keys/key-cache.ts'

/** One attempt at opening, shared by all calls that wait. */
interface OpenAttempt {
  readonly result: Promise<OpenStore>
  readonly controller: AbortController
  waiters: number
}

/** Opens the store once for all callers. Cancels the attempt when no caller waits for it. */
export class StoreOpener {
  readonly #options: StoreOptions
  readonly #keys: KeyCache
  #store: OpenStore | undefined
  #flight: OpenAttempt | undefined
  #closed = false

  constructor(options: StoreOptions) {
    this.#options = options
    this.#keys = new KeyCache(options.keys)
  }

  /** Undefined until the store is open. Throws `ABORTED` after `close`. */
  current(): OpenStore | undefined {
    if (this.#closed) throw new SecretsError('ABORTED', 'the local store is closed', { remedy: 'close it after the last use' })
    return this.#store
  }

  /**
   * Whether opening would create the store. Reads never do: a wrong path must not become an empty
   * store.
   */
  wouldCreate(): boolean {
    return !this.#store && !this.#flight && !storeExists(this.#options)
  }

  /** Resolves when the store is open. One caller's abort does not affect the others. */
  async open(signal: AbortSignal): Promise<OpenStore> {
    this.#flight ??= this.#start()
    const joined = this.#flight
    joined.waiters++
    try {
      const store = await unlessAborted(
        joined.result,
        signal,
        'the store was being opened: its key is derived, or another connection locks it',
      )
      return this.current() ?? store
    } finally {
      joined.waiters--
      if (joined.waiters === 0 && !this.#store) this.#end(joined)
    }
  }

  /** `last` runs on an open store before it closes. */
  close(last: (store: OpenStore) => void): void {
    this.#closed = true
    if (this.#store) {
      last(this.#store)
      closeStore(this.#store)
    }
    this.#store = undefined
    if (this.#flight) this.#end(this.#flight)
    this.#keys.close()
  }

  #start(): OpenAttempt {
    const controller = new AbortController()
    const { lockTimeoutMs } = this.#options
    const result = opened(this.#options, this.#keys, { signal: controller.signal, lockTimeoutMs })
    const flight: OpenAttempt = { result, controller, waiters: 0 }
    flight.result.then(
      (store) => {
        if (controller.signal.aborted) closeStore(store)
        else {
          this.#store = store
          this.#keys.wipeSources()
        }
      },
      () => this.#end(flight),
    )
    return flight
  }

  #end(flight: OpenAttempt): void {
    flight.controller.abort()
    if (this.#flight === flight) this.#flight = undefined
  }
}

async function opened(options: StoreOptions, keys: KeyCache, wait: LockWait): Promise<OpenStore> {
  try {
    return await openStore(options, keys, wait)
  } catch (error) {
    throw storeError(error, options.path)
  }
}
