import { expect, test } from 'vitest'
import { linkFaults, slugOf } from './anchors.ts'

test.each([
  ['What to allow', 'what-to-allow'],
  ['`canServe`', 'canserve'],
  ['`backup`, `restore`, `reencrypt`', 'backup-restore-reencrypt'],
  ['PostgreSQL with `pg`', 'postgresql-with-pg'],
  ['Step 1: C++ & _more_', 'step-1-c--_more_'],
])('the anchor of %s is that of GitHub', (heading, slug) => {
  expect(slugOf(heading)).toBe(slug)
})

const page = (links: string, id = 'x'): string => `<h2 id="${id}">x</h2>${links}`

test('a link to a page, to a folder and to an anchor is found', () => {
  const links = '<a href="/b.html#x">b</a><a href="/c/">c</a><a href="#x">x</a><a href="https://a.example/y#z">y</a>'
  const pages = new Map([
    ['a.html', page(links)],
    ['b.html', page('')],
    ['c/index.html', page('<a href="../a.html#x">a</a>')],
  ])
  expect(linkFaults(pages)).toEqual([])
})

test('a link to no page and one to no anchor are named with the page that has them', () => {
  const pages = new Map([
    ['a.html', page('<a href="/none.html">n</a><a href="/b.html#y">y</a>')],
    ['b.html', page('')],
  ])
  expect(linkFaults(pages)).toEqual(["a.html: there is no page '/none.html'", "a.html: there is no anchor '/b.html#y'"])
})
