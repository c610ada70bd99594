import { expect, test } from 'vitest'
import { readFiles } from '../files.ts'
import { menuFaults } from './navigation.ts'
import { pagesOf } from './pages.ts'

test('the menu has every page of the repository, and no other', () => {
  expect(menuFaults(pagesOf(readFiles()).values())).toEqual([])
})

test('a page without a place in the menu is named, and a place without a page', () => {
  const pages = [...pagesOf(readFiles()).values()].filter((page) => page !== 'start')
  expect(menuFaults([...pages, 'forgotten'])).toEqual([
    'forgotten: no group of the menu lists it',
    'the menu lists start, which is no page',
  ])
})

test('a page is where its document says, and what is for contributors alone is none', () => {
  const files = new Map(
    ['docs/a.md', 'docs/decisions/0001-a.md', 'docs/decisions/README.md', 'packages/core/README.md', 'packages/core/CHANGELOG.md'].map(
      (path) => [path, ''],
    ),
  )
  expect([...pagesOf(files).values()]).toEqual(['a', 'decisions/0001-a', 'decisions/index', 'packages/core'])
  expect(pagesOf(new Map([['docs/where-rules-live.md', '']])).size).toBe(0)
})
