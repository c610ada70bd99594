/** `undefined`: the current version. */
export type VersionSelector = number | 'previous' | undefined

/** Paths hold no line feeds (`routing` checks that), so no path equals another one's version. */
export function keyOf(path: string, version: VersionSelector): string {
  return version === undefined ? path : `${path}\n${version}`
}

/** The key of describing calls: no version has this name. */
export function describeKeyOf(path: string): string {
  return `${path}\ndescribe`
}

/** The key of reads of the staged version. */
export function pendingKeyOf(path: string): string {
  return `${path}\npending`
}

export function pathOf(key: string): string {
  const end = key.indexOf('\n')
  return end === -1 ? key : key.slice(0, end)
}

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

  /** Counts as no use. */
  peek(key: string): V | undefined {
    return this.#entries.get(key)
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
