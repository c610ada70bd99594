import { promised } from '../guard/deadline.ts'
import { warnOperator } from '../guard/outage-warning.ts'
import type { SecretsError } from '../errors/secrets-error.ts'
import { partsOf } from '../manager/parts.ts'
import type { SecretsManager } from '../manager/secrets-manager.ts'
import type { SecretValue } from '../value/secret-value.ts'
import { hubOf } from './live-hub.ts'
import { intervalMsOf, knownWatchOptions, type WatchSecretOptions } from './watch-options.ts'
import type { WatchListener } from './watch.ts'

/** Yields each new value. `return()` or `[Symbol.asyncDispose]` ends it. */
export interface SecretWatch extends AsyncIterableIterator<SecretValue>, AsyncDisposable {}

/**
 * Yields the new value whenever the secret's version or content changes. It begins at once, with
 * what the manager holds now: what changed before, only `first` tells. It skips values that were not
 * taken in time. One probe for each secret and interval, however many watch it; in an outage it waits
 * longer and yields nothing.
 *
 * It ends with the signal, with `return()` and with the manager's `close()`. If the store denies
 * the secret or has it no more, it throws that error once and ends.
 *
 * @example
 * import { createSecretsManager, type SecretProvider } from '@finchat/secrets-core'
 * import { watchSecret } from '@finchat/secrets-core/live'
 *
 * let version = 1
 * const store: SecretProvider = { specificationVersion: 'v1', name: 'store', get: async () => ({ value: `v${version}`, version }), put: async () => ({ version: (version += 1) }) }
 * const secrets = createSecretsManager({ providers: [store] })
 * const watch = watchSecret(secrets, 'db')
 * await secrets.getSecret('db')
 * await secrets.rotateSecret('db', 'new')
 * for await (const value of watch) {
 *   console.log(value.version) // 2
 *   break
 * }
 * await secrets.close()
 */
export function watchSecret(secrets: SecretsManager, name: string, watch: WatchSecretOptions = {}): SecretWatch {
  const parts = partsOf(secrets)
  const options = knownWatchOptions(watch)
  const iterator = new WatchIterator(options)
  if (options.signal?.aborted || parts.bounds.closing.aborted) iterator.ended()
  else iterator.begin((listener) => hubOf(parts).watch(name, listener))
  return iterator
}

type Next = IteratorResult<SecretValue, undefined>

const done: Next = Object.freeze({ done: true, value: undefined })

class WatchIterator implements SecretWatch, WatchListener {
  readonly intervalMs: number
  readonly began: WatchListener['began']
  readonly delayed = undefined
  readonly #options: WatchSecretOptions
  #leave: () => void = () => {}
  #newest: SecretValue | undefined
  #failure: SecretsError | undefined
  #isDone = false
  #wasRead = false
  readonly #waiting: PromiseWithResolvers<Next>[] = []

  constructor(options: WatchSecretOptions) {
    this.#options = options
    this.intervalMs = intervalMsOf(options)
    this.began = options.first ? (value) => this.changed(value) : undefined
  }

  begin(watch: (listener: WatchListener) => () => void): void {
    const { signal } = this.#options
    const leave = watch(this)
    const onAbort = (): void => this.#end()
    signal?.addEventListener('abort', onAbort)
    this.#leave = () => {
      signal?.removeEventListener('abort', onAbort)
      leave()
    }
  }

  readonly changed = (value: SecretValue): void => {
    const { onChange } = this.#options
    // A listener's failure is its own: it must not end the watch, nor the process.
    if (onChange !== undefined) promised(async () => onChange(value)).catch(() => warn('onChange of watchSecret failed'))
    const waiting = this.#waiting.shift()
    if (waiting === undefined) this.#newest = value
    else waiting.resolve({ done: false, value })
  }

  readonly lost = (error: SecretsError): void => {
    const waiting = this.#waiting.shift()
    if (waiting !== undefined) waiting.reject(error)
    else this.#failure = error
    if (waiting === undefined && !this.#wasRead) warn(`A watched secret is denied or not there, and its watch has ended: ${error.message}`)
    this.#end()
  }

  /** With the manager, whose values are overwritten. */
  readonly ended = (): void => {
    this.#newest = undefined
    this.#end()
  }

  #end(): void {
    if (this.#isDone) return
    this.#isDone = true
    this.#leave()
    for (const { resolve } of this.#waiting.splice(0)) resolve(done)
  }

  next(): Promise<Next> {
    this.#wasRead = true
    const [value, failure] = [this.#newest, this.#failure]
    this.#newest = undefined
    if (value !== undefined) return Promise.resolve({ done: false, value })
    this.#failure = undefined
    if (failure !== undefined) return Promise.reject(failure)
    if (this.#isDone) return Promise.resolve(done)
    const waiting = Promise.withResolvers<Next>()
    this.#waiting.push(waiting)
    return waiting.promise
  }

  async return(): Promise<Next> {
    this.#failure = undefined
    this.ended()
    return done
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }
}

function warn(message: string): void {
  warnOperator(message, 'FINCHAT_SECRETS_WATCH')
}
