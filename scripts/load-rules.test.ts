import { expect, test } from 'vitest'
import { packageFiles, repository } from './fixture.ts'
import { loadsSayWhatFailed, noImportMeta, noUsing } from './load-rules.ts'

const path = 'packages/audit/src/index.ts'
const faultsOf = (code: string, at: string = path): string[] => loadsSayWhatFailed(repository({ [at]: code }))

test('a published source that imports on use must do it by loadOnUse', () => {
  expect(faultsOf("\nexport const load = () => import('keyv')\n")).toEqual([`${path}:2: load it by loadOnUse`])
  expect(faultsOf("await loadOnUse(client, load, 'a'); await import('keyv')")).toHaveLength(1)
  expect(faultsOf("await loadOnUse(\n  client,\n  () => import('keyv'),\n  'a')")).toEqual([])
})

test('but a program loads its own files as it likes, and packages by loadOnUse', () => {
  const program = (code: string, file: string): string[] =>
    loadsSayWhatFailed(repository({ ...packageFiles('cli', { bin: { cli: './dist/main.js' } }), [`packages/cli/src/${file}`]: code }))
  expect(program("await import('./start.ts')", 'main.ts')).toEqual([])
  expect(program("await import('keyv')", 'main.ts')).toHaveLength(1)
  expect(program("await import('./start.ts')", 'start.ts')).toHaveLength(1)
})

test('types, comments, tests and what only tests share may name modules freely', () => {
  expect(faultsOf("type Keyv = typeof import('keyv')\n// import('keyv')\n/**\n * satisfies import('keyv')\n */")).toEqual([])
  for (const at of ['packages/audit/src/x.test.ts', 'packages/audit/src/testing/x.ts']) expect(faultsOf("import('keyv')", at)).toEqual([])
})

test('a published source must not use import.meta, but a program may', () => {
  const code = 'export const here = import.meta.url\n'
  expect(noImportMeta(repository({ [path]: code }))).toEqual([expect.stringContaining(`${path}: import.meta`)])
  expect(noImportMeta(repository({ [path]: '// import.meta\n', 'packages/audit/src/x.test.ts': code }))).toEqual([])
  const program = { ...packageFiles('cli', { bin: { cli: './dist/cli.js' } }), 'packages/cli/src/cli.ts': code }
  expect(noImportMeta(repository(program))).toEqual([])
})

test('a published source must not use `using`, which the oldest Node.js does not know', () => {
  for (const code of ['using file = open()\n', '  await using file = open()\n'])
    expect(noUsing(repository({ [path]: code }))).toEqual([expect.stringContaining(`${path}: \`using\``)])
  expect(noUsing(repository({ [path]: '// using file = x\nconst using = 1\n', 'packages/audit/src/x.test.ts': 'using a = b' }))).toEqual([])
})
