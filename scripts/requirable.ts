// What `require` resolves to in a published package: the same ES module that `import` gives, so that
// a process has one copy of each class.
import type { Manifest } from './files.ts'

/**
 * Two small files for each entry, by their paths. TypeScript and tools that judge by a file's name
 * then see CommonJS where a reader requires the entry.
 */
export function requirableFiles({ exports = {} }: Manifest): Record<string, string> {
  const entries = [...JSON.stringify(exports).matchAll(/"\.\/dist\/([\w-]+)\.cjs"/g)].map(([, entry = '']) => entry)
  return Object.fromEntries(
    entries.flatMap((entry) => [
      [`dist/${entry}.cjs`, `module.exports = require('./${entry}.js')\n`],
      [`dist/${entry}.d.cts`, `${suppression}\nexport * from './${entry}.js'\n`],
    ]),
  )
}

/** The types stay those of the ES module: a copy of a class would be another type. */
const suppression = "// @ts-ignore TS1479: TypeScript's `node16` does not know that Node.js 22.12 and later can require an ES module."
