import { expect, it } from 'vitest'
import { failure } from '../testing/temporary-files.ts'
import { readJson } from './read-json.ts'
import { readYaml } from './read-yaml.ts'
import { branch, leaf, numberText, valueOf } from './tree.ts'

// What `strconv.FormatFloat(…, 'f', -1, 64)` and `strconv.Itoa` of Go write.
it.each([
  ['12', '12'],
  ['-0', '0'],
  ['9223372036854775807', '9223372036854775807'],
  ['-9223372036854775808', '-9223372036854775808'],
  ['9223372036854775808', '9223372036854776000'],
  ['-9223372036854775809', '-9223372036854776000'],
  ['1.50', '1.5'],
  ['-1.5', '-1.5'],
  ['1e3', '1000'],
  ['1e21', '1000000000000000000000'],
  ['-1.25e22', '-12500000000000000000000'],
  ['1e-7', '0.0000001'],
  ['-1.25e-9', '-0.00000000125'],
])('the number %s is authenticated as %s', (text, authenticated) => {
  expect(numberText(text)).toBe(authenticated)
})

it.each(['1e999', '-1e999'])('the number %s is refused, since JSON cannot hold it', async (text) => {
  expect(await failure(() => numberText(text))).toMatchObject({
    code: 'INTEGRITY',
    problem: 'the SOPS file has a number that JSON cannot hold',
  })
})

const lists = (depth: number): string => `${'['.repeat(depth)}1${']'.repeat(depth)}`
const maps = (depth: number): string => `${'{"k":'.repeat(depth)}1${'}'.repeat(depth)}`

it.each([
  ['JSON', readJson],
  ['YAML', readYaml],
])('%s may be nested 32 deep, in lists and in maps', async (_, read) => {
  for (const text of [lists(32), maps(32)]) await expect(Promise.resolve(read(text))).resolves.toBeDefined()
  for (const text of [lists(33), maps(33)])
    expect(await failure(() => read(text))).toMatchObject({ code: 'INTEGRITY', problem: 'the SOPS file is nested more than 32 deep' })
})

it('what is below a map or a list is JSON text, which holds neither bytes nor what the MAC does not cover', async () => {
  const bytes = leaf(Uint8Array.of(0xff), true)
  const list = { kind: 'list', items: [leaf('a"b', true), leaf('1.10', false), branch([['k', leaf('true', false)]])] } as const
  expect([valueOf(list), valueOf(bytes), valueOf(leaf('1.10', false))]).toEqual(['["a\\"b",1.10,{"k":true}]', bytes.value, '1.10'])
  for (const node of [branch([['k', bytes]]), { kind: 'list', items: [bytes] } as const])
    expect((await failure(() => valueOf(node))).problem).toContain('has bytes below a map')
  for (const node of [leaf('open', true, false), branch([['k', leaf('open', true, false)]])])
    expect((await failure(() => valueOf(node))).problem).toContain('has this value outside its MAC')
})
