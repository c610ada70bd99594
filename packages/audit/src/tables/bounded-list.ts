/** Two lists in one, each of at most `most`: of what is as it should be, and of the rest. */
export class BoundedList<Item> {
  readonly list: Item[] = []
  leftOut = 0
  readonly #most: number
  readonly #isUsual: (item: Item) => boolean
  #usual = 0

  constructor(most: number, isUsual: (item: Item) => boolean) {
    this.#most = most
    this.#isUsual = isUsual
  }

  add(item: Item): void {
    const isUsual = this.#isUsual(item)
    if ((isUsual ? this.#usual : this.list.length - this.#usual) >= this.#most) return void this.leftOut++
    this.list.push(item)
    if (isUsual) this.#usual++
  }
}
