import { expect, test } from 'vitest'
import { readFiles } from '../files.ts'
import { installedBy } from './readme-installs.ts'
import { checkOf } from './sizes.ts'
import { tableOf } from './table.ts'
import { settingsIn } from './test-runners.ts'
import { importingProgram } from './typescript-programs.ts'

test('a table has a row and a column for each that was checked, and marks what failed', () => {
  const checks = [
    { row: '6.0.3', column: 'node10', faults: [], shown: '1.0 s' },
    { row: '7.0.2', column: 'bundler', faults: ['TS1479'], shown: '2.0 s' },
  ]
  expect(tableOf('typescript', checks)).toBe(
    ['typescript  node10   bundler', '6.0.3       ✓ 1.0 s  –', '7.0.2       –        ✗ 2.0 s', ''].join('\n'),
  )
})

test('a README installs what its line names, in its range, and what it says in the next sentence', () => {
  const readme = '```sh\nnpm install a @b/c@5\nnpm install --save-dev d\n```\n\nThe first example also\nneeds `@b/e`.\n'
  expect(installedBy(readme)).toEqual({ a: '*', '@b/c': '5', d: '*', '@b/e': '*' })
  expect(installedBy('```sh\nbao server -dev\n```\n')).toEqual({})
})

test('the page about Jest shows the settings that are tested, and no others', () => {
  const page = readFiles().get('docs/testing-with-jest.md') ?? ''
  const { jest, tsJest, tsconfig } = settingsIn(page)
  expect([jest, tsJest]).toEqual([expect.stringContaining('@finchat'), expect.stringContaining('ts-jest')])
  expect(JSON.parse(tsconfig)).toHaveProperty('compilerOptions')
  expect(() => settingsIn(`${page}\n\`\`\`js\nmodule.exports = {}\n\`\`\`\n`)).toThrow('nothing else')
})

test('a program imports every name of every entry, and renames what two entries share', () => {
  const program = importingProgram({ one: ['a', 'b'], two: ['a'] })
  expect(program).toContain("import { a as a0, b as b0 } from 'one'\nimport { a as a1 } from 'two'\n")
  expect(program).toContain('[known(a0), known(b0), known(a1)]')
})

test.each([
  [3, 3, 0],
  [4, 3, 1],
  [1, undefined, 1],
])('%i of a budget of %s', (found, budget, faults) => {
  expect(checkOf('core', 'packages', found, budget).faults).toHaveLength(faults)
})
