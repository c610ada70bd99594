/** More rows than this are not kept: who names things at will must not fill the memory. */
const mostRows = 10_000

/** Rows by what they are about. */
export class Rows<Row> {
  readonly #rows = new Map<string, Row>()
  readonly #make: () => Row

  constructor(make: () => Row) {
    this.#make = make
  }

  /** The row, made when it is asked for first; `undefined` when it is one too many. */
  at(...about: readonly (string | undefined)[]): Row | undefined {
    const key = JSON.stringify(about)
    const known = this.#rows.get(key)
    if (known !== undefined || this.#rows.size >= mostRows) return known
    const row = this.#make()
    this.#rows.set(key, row)
    return row
  }

  /** Each with what it is about. */
  list(): (readonly [about: readonly (string | undefined)[], row: Row])[] {
    return Array.from(this.#rows, ([key, row]) => [aboutOf(key), row])
  }
}

/** JSON writes `undefined` in a list as null. */
function aboutOf(key: string): (string | undefined)[] {
  const about: (string | null)[] = JSON.parse(key)
  return about.map((part) => part ?? undefined)
}
