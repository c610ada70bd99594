import { styleText } from 'node:util'
import { printTable } from '../terminal/table.ts'
import { hasColours, type Terminal } from '../terminal/terminal.ts'
import { visible } from '../terminal/visible.ts'
import type { Finding, Section } from './finding.ts'

const colours = { ok: 'green', warn: 'yellow', fail: 'red', 'not checked': 'dim' } as const
const statusWidth = 'not checked'.length
const [lineIndent, remedyIndent] = [statusWidth + 6, statusWidth + 9]
const leastColumns = 60

/** Sections on a terminal; elsewhere a line for each finding, with tabs. */
export async function printSections(sections: readonly Section[], terminal: Terminal): Promise<void> {
  const { stdout, env } = terminal
  if (stdout.isTTY !== true) {
    const rows = sections.flatMap(({ name, findings }) =>
      findings.map(({ status, check, finding, remedy = '' }) => [name, status, check, onOneLine(finding), onOneLine(remedy)]),
    )
    return printTable({ headings: [], rows }, terminal)
  }
  const paint = hasColours(stdout, env) ? painted : (_: unknown, text: string): string => text
  const texts = sections.map(({ name, findings }) =>
    [paint('bold', visible(name)), ...findings.map((each) => lineOf(each, paint, stdout.columns))].join('\n'),
  )
  stdout.write(`${texts.join('\n\n')}\n`)
}

type Paint = (style: 'bold' | (typeof colours)[Finding['status']], text: string) => string

function painted(style: Parameters<Paint>[0], text: string): string {
  return styleText(style, text, { validateStream: false })
}

function lineOf({ status, check, finding, remedy }: Finding, paint: Paint, columns = 80): string {
  const width = Math.max(columns, leastColumns)
  const line = `  ${paint(colours[status], status.padEnd(statusWidth))}  ${wrapped(`${check}: ${finding}`, lineIndent, width)}`
  if (remedy === undefined) return line
  return `${line}\n${' '.repeat(statusWidth + 4)}${paint('dim', 'fix:')} ${wrapped(remedy, remedyIndent, width)}`
}

/** Breaks between words, so that each line ends before the last column; further lines are indented. */
function wrapped(text: string, indent: number, width: number): string {
  const lines = visible(text, '\n')
    .split('\n')
    .flatMap((line) => brokenLine(line.trim(), width - indent))
  return lines.join(`\n${' '.repeat(indent)}`)
}

function brokenLine(text: string, width: number): readonly string[] {
  return text.split(' ').reduce<readonly string[]>((lines, word) => {
    const [last, ...others] = lines.toReversed()
    return last === undefined || last.length + word.length >= width ? [...lines, word] : [...others.toReversed(), `${last} ${word}`]
  }, [])
}

function onOneLine(text: string): string {
  return text.replaceAll(/\n\s*/g, ' ')
}
