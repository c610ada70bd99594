import { expect, test } from 'vitest'
import { requirableFiles } from './requirable.ts'

const entry = (name: string): object => ({
  require: { types: `./dist/${name}.d.cts`, default: `./dist/${name}.cjs` },
  types: `./dist/${name}.d.ts`,
  default: `./dist/${name}.js`,
})
const exports = { '.': entry('index'), './signing-keys': entry('signing-keys'), './package.json': './package.json' }

test('each entry gets the code that `require` loads, and its types', () => {
  expect(Object.keys(requirableFiles({ name: 'a', exports }))).toEqual([
    'dist/index.cjs',
    'dist/index.d.cts',
    'dist/signing-keys.cjs',
    'dist/signing-keys.d.cts',
  ])
})

test('both lead to the ES module, which has the only copy', () => {
  const files = requirableFiles({ name: 'a', exports })
  expect(files['dist/signing-keys.cjs']).toBe("module.exports = require('./signing-keys.js')\n")
  expect(files['dist/signing-keys.d.cts']).toMatch(/^\/\/ @ts-ignore .*\nexport \* from '\.\/signing-keys\.js'\n$/)
})

test('a package without entries gets none', () => {
  expect(requirableFiles({ name: 'a', bin: { x: './dist/x.js' } })).toEqual({})
})
