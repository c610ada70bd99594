import { digestLength } from './tree-shape.ts'

/** Children per node. A node's row must fit into a page. */
export const fanOut = 16

const entryLength = 1 + digestLength
export const maxNodeBytes: number = fanOut * entryLength

/** A node holds the digests of its children, each after its slot, ascending. */
export const emptyNode: Buffer = Buffer.alloc(0)

export function entryOf(node: Buffer, slot: number): Buffer | undefined {
  const at = placeOf(node, slot)
  return node[at] === slot ? node.subarray(at + 1, at + entryLength) : undefined
}

/** Sets the digest of a slot; undefined removes it. */
export function withEntry(node: Buffer, slot: number, digest: Buffer | undefined): Buffer {
  const at = placeOf(node, slot)
  const after = node.subarray(node[at] === slot ? at + entryLength : at)
  return Buffer.concat([node.subarray(0, at), ...(digest ? [Buffer.of(slot), digest] : []), after])
}

export function slotsOf(node: Buffer): number[] {
  return Array.from({ length: node.length / entryLength }, (_, index) => node.readUInt8(index * entryLength))
}

/** Offset of the slot's entry, or where it would be. */
function placeOf(node: Buffer, slot: number): number {
  let at = 0
  while (at < node.length && node.readUInt8(at) < slot) at += entryLength
  return at
}
