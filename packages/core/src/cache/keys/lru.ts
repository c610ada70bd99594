/** A bounded map that evicts the least recently used entry. */
export class Lru<V> {
  readonly #entries = new Map<string, V>()
  readonly #capacity: number
  readonly #evicted: (value: V) => void
  #newest: string | undefined

  constructor(capacity: number, evicted: (value: V) => void = () => {}) {
    this.#capacity = capacity
    this.#evicted = evicted
  }

  get size(): number {
    return this.#entries.size
  }

  get(key: string): V | undefined {
    const value = this.#entries.get(key)
    // Moving an entry costs more than finding it, so the newest one stays.
    if (value !== undefined && key !== this.#newest) this.#moveToEnd(key, value)
    return value
  }

  /** Counts as a use, and is free for the newest entry. */
  touch(key: string): void {
    if (key !== this.#newest) this.get(key)
  }

  set(key: string, value: V): void {
    this.#moveToEnd(key, value)
    if (this.#entries.size <= this.#capacity) return
    const [oldest] = this.#entries
    if (oldest === undefined) return
    this.#entries.delete(oldest[0])
    this.#evicted(oldest[1])
  }

  delete(key: string): V | undefined {
    const value = this.#entries.get(key)
    this.#entries.delete(key)
    if (key === this.#newest) this.#newest = undefined
    return value
  }

  entries(): IterableIterator<[string, V]> {
    return this.#entries.entries()
  }

  #moveToEnd(key: string, value: V): void {
    this.#entries.delete(key)
    this.#entries.set(key, value)
    this.#newest = key
  }
}
