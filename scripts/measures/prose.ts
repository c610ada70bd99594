export const mostWords = 25

/** Words of a text; a code span is one word. */
export function wordsIn(text: string): number {
  const plain = text.replaceAll(/`[^`]*`/g, 'code').replaceAll(/\]\([^)]*\)/g, ']')
  return plain.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word)).length
}

/**
 * A sentence ends at `.`, `!` or `?` before a space and a new start, at an empty line, and with a
 * list item.
 */
export function sentencesOf(text: string): string[] {
  const spans = text.replaceAll(/`[^`]*`/g, (span) => span.replaceAll(/\s/g, '\u00A0')) // no sentence ends in a code span
  const blocks = spans.split(/\n\s*\n|\n(?=\s*(?:[-*•]|\d+\.|#+|@\w+|\|)\s?)/).map((block) => block.trim().replaceAll(/[ \n\t]+/g, ' '))
  const sentences = blocks.flatMap((block) => block.split(/(?<=[.!?][)"'”`*]*) (?=["'(`*“[]*[\p{Lu}\p{N}`])/u))
  return sentences.filter((sentence) => /\p{L}/u.test(sentence)).map((sentence) => sentence.replaceAll('\u00A0', ' '))
}

/** HTML, CSS and SQL in a text are no sentences. */
export function isCode(text: string): boolean {
  return /^\s*(?:<!doctype |CREATE TABLE )|\{\s*[\w-]+:[^{}]*;/.test(text)
}

export function longSentences(text: string): string[] {
  return sentencesOf(text).filter((sentence) => wordsIn(sentence) > mostWords)
}

/** Markdown without its code blocks; each cell of a table is a paragraph. */
export function markdownProse(markdown: string): string {
  const withoutCode = markdown.replaceAll(/^( *)(`{3,})[\s\S]*?^\1\2 *$/gm, '').replaceAll(/<!--[\s\S]*?-->|^\[[^\]]+\]: .*$/gm, '')
  return withoutCode.replaceAll(/^\|.*$/gm, (row) => row.split('|').join('\n\n'))
}
