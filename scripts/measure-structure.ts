// `pnpm measures [--at REVISION] [--list]`: measures of structure and words, of the working tree or
// of a revision. `--list` names the findings.
import { parseArgs } from 'node:util'
import { entriesOf, publicPackages, type Files, type Member } from './files.ts'
import { circlesOf, importGraphOf, roomOf, upwardImports } from './import-graph.ts'
import { copiedFamilies, leastTokens } from './measures/copies.ts'
import { isCode, longSentences, markdownProse, mostWords, wordsIn } from './measures/prose.ts'
import { measureSource, type SourceMeasure } from './measures/source.ts'
import { enteredByColdRead, filesAt, folderListsOf } from './measures/tree.ts'
import { countNames, countPhrases } from './measures/vocabulary.ts'

interface Measured {
  readonly member: Member
  readonly name: string
  /** By path, without test code. */
  readonly sources: ReadonlyMap<string, SourceMeasure>
}

const { values: options } = parseArgs({ options: { at: { type: 'string' }, list: { type: 'boolean', default: false } } })
const files = filesAt(options.at)
const lists = folderListsOf(files)
const packages = publicPackages(files).map((member) => measured(files, member))

function measured(all: Files, member: Member): Measured {
  const paths = [...importGraphOf(all, member.folder).keys()].toSorted()
  const sources = new Map(paths.map((path) => [path, measureSource(all.get(path) ?? '')]))
  return { member, name: member.folder.replace('packages/', ''), sources }
}

type Row = readonly (string | number)[]

function table(title: string, head: Row, rows: readonly Row[]): void {
  const all = [head, ...rows].map((row) => row.map(String))
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)))
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
      .trimEnd()
  console.log([title, ...all.map((row) => `  ${line(row)}`), ''].join('\n'))
}

function list(items: readonly string[]): void {
  if (options.list && items.length > 0) console.log(`${items.map((item) => `    ${item}`).join('\n')}\n`)
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)

function printFolders(): void {
  const rows = packages.map(({ member: { folder }, name, sources }) => {
    const graph = importGraphOf(files, folder)
    const rooms = [...Map.groupBy(sources.keys(), (path) => roomOf(folder, path))].toSorted(([, a], [, b]) => b.length - a.length)
    const small = [...sources.keys()].filter((path) => (files.get(path) ?? '').trimEnd().split('\n').length <= 25)
    const upward = lists[folder] ? upwardImports(graph, folder, lists[folder]).length : '-'
    return [
      name,
      sources.size,
      rooms.length,
      `${rooms[0]?.[0]} ${rooms[0]?.[1].length}`,
      upward,
      circlesOf(graph).length,
      small.length,
      `${((100 * small.length) / sources.size).toFixed(0)} %`,
    ] as const
  })
  table(
    'Folders (sources without tests; upward: imports against the listed order; circles: files that import each other, types included)',
    ['package', 'sources', 'folders', 'largest folder', 'upward', 'circles', '≤ 25 lines', 'share'],
    rows,
  )
}

function printFunctions(): void {
  const quantile = (lengths: readonly number[], share: number): number => lengths[Math.max(Math.ceil(lengths.length * share) - 1, 0)] ?? 0
  const row = (name: string, sources: readonly SourceMeasure[]): Row => {
    const lengths = sources.flatMap(({ functionLengths }) => functionLengths).toSorted((a, b) => a - b)
    return [name, lengths.length, quantile(lengths, 0.5), quantile(lengths, 0.9), lengths.at(-1) ?? 0]
  }
  const rows = packages.map(({ name, sources }) => row(name, [...sources.values()]))
  const all = row(
    'all',
    packages.flatMap(({ sources }) => [...sources.values()]),
  )
  table('Functions with a block body, lines of code', ['package', 'functions', 'median', 'p90', 'longest'], [...rows, all])
}

