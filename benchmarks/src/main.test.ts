import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { alteredDocuments } from './harness/documents.ts'
import type { Scenario } from './harness/scenario.ts'
import { parseOptions } from './options.ts'
import { scenarioOf } from './scenarios.ts'

const loadScenario = async (name: string): Promise<{ name: string; scenario: Scenario }> => ({ name, scenario: await scenarioOf(name) })

const program = fileURLToPath(new URL('main.ts', import.meta.url))
const bench = (...args: string[]): Promise<{ stdout: string }> =>
  promisify(execFile)(process.execPath, ['--conditions=@finchat/source', program, ...args])

test('a group runs, each contender in its process, and ends in a table and a file', { timeout: 120_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'finchat-bench-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const json = join(folder, 'samples.json')

  const { stdout } = await bench('--smoke', 'verify', '--json', json)

  const { scenario } = await loadScenario('verify')
  const report = JSON.parse(readFileSync(json, 'utf8')) as { results: { name: string; samples: Record<string, unknown[]> }[] }
  expect(report.results.map(({ name }) => name)).toEqual(['verify'])
  expect(Object.keys(report.results[0]?.samples ?? {})).toEqual(Object.keys(scenario.entrants))
  expect(stdout).toContain(`#### ${scenario.title}`)
  for (const { what } of scenario.claims) expect(stdout).toContain(`| ${what} `)
  expect(stdout).toContain('Noise: one fixed loop took')
})

test('wrong arguments print the usage', async () => {
  await expect(bench('no-such-group')).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining('pnpm bench [GROUP …]') })
})

test('`--help` prints only the usage', async () => {
  expect((await bench('--help')).stdout).toMatch(/^pnpm bench \[GROUP …\]/)
})

test.each([
  [['--rounds', '0'], '--rounds takes a number'],
  [['--write', '--rounds', '4'], '--write takes all groups'],
  [['--write', 'aws'], '--write takes all groups'],
])('%o is refused', (args, problem) => {
  expect(() => parseOptions(args)).toThrow(problem)
})

test('no document quotes a figure that the command did not print', () => {
  expect(alteredDocuments()).toEqual([])
})
