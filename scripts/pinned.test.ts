import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from './files.ts'
import { npmSpecs, pipLocks } from './pinned.ts'

test('every package that is fetched from npm has a sha512, and no other is pinned', () => {
  const pins = JSON.parse(readFileSync(join(root, 'scripts/pins.json'), 'utf8')) as Record<string, string> // written by pins:update
  expect(Object.keys(pins)).toEqual([...npmSpecs].toSorted())
  for (const hash of Object.values(pins)) expect(hash).toMatch(/^sha512-[A-Za-z0-9+/]{86}==$/)
})

test.each(pipLocks)('$lock has what is installed, each at one version with the hashes of its files', ({ lock, packages }) => {
  const entries = readFileSync(join(root, lock), 'utf8').replaceAll(' \\\n', ' ').trim().split('\n')
  for (const entry of entries) expect(entry).toMatch(/^[a-z0-9.-]+==[\w.]+( ; [^;]+?)?( +--hash=sha256:[0-9a-f]{64})+$/)
  const pinned = entries.map((entry) => entry.split(' ')[0])
  expect(packages.filter((each) => !pinned.includes(each))).toEqual([])
})
