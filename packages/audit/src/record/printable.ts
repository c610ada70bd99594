/** What stands in a line as it is: the characters of logical names, and a few that actors and paths have. */
const bare = /^[A-Za-z0-9/_+=.@:#*-]+$/

/** Stands for what is not known; the text `-` itself stands in quotes. */
const absent = '-'

/**
 * A value of the human line, in printable ASCII: as it is, or in quotes with the escapes of JSON, so that it can neither end the line, nor
 * look like another member, nor reach the terminal. Two values that differ differ here too.
 */
export function printable(value: string | undefined): string {
  if (value === undefined) return absent
  return bare.test(value) && value !== absent ? value : asciiJson(value)
}

/** JSON of nothing but printable ASCII: no line break, escape sequence, direction mark or lone surrogate of any text stands in it as such. */
export function asciiJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
