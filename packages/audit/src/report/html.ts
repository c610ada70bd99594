import { createHash } from 'node:crypto'
import { escaped, isolated, leftOutNote, shown } from './display-text.ts'
import { pageStyle } from './page-style.ts'
import type { ReportCell, ReportColumn, ReportTable } from './tables.ts'
import type { Severity } from './verification-summary.ts'

/** Rows of one table; CSV and JSON have all. */
const mostRows = 500

/** Its texts are visible already; cells are made so here. */
export interface PageParts {
  readonly title: string
  readonly severity: Severity
  /** The verdict; the first sentence is its headline. */
  readonly sentences: readonly string[]
  /** What the page is about: folders, range, time zone, date. */
  readonly about: readonly (readonly [label: string, value: string])[]
  readonly figures: readonly (readonly [label: string, value: string])[]
  /** Figures with their captions. */
  readonly charts: readonly string[]
  readonly tables: readonly ReportTable[]
}

/** Forbids loading and running anything, wherever a mail program shows the page. */
function policyFor(style: string): string {
  const hash = createHash('sha256').update(style).digest('base64')
  return `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`
}

/** A self-contained page: no script, font or picture from elsewhere. */
export function htmlPage(parts: PageParts): string {
  const { title, charts, tables } = parts
  const style = `${pageStyle}${tables.length > 0 ? narrowHeadings(tables) : ''}`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policyFor(style)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escaped(title)}</title>
<style>${style}</style>
</head>
<body>
<header>
<h1><bdi>${escaped(title)}</bdi></h1>
<dl class="about">${parts.about.map(([label, value]) => `<div><dt>${escaped(label)}</dt><dd><bdi>${escaped(value)}</bdi></dd></div>`).join('')}</dl>
</header>
<main>
${verdict(parts)}
${contents(tables)}
${charts.length > 0 ? `<section aria-label="Charts">${legend}\n${charts.join('\n')}</section>` : ''}
${tables.map(htmlTable).join('\n')}
</main>
</body>
</html>
`
}

/** On a narrow page a row is a block, and each cell needs its heading. Headings are ours, and no names. */
function narrowHeadings(tables: readonly ReportTable[]): string {
  const rules = tables.flatMap(({ columns }, index) =>
    columns.map(({ title }, at) => `#rows-${index} td:nth-child(${at + 1})::before { content: ${JSON.stringify(title)}; }`),
  )
  return `@media screen and (max-width: 40rem) {\n${rules.join('\n')}\n}\n`
}

const words: Readonly<Record<Severity, string>> = { good: 'Proved', open: 'Open', bad: 'Altered or incomplete' }

/** The colour repeats what the words say. */
function verdict({ severity, sentences: [first = '', ...rest], figures }: PageParts): string {
  const more = rest.length === 0 ? '' : `<ul>${rest.map((sentence) => `<li><bdi>${escaped(sentence)}</bdi></li>`).join('')}</ul>`
  const counts = figures.map(([label, value]) => `<div><dt>${escaped(label)}</dt><dd>${escaped(value)}</dd></div>`)
  return `<section class="verdict ${severity}" aria-labelledby="verdict"><h2 id="verdict">Verdict: ${words[severity]}</h2>
<p><bdi>${escaped(first)}</bdi></p>${more}</section>
<dl class="figures">${counts.join('')}</dl>`
}

function contents(tables: readonly ReportTable[]): string {
  if (tables.length < 2) return ''
  const links = tables.map(
    ({ title, rows }, index) => `<li><a href="#table-${index}">${escaped(title)}</a> <span>${rows.length}</span></li>`,
  )
  return `<nav aria-label="Tables"><ul>${links.join('')}</ul></nav>`
}

const legend = '<p class="legend"><span class="ok">■</span> succeeded <span class="failed">■</span> failed</p>'

function htmlTable({ title, note, columns, rows: all, order, most = mostRows }: ReportTable, index: number): string {
  const rows = all.slice(0, most)
  const notes = [...(note === undefined ? [] : [note]), ...leftOutNote(rows.length, all.length, order)]
  const heads = columns.map((column) => `<th scope="col" class="${column.kind}">${escaped(column.title)}</th>`).join('')
  const body = rows.map((row) => `<tr>${row.map((value, at) => htmlCell(value, columns[at]?.kind ?? 'text')).join('')}</tr>`)
  // A part that scrolls must be reachable by keyboard, and then needs a name.
  const table = `<div class="scroll" role="region" aria-labelledby="table-${index}" tabindex="0"><table id="rows-${index}"><thead><tr>${heads}</tr></thead><tbody>\n${body.join('\n')}\n</tbody></table></div>`
  const said = notes.map((text) => `<p class="note">${escaped(text)}</p>`).join('')
  return `<section><h2 id="table-${index}">${escaped(title)}</h2>${said}${rows.length > 0 ? table : '<p>None.</p>'}</section>`
}

function htmlCell(value: ReportCell, kind: ReportColumn['kind']): string {
  const isText = typeof value === 'string' && value !== ''
  return `<td class="${kind}">${isText ? isolated(value) : escaped(shown(value, kind))}</td>`
}
