/** The tests' key: constant, and as random as a key must look. */
export const key: Uint8Array = Uint8Array.from({ length: 32 }, (_, at) => 0xf0 ^ (at * 37))
export const otherKey: Uint8Array = key.map((byte) => ~byte)
