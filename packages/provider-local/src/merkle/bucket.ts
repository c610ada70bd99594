import type { IndexDigests } from './index-digests.ts'
import { Leaf } from './leaf.ts'
import { digestAt, digestLength, leavesPerBucket, type Placed } from '../record/tree-shape.ts'

/** The leaves of one bucket, as they were verified; another state of it is this one with other leaves, until they are adopted. */
export class Bucket {
  readonly #digests: IndexDigests
  readonly #leaves: Leaf[]
  /** Of all leaves, one after the other: what the bucket's own digest is computed over. */
  readonly #leafDigests: Buffer

  constructor(digests: IndexDigests, secrets: ReadonlyMap<string, Placed>) {
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

  /** The bucket's own digest; with other leaves in place of some of its own. */
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
