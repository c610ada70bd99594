/** The empty JSON pointer (RFC 6901) is the whole document: of a map, its JSON text. */
export const wholeJson: readonly string[] = ['']

export function isWholeJson(fields: readonly string[]): boolean {
  return fields.length === 1 && fields[0] === wholeJson[0]
}
