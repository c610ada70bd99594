import fc from 'fast-check'
import { expect, it } from 'vitest'
import { anyRecord, aRecord, hostileTexts } from '../testing/sample-records.ts'
import { csvLines } from './csv.ts'

async function collected(lines: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = []
  for await (const line of lines) all.push(line)
  return all
}

/** The cells of one line, as RFC 4180 has them. */
function cellsOf(line: string): string[] {
  return Array.from(line.matchAll(/"((?:[^"]|"")*)"(,|\r\n$)/g), ([, cell = '']) => cell.replaceAll('""', '"'))
}

async function cells(record: Parameters<typeof aRecord>[0]): Promise<string[]> {
  const [, line = ''] = await collected(csvLines([aRecord(record)]))
  return cellsOf(line)
}

it('has a line of headings, and one for each record', async () => {
  const [head = '', line = '', ...rest] = await collected(csvLines([aRecord({ time: 0, name: 'prod/db', actor: 'a,"b"' })]))
  expect([cellsOf(head).slice(0, 3), cellsOf(line)[0], cellsOf(line)[2], cellsOf(line)[6], rest]).toEqual([
    ['time', 'operation', 'name'],
    '1970-01-01T00:00:00.000Z',
    'prod/db',
    'a,"b"',
    [],
  ])
})

it.each(['=1+1', '+1', '-1', '@SUM(A1)', ' =1', '\t=1', '＝1', "=cmd|' /C calc'!A0"])('makes no formula of %j', async (name) => {
  const [, , cell = ''] = await cells({ name })
  expect(cell).not.toMatch(/^\s*[=+\-@＝]/)
})

it.each(hostileTexts)('keeps one record in one line, and shows what is invisible: %j', async (name) => {
  const lines = await collected(csvLines([aRecord({ name, actor: name })]))
  expect(lines).toHaveLength(2)
  expect(lines[1]).toMatch(/^[^\r\n]*\r\n$/)
  expect(cellsOf(lines[1] ?? '')).toHaveLength(14)
})

it('has as many cells for any record, and no formula', async () => {
  await fc.assert(
    fc.asyncProperty(anyRecord, async (record) => {
      const [head = '', line = ''] = await collected(csvLines([record]))
      expect(cellsOf(line)).toHaveLength(cellsOf(head).length)
      expect(cellsOf(line).some((cell) => /^\s*[=+\-@]/.test(cell))).toBe(false)
    }),
  )
})

it('refuses what is no list of records', () => {
  expect(() => csvLines('text' as never)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
})
