import { expect, it } from 'vitest'
import { failure } from '../testing/temporary-files.ts'
import { readDotenv } from './read-dotenv.ts'
import { readJson } from './read-json.ts'
import { readYaml } from './read-yaml.ts'
import { branch, leaf } from './tree.ts'

const text = (value: string) => leaf(value, true)
const json = (value: string) => leaf(value, false)

it('YAML is read in its order, with numbers as they are authenticated', async () => {
  const lines = [
    'b: text',
    '"2": 9223372036854775807',
    'f: 1.50',
    'n: ~',
    'e:',
    'on: true',
    'no: off',
    'day: 2026-11-28',
    'l: [a, 1]',
    'm: {k: v}',
    '? none',
  ]
  expect(await readYaml(lines.join('\n'))).toEqual(
    branch([
      ['b', text('text')],
      ['2', json('9223372036854775807')],
      ['f', json('1.5')],
      ['n', json('null')],
      ['e', json('null')],
      ['on', json('true')],
      ['no', text('off')],
      ['day', text('2026-11-28')],
      ['l', { kind: 'list', items: [text('a'), json('1')] }],
      ['m', branch([['k', text('v')]])],
      ['none', json('null')],
    ]),
  )
})

it.each([
  ['nothing', '', 'is not one YAML document'],
  ['a remark alone', '# c4n4ry', 'is not one YAML document'],
  ['two documents', 'a: c4n4ry\n---\nb: c4n4ry\n', 'is not one YAML document'],
  ['an open list', 'c4n4ry: [1, 2', 'is no YAML'],
  ['an unknown tag', 'a: !c4n4ry 1', 'is no YAML'],
  ['an unknown tag in an open list', 'a: [!c4n4ry 1', 'is no YAML'],
  ['nesting that exceeds the stack', `a: ${'['.repeat(20_000)}`, 'is no YAML'],
  ['an alias', 'a: &a c4n4ry\nb: *a', 'has a YAML alias'],
  ['a key that is a number', '12: c4n4ry', 'has a key that is no text'],
  ['a key that is a list', '[c4n4ry]: 1', 'has a key that is no text'],
  ['no key', ': c4n4ry', 'has a key that is no text'],
  ['infinity', 'a: .inf', 'has a number that JSON cannot hold'],
  ['a key twice', 'a: c4n4ry\na: 1', 'has a key twice'],
])('YAML with %s is refused', async (_, content, problem) => {
  expect(await failure(() => readYaml(content))).toMatchObject({
    code: 'INTEGRITY',
    problem: expect.stringContaining(`the SOPS file ${problem}`),
  })
})

it('JSON is read in its order, with numbers as they are authenticated', () => {
  const content = ' {"b": "te\\u0078t", "2": 9223372036854775807, "f": 1.50, "n": null, "l": [ "a", false ], "m": {"k": "v"}} \n'
  expect(readJson(content)).toEqual(
    branch([
      ['b', text('text')],
      ['2', json('9223372036854775807')],
      ['f', json('1.5')],
      ['n', json('null')],
      ['l', { kind: 'list', items: [text('a'), json('false')] }],
      ['m', branch([['k', text('v')]])],
    ]),
  )
})

it.each(['', 'c4n4ry', '{"a": c4n4ry}', '["a", c4n4ry]', '{"a": "c4n4ry"', '{"a": "b"} c4n4ry'])(
  'no JSON is refused: %s',
  async (content) => {
    expect(await failure(() => readJson(content))).toMatchObject({ code: 'INTEGRITY', problem: 'the SOPS file is no JSON' })
  },
)

it('dotenv is read as it is written: no quotes, and `\\n` for each end of a line', () => {
  expect(readDotenv('A="b=c"\n#D=x\n\nE=one\\ntwo\\n\n F = g \n')).toEqual(
    branch([
      ['A', text('"b=c"')],
      ['E', text('one\ntwo\n')],
      [' F ', text(' g ')],
    ]),
  )
})

it('dotenv with a line that sets nothing, or a name twice, is refused', async () => {
  expect((await failure(() => readDotenv('A=b\nc4n4ry'))).problem).toBe('the SOPS file is no dotenv')
  expect((await failure(() => readDotenv('A=b\nA=c'))).problem).toBe('the SOPS file has a key twice')
})
