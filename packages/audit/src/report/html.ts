import { createHash } from 'node:crypto'
import { escaped, grouped, isolated, shown } from './display-text.ts'
import { pageStyle } from './page-style.ts'
import type { ReportTable } from './tables.ts'

/** Rows of one table; JSON has all. */
const mostRows = 500

export interface PageParts {
  readonly title: string
  /** Sentences under the title; `tone` colours the first. */
  readonly head: readonly string[]
  readonly tone: 'good' | 'bad' | 'open'
  readonly figures: readonly (readonly [label: string, value: string])[]
  /** SVG. */
  readonly charts: readonly string[]
  readonly tables: readonly ReportTable[]
}

const styleHash = createHash('sha256').update(pageStyle).digest('base64')

/** Forbids loading and running anything, wherever a mail program shows the page. */
const policy = `default-src 'none'; style-src 'sha256-${styleHash}'; base-uri 'none'; form-action 'none'`

/** A self-contained page: no script, font or picture from elsewhere. */
export function htmlPage({ title, head, tone, figures, charts, tables }: PageParts): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>${escaped(title)}</title>
<style>${pageStyle}</style>
</head>
<body>
<main>
<h1>${escaped(title)}</h1>
${head.map((sentence, index) => `<p${index === 0 ? ` class="${tone}"` : ''}>${escaped(sentence)}</p>`).join('\n')}
<dl>${figures.map(([label, value]) => `<div><dt>${escaped(label)}</dt><dd>${escaped(value)}</dd></div>`).join('')}</dl>
${charts.length > 0 ? legend : ''}
${charts.join('\n')}
${tables.map(htmlTable).join('\n')}
</main>
</body>
</html>
`
}

const legend = '<p class="legend"><span class="ok">■</span> succeeded <span class="failed">■</span> failed (in brackets)</p>'

function htmlTable({ title, note, columns, rows }: ReportTable): string {
  const notes = [
    ...(note === undefined ? [] : [note]),
    ...(rows.length > mostRows ? [`The first ${mostRows} of ${grouped(rows.length)} rows.`] : []),
  ]
  const heads = columns.map((column) => `<th scope="col" class="${column.kind}">${escaped(column.title)}</th>`).join('')
  const body = rows.slice(0, mostRows).map((row) => {
    const cells = row.map((value, index) => htmlCell(value, columns[index]?.kind ?? 'text'))
    return `<tr>${cells.join('')}</tr>`
  })
  const table = `<table><thead><tr>${heads}</tr></thead><tbody>\n${body.join('\n')}\n</tbody></table>`
  return `<section><h2>${escaped(title)}</h2>${notes.map((text) => `<p class="note">${escaped(text)}</p>`).join('')}${rows.length > 0 ? table : '<p>None.</p>'}</section>`
}

function htmlCell(value: string | number | undefined, kind: 'text' | 'number' | 'time'): string {
  const isText = typeof value === 'string' && value !== ''
  return `<td class="${kind}">${isText ? isolated(value) : escaped(shown(value, kind))}</td>`
}
