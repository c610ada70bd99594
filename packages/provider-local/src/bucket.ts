import { lengthPrefixed } from './length-prefixed.ts'
import { macLength } from './record-macs.ts'

/**
 * The secrets of one bucket, each with its MAC, as the text that the bucket's own MAC is computed over: sorted by path, so that equal buckets
 * have equal texts. To change a secret that is there already is to overwrite its MAC in a copy of the text.
 */
export class Bucket {
  readonly text: Buffer
  /** Where in the text a secret's MAC stands. */
  readonly #places: ReadonlyMap<string, number>

  private constructor(text: Buffer, places: ReadonlyMap<string, number>) {
    this.text = text
    this.#places = places
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

  mac(path: string): Buffer | undefined {
    const place = this.#places.get(path)
    return place === undefined ? undefined : this.text.subarray(place, place + macLength)
  }

  /** This bucket with other MACs for some of its secrets, or with secrets that are new. */
  with(changes: ReadonlyMap<string, Buffer>): Bucket {
    if ([...changes.keys()].some((path) => !this.#places.has(path))) return Bucket.of(new Map([...this.#entries(), ...changes]))
    const text = Buffer.from(this.text)
    for (const [path, mac] of changes) text.set(mac, this.#places.get(path))
    return new Bucket(text, this.#places)
  }

  *#entries(): Iterable<[string, Buffer]> {
    for (const [path, place] of this.#places) yield [path, this.text.subarray(place, place + macLength)]
  }
}

function byPath([one]: readonly [string, Buffer], [other]: readonly [string, Buffer]): number {
  return one < other ? -1 : 1
}
