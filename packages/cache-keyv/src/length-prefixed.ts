/** A field of a text that is authenticated; numbers stand as decimal text, `undefined` is told from the empty field. */
export type Field = string | number | Uint8Array | undefined

// The same as the local provider's, for the reason that `seal.ts` gives.

const absent = 0xffff_ffff
const prefixLength = 4

/** One unambiguous text out of many fields: each stands behind its length, so that no two lists of fields look alike. */
export function lengthPrefixed(fields: readonly Field[]): Buffer {
  const text = Buffer.allocUnsafe(fields.reduce<number>((length, field) => length + prefixLength + mostBytes(field), 0))
  let offset = 0
  for (const field of fields) {
    const length = field === undefined ? 0 : put(text, field, offset + prefixLength)
    text.writeUInt32BE(field === undefined ? absent : length, offset)
    offset += prefixLength + length
  }
  return text.subarray(0, offset)
}

/** How much room a field may take: a UTF-16 unit has at most three bytes in UTF-8, and a number is text of at most 24. */
function mostBytes(field: Field): number {
  if (field === undefined) return 0
  return typeof field === 'number' ? 24 : typeof field === 'string' ? field.length * 3 : field.length
}

function put(text: Buffer, field: string | number | Uint8Array, offset: number): number {
  if (!(field instanceof Uint8Array)) return text.write(String(field), offset)
  text.set(field, offset)
  return field.length
}
