import { expect, test } from 'vitest'
import { readFiles } from '../files.ts'
import { chartSvg, chartsOf } from './chart.ts'
import { withTables, writtenFiles } from './written.ts'

test('charts and tables in the documents are those of the figures, checks and manifests: pnpm pages:update', () => {
  const files = readFiles()
  for (const [path, text] of writtenFiles(files)) expect(files.get(path), path).toBe(text)
})

const samples = { getSecret: [{ time: 3 }, { time: 1 }, { time: 2 }], 'a <b>': [{ time: 1234.5 }] }
const chart = { title: 'A & B', unit: 'ns', bars: [] }

test('a bar is as long as its median says, and the picture reads as a sentence', () => {
  const bars = [
    { label: 'getSecret', value: 50, role: 'ours' },
    { label: 'a <b>', value: 1234.5, role: 'peer' },
  ]
  const svg = chartSvg({ ...chart, bars })
  expect(svg).toContain('<title>A &amp; B: getSecret 50 ns, a &lt;b> 1,235 ns</title>')
  expect([...svg.matchAll(/<rect x="0" y="\d+" width="([\d.]+)"/g)].map(([, width]) => width)).toEqual(['13.1', '324.0'])
  expect(svg).not.toMatch(/\n\n/) // ends a block of HTML in Markdown
})

test('a chart of figures that are not there is an error', () => {
  const results = { date: '', results: [{ name: 'core-cached', metrics: { time: 'ns' }, roles: {}, samples }] }
  expect(() => chartsOf(results)).toThrow('has no cpu of core-cached')
})

test('a table replaces the one before it, and each block has one', () => {
  const block = (table: string): string =>
    `<!-- written by pnpm pages:update: one -->\n\n${table === '' ? '' : `${table}\n\n`}<!-- end of one -->\n`
  for (const former of ['', '| old |']) expect(withTables(block(former), { one: '| new |' })).toBe(block('| new |'))
  expect(() => withTables('', { one: '| new |' })).toThrow('no block for one')
  expect(() => withTables(block(''), {})).toThrow("no table 'one'")
})
