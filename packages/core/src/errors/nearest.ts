/** A longer way is another word. */
const mostEdits = 2

/**
 * Returns the known word that an unknown one means: alike but for case, `-` and `_`, or a letter or
 * two away; half of a short word at most.
 *
 * @example
 * import { nearest } from '@finchat/secrets-core/provider'
 *
 * console.log(nearest('must_exst', ['path', 'mustExist'])) // mustExist
 */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const ways = known
    .map((each) => ({ each, way: edits(plain(word), plain(each)) }))
    .filter(({ way }) => way <= mostEdits && way <= word.length / 2)
  return ways.toSorted((one, other) => one.way - other.way)[0]?.each
}

/** Without a pattern, since `RegExp.input` would keep the word, which may be a value in the wrong place. */
function plain(word: string): string {
  return word.toLowerCase().replaceAll('-', '').replaceAll('_', '')
}

/** Levenshtein's distance: letters to add, to leave out or to change. Ends early: a process compares hundreds of names as it starts. */
function edits(one: string, other: string): number {
  if (Math.abs(one.length - other.length) > mostEdits) return Infinity
  let row = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (const [index, letter] of [...one].entries()) {
    const next = [index + 1]
    for (const [column, against] of [...other].entries()) {
      const change = (row[column] ?? Infinity) + (letter === against ? 0 : 1)
      next.push(Math.min(change, (row[column + 1] ?? Infinity) + 1, (next[column] ?? Infinity) + 1))
    }
    if (Math.min(...next) > mostEdits) return Infinity
    row = next
  }
  return row.at(-1) ?? Infinity
}
