import { existsSync, mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { linkLibraries } from './library-links.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'links-test-'))
  mkdirSync(join(folder, 'native/lib/deep'), { recursive: true })
  writeFileSync(join(folder, 'native/lib/libpq.so.5.18'), 'a library')
})
afterEach(() => rmSync(folder, { recursive: true }))

const list = (links: unknown): void => writeFileSync(join(folder, 'native/pg-symlinks.json'), JSON.stringify(links))
const link = (target: string, source = 'native/lib/libpq.so.5.18'): unknown => ({ source, target })

test('the links of the list are made, relative, and again without harm', () => {
  list([link('native/lib/libpq.so.5'), link('native/lib/libpq.so', 'native/lib/libpq.so.5'), link('native/lib/deep/libpq.so')])
  for (const _ of ['first', 'second']) linkLibraries(folder)
  expect(readlinkSync(join(folder, 'native/lib/libpq.so.5'))).toBe('libpq.so.5.18')
  expect(readlinkSync(join(folder, 'native/lib/deep/libpq.so'))).toBe('../libpq.so.5.18')
  expect(existsSync(join(folder, 'native/lib/libpq.so'))).toBe(true)
})

test('a package without a list has no links', () => {
  linkLibraries(folder)
  expect(readdirSync(join(folder, 'native/lib')).toSorted()).toEqual(['deep', 'libpq.so.5.18'])
})

test.each([
  { source: 'native/lib/libpq.so.5.18', target: 'native/lib/x' },
  [link('lib/libpq.so')],
  [link('native/../libpq.so')],
  [link('../native/libpq.so')],
  [link('native/lib/libpq.so', '/etc/passwd')],
  [link('native/lib/libpq.so', 'native/../../secret')],
  [link('native/lib/lib\0pq.so')],
  [{ target: 'native/lib/libpq.so' }],
  [link('native/lib/good'), null],
  'native/lib',
])('a list that leaves the package, or is none, makes no link at all: %j', (links) => {
  list(links)
  expect(() => linkLibraries(folder)).toThrow('the list of links in the package of PostgreSQL is not understood')
  expect(readdirSync(join(folder, 'native/lib')).toSorted()).toEqual(['deep', 'libpq.so.5.18'])
})
