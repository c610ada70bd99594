const [bitsOfChunk, bitsOfWord] = [32_768, 32]

/** Numbers of epochs, a bit each: a `Set` takes some 40 bytes for one, and a year has a million. */
export class StepSet {
  readonly #chunks = new Map<number, Uint32Array>()
  #size = 0

  constructor(steps: Iterable<number> = []) {
    for (const step of steps) this.add(step)
  }

  get size(): number {
    return this.#size
  }

  has(step: number): boolean {
    const word = this.#chunks.get(Math.floor(step / bitsOfChunk))?.[wordOf(step)] ?? 0
    return (word & bitOf(step)) !== 0
  }

  add(step: number): void {
    const number = Math.floor(step / bitsOfChunk)
    const chunk = this.#chunks.get(number) ?? new Uint32Array(bitsOfChunk / bitsOfWord)
    const word = chunk[wordOf(step)] ?? 0
    if ((word & bitOf(step)) === 0) this.#size++
    chunk[wordOf(step)] = word | bitOf(step)
    this.#chunks.set(number, chunk)
  }

  delete(step: number): boolean {
    const chunk = this.#chunks.get(Math.floor(step / bitsOfChunk))
    if (chunk === undefined || !this.has(step)) return false
    chunk[wordOf(step)] = (chunk[wordOf(step)] ?? 0) & ~bitOf(step)
    this.#size--
    return true
  }

  /** In ascending order. */
  *[Symbol.iterator](): Generator<number> {
    for (const [number, chunk] of [...this.#chunks].toSorted(([one], [other]) => one - other))
      for (const [at, word] of chunk.entries()) if (word !== 0) yield* stepsIn(word, number * bitsOfChunk + at * bitsOfWord)
  }
}

function* stepsIn(word: number, first: number): Generator<number> {
  for (let bit = 0; bit < bitsOfWord; bit++) if ((word & (1 << bit)) !== 0) yield first + bit
}

function wordOf(step: number): number {
  return Math.floor((step % bitsOfChunk) / bitsOfWord)
}

function bitOf(step: number): number {
  return 1 << (step % bitsOfWord)
}
