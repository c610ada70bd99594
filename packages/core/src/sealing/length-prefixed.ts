import { SecretsError } from '../errors/secrets-error.ts'

/**
 * A field of a text that is authenticated; numbers stand as decimal text, `undefined` is told from
 * the empty field.
 */
export type Field = string | number | Uint8Array | undefined

const absent = 0xffff_ffff

/**
 * 4: the bytes of the length that stands before each field.
 *
 * @example
 * import { lengthPrefixed, prefixLength } from '@finchat/secrets-core/sealing'
 *
 * console.log(lengthPrefixed(['abc']).length - prefixLength) // 3
 */
export const prefixLength = 4

/**
 * One unambiguous text out of many fields: each stands behind its length (4 bytes, big-endian;
 * `ffffffff` for `undefined`), so that no two lists of fields look alike, and nothing moves from
 * one field into the next. A number is its decimal text: 1 and '1' are the same field. Returns what
 * `seal` takes as associated data, or what a hash or MAC is computed over. Throws
 * `INVALID_ARGUMENT` for text that is not well-formed (UTF-8 has no halves of surrogate pairs:
 * different ones would look alike), for what is no field, and for what is no array.
 *
 * @example
 * import { lengthPrefixed } from '@finchat/secrets-core/sealing'
 *
 * console.log(lengthPrefixed(['ab', 'c']).toString('hex')) // 0000000261620000000163
 * console.log(lengthPrefixed(['a', 'bc']).toString('hex')) // 0000000161000000026263
 */
export function lengthPrefixed(fields: readonly Field[]): Buffer {
  const text = Buffer.allocUnsafe(mostBytesOf(fields))
  let offset = 0
  for (const field of fields) {
    const length = field === undefined ? 0 : put(text, field, offset + prefixLength)
    text.writeUInt32BE(field === undefined ? absent : length, offset)
    offset += prefixLength + length
  }
  return text.subarray(0, offset)
}

/**
 * Counted as they are read: a gap in the array is a field that is `undefined`, which `reduce` would
 * leave out.
 */
function mostBytesOf(fields: readonly Field[]): number {
  if (!Array.isArray(fields))
    throw new SecretsError('INVALID_ARGUMENT', 'the fields are no array', { remedy: 'pass a list, of one field too' })
  let bytes = 0
  for (const field of fields) bytes += prefixLength + mostBytes(field)
  return bytes
}

/**
 * How much room a field may take: a UTF-16 unit has at most three bytes in UTF-8, and a number is
 * text of at most 24.
 */
function mostBytes(field: Field): number {
  if (field === undefined) return 0
  if (typeof field === 'number') return 24
  if (field instanceof Uint8Array) return field.length
  if (typeof field === 'string' && field.isWellFormed()) return field.length * 3
  throw new SecretsError('INVALID_ARGUMENT', 'a field is neither well-formed text nor a number, a Uint8Array or undefined', {
    remedy: 'give bytes for what is no text',
  })
}

function put(text: Buffer, field: string | number | Uint8Array, offset: number): number {
  if (!(field instanceof Uint8Array)) return text.write(String(field), offset)
  text.set(field, offset)
  return field.length
}
