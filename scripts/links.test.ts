import { expect, test } from 'vitest'
import { linksIn, pathOf, undefinedLabels } from './links.ts'

test('links are found in both of their forms', () => {
  expect(linksIn('[a](b.md#c) and [d][e]\n\n[e]: https://a.example/b#c\n')).toEqual(['b.md#c', 'https://a.example/b#c'])
})

test('a label without a link is found', () => {
  expect(undefinedLabels('[a][one] and [b][two]\n\n[one]: https://a.example\n')).toEqual(['two'])
})

test.each([
  ['../core/README.md#x', ['packages/core/README.md']],
  ['https://github.com/finchat/secrets/blob/main/docs/a.md#x', ['docs/a.md']],
  ['https://github.com/finchat/secrets/tree/main/packages/core', ['packages/core']],
  ['https://github.com/finchat/secrets/issues', []],
  ['https://github.com/another/secrets/blob/main/docs/a.md', []],
  ['#x', []],
])('%s leads to %j', (link, path) => {
  expect(pathOf(link, 'packages/audit')).toEqual(path)
})
