// `pnpm where WORD…`: the sources that answer a question best, with their rows of
// docs/where-rules-live.md.
import process from 'node:process'
import MiniSearch from 'minisearch'
import { type Files, isTestCode, readFiles } from './files.ts'
import { page, type Row, rowsOf } from './rule-rows.ts'

/** A source as it is searched. */
interface Source {
  readonly path: string
  readonly rules: string
  readonly names: string
  readonly comments: string
  /** Of the tests beside it, which are sentences about what it does. */
  readonly titles: string
  /** What it says, such as the messages of errors. */
  readonly texts: string
}

export type Find = (question: string) => readonly string[]

/**
 * Resolves to the paths that fit best, best first: by rules, folders, names, comments, titles of tests
 * and messages, rare words first.
 */
export function ruleFinder(files: Files): Find {
  const rows = rowsOf(files.get(page) ?? '')
  const index = new MiniSearch<Source>({
    idField: 'path',
    fields: ['path', 'rules', 'names', 'comments', 'titles', 'texts'],
    tokenize: (text) =>
      text
        .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
        .toLowerCase()
        .match(/[a-z0-9]+/g) ?? [],
    processTerm: (word) => (common.has(word) ? null : stemOf(word)),
    searchOptions: {
      boost: { rules: 8, path: 3 },
      boostDocument: (path) => (String(path).startsWith('packages/testkit/') ? 0.6 : 1), // its rules are about suites
    },
  })
  index.addAll(
    [...files].flatMap(([path, text]) => (isSource(path) ? [sourceOf({ path, text, tests: files.get(testsOf(path)) ?? '' }, rows)] : [])),
  )
  return (question) => index.search(question).map(({ id }) => String(id))
}

function isSource(path: string): boolean {
  return /^packages\/[^/]+\/src\/.+\.ts$/.test(path) && !isTestCode(path)
}

function testsOf(path: string): string {
  return path.replace(/\.ts$/, '.test.ts')
}

interface Texts {
  readonly path: string
  readonly text: string
  readonly tests: string
}

function sourceOf({ path, text, tests }: Texts, rows: readonly Row[]): Source {
  const rules = rows.filter((row) => row.path === path).map(({ headings, rule, symbols }) => [headings, rule, ...symbols].join(' '))
  const comments = [...text.matchAll(/\/\*\*(.*?)(?:@example|\*\/)|\/\/(.*)/gs)].map(([, block = '', line = '']) => block + line)
  const names = [...text.matchAll(/^(?:export )?(?:async )?(?:function|const|class|interface|type) (\w+)|^ {2}(?:async )?(#?\w+)\(/gm)]
  return {
    path,
    rules: rules.join('\n'),
    names: names.map(([, top = '', member = '']) => top + member).join(' '),
    comments: comments.join('\n'),
    titles: stringsOf([...tests.matchAll(/^ *(?:it|test|describe)\b(.*)/gm)].map(([, title = '']) => title).join('\n')),
    texts: stringsOf(text),
  }
}

/** Its strings of several words. */
function stringsOf(code: string): string {
  const strings = [...code.matchAll(/'((?:[^'\\\n]|\\.)* (?:[^'\\\n]|\\.)*)'|"([^"\n]* [^"\n]*)"|`([^`]* [^`]*)`/g)]
  return strings.map(([, single = '', double = '', template = '']) => single + double + template).join('\n')
}

const common = new Set(
  'a an and are as at be by can change do does for from has have how if in is it its many may more must no not of on or packages rule src that the they this to ts what when where which who why with would you'.split(
    ' ',
  ),
)

function stemOf(word: string): string {
  const stem = word.length < 4 ? word : word.replace(/(ies|ied|ing|ions?|als?|ed|es|s|e|y)$/, '')
  return stem.replace(/(.)\1$/, '$1')
}

const mostShown = 5

if (import.meta.main) {
  const files = readFiles()
  const found = ruleFinder(files)(process.argv.slice(2).join(' ')).slice(0, mostShown)
  const rows = rowsOf(files.get(page) ?? '')
  for (const path of found) {
    console.log(path)
    for (const { rule, symbols } of rows.filter((row) => row.path === path)) console.log(`    ${rule}: ${symbols.join(', ')}`)
  }
  if (found.length === 0) console.log('No source has any of these words. Try others, or look into docs/glossary.md.')
}
