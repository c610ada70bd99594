import { styleText } from 'node:util'

// `styleText` leaves colours out where standard output is no terminal, or NO_COLOR is set. Every
// line fits into 80 columns.
const bold = (text: string): string => styleText('bold', text, { stream: process.stdout })
const dim = (text: string): string => styleText('dim', text, { stream: process.stdout })
const marks = { ok: ['green', '✓'], note: ['yellow', '!'], no: ['red', '✗'] } as const

export type Mark = keyof typeof marks

export function title(text: string): void {
  console.log(`\n${bold(text)}\n`)
}

export function paragraph(...lines: readonly string[]): void {
  for (const line of lines) console.log(line === '' ? '' : `   ${line}`)
}

/** What is done to the stores. */
export function scene(atMs: number, text: string): void {
  console.log(`\n${dim(seconds(atMs))}  ${bold(text)}`)
}

/** What is seen of it: who or what, how long it took, and what that means. */
export function sight(atMs: number, mark: Mark, what: string, took: string, meaning: string): void {
  const [colour, sign] = marks[mark]
  console.log(
    `${dim(seconds(atMs))}  ${styleText(colour, sign, { stream: process.stdout })} ${what.padEnd(23)}${took.padStart(7)}  ${dim(meaning)}`,
  )
}

/** The first column is text, the others are numbers. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = header.map((heading, column) => Math.max(heading.length, ...rows.map((row) => row[column]?.length ?? 0)))
  const cell = (text: string, column: number): string => (column === 0 ? text.padEnd(widths[0] ?? 0) : text.padStart(widths[column] ?? 0))
  const line = (row: readonly string[]): string => `   ${row.map(cell).join('   ')}`
  console.log(dim(line(header)))
  for (const row of rows) console.log(line(row))
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`.padStart(9)
}
