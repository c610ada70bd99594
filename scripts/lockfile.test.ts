import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from './files.ts'
import { unpinned } from './lockfile.ts'

const lockfile = (packages: Record<string, string>): string =>
  `lockfileVersion: '9.0'\n\npackages:\n\n${Object.entries(packages)
    .map(([name, resolution]) => `  ${name}:\n    resolution: {${resolution}}\n    engines: {node: '>=20'}\n`)
    .join('\n')}\nsnapshots:\n\n  other@1.0.0: {}\n`

const pinned = lockfile({ "'@scope/a@1.0.0'": 'integrity: sha512-a==', 'b@2.0.0': 'integrity: sha512-b==' })

test('what is pinned by the same hash may be installed, and so may our own tarballs', () => {
  const own = "'@finchat/secrets-core@file:../finchat-secrets-core-0.1.0.tgz'"
  const text = lockfile({ "'@scope/a@1.0.0'": 'integrity: sha512-a==', [own]: 'integrity: sha512-c==, tarball: file:../x.tgz' })
  expect(unpinned(text, pinned)).toEqual([])
})

test.each([
  ['another version', 'b@2.0.1', 'integrity: sha512-b=='],
  ['another hash', 'b@2.0.0', 'integrity: sha512-c=='],
  ['no hash', 'b@2.0.0', 'tarball: https://host.example/b.tgz'],
  ['another package', 'c@1.0.0', 'integrity: sha512-b=='],
  ['a folder', 'b@file:../b', 'directory: ../b, type: directory'],
])('%s is named', (_, name, resolution) => {
  expect(unpinned(lockfile({ "'@scope/a@1.0.0'": 'integrity: sha512-a==', [name]: resolution }), pinned)).toEqual([name])
})

test("this repository's own lockfile gives every package a hash", () => {
  const own = readFileSync(join(root, 'pnpm-lock.yaml'), 'utf8')
  expect(unpinned(own, own)).toEqual([])
  expect(unpinned(own, 'packages:\n').length).toBeGreaterThan(400)
})
