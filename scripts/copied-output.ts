// What an example's README says that it prints, compared with what it printed.

/** The block of output in a README. */
export function outputBlock(readme: string): string {
  return readme.match(/^```text\n(.*?)^```$/ms)?.[1] ?? ''
}

/**
 * The first line that the block and the output do not share. A line `…` of the block stands for any
 * lines. Numbers may differ, except from 0; so may blanks and empty lines.
 */
export function firstMissing(block: string, printed: string): string | undefined {
  const [wanted, found] = [linesOf(block), linesOf(printed)]
  let furthest = 0
  const fits = (at: number, from: number): boolean => {
    furthest = Math.max(furthest, at)
    if (at === wanted.length) return from === found.length
    if (wanted[at] === '…') return fits(at + 1, from) || (from < found.length && fits(at, from + 1))
    return wanted[at] === found[from] && fits(at + 1, from + 1)
  }
  return fits(0, 0) ? undefined : (wanted[furthest] ?? found.at(-1) ?? 'nothing')
}

function linesOf(text: string): string[] {
  const plain = text.replaceAll(/\d+(?:[.,]\d+)*/g, (number) => (number === '0' ? '0' : '#')).replaceAll(/[ \t]+/g, ' ')
  return plain
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)
}
