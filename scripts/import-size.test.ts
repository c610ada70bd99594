import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { filesImported, gzippedSize } from './import-size.ts'

const random = randomBytes(3_000).toString('hex')
const built: Readonly<Record<string, string>> = {
  'dist/index.js': 'import { a } from "./shared.js";\nimport fs from "node:fs";\nexport const later = () => import("./engine.js");\n',
  'dist/shared.js': 'import { b } from "./names.js";\nexport const a = b;\n',
  'dist/names.js': 'export { index } from "./index.js";\n',
  'dist/engine.js': `import "./shared.js";\nexport const text = "${random}";\n`,
}
const read = (path: string): string => built[path] ?? ''

test('an import reads the parts of its entry and theirs, each once, and what is loaded later is not among them', () => {
  expect(filesImported('dist/index.js', read)).toEqual(['dist/index.js', 'dist/shared.js', 'dist/names.js'])
})

test('its size is that of all these files, compressed', () => {
  expect(gzippedSize('dist/index.js', read)).toBeLessThan(200)
  expect(gzippedSize('dist/engine.js', read)).toBeGreaterThan(3_000)
})
