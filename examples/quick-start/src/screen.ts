import { styleText } from 'node:util'

// `styleText` leaves colours out where standard output is no terminal, or NO_COLOR is set.
const bold = (text: string): string => styleText('bold', text, { stream: process.stdout })
const dim = (text: string): string => styleText('dim', text, { stream: process.stdout })
const marks = { ok: 'green', note: 'yellow', no: 'red' } as const

export function heading(title: string, subtitle: string): void {
  console.log(`\n${bold(title)}\n${dim(subtitle)}`)
}

export function step(number: number, title: string): void {
  console.log(`\n${bold(`${number}  ${title}`)}`)
}

/** One thing that happened: what, and how it went. */
export function line(mark: keyof typeof marks, what: string, result: string): void {
  const sign = { ok: '✓', note: '!', no: '✗' }[mark]
  console.log(`   ${styleText(marks[mark], sign, { stream: process.stdout })} ${what.padEnd(31)} ${dim(result)}`)
}

/** What went wrong: its code, and below it what a developer reads. */
export function refusal(what: string, code: string, message: string): void {
  line('no', what, code)
  console.log(`     ${dim(message)}`)
}

export function table(header: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)))
  const format = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('   ')
      .trimEnd()
  console.log(`   ${dim(format(header))}`)
  for (const row of rows) console.log(`   ${format(row)}`)
}

export function listing(lines: readonly string[]): void {
  for (const each of lines) console.log(each === '' ? '' : `   ${styleText('cyan', each, { stream: process.stdout })}`)
}
