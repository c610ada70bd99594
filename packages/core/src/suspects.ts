const most = 10_000

/**
 * Paths, or versions of them, that the shared level must not be asked for. Its memory is bounded: with too many to remember,
 * all are suspect for good, since to forget one would be to serve it.
 */
export class Suspects {
  readonly #addedAs = new Map<string, number>()
  #additions = 0

  has(key: string): boolean {
    return this.areAll || this.#addedAs.has(key)
  }

  /** There were too many: none of them is cleared any more. */
  get areAll(): boolean {
    return this.#additions === Infinity
  }

  add(key: string): void {
    if (this.areAll) return
    this.#addedAs.set(key, (this.#additions += 1))
    if (this.#addedAs.size <= most) return
    this.#addedAs.clear()
    this.#additions = Infinity
  }

  /** What to clear a suspect with once something that begins now has succeeded. */
  get mark(): number {
    return this.#additions
  }

  /** No longer a suspect, unless it was added again after the mark. */
  clear(key: string, mark: number = this.#additions): void {
    if ((this.#addedAs.get(key) ?? 0) <= mark) this.#addedAs.delete(key)
  }
}
