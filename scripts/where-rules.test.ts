import { describe, expect, test } from 'vitest'
import { repository } from './fixture.ts'
import { limitsHaveRows, rowsNameDeclarations } from './where-rules.ts'

const page = 'docs/where-rules-live.md'
const path = 'packages/core/src/cache/freshness.ts'

const source = `import { most } from './lru.ts'
export const firstAbsenceMs: number = 5_000
const [leastPart, otherPart] = [0.8, 0.9]
const words = { mode: 'usual' }
export interface Lifetimes { readonly ttlMs: number }
type Bound = number
export async function freshness(): Promise<number> {
  const localMs = 1
  return later(localMs)
}
class Entry {
  #until = 0
  static of() {}
  get until() { return this.#until }
  async #renew() { await this.expire() }
}
`

function faultsOf(rule: typeof limitsHaveRows, row: string, text: string | undefined = source): string[] {
  return rule(repository({ [page]: `# Where\n\n| rule | file | decided by |\n| --- | --- | --- |\n${row}\n`, [path]: text }))
}

describe('a row', () => {
  test.each([
    'firstAbsenceMs',
    'leastPart',
    'otherPart',
    'words',
    'Lifetimes',
    'Bound',
    'freshness',
    'Entry',
    '#until',
    'of',
    'until',
    '#renew',
  ])('may name %s, which its file declares', (symbol) => {
    expect(faultsOf(rowsNameDeclarations, `| absence | \`${path}\` | \`${symbol}\` |`)).toEqual([])
  })

  test.each(['most', 'later', 'localMs', 'expire', 'renew', 'ttlMs', 'gone'])(
    'may not name %s, which its file only uses or lacks',
    (symbol) => {
      expect(faultsOf(rowsNameDeclarations, `| absence | \`${path}\` | \`freshness\`, \`${symbol}\` |`)).toEqual([
        `${page}:5: ${path} declares no '${symbol}'`,
      ])
    },
  )

  test('names a file that exists, and a symbol in it', () => {
    const gone = 'packages/core/src/gone.ts'
    expect(faultsOf(rowsNameDeclarations, `| absence | \`${gone}\` | \`freshness\` |`)).toEqual([`${page}:5: there is no ${gone}`])
    expect(faultsOf(rowsNameDeclarations, `| absence | \`${path}\` | freshness |`)).toEqual([`${page}:5: names no symbol of ${path}`])
  })
})

describe('a limit', () => {
  test.each([
    ['const mostTries = 3', 'mostTries'],
    ['export const longestMs: number = 7 * 86_400_000', 'longestMs'],
    ['const [shortestPauseMs, longestPauseMs] = [250, 30_000]', 'shortestPauseMs'],
    ['export const limits = { tags: 50 } as const', 'limits'],
    ['const waitSeconds = 30', 'waitSeconds'],
  ])('%s needs a row for its file', (text, name) => {
    expect(faultsOf(limitsHaveRows, '', text)).toEqual([`${page}: say what \`${name}\` of ${path} limits`])
    expect(faultsOf(limitsHaveRows, `| a limit | \`${path}\` | \`other\` |`, text)).toEqual([])
  })

  test.each([
    'const format = 2',
    'const mostly = 2',
    "const members = { timeoutMs: 'number', most: 'number' }",
    "const defaultName = 'v1'",
    'const maxOf = (list: number[]): number => Math.max(0, ...list)',
    'function wait(): void {\n  const pauseMs = 3\n}',
  ])('is not %s', (text) => {
    expect(faultsOf(limitsHaveRows, '', text)).toEqual([])
  })

  test('of test code needs none', () => {
    expect(limitsHaveRows(repository({ 'packages/core/src/testing/a.ts': 'const mostTries = 3\n' }))).toEqual([])
  })
})
