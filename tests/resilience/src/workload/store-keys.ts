import { createHash } from 'node:crypto'

/**
 * The keys of a store of this generation. The next key seals already, so that a re-encryption has
 * work and its progress shows.
 */
export function storeKeys(generation: number): [Uint8Array, Uint8Array] {
  return [keyOf(generation + 1), keyOf(generation)]
}

function keyOf(generation: number): Uint8Array {
  return createHash('sha256').update(`the key of generation ${generation}`).digest()
}
