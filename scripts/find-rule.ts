// `pnpm where WORD…`: the rows of docs/where-rules-live.md that answer a question best.
import { readFileSync } from 'node:fs'
import process from 'node:process'
import { page, type Row, rowsOf } from './rule-rows.ts'

const mostShown = 6

/** The rows that share words with the question: rare words count more, and so do short rows. */
export function rowsFor(question: string, rows: readonly Row[]): readonly Row[] {
  const words = new Map(rows.map((row) => [row, wordsOf([row.headings, row.rule, row.path, ...row.symbols].join(' '))]))
  const asked = [...wordsOf(question)]
  const rarity = new Map(asked.map((word) => [word, rarityOf(word, [...words.values()])]))
  const scoreOf = (row: Row): number => {
    const own = words.get(row) ?? new Set()
    const shared = asked.filter((word) => own.has(word)).map((word) => rarity.get(word) ?? 0)
    return shared.reduce((sum, each) => sum + each, 0) / Math.sqrt(usualWords + own.size)
  }
  const scored = rows.map((row) => ({ row, score: scoreOf(row) })).filter(({ score }) => score > 0)
  return scored.toSorted((one, other) => other.score - one.score).map(({ row }) => row)
}

/** Softens the weight of a row's length. */
const usualWords = 10

function rarityOf(word: string, rows: readonly ReadonlySet<string>[]): number {
  const holders = rows.filter((words) => words.has(word)).length
  return holders === 0 ? 0 : Math.log(1 + rows.length / holders) ** 2
}

const common = new Set(
  'a an and are as at be by can change do does for from has have how if in is it its many may more must no not of on or packages rule src that the they this to ts what when where which who why with would you'.split(
    ' ',
  ),
)

/** Stems; a name in camel case is several words. */
function wordsOf(text: string): ReadonlySet<string> {
  const words = text
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .match(/[a-z0-9]+/g)
  return new Set((words ?? []).filter((word) => !common.has(word)).map(stemOf))
}

function stemOf(word: string): string {
  const stem = word.length < 4 ? word : word.replace(/(ies|ied|ing|ions?|als?|ed|es|s|e|y)$/, '')
  return stem.replace(/(.)\1$/, '$1')
}

if (import.meta.main) {
  const rows = rowsOf(readFileSync(new URL(`../${page}`, import.meta.url), 'utf8'))
  const found = rowsFor(process.argv.slice(2).join(' '), rows).slice(0, mostShown)
  const lines = found.map(({ rule, path, symbols }) => `${rule}\n    ${path}: ${symbols.join(', ')}`)
  console.log(lines.length === 0 ? 'No rule has any of these words. Try others, or look into docs/glossary.md.' : lines.join('\n'))
}
