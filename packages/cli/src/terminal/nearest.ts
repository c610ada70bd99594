/** The known word that an unknown one means: alike but for case and separators, or a letter or two away. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  for (const edits of [0, 1, 2]) {
    const meant = known.find((each) => isWithin(plain(word), plain(each), edits))
    if (meant !== undefined) return meant
  }
  return undefined
}

function plain(word: string): string {
  return word.toLowerCase().replaceAll(/[-_]/g, '')
}

/** Whether so many letters added, left out or changed make one of the other. */
function isWithin(one: string, other: string, edits: number): boolean {
  if (one === other) return true
  if (edits === 0) return false
  const at = Array.from(one).findIndex((letter, index) => letter !== other[index])
  const [rest, otherRest] = at === -1 ? ['', other.slice(one.length)] : [one.slice(at), other.slice(at)]
  const ways = [
    [rest.slice(1), otherRest],
    [rest, otherRest.slice(1)],
    [rest.slice(1), otherRest.slice(1)],
  ] as const
  return ways.some(([left, right]) => isWithin(left, right, edits - 1))
}
