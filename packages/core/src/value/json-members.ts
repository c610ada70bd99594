import { membersAt, spanOf } from './json-text.ts'

/**
 * Returns the members of a JSON object or array in their order, each with its JSON text exactly as
 * written, and where that starts in the text; none for other JSON. Equal keys each have a member. Throws `INVALID_ARGUMENT`, without
 * quoting the text, if it is no JSON.
 *
 * @example
 * import { jsonMembers } from '@finchat/secrets-core/provider'
 *
 * console.log(jsonMembers('{"b": 1.10, "2": "x"}').map(({ key, text }) => `${key} ${text}`)) // [ 'b 1.10', '2 "x"' ]
 */
export function jsonMembers(text: string): readonly { readonly key: string; readonly text: string; readonly start: number }[] {
  return membersAt(text, spanOf(text)).map(({ key, start, end }) => ({ key, text: text.slice(start, end), start }))
}