function printProse(): void {
  const found: string[] = []
  const rows = packages.map(({ member, name, sources }) => {
    const measures = [...sources.values()]
    const code = sum(measures.map(({ codeLines }) => codeLines))
    const words = sum(measures.flatMap(({ comments }) => comments.map(wordsIn)))
    const inComments = [...sources].flatMap(([path, { comments }]) =>
      comments.flatMap(longSentences).map((sentence) => `${path}: ${sentence}`),
    )
    const inTexts = [...sources].flatMap(([path, { texts }]) =>
      texts
        .filter((text) => !isCode(text))
        .flatMap(longSentences)
        .map((sentence) => `${path}: ${sentence}`),
    )
    const readme = longSentences(markdownProse(files.get(`${member.folder}/README.md`) ?? ''))
    found.push(...inComments, ...inTexts, ...readme.map((sentence) => `${member.folder}/README.md: ${sentence}`))
    return [name, code, words, code === 0 ? 0 : Math.round((100 * words) / code), inComments.length, inTexts.length, readme.length] as const
  })
  table(
    `Words (sentences of more than ${mostWords} words)`,
    ['package', 'code lines', 'comment words', 'per 100 lines', 'long in comments', 'in texts', 'in README'],
    rows,
  )
  const documents = documentsOf().map(([path, text]) => [path, longSentences(markdownProse(text))] as const)
  const counts = documents.flatMap(([path, { length }]): Row[] => (length > 0 ? [[path, length]] : []))
  table(`Other documents`, ['document', 'long sentences'], [...counts, ['all', sum(documents.map(([, { length }]) => length))]])
  list([...found, ...documents.flatMap(([path, sentences]) => sentences.map((sentence) => `${path}: ${sentence}`))])
}

function documentsOf(): [string, string][] {
  const isOther = (path: string): boolean =>
    path.endsWith('.md') && !/^packages\/[^/]+\/README\.md$|^\.changeset\/|CHANGELOG|^api\//.test(path)
  return [...files].filter(([path]) => isOther(path)).toSorted(([a], [b]) => (a < b ? -1 : 1))
}

function printCopies(): void {
  const tokenized = packages.flatMap(({ name, sources }) => [...sources].map(([path, { tokens }]) => ({ path, package: name, tokens })))
  const families = copiedFamilies(tokenized)
  table(`Code copied between packages (runs of ${leastTokens} equal tokens; literals count as equal)`, ['families'], [[families.length]])
  list(families.map((family) => family.join(', ')))
}

function printEntries(): void {
  const rows = packages.flatMap(({ member }) =>
    entriesOf(member).map((entry): Row => {
      const report = files.get(`api/${entry.replace('@finchat/secrets-', '').replace('/', '-')}.api.md`)
      if (report === undefined) return [entry, '-', '-']
      const exported = report.match(/^export /gm)?.length ?? 0
      return [entry, exported, report.match(/^export (declare )?(abstract )?(class|function|const|enum) /gm)?.length ?? 0]
    }),
  )
  table('Exports of each entry, by its report in api/', ['entry', 'exports', 'of these values'], rows)
}

function printVocabulary(): void {
  const rows = packages.map(({ name, member, sources }) => {
    const names = countNames([...sources.values()].flatMap(({ identifiers }) => identifiers))
    const phrases = countPhrases([...sources.values()].flatMap(({ comments }) => comments).join('\n\n'))
    const common = [...names].toSorted(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).map(([old, count]) => `${old} ${count}`)
    list(common.length > 0 ? [`${name}: ${common.join(', ')}`] : [])
    return [name, names.size, sum([...names.values()]), phrases, countPhrases(files.get(`${member.folder}/README.md`) ?? '')] as const
  })
  const documents = countPhrases(
    documentsOf()
      .map(([, text]) => text)
      .join('\n\n'),
  )
  table(
    'Old vocabulary (scripts/measures/vocabulary.ts)',
    ['package', 'names', 'uses', 'phrases in comments', 'in README'],
    [...rows, ['other documents', '-', '-', '-', documents]],
  )
}

console.log(`Measures of ${options.at ?? 'the working tree'}\n`)
printFolders()
printFunctions()
const entered = enteredByColdRead(files)
table('A cold read of one secret', ['files of core entered'], [[entered.length]])
list(entered)
printEntries()
printCopies()
printProse()
printVocabulary()
