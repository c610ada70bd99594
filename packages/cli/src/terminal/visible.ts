/** Control characters, marks of direction, and other characters that a terminal would obey or hide. */
const invisible = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u

/**
 * The text as a terminal may show it. A stored name or value could hold an escape sequence, which
 * would move the cursor or change the title. `kept` are characters that stay.
 */
export function visible(text: string, kept = ''): string {
  return Array.from(text, (character) => (isShown(character, kept) ? character : escaped(character))).join('')
}

/** One character at a time: RegExp.input would keep a whole value. */
function isShown(character: string, kept: string): boolean {
  return kept.includes(character) || !invisible.test(character)
}

function escaped(character: string): string {
  return `\\u{${character.codePointAt(0)?.toString(16)}}`
}
