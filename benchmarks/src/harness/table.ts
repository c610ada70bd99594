import type { Figure, Row } from './claims.ts'
import type { Unit } from './scenario.ts'

/** A Markdown table whose columns line up, as the formatter would leave it. */
export function markdownTable(head: readonly string[], lines: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) =>
    Math.max(3, ...[title, ...lines.map((line) => line[column] ?? '')].map(({ length }) => length)),
  )
  const line = (cells: readonly string[]): string => `| ${widths.map((width, column) => (cells[column] ?? '').padEnd(width)).join(' | ')} |`
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...lines.map(line)].join('\n')
}

const longestLine = 100

/** Wraps a paragraph of Markdown. A line never ends inside a code span. */
export function paragraph(text: string): string {
  const lines: string[] = []
  for (const word of text.match(/(?:`[^`]*`|\S)+/g) ?? []) {
    const line = lines.at(-1)
    if (line === undefined || line.length + 1 + word.length > longestLine) lines.push(word)
    else lines[lines.length - 1] = `${line} ${word}`
  }
  return lines.join('\n')
}

const head = ['', 'ours', 'peer', 'limit', '× peer', '× limit', 'goal', 'met']

/** One line for each claim, with the spread of every figure. */
export function claimsTable(rows: readonly Row[]): string {
  return markdownTable(
    head,
    rows.map(({ what, unit, ours, peer, limit, toPeer, toLimit, goal, met }) => [
      what,
      `${ours.entrant}: ${spreadText(ours, unit)}`,
      peer === undefined ? '' : `${peer.entrant}: ${spreadText(peer, unit)}`,
      limit === undefined ? '' : `${limit.entrant}: ${spreadText(limit, unit)}`,
      ratioText(toPeer),
      ratioText(toLimit),
      goal ?? 'stated',
      met === undefined ? '' : met ? 'yes' : '**MISSED**',
    ]),
  )
}

/** The same in brief: medians only. */
export function shortTable(rows: readonly Row[]): string {
  return markdownTable(
    ['', 'ours', 'peer', 'limit', 'goal', 'met'],
    rows.map(({ what, unit, ours, peer, limit, goal, met }) => [
      what,
      figureText(ours.median, unit),
      peer === undefined ? '' : `${peer.entrant} ${figureText(peer.median, unit)}`,
      limit === undefined ? '' : `${limit.entrant} ${figureText(limit.median, unit)}`,
      goal ?? 'stated',
      met === undefined ? '' : met ? 'yes' : '**MISSED**',
    ]),
  )
}

function spreadText({ median, least, most }: Figure, unit: Unit): string {
  if (least === most) return figureText(median, unit)
  return `${figureText(median, unit)} (${figureText(least, '')} to ${figureText(most, '')})`
}

/** Three digits that mean something. */
export function figureText(value: number, unit: Unit): string {
  const text = value.toLocaleString('en', Math.abs(value) >= 100 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 3 })
  return `${text} ${unit}`.trim()
}

function ratioText(ratio: number | undefined): string {
  return ratio === undefined ? '' : figureText(ratio, '')
}
