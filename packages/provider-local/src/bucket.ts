import { lengthPrefixed } from './length-prefixed.ts'
import { macLength } from './record-macs.ts'

/** A MAC that is not in the text yet, and where it belongs. */
interface Patch {
  readonly place: number
  readonly mac: Buffer
}

/**
 * The secrets of one bucket, each with its MAC, as the text that the bucket's own MAC is computed over: sorted by path, so that equal buckets
 * have equal texts. A bucket in which one MAC is another shares the text, until it is `settled`.
 */
export class Bucket {
  readonly #text: Buffer
  /** Where in the text a secret's MAC stands. */
  readonly #places: ReadonlyMap<string, number>
  readonly #patch: Patch | undefined

  private constructor(text: Buffer, places: ReadonlyMap<string, number>, patch?: Patch) {
    this.#text = text
    this.#places = places
    this.#patch = patch
  }

  static of(secrets: ReadonlyMap<string, Buffer>): Bucket {
    const places = new Map<string, number>()
    let length = 0
    const parts = [...secrets].toSorted(byPath).map(([path, mac]) => {
      const part = lengthPrefixed([path, mac])
      length += part.length
      places.set(path, length - macLength)
      return part
    })
    return new Bucket(Buffer.concat(parts, length), places)
  }

  get paths(): readonly string[] {
    return [...this.#places.keys()]
  }

  /** The text, piece by piece. */
  get text(): readonly Buffer[] {
    if (!this.#patch) return [this.#text]
    const { place, mac } = this.#patch
    return [this.#text.subarray(0, place), mac, this.#text.subarray(place + macLength)]
  }

  mac(path: string): Buffer | undefined {
    const place = this.#places.get(path)
    return place === undefined ? undefined : this.#macAt(place)
  }

  /** This bucket with other MACs for some of its secrets, or with secrets that are new. */
  with(changes: ReadonlyMap<string, Buffer>): Bucket {
    const [change] = changes
    const place = change && this.#places.get(change[0])
    if (change && place !== undefined && changes.size === 1 && !this.#patch)
      return new Bucket(this.#text, this.#places, { place, mac: change[1] })
    return Bucket.of(new Map([...this.#entries(), ...changes]))
  }

  /** The same bucket for good: the one that it was made of is worth nothing from then on. */
  settled(): Bucket {
    if (!this.#patch) return this
    this.#text.set(this.#patch.mac, this.#patch.place)
    return new Bucket(this.#text, this.#places)
  }

  #macAt(place: number): Buffer {
    return this.#patch?.place === place ? this.#patch.mac : this.#text.subarray(place, place + macLength)
  }

  *#entries(): Iterable<[string, Buffer]> {
    for (const [path, place] of this.#places) yield [path, this.#macAt(place)]
  }
}

function byPath([one]: readonly [string, Buffer], [other]: readonly [string, Buffer]): number {
  return one < other ? -1 : 1
}
