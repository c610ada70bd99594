// What scripts write into the documents: charts, and the tables of docs/compatibility.md.
import type { Files } from '../files.ts'
import { chartsOf, chartSvg, type Results } from './chart.ts'
import { compatibilityTables } from './tables.ts'

const page = 'docs/compatibility.md'
const block = /(<!-- written by pnpm pages:update: (\w+) -->\n\n)[\s\S]*?(<!-- end of \2 -->)/g

/** The files that scripts write, as they should be. */
export function writtenFiles(files: Files): Map<string, string> {
  const results = JSON.parse(files.get('benchmarks/results.json') ?? '') as Results // as pnpm bench wrote it
  const charts = [...chartsOf(results)].map(([name, chart]) => [`docs/charts/${name}.svg`, chartSvg(chart)] as const)
  return new Map([...charts, [page, withTables(files.get(page) ?? '', compatibilityTables(files))]])
}

/** Replaces each block by its table. A table without a block, or a block without a table, is an error. */
export function withTables(text: string, tables: Readonly<Record<string, string>>): string {
  const missing = new Set(Object.keys(tables))
  const written = text.replaceAll(block, (_, begin: string, name: string, end: string) => {
    if (!missing.delete(name)) throw new TypeError(`${page}: there is no table '${name}'`)
    return `${begin}${tables[name]}\n\n${end}`
  })
  if (missing.size > 0) throw new TypeError(`${page} has no block for ${[...missing].join(', ')}`)
  return written
}
