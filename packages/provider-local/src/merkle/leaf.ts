import { lengthPrefixed, prefixLength } from '@finchat/secrets-core/sealing'
import type { IndexDigests } from './index-digests.ts'
import { digestLength } from '../record/tree-shape.ts'

type Entry = readonly [path: string, digest: Uint8Array]

/**
 * The secrets of one leaf, each with its digest, as the text that the leaf's own digest is computed over: sorted by path, so that equal leaves
 * have equal texts. The digest of a leaf without secrets is all zeros, which no text has.
 */
export class Leaf {
  readonly digest: Buffer
  readonly #digests: IndexDigests
  readonly #text: Buffer
  /** Where in the text a secret's digest stands. */
  readonly #places: ReadonlyMap<string, number>

  private constructor(digests: IndexDigests, text: Buffer, places: ReadonlyMap<string, number>) {
    this.digest = text.length === 0 ? nothing : digests.leaf(text)
    this.#digests = digests
    this.#text = text
    this.#places = places
  }

  static of(digests: IndexDigests, secrets: readonly Entry[]): Leaf {
    const sorted = secrets.toSorted(byPath)
    const places = new Map<string, number>()
    let end = 0
    for (const [path] of sorted) {
      end += entryLength(path)
      places.set(path, end - digestLength)
    }
    return new Leaf(digests, lengthPrefixed(sorted.flat()), places)
  }

  get paths(): Iterable<string> {
    return this.#places.keys()
  }

  digestOf(path: string): Buffer | undefined {
    const place = this.#places.get(path)
    return place === undefined ? undefined : this.#text.subarray(place, place + digestLength)
  }

  /** This leaf with another digest for one of its secrets, or with a secret that is new. */
  with(path: string, digest: Uint8Array): Leaf {
    const place = this.#places.get(path)
    if (place === undefined) return Leaf.of(this.#digests, [...this.#secrets(), [path, digest]])
    const text = Buffer.from(this.#text)
    text.set(digest, place)
    return new Leaf(this.#digests, text, this.#places)
  }

  *#secrets(): Iterable<Entry> {
    for (const [path, place] of this.#places) yield [path, this.#text.subarray(place, place + digestLength)]
  }
}

const nothing = Buffer.alloc(digestLength)

/** How much of the text a path and its digest take. */
function entryLength(path: string): number {
  return 2 * prefixLength + Buffer.byteLength(path) + digestLength
}

function byPath([one]: Entry, [other]: Entry): number {
  return one < other ? -1 : 1
}
