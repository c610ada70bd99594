import { describe, expect, test } from 'vitest'
import { circlesOf } from '../import-graph.ts'
import { copiedFamilies } from './copies.ts'
import { isCode, longSentences, markdownProse, sentencesOf, wordsIn } from './prose.ts'
import { measureSource } from './source.ts'
import { enteredByColdRead, filesAt, folderListsOf } from './tree.ts'
import { countNames, countPhrases } from './vocabulary.ts'

describe('a source', () => {
  const source = [
    '// one line,',
    '// and its next',
    'const a = "a text" // beside code',
    '',
    '/**',
    ' * A function.',
    ' *',
    ' * @example',
    ' * f(1)',
    ' */',
    'export function f(value: number): string {',
    '  // inside',
    '',
    '  return `the ${value} of ${/[/*]"/.test(a)}`',
    '}',
    'const g = (x: string) => x.length',
  ].join('\n')
  const measure = measureSource(source)

  test('has lines of code without comments and space', () => {
    expect(measure.codeLines).toBe(5)
  })

  test('has comments, neighbouring lines as one, without the code of examples', () => {
    expect(measure.comments).toEqual(['one line,\nand its next', 'beside code', 'A function.', 'inside'])
  })

  test('has functions with a block body, by lines of code', () => {
    expect(measure.functionLengths).toEqual([3])
  })

  test('has texts, with X for what is put in', () => {
    expect(measure.texts).toEqual(['a text', 'the X of X'])
  })

  test('has names', () => {
    expect(measure.identifiers.filter((name) => name === 'value')).toHaveLength(2)
    expect(measureSource('class A { #kin = 1; held() { return this.#kin } }').identifiers).toEqual(['A', 'kin', 'held', 'kin'])
  })

  test('has tokens without comments and imports, literals alike', () => {
    const tokens = (text: string): string => measureSource(text).tokens.join(' ')
    expect(tokens("import { a } from 'b'\nconst x = 'c' + 17 // d")).toBe("const x = '' + 0")
    expect(tokens('const x = `a${y}b`')).toBe("const x = '' y ''")
  })
})

describe('prose', () => {
  test('counts words, a code span as one', () => {
    expect(wordsIn('Reads `a b c` from [the store](docs/a-store.md) - once.')).toBe(6)
  })

  test.each([
    ['One. Two! Three?', ['One.', 'Two!', 'Three?']],
    ['See e.g. this, or 3.5 of that.', ['See e.g. this, or 3.5 of that.']],
    ['A heading\n\nA line\nthat goes on.', ['A heading', 'A line that goes on.']],
    ['- one item\n- another item', ['- one item', '- another item']],
    ['It says `a. B`. Then more.', ['It says `a. B`.', 'Then more.']],
  ])('splits %j', (text, expected) => {
    expect(sentencesOf(text)).toEqual(expected)
  })

  test('finds sentences of more than 25 words', () => {
    const words = (count: number): string => `${'word '.repeat(count - 1)}word.`
    expect(longSentences(`${words(25)} And ${words(25)}`)).toEqual([`And ${words(25)}`])
  })

  test.each([
    ['<!doctype html> <html lang="en">', true],
    ['CREATE TABLE store ( id INTEGER )', true],
    ['* { margin: 0; } p { margin: 0; }', true],
    ["pass { UNAVAILABLE: 'stop' } for a call; see the guide", false],
    ['the store is down; ask again', false],
  ])('tells code from sentences: %s', (text, expected) => {
    expect(isCode(text)).toBe(expected)
  })

  test('leaves out code blocks, and takes each cell of a table for itself', () => {
    const cells = sentencesOf(markdownProse('Text.\n\n```ts\ncode here\n```\n\n| one cell | two |\n| --- | --- |\n'))
    expect(cells).toEqual(['Text.', 'one cell', 'two'])
  })
})

describe('copied code', () => {
  const file = (name: string, text: string): Parameters<typeof copiedFamilies>[0][number] => ({
    path: `packages/${name}/src/a.ts`,
    package: name,
    tokens: measureSource(text).tokens,
  })
  const copied = "function check(value) { if (typeof value === 'string' && value.length < 7) return [value]; throw new TypeError('no') }\n"
  const other = 'const far = (a, b) => { while (a > b) a -= b; return { a, b, far } }\n'

  test('is found between packages, in its places and with other literals', () => {
    const files = [
      file('one', other + copied),
      file('two', copied.replace('7', '8').replace("'no'", "'never'")),
      file('three', 'export const near = 1\n'),
    ]
    expect(copiedFamilies(files)).toEqual([['packages/one/src/a.ts', 'packages/two/src/a.ts']])
  })

  test('joins all that share a run into one family', () => {
    expect(copiedFamilies([file('one', copied), file('two', copied), file('three', copied)])).toHaveLength(1)
  })

  test('is not what one package repeats, what is shorter, or a list of texts', () => {
    const list = `export const all = [${"'x', ".repeat(40)}]\n`
    expect(copiedFamilies([file('one', copied), file('one', copied)])).toEqual([])
    expect(copiedFamilies([file('one', 'const a = f(b, c)'), file('two', 'const a = f(b, c)')])).toEqual([])
    expect(copiedFamilies([file('one', list), file('two', list)])).toEqual([])
  })
})

test('files that import each other are a circle, each found once', () => {
  const graph = new Map([
    ['a', ['b']],
    ['b', ['c', 'd']],
    ['c', ['a']],
    ['d', ['e']],
    ['e', ['d']],
    ['f', ['a', 'f']],
  ])
  expect(circlesOf(graph)).toEqual([
    ['d', 'e'],
    ['a', 'b', 'c'],
  ])
})

test('old names count as whole names, old phrases as they stand', () => {
  expect(countNames(['Walk', 'Walk', 'Walker', 'drill'])).toEqual(
    new Map([
      ['Walk', 2],
      ['drill', 1],
    ]),
  )
  expect(countPhrases('Nobody is told. Of several, one stands in the stead of another. The same.')).toBe(4)
})

describe('a tree', () => {
  test('gives the lists of folders that stand in the structure rules', () => {
    const text = "a()\nexport const folders: Record<string, readonly string[]> = {\n  'packages/a': ['low', '.'],\n}\nb()\n"
    expect(folderListsOf(new Map([['scripts/structure-rules.ts', text]]))).toEqual({ 'packages/a': ['low', '.'] })
    expect(folderListsOf(new Map())).toEqual({})
  })

  test('of a revision has the files as they stood there', () => {
    const files = filesAt('HEAD')
    expect(JSON.parse(files.get('package.json') ?? '')).toHaveProperty('packageManager')
    expect([...files.keys()].filter((path) => path.startsWith('packages/core/src/')).length).toBeGreaterThan(20)
  })

  test('shows the files that a cold read enters, and none that are only loaded', () => {
    const core = 'packages/core/src'
    const index = [
      "import { read } from './entered.ts'",
      "import './loaded.ts'",
      'export const createSecretsManager = ({ providers: [provider] }) => ({ getSecret: (name) => read(provider, name), close: later })',
      'async function later() {}',
    ]
    const sources = {
      [`${core}/index.ts`]: index.join('\n'),
      [`${core}/entered.ts`]: 'export const read = async (provider, name) => (await provider.get(name)).value',
      [`${core}/loaded.ts`]: 'const used = () => 1\nused()\nexport const unused = () => used()',
    }
    expect(enteredByColdRead(new Map(Object.entries(sources)))).toEqual(['entered.ts', 'index.ts'])
  })
})
