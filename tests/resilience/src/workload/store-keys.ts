import { createHash } from 'node:crypto'

/**
 * The keys of a store whose generation is this one: the next seals already, so that a re-encryption has something to do and
 * can be found done, half done or not begun.
 */
export function storeKeys(generation: number): [Uint8Array, Uint8Array] {
  return [keyOf(generation + 1), keyOf(generation)]
}

function keyOf(generation: number): Uint8Array {
  return createHash('sha256').update(`the key of generation ${generation}`).digest()
}
