import { parseEnv } from 'node:util'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { dotenvLines, parseDotenv } from './dotenv.ts'

test.each<[text: string, variables: Record<string, string>]>([
  ['export EMPTY=', { EMPTY: '' }],
  ['export EMPTY=\nA=1', { EMPTY: '', A: '1' }],
  ['export\tA=1\n  export  B = 2', { A: '1', B: '2' }],
  ['A=1\nexport A=', { A: '' }],
  ['export=1\nexport =2\nexportA=3', { export: '2', exportA: '3' }],
  ['BLANK=  \nTOKEN=c4n4ry', { BLANK: '', TOKEN: 'c4n4ry' }],
  ['A = \t# note\r\nB=2 # note\r\nC=3#4', { A: '', B: '2', C: '3' }],
  ['\ufeffA=1', { A: '1' }],
  ['# A=1\n \t# B=2\nC', {}],
  ['=1\n =2', {}],
  ["A='x # y' note\nB=\"1\\n2\"\nC=`a'b\"c`\nD='\\n'", { A: 'x # y', B: '1\n2', C: 'a\'b"c', D: '\\n' }],
  ['A="one\nexport B=\n#two"\nC=3', { A: 'one\nexport B=\n#two', C: '3' }],
  ['A="open # c\nB=\'2', { A: '"open # c', B: "'2" }],
  ['A= \t1 2\t \nB==2=', { A: '1 2', B: '=2=' }],
  ['__proto__=1', Object.fromEntries([['__proto__', '1']])],
])('%j', (text, variables) => {
  expect([...parseDotenv(text)]).toEqual(Object.entries(variables))
})

test.each<[text: string, skipped: readonly number[], set: readonly number[]]>([
  ['A=1\nB\n\n# C\nexport D\nE=2', [2, 5], [1, 6]],
  ['A="one\ntwo\n"\nthree\r\nB=\'x\'', [4], [1, 5]],
  ['A=-----BEGIN KEY-----\nMII\n-----END KEY-----', [2, 3], [1]],
  ['A="open\nrest', [2], [1]],
  ['=1\n\u00a0\n \t#', [1], []],
  ['', [], []],
])('of %j these lines are skipped: %j', (text, skipped, set) => {
  const lines = (isSkipped: boolean): number[] =>
    [...dotenvLines(text)].filter(({ name }) => (name === undefined) === isSkipped).map(({ line }) => line)
  expect([lines(true), lines(false)]).toEqual([skipped, set])
})

const name = fc.stringMatching(/^[A-Za-z_][\w.-]{0,8}$/).filter((text) => text !== 'export')
const bare = fc.stringMatching(/^[^\s#"'`]([^#\r\n]{0,10}[^\s#])?$/)
const quoted = fc.constantFrom('"', "'", '`').chain((quote) => {
  const content = fc.string({ unit: fc.constantFrom('a', ' ', '#', '=', '\n', 'export ', '"', "'", '`') })
  return content.map((text) => ({ value: text.replaceAll(quote, ''), written: quote + text.replaceAll(quote, '') + quote }))
})
const value = fc.oneof(
  quoted,
  bare.map((text) => ({ value: text, written: text })),
  fc.constantFrom('', ' ', '\t').map((written) => ({ value: '', written })),
)
const line = fc.record({
  name,
  value,
  before: fc.constantFrom('', ' ', 'export ', '\texport  '),
  equals: fc.constantFrom('=', ' =', '= ', '\t= '),
  after: fc.constantFrom('', ' ', ' # "note', '\n', '\n# A=1', '\n  '),
  end: fc.constantFrom('\n', '\r\n'),
})

test('what was written is read back, and as Node.js reads it unless a value is blank', () => {
  fc.assert(
    fc.property(fc.array(line, { maxLength: 6 }), (lines) => {
      const text = lines.map((each) => each.before + each.name + each.equals + each.value.written + each.after + each.end).join('')
      const variables = Object.fromEntries(lines.map((each) => [each.name, each.value.value]))
      expect(Object.fromEntries(parseDotenv(text))).toEqual(variables)
      if (lines.every(({ value: { written } }) => written.trim() !== '')) expect({ ...parseEnv(text) }).toEqual(variables)
    }),
  )
})

test('each assignment has the number of the line that it begins in, and no other line is skipped', () => {
  fc.assert(
    fc.property(fc.array(line, { maxLength: 6 }), (lines) => {
      const texts = lines.map((each) => each.before + each.name + each.equals + each.value.written + each.after + each.end)
      const starts = texts.map((_, index) => texts.slice(0, index).join('').split('\n').length)
      expect([...dotenvLines(texts.join(''))].map(({ line: number, name: key }) => [number, key])).toEqual(
        lines.map((each, index) => [starts[index], each.name]),
      )
    }),
  )
})
