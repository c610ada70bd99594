import { SecretsError } from '@finchat/secrets-core'
import { untilAborted } from '@finchat/secrets-core/provider'
import { KeyCache } from '../keys/key-cache.ts'
import { closeStore, openStore, type OpenStore, storeExists } from './open.ts'
import type { StoreOptions } from './options.ts'

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
  #attempt: OpenAttempt | undefined
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

  /** Reads never create a store: a wrong path must not become an empty one. */
  wouldCreate(): boolean {
    return !this.#store && !this.#attempt && !storeExists(this.#options)
  }

  /** One caller's abort does not affect the others. */
  async open(signal: AbortSignal): Promise<OpenStore> {
    this.#attempt ??= this.#start()
    const attempt = this.#attempt
    attempt.waiters++
    try {
      const store = await untilAborted(
        attempt.result,
        signal,
        'the store was being opened: its key is derived, or another connection locks it',
      )
      return this.current() ?? store
    } finally {
      attempt.waiters--
      if (attempt.waiters === 0 && !this.#store) this.#end(attempt)
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
    if (this.#attempt) this.#end(this.#attempt)
    this.#keys.close()
  }

  #start(): OpenAttempt {
    const controller = new AbortController()
    const { lockTimeoutMs } = this.#options
    const result = openStore(this.#options, this.#keys, { signal: controller.signal, lockTimeoutMs })
    const attempt: OpenAttempt = { result, controller, waiters: 0 }
    attempt.result.then(
      (store) => {
        if (controller.signal.aborted) closeStore(store)
        else {
          this.#store = store
          this.#keys.wipeSources()
        }
      },
      () => this.#end(attempt),
    )
    return attempt
  }

  #end(attempt: OpenAttempt): void {
    attempt.controller.abort()
    if (this.#attempt === attempt) this.#attempt = undefined
  }
}
