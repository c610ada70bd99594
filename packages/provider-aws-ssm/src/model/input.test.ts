import type { NewSecret } from '@finchat/secrets-core'
import { checkedTags } from '@finchat/secrets-core/provider'
import { expect, test } from 'vitest'
import { failure } from '../testing/ssm-trial.ts'
import { checkSecret, tagRules } from './input.ts'

const refused = (run: () => unknown): ReturnType<typeof failure> => failure(new Promise((resolve) => resolve(run())))

test.each<[Partial<NewSecret>, boolean]>([
  [{}, false],
  [{ ifCurrent: undefined, version: undefined }, false],
  [{ ifCurrent: null }, true],
  [{ version: 1 }, true],
  [{ version: 1, ifCurrent: null }, true],
])('a write under %j is of a first version only: %s', (condition, isFirst) => {
  expect(checkSecret({ value: 'v', ...condition }, undefined)).toEqual({ value: 'v', tags: {}, isFirst })
})

test.each<Partial<NewSecret>>([
  { version: 2 },
  { ifCurrent: { version: 1 } },
  { version: 1, ifCurrent: {} },
  { version: 2, ifCurrent: null },
])('a write under %j needs a comparison that AWS cannot make', async (condition) => {
  expect((await refused(() => checkSecret({ value: 'v', ...condition }, undefined))).code).toBe('UNSUPPORTED')
})

test.each<Partial<NewSecret>>([{ version: 0 }, { version: 1.5 }, { value: '' }, { value: Uint8Array.of(1) }, { tags: { 'aws:x': 'y' } }])(
  'a write of %j is refused as it is given',
  async (given) => {
    expect((await refused(() => checkSecret({ value: 'v', ...given }, undefined))).code).toBe('INVALID_ARGUMENT')
  },
)

test('a value has as many bytes as its tier', async () => {
  for (const [tier, most] of [
    [undefined, 4_096],
    ['Advanced', 8_192],
  ] as const) {
    expect(checkSecret({ value: 'x'.repeat(most) }, tier).value).toHaveLength(most)
    expect((await refused(() => checkSecret({ value: 'x'.repeat(most + 1) }, tier))).code).toBe('INVALID_ARGUMENT')
  }
})

const many = (count: number): Record<string, string> => Object.fromEntries(Array.from({ length: count }, (_, n) => [`t${n}`, 'v']))

test.each([
  ['all letters and signs', { 'Kosten Stelle': 'a_b.c:d/e=f+g-h@1 ä' }],
  ['the longest key and value', { ['k'.repeat(128)]: 'v'.repeat(256) }],
  ['no value', { key: '' }],
  ['a key with aws in it', { 'my-aws:x': 'y' }],
  ['the most tags', many(50)],
])('tags may have %s', (_what, tags) => {
  expect(checkedTags(tags, tagRules)).toEqual(tags)
})

test.each([
  ['an empty key', { '': 'v' }],
  ['a key of 129 characters', { ['k'.repeat(129)]: 'v' }],
  ['a value of 257 characters', { key: 'v'.repeat(257) }],
  ['another sign in a key', { 'a"b': 'v' }],
  ['another sign in a value', { a: 'x;y' }],
  ["AWS's own beginning", { 'AWS:x': 'v' }],
  ['one too many', many(51)],
])('tags with %s are refused', async (_what, tags) => {
  expect((await refused(() => checkedTags(tags, tagRules))).code).toBe('INVALID_ARGUMENT')
})
