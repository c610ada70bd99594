import { emptyNode, entryOf, fanOut, slotsOf, withEntry } from '../record/version-node.ts'
import { altered } from '../sqlite/columns.ts'
import type { NodeRows } from '../sqlite/tables.ts'
import type { IndexDigests } from './index-digests.ts'

/** Nodes in memory; above this, all are dropped and read again. */
const maxNodes = 1_000

/**
 * The versions of one secret as a hash tree over their numbers, 16 children per node. The root is
 * in the secret's own row. A change of one version rewrites one node per level.
 */
export class VersionTree {
  readonly #path: string
  readonly #digests: Pick<IndexDigests, 'node'>
  readonly #rows: NodeRows
  #root: Buffer
  /** Level of the root: the lowest that reaches `lastVersion`. */
  #height: number
  /** Verified or changed nodes, without the root. */
  readonly #nodes = new Map<number, Buffer>()
  readonly #changed = new Set<number>()

  constructor(digests: Pick<IndexDigests, 'node'>, rows: NodeRows, of: { path: string; root: Buffer; lastVersion: number }) {
    this.#path = of.path
    this.#digests = digests
    this.#rows = rows
    this.#root = of.root
    this.#height = heightFor(of.lastVersion)
  }

  /** `undefined` is authenticated: there is no such version. */
  digestOf(version: number): Buffer | undefined {
    return entryOf(this.#node(1, Math.floor(version / fanOut)), version % fanOut)
  }

  /** Version numbers above `above`, read lazily. */
  ascending(above = 0): Iterable<number> {
    return this.#below(this.#height, 0, above, (slots) => slots)
  }

  descending(): Iterable<number> {
    return this.#below(this.#height, 0, 0, (slots) => slots.toReversed())
  }

  /** Undefined removes the version. The number must be within the tree's height. */
  set(version: number, digest: Buffer | undefined): void {
    let [below, entry] = [version, digest]
    for (let level = 1; level <= this.#height; level++) {
      const number = Math.floor(below / fanOut)
      const node = withEntry(this.#node(level, number), below % fanOut, entry)
      this.#change(level, number, node)
      entry = node.length === 0 || level === this.#height ? undefined : this.#digests.node(this.#path, level, number, node)
      below = number
    }
  }

  /** The old root becomes the first child of a higher one. */
  growTo(version: number): void {
    for (const height = heightFor(version); this.#height < height;) {
      const [level, root] = [this.#height++, this.#root]
      if (root.length === 0) continue
      this.#change(level, 0, root)
      this.#root = withEntry(emptyNode, 0, this.#digests.node(this.#path, level, 0, root))
    }
  }

  /** Writes changed nodes. Returns the root, which the caller writes. */
  write(): Buffer {
    for (const id of this.#changed) {
      const node = this.#nodes.get(id) ?? emptyNode
      if (node.length > 0) this.#rows.setNode(id, node)
      else this.#rows.dropNode(id)
    }
    this.#changed.clear()
    return this.#root
  }

  #change(level: number, number: number, node: Buffer): void {
    if (level === this.#height) {
      this.#root = node
      return
    }
    this.#nodes.set(idOf(level, number), node)
    this.#changed.add(idOf(level, number))
  }

  #node(level: number, number: number): Buffer {
    if (level === this.#height) return number === 0 ? this.#root : emptyNode
    const id = idOf(level, number)
    const known = this.#nodes.get(id)
    if (known) return known
    const digest = entryOf(this.#node(level + 1, Math.floor(number / fanOut)), number % fanOut)
    if (!digest) return emptyNode
    const node = this.#rows.node(id)
    if (!node || !this.#digests.node(this.#path, level, number, node).equals(digest)) throw altered()
    this.#remember(id, node)
    return node
  }

  #remember(id: number, node: Buffer): void {
    if (this.#nodes.size >= maxNodes && this.#changed.size === 0) this.#nodes.clear()
    this.#nodes.set(id, node)
  }

  *#below(level: number, number: number, above: number, ordered: (slots: number[]) => number[]): Iterable<number> {
    for (const slot of ordered(slotsOf(this.#node(level, number)))) {
      const child = number * fanOut + slot
      // all numbers below it are excluded
      if ((child + 1) * fanOut ** (level - 1) - 1 <= above) continue
      if (level === 1) yield child
      else yield* this.#below(level - 1, child, above, ordered)
    }
  }
}

/** A unique number for each node, above 0 and within the limit of versions. */
function idOf(level: number, number: number): number {
  return number * fanOut + level
}

function heightFor(version: number): number {
  let height = 1
  while (fanOut ** height <= version) height++
  return height
}
