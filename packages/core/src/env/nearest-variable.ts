/** Words that other tools have for the last part of a variable. */
const otherWords: ReadonlyMap<string, string> = new Map([
  ['ADDR', 'URL'],
  ['ADDRESS', 'URL'],
  ['ENDPOINT', 'URL'],
  ['HOST', 'URL'],
  ['SERVER', 'URL'],
  ['FILE', 'PATH'],
  ['FOLDER', 'PATH'],
  ['LOCATION', 'REGION'],
  ['MAP', 'NAMES'],
  ['SECRET_NAMES', 'NAMES'],
])
/** A longer way is another word. */
const mostEdits = 2

/** The known variable that is meant by an unknown one of its group, such as `FINCHAT_VAULT_ADDR`. */
export function nearestInGroup(variable: string, known: readonly string[]): string | undefined {
  const words = tailOf(variable)
  const other = otherWords.get(words.join('_'))
  const meant = known.find((each) => other !== undefined && tailOf(each).join('_') === other)
  return meant ?? nearest(variable, known) ?? known.find((each) => areAkin(words, tailOf(each)))
}

/** The known variable that is a slip of the pen away. */
export function nearest(variable: string, known: readonly string[]): string | undefined {
  const ways = known.map((each) => ({ each, way: edits(variable.toUpperCase(), each) })).filter(({ way }) => way <= mostEdits)
  return ways.toSorted((one, other) => one.way - other.way)[0]?.each
}

/** The words behind `FINCHAT` and the group. */
function tailOf(variable: string): string[] {
  return variable.toUpperCase().split('_').slice(2)
}

function areAkin(one: readonly string[], other: readonly string[]): boolean {
  const [short, long] = one.length <= other.length ? [one, other] : [other, one]
  return short.length > 0 && short.every((word) => long.includes(word))
}

/** Levenshtein's distance: letters to add, to leave out or to change. */
function edits(one: string, other: string): number {
  if (Math.abs(one.length - other.length) > mostEdits) return Infinity
  let row = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (const [index, letter] of [...one].entries()) {
    const next = [index + 1]
    for (const [column, against] of [...other].entries()) {
      const change = (row[column] ?? Infinity) + (letter === against ? 0 : 1)
      next.push(Math.min(change, (row[column + 1] ?? Infinity) + 1, (next[column] ?? Infinity) + 1))
    }
    if (Math.min(...next) > mostEdits) return Infinity // most variables of an environment end here
    row = next
  }
  return row.at(-1) ?? Infinity
}
