import { expect, test } from 'vitest'
import { importsOf } from './imports.ts'

test.each([
  ["import a from 'x'", ['x']],
  ["import type { A } from 'x'", ['x']],
  ["export * from './x.ts'", ['./x.ts']],
  ["import 'x'", ['x']],
  ["import {\n  a,\n  b,\n} from 'x'", ['x']],
  ["const a = await import('x'), b = require('y')", ['x', 'y']],
  ["process.getBuiltinModule('node:sqlite')", ['node:sqlite']],
])('finds what %j imports', (source, expected) => {
  expect(importsOf(source)).toEqual(expected)
})

test.each([" * import a from 'x'", "// import('x')", "export type A = Pick<B, 'x'>", "const from = 'x'"])(
  'finds nothing in %j',
  (source) => {
    expect(importsOf(source)).toEqual([])
  },
)
