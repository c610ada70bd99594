import { SecretsError } from '@finchat/secrets-core'
import { unlessAborted } from '../shared/abort.ts'
import type { Patience } from '../sqlite/lock-retry.ts'
import { closeStore, openStore, type OpenStore, storeExists } from './open.ts'
import type { StoreOptions } from './options.ts'
import { storeError } from '../sqlite/sqlite-errors.ts'
import { StoreKeys } from '../keys/key-cache.ts'

/** One attempt at opening, which any number of calls wait for. */
interface Flight {
  readonly result: Promise<OpenStore>
  readonly controller: AbortController
  waiters: number
}

/** Opens one store at most, however many ask at once, and ends the attempt when nobody waits for it any more. */
export class StoreOpener {
  readonly #options: StoreOptions
  readonly #keys: StoreKeys
  #store: OpenStore | undefined
  #flight: Flight | undefined
  #closed = false

  constructor(options: StoreOptions) {
    this.#options = options
    this.#keys = new StoreKeys(options.keys)
  }

  /** The open store, or `undefined` if it is not open yet. Throws `ABORTED` after `close`. */
  current(): OpenStore | undefined {
    if (this.#closed) throw new SecretsError('ABORTED', 'the local store is closed', { remedy: 'close it after the last use' })
    return this.#store
  }

  /** Whether a call would create the store: reads do not, for a path that is wrong would look like an empty store. */
  wouldCreate(): boolean {
    return !this.#store && !this.#flight && !storeExists(this.#options)
  }

  /** The open store, as soon as it is. One waiter's abort does not disturb the others. */
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

  /** Ends everything; `last` is what there is still to do with a store that is open. */
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

  #start(): Flight {
    const controller = new AbortController()
    const { lockTimeoutMs } = this.#options
    const result = opened(this.#options, this.#keys, { signal: controller.signal, lockTimeoutMs })
    const flight: Flight = { result, controller, waiters: 0 }
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

  #end(flight: Flight): void {
    flight.controller.abort()
    if (this.#flight === flight) this.#flight = undefined
  }
}

async function opened(options: StoreOptions, keys: StoreKeys, patience: Patience): Promise<OpenStore> {
  try {
    return await openStore(options, keys, patience)
  } catch (error) {
    throw storeError(error, options.path)
  }
}
