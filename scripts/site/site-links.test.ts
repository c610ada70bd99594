import { expect, test } from 'vitest'
import { readFiles } from '../files.ts'
import { pagesOf } from './pages.ts'
import { siteLink, siteText } from './site-links.ts'

const pages = new Map([
  ['docs/vault.md', 'vault'],
  ['docs/decisions/README.md', 'decisions/index'],
  ['packages/core/README.md', 'packages/core'],
  ['SECURITY.md', 'security'],
])
const github = 'https://github.com/finchat/secrets'

test.each([
  ['vault.md#lock-out', '/vault#lock-out'],
  ['../packages/core', '/packages/core'],
  ['../packages/core/', '/packages/core'],
  ['../packages/core/README.md#errors', '/packages/core#errors'],
  ['../SECURITY.md', '/security'],
  ['decisions/README.md', '/decisions/'],
  [`${github}/tree/main/packages/core`, '/packages/core'],
  [`${github}/blob/main/docs/vault.md#lock-out`, '/vault#lock-out'],
  ['../packages/core/src/index.ts', `${github}/blob/main/packages/core/src/index.ts`],
  ['../tests/resilience', `${github}/tree/main/tests/resilience`],
  ['#below', '#below'],
  ['https://openbao.org', 'https://openbao.org'],
  ['mailto:a@b.example', 'mailto:a@b.example'],
])('a link %s of a guide leads to %s', (link, expected) => {
  expect(siteLink(link, 'docs', pages)).toBe(expected)
})

test('links are rewritten inline and by label, also around code, and never inside code', () => {
  const text = ['[`vault`](vault.md) and [it][it]', '', '```md', '[a](vault.md)', '```', '`[b](vault.md)`', '', '[it]: vault.md#x'].join(
    '\n',
  )
  const expected = ['[`vault`](/vault) and [it][it]', '', '```md', '[a](vault.md)', '```', '`[b](vault.md)`', '', '[it]: /vault#x'].join(
    '\n',
  )
  expect(siteText('docs/a.md', text, pages).text).toBe(expected)
})

test('a picture is named by its path in the repository, and a chart becomes a part of the page', () => {
  const charts = new Map([['docs/charts/a.svg', '<svg></svg>']])
  const { text, pictures } = siteText('docs/a.md', '![one](fleet.svg)\n\n![two](charts/a.svg)\n', pages, charts)
  expect(text).toBe('![one](/docs/fleet.svg)\n\n<svg></svg>\n')
  expect(pictures).toEqual(['docs/fleet.svg'])
})

test('every document of the site keeps its code, word for word', () => {
  const files = readFiles()
  const code = (text: string): string[] => text.match(/^```[\s\S]*?^```/gm) ?? []
  for (const path of pagesOf(files).keys()) {
    const text = files.get(path) ?? ''
    expect(code(siteText(path, text, pagesOf(files)).text), path).toEqual(code(text))
  }
})
