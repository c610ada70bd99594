import { styleText } from 'node:util'
import { printTable } from '../terminal/table.ts'
import { hasColours, type Terminal } from '../terminal/terminal.ts'
import { visible } from '../terminal/visible.ts'
import type { Finding, Section } from './finding.ts'

const colours = { ok: 'green', warn: 'yellow', fail: 'red', 'not checked': 'dim' } as const
const statusWidth = 'not checked'.length
const [remedyIndent, lineIndent] = [' '.repeat(statusWidth + 4), ' '.repeat(statusWidth + 9)]

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
  const texts = sections.map(({ name, findings }) => [paint('bold', visible(name)), ...findings.map((each) => lineOf(each, paint))].join('\n'))
  stdout.write(`${texts.join('\n\n')}\n`)
}

type Paint = (style: 'bold' | (typeof colours)[Finding['status']], text: string) => string

function painted(style: Parameters<Paint>[0], text: string): string {
  return styleText(style, text, { validateStream: false })
}

function lineOf({ status, check, finding, remedy }: Finding, paint: Paint): string {
  const line = `  ${paint(colours[status], status.padEnd(statusWidth))}  ${visible(check)}: ${indented(finding)}`
  return remedy === undefined ? line : `${line}\n${remedyIndent}${paint('dim', 'fix:')} ${indented(remedy)}`
}

function onOneLine(text: string): string {
  return text.replaceAll(/\n\s*/g, ' ')
}

/** Further lines are indented under the first. */
function indented(text: string): string {
  return visible(text, '\n').replaceAll('\n', `\n${lineIndent}`)
}
