import { isRecord } from '../errors/own-properties.ts'
import { invalidArgument } from '../options/check-option.ts'

/** The most bytes of a staged version's note, as JSON: each store has room for that. */
const maxNoteBytes = 1_024

/**
 * Returns a copy of a staged version's note, its keys in order, so that equal notes have equal JSON.
 * Throws `INVALID_ARGUMENT` unless it is an object of texts of at most 1,024 bytes as JSON.
 *
 * @example
 * import { checkedNote } from '@finchat/secrets-core/provider'
 *
 * console.log(JSON.stringify(checkedNote({ plan: 'monthly', by: 'rotator-1' }))) // {"by":"rotator-1","plan":"monthly"}
 */
export function checkedNote(note: unknown): Readonly<Record<string, string>> | undefined {
  if (note === undefined) return undefined
  if (!isRecord(note)) throw invalidArgument('the note is not an object')
  const entries = Object.entries(note).map(([key, text]: [string, unknown]): [string, string] => {
    if (key.isWellFormed() && typeof text === 'string' && text.isWellFormed()) return [key, text]
    throw invalidArgument('the note holds more than texts', 'pass an object of texts')
  })
  const checked = Object.fromEntries(entries.toSorted(([one], [other]) => (one < other ? -1 : 1)))
  if (Buffer.byteLength(JSON.stringify(checked)) <= maxNoteBytes) return checked
  throw invalidArgument('the note is too long', `keep it within ${maxNoteBytes} bytes of JSON`)
}
