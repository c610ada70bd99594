import { digestAt, digestLength, leavesPerBucket, type LeafEntry } from '../record/tree-shape.ts'
import type { IndexDigests } from './index-digests.ts'
import { Leaf } from './leaf.ts'

/** The verified leaves of one bucket. */
export class Bucket {
  readonly #digests: IndexDigests
  readonly #leaves: Leaf[]
  /** Digests of all leaves, concatenated: input of the bucket's digest. */
  readonly #leafDigests: Buffer

  constructor(digests: IndexDigests, secrets: ReadonlyMap<string, LeafEntry>) {
    const members = Array.from({ length: leavesPerBucket }, (): [path: string, digest: Uint8Array][] => [])
    for (const [path, { leaf, digest }] of secrets) members[leaf % leavesPerBucket]?.push([path, digest])
    this.#digests = digests
    this.#leaves = members.map((each) => Leaf.of(digests, each))
    this.#leafDigests = Buffer.alloc(leavesPerBucket * digestLength)
    for (const [place, leaf] of this.#leaves.entries()) digestAt(this.#leafDigests, place).set(leaf.digest)
  }

  get paths(): readonly string[] {
    return this.#leaves.flatMap((leaf) => [...leaf.paths])
  }

  leaf(number: number): Leaf {
    return this.#leaves[number % leavesPerBucket] ?? Leaf.of(this.#digests, [])
  }

  /** The bucket's digest, with `others` replacing some of its leaves. */
  digest(others: Iterable<readonly [number: number, leaf: Leaf]> = []): Buffer {
    const leafDigests = Buffer.from(this.#leafDigests)
    for (const [number, leaf] of others) digestAt(leafDigests, number % leavesPerBucket).set(leaf.digest)
    return this.#digests.bucket(leafDigests)
  }

  adopt(number: number, leaf: Leaf): void {
    this.#leaves[number % leavesPerBucket] = leaf
    digestAt(this.#leafDigests, number % leavesPerBucket).set(leaf.digest)
  }
}
