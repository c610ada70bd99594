import { expect, test } from 'vitest'
import { contentsOf, tarballFaults } from './packed-rules.ts'

const paths = [
  'README.md',
  'LICENSE',
  'CHANGELOG.md',
  'package.json',
  'src/index.ts',
  'dist/index.js',
  'dist/index.js.map',
  'dist/index.d.ts',
  'dist/index.d.ts.map',
  'dist/index.cjs',
  'dist/index.d.cts',
  // what entries share
  'dist/shared.js',
  'dist/shared.js.map',
]

test('a whole tarball has no faults', () => {
  expect(tarballFaults(paths, '{ "dependencies": { "a": "^1.0.0" } }')).toEqual([])
})

test.each([
  'README.md',
  'LICENSE',
  'CHANGELOG.md',
  'src/index.ts',
  'dist/index.js.map',
  'dist/index.d.ts',
  'dist/index.d.ts.map',
  'dist/index.cjs',
  'dist/index.d.cts',
  'dist/shared.js.map',
])('one without %s is found', (path) => {
  expect(
    tarballFaults(
      paths.filter((other) => other !== path),
      '{}',
    ),
  ).toEqual([expect.stringContaining(path)])
})

test.each(['src/index.test.ts', 'dist/index.test.d.ts', 'dist/.tsbuildinfo', 'src/testing/stub.ts'])('one with %s is found', (path) => {
  expect(tarballFaults([...paths, path], '{}')).toEqual([`the tarball must not have ${path}`])
})

test.each(['workspace:^', 'catalog:'])('a manifest that still says %s is found', (range) => {
  expect(tarballFaults(paths, `{ "dependencies": { "a": "${range}" } }`)).toEqual([expect.stringContaining(range)])
})

test("a manifest that leads to our sources by our tools' condition is found", () => {
  const manifest = '{ "exports": { ".": { "@finchat/source": "./src/index.ts", "default": "./dist/index.js" } } }'
  expect(tarballFaults(paths, manifest)).toEqual(['the packed manifest says "@finchat/source"'])
})

test('contents are named by folder and kind, and the root and the entries by their names', () => {
  const more = ['src/cache/a.ts', 'src/cache/b.ts', 'dist/cache/a.d.ts', 'dist/cache/a.d.ts.map', 'src/.env', '']
  expect(contentsOf([...paths, ...more])).toEqual([
    'CHANGELOG.md',
    'LICENSE',
    'README.md',
    'dist/*.d.ts',
    'dist/*.d.ts.map',
    'dist/*.js',
    'dist/*.js.map',
    'dist/cache/*.d.ts',
    'dist/cache/*.d.ts.map',
    'dist/index.cjs',
    'dist/index.d.cts',
    'package.json',
    'src/*.env',
    'src/*.ts',
    'src/cache/*.ts',
  ])
})
