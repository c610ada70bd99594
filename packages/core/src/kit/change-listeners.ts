type Listener = (path?: string) => void

/**
 * The listeners of a provider's `changes`. Watches its store only while somebody listens.
 *
 * @example
 * import { ChangeListeners } from '@finchat/secrets-core/provider'
 *
 * const listeners = new ChangeListeners()
 * const end = listeners.add((path) => console.log(path))
 * listeners.notify('FINCHAT_TOKEN') // FINCHAT_TOKEN
 * end()
 */
export class ChangeListeners {
  readonly #watch: () => () => void
  /** Objects, since one function may be added twice. */
  readonly #listeners = new Set<{ readonly call: Listener }>()
  #unwatch: (() => void) | undefined
  #closed = false

  /** `watch` runs with the first listener. What it returns runs when the last one has ended. */
  constructor(watch: () => () => void = () => () => {}) {
    this.#watch = watch
  }

  /** Returns the function that ends the listener. Adds nothing after `close`. */
  add(listener: Listener): () => void {
    if (this.#closed) return () => {}
    const entry = { call: listener }
    this.#listeners.add(entry)
    this.#unwatch ??= this.#watch()
    return () => {
      this.#listeners.delete(entry)
      if (this.#listeners.size === 0) this.#end()
    }
  }

  /** A listener that throws does not keep others from being called, nor a write from resolving. */
  notify(path?: string): void {
    const called = [...this.#listeners]
    for (const entry of called) {
      if (!this.#listeners.has(entry)) continue
      try {
        entry.call(path)
      } catch {
        // A hint owes its listener nothing.
      }
    }
  }

  close(): void {
    this.#closed = true
    this.#listeners.clear()
    this.#end()
  }

  #end(): void {
    this.#unwatch?.()
    this.#unwatch = undefined
  }
}
