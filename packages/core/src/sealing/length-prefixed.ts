import { SecretsError } from '../errors/secrets-error.ts'

/** One field; a number stands for its decimal text, and `undefined` differs from an empty field. */
export type Field = string | number | Uint8Array | undefined

const absent = 0xffff_ffff

/**
 * 4: the bytes of the length before each field.
 *
 * @example
 * import { lengthPrefixed, prefixLength } from '@finchat/secrets-core/sealing'
 *
 * console.log(lengthPrefixed(['abc']).length - prefixLength) // 3
 */
export const prefixLength = 4

/**
 * Encodes fields as one unambiguous text, for associated data, hashes and MACs. Before each field
 * stands its length: 4 bytes, big-endian, `ffffffff` for `undefined`. So no two lists have the same
 * text. Only a number equals its decimal text: 1 and '1'. Throws `INVALID_ARGUMENT` if `fields` is
 * no array, or a field has another type or a lone surrogate. UTF-8 would replace different lone
 * surrogates by the same bytes.
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

/** `reduce` would skip a hole, which is an `undefined` field. */
function mostBytesOf(fields: readonly Field[]): number {
  if (!Array.isArray(fields))
    throw new SecretsError('INVALID_ARGUMENT', 'the fields are no array', { remedy: 'pass a list, of one field too' })
  let bytes = 0
  for (const field of fields) bytes += prefixLength + mostBytes(field)
  return bytes
}

/** UTF-8 takes at most three bytes for a UTF-16 unit, and a number at most 24 characters. */
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
