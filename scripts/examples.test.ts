import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  allExamples,
  compiledExamples,
  docExamples,
  type Example,
  expectedLines,
  firstUnprinted,
  readmeExample,
  readmesWithoutExample,
  unsafeExamples,
} from './examples.ts'
import { repository } from './fixture.ts'
import { runExamples } from './run-examples.ts'

const docstring = `
/**
 * Adds.
 *
 * @example
 * import { add } from 'x'
 *
 * console.log(add(1, 2)) // 3
 * @returns the sum
 */
export function add() {}

  /** Short. @example is only a word here. */
  /**
   * @example
   * \`\`\`ts
   * console.log('fenced') // fenced
   * \`\`\`
   */
`

describe('examples are taken', () => {
  test('from docstrings, with and without a fence, up to the next tag', () => {
    expect(docExamples('packages/a/src/b.ts', docstring)).toEqual([
      { file: 'packages.a.src.b.line6.ts', code: "import { add } from 'x'\n\nconsole.log(add(1, 2)) // 3\n" },
      { file: 'packages.a.src.b.line16.ts', code: "console.log('fenced') // fenced\n" },
    ])
  })

  test('from a README: its first `ts` block, not one in another language', () => {
    const readme = '# A\n\n```sh\nnpm i\n```\n\n```ts\nfirst()\n```\n\n```ts\nsecond()\n```\n'
    expect(readmeExample('README.md', readme)).toEqual({ file: 'README.md.line8.ts', code: 'first()\n' })
  })

  test('from a README: the blocks that are only to be compiled', () => {
    const readme = '# A\n\n```ts\nfirst()\n```\n\n```ts check\nsecond()\n```\n'
    expect(compiledExamples('README.md', readme)).toEqual([{ file: 'README.md.line8.ts', code: 'second()\n', isOnlyCompiled: true }])
  })

  test('from every README, guide and source, but not from tests', () => {
    const guide = '# A\n\n```ts\nfirst()\n```\n\n```ts check\nsecond()\n```\n'
    const files = repository({ 'packages/core/src/a.ts': docstring, 'packages/core/src/a.test.ts': docstring, 'docs/a.md': guide })
    expect(allExamples(files).map(({ file }) => file)).toEqual([
      'README.md.line2.ts',
      'packages.core.README.md.line2.ts',
      'packages.testkit.README.md.line2.ts',
      'packages.audit.README.md.line2.ts',
      'packages.core.src.a.line6.ts',
      'packages.core.src.a.line16.ts',
      'docs.a.md.line4.ts',
      'docs.a.md.line8.ts',
    ])
  })

  test('from every block of a document that can run', () => {
    const files = repository({ 'docs/a.md': '```ts\nfirst()\n```\n\n```ts\nsecond()\n```\n' })
    expect(allExamples(files).flatMap(({ file, code }) => (file.startsWith('docs') ? code : []))).toEqual(['first()\n', 'second()\n'])
  })

  test('but none runs that names a path outside of its folder', () => {
    const block = (kind: string): string => `\`\`\`${kind}\nwrite('/var/lib/app')\n\`\`\`\n`
    expect(unsafeExamples(repository({ 'docs/a.md': block('ts'), 'docs/b.md': block('ts check') }))).toEqual(['docs.a.md.line2.ts'])
  })

  test('and a README that has none, or is not there, is named', () => {
    expect(readmesWithoutExample(repository({ 'README.md': '# A', 'packages/core/README.md': undefined }))).toEqual([
      'README.md',
      'packages/core/README.md',
    ])
  })
})

test('what an example says that it prints stands behind console.log', () => {
  expect(expectedLines("console.log(1) // 1\nconst a = 1 // not printed\n  console.log('b', f(2)) // b 4\nconsole.log(3)")).toEqual([
    '1',
    'b 4',
  ])
})

test('the lines must be printed in their order', () => {
  expect(firstUnprinted(['1', '2'], '1\nother\n2\n')).toBeUndefined()
  expect(firstUnprinted(['2', '1'], '1\n2\n')).toBe('1')
  expect(firstUnprinted(['1', '1'], '1\n')).toBe('1')
})

describe('running examples', () => {
  let folder = ''
  beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'examples-test-'))))
  afterEach(() => rmSync(folder, { recursive: true }))

  test('one that is only to be compiled is not run', async () => {
    const example = (code: string): Example => ({ file: 'a.ts', code, isOnlyCompiled: true })
    expect(await runExamples([example("throw new Error('it broke')")], { folder })).toEqual([])
    expect(await runExamples([example("export const a: number = 'x'")], { folder })).toEqual([expect.stringContaining('TS2322')])
  })

  test.each([
    ['runs and prints what it says', 'console.log(1 + 1) // 2', []],
    ['prints something else', 'console.log(1 + 1) // 3', [expect.stringContaining("did not print '3'")]],
    ['throws', "throw new Error('it broke')", [expect.stringContaining('it broke')]],
    ['does not type-check', "export const a: number = 'x'", [expect.stringContaining('TS2322')]],
  ])('one that %s', async (_, code, faults) => {
    expect(await runExamples([{ file: 'a.ts', code }], { folder })).toEqual(faults)
  })
})
