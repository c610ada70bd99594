import { lengthPrefixed, prefixLength } from '@finchat/secrets-core/sealing'
import { digestLength } from '../record/tree-shape.ts'
import type { IndexDigests } from './index-digests.ts'

type Entry = readonly [path: string, digest: Uint8Array]

/**
 * The secrets of one leaf, sorted by path, as the text of its digest. The digest of an empty leaf
 * is zeros.
 */
export class Leaf {
  readonly digest: Buffer
  readonly #digests: IndexDigests
  readonly #text: Buffer
  /** Offset of each secret's digest in the text. */
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

  /** Sets the digest of one secret, which may be new. */
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

/** Length of a path and its digest in the text. */
function entryLength(path: string): number {
  return 2 * prefixLength + Buffer.byteLength(path) + digestLength
}

function byPath([one]: Entry, [other]: Entry): number {
  return one < other ? -1 : 1
}
