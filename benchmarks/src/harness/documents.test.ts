import { expect, test } from 'vitest'
import { compactJson } from './documents.ts'
import type { Report } from './report.ts'

const figures = { median: 1.23456789, least: 100.000001, most: 0.000123456789 }
const report: Report = {
  date: '2026-11-26T00:00:00.000Z',
  command: 'pnpm bench',
  rounds: 5,
  machine: { cores: 2, cpu: 'a processor', memoryGB: 24, system: 'linux', node: 'v24.0.0' },
  noise: { spin: figures, loadAtStart: 0, loadAtEnd: 0, stealPercent: undefined },
  versions: {},
  results: ['one', 'two'].map((name) => ({
    group: 'core',
    name,
    title: name,
    metrics: { time: 'ns' as const },
    roles: {},
    rows: [],
    samples: { ours: [{ time: 12_345_678 }] },
    noise: { spin: figures, loadAtStart: 0, loadAtEnd: 0, stealPercent: undefined },
  })),
}

test('the results file has one line for each scenario, and six digits of each number', () => {
  const text = compactJson(report)
  expect(text.trimEnd().split('\n')).toHaveLength(4)
  const read = JSON.parse(text) as Report
  expect(read.noise.spin).toEqual({ median: 1.23457, least: 100, most: 0.000123457 })
  expect(read.results.map(({ name, samples }) => [name, samples])).toEqual([
    ['one', { ours: [{ time: 12_345_700 }] }],
    ['two', { ours: [{ time: 12_345_700 }] }],
  ])
})
