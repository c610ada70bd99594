import { nearest } from '../errors/nearest.ts'

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

/** The known variable that is meant by an unknown one of its group, such as `FINCHAT_VAULT_ADDR`. */
export function nearestInGroup(variable: string, known: readonly string[]): string | undefined {
  const words = tailOf(variable)
  const other = otherWords.get(words.join('_'))
  const meant = known.find((each) => other !== undefined && tailOf(each).join('_') === other)
  return meant ?? nearest(variable, known) ?? known.find((each) => areAkin(words, tailOf(each)))
}

/** The words behind `FINCHAT` and the group. */
function tailOf(variable: string): string[] {
  return variable.toUpperCase().split('_').slice(2)
}

function areAkin(one: readonly string[], other: readonly string[]): boolean {
  const [short, long] = one.length <= other.length ? [one, other] : [other, one]
  return short.length > 0 && short.every((word) => long.includes(word))
}
