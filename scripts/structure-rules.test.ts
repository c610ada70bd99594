import { describe, expect, test } from 'vitest'
import { packageFiles, repository } from './fixture.ts'
import * as structure from './structure-rules.ts'

const core = 'packages/core'
const audit = 'packages/audit/src/index.ts'

test('a repository that keeps the rules has no faults', () => {
  const ofThisRepository: readonly structure.Rule[] = [structure.foldersPointDown, structure.foldersAreDescribed]
  const independent = structure.rules.filter((rule) => !ofThisRepository.includes(rule))
  expect(independent.flatMap((rule) => rule(repository()))).toEqual([])
})

test('every rule that is exported is applied', () => {
  const exported = Object.values(structure).filter((member) => typeof member === 'function')
  expect(new Set(structure.rules)).toEqual(new Set(exported))
})

test('a package whose compiler would write code is found', () => {
  const faults = structure.declarationsOnly(repository({ [`${core}/tsconfig.json`]: '{ "extends": "../../tsconfig.base.json" }' }))
  expect(faults).toEqual([expect.stringContaining(`${core}/tsconfig.json`)])
})

describe('the folders of packages', () => {
  test.each(['README.md', 'tsconfig.json', 'src/index.ts'])('must have %s', (path) => {
    expect(structure.sameFolder(repository({ [`${core}/${path}`]: undefined }))).toEqual([expect.stringContaining('is missing')])
  })

  test.each(['vitest.config.ts', 'lib/helper.ts', '.npmrc', 'docs/guide.md'])('must not have %s', (path) => {
    expect(structure.sameFolder(repository({ [`${core}/${path}`]: '' }))).toEqual([`${core}/${path} does not belong in a package`])
  })

  test.each(['CHANGELOG.md', 'docs/report.png'])('may have %s', (path) => {
    expect(structure.sameFolder(repository({ [`${core}/${path}`]: '' }))).toEqual([])
  })
})

test('a package that `tsc -b` does not know is found', () => {
  expect(structure.everythingTypeChecked(repository(packageFiles('cache-keyv')))).toEqual([expect.stringContaining('packages/cache-keyv')])
})

describe('imports', () => {
  const importing = (path: string, specifier: string): string[] =>
    structure.importsRunOneWay(
      repository({
        ...packageFiles('provider-local'),
        'tests/manager/package.json': JSON.stringify({ name: 'manager-tests', private: true }),
        'tests/servers/package.json': JSON.stringify({ name: 'servers', private: true }),
        [path]: `import { x } from '${specifier}'\n`,
      }),
    )

  test.each([
    ['packages/core/src/a.ts', '@finchat/secrets-audit'],
    ['packages/core/src/a.test.ts', '@finchat/secrets-testkit'],
    ['packages/audit/src/a.ts', '@finchat/secrets-testkit'],
    ['packages/audit/src/a.ts', '@finchat/secrets-provider-local'],
    ['packages/audit/src/a.test.ts', '@finchat/secrets-provider-local'],
    ['packages/testkit/src/a.test.ts', '@finchat/secrets-audit'],
    ['packages/provider-local/src/a.ts', 'example-app'],
    ['examples/app/src/main.ts', 'manager-tests'],
    ['tests/manager/src/a.test.ts', 'example-app'],
    ['packages/audit/src/a.ts', '../../core/src/index.ts'],
    ['packages/audit/src/a.ts', 'servers'],
    ['packages/provider-local/src/a.ts', 'servers'],
    ['tests/servers/src/a.ts', '@finchat/secrets-core'],
    ['tests/servers/src/a.test.ts', '../../../packages/core/src/index.ts'],
  ])('of %s must not reach %s', (path, specifier) => {
    expect(importing(path, specifier)).toEqual([expect.stringContaining(specifier)])
  })

  test.each([
    ['packages/audit/src/a.ts', '@finchat/secrets-core'],
    ['packages/audit/src/a.test.ts', '@finchat/secrets-testkit'],
    ['examples/app/src/main.ts', '@finchat/secrets-provider-local'],
    ['tests/manager/src/a.ts', '@finchat/secrets-testkit'],
    ['examples/app/src/main.ts', '@finchat/secrets-audit'],
    ['packages/audit/src/deep/a.ts', '../index.ts'],
    ['packages/audit/src/a.ts', 'node:fs'],
    ['packages/audit/src/a.test.ts', 'servers/vitest'],
    ['packages/core/src/testing/a.ts', 'servers'],
    ['examples/app/src/main.ts', 'servers'],
  ])('of %s may reach %s', (path, specifier) => {
    expect(importing(path, specifier)).toEqual([])
  })

  test('of a package without a place in the layers are not let pass', () => {
    expect(structure.importsRunOneWay(repository(packageFiles('helpers')))).toEqual([expect.stringContaining('give it a layer')])
  })

  test.each(["import x from 'left-pad'", "export * from 'fs'", "const x = await import('left-pad')", "import 'left-pad/sub'"])(
    'that users would lack are found: %s',
    (code) => {
      expect(structure.importsAreDeclared(repository({ [audit]: `${code}\n` }))).toEqual([
        expect.stringContaining('is not among the dependencies'),
      ])
    },
  )

  test('of development dependencies are for tests', () => {
    const files = packageFiles('audit', { devDependencies: { vitest: '1' } })
    const code = "import { test } from 'vitest'\n"
    expect(structure.importsAreDeclared(repository({ ...files, [audit]: code }))).toHaveLength(1)
    expect(structure.importsAreDeclared(repository({ ...files, 'packages/audit/src/index.test.ts': code }))).toEqual([])
  })
})

describe('the folders of a package', () => {
  const lists = { 'packages/audit': ['low', 'high/inner', 'high', '.'], 'packages/core': ['.'], 'packages/testkit': ['.'] }
  const sources = (changes: Record<string, string> = {}): Record<string, string> => ({
    'packages/audit/src/low/a.ts': "import { b } from './b.ts'\n",
    'packages/audit/src/low/b.ts': 'export const b = 1\n',
    'packages/audit/src/high/inner/c.ts': "import type { A } from '../../low/a.ts'\n",
    'packages/audit/src/high/d.ts': "export * from './inner/c.ts'\n",
    'packages/audit/src/index.ts': "export * from './high/d.ts'\n",
    ...changes,
  })
  const faultsWith = (changes: Record<string, string>, folders: Record<string, readonly string[]> = lists): string[] =>
    structure.foldersPointDown(repository(sources(changes)), folders)

  test('may import downward, and each other inside a folder', () => {
    expect(faultsWith({})).toEqual([])
  })

  test.each([
    ['packages/audit/src/low/b.ts', "import { c } from '../high/inner/c.ts'\n"],
    ['packages/audit/src/low/b.ts', "import type {\n  C,\n} from '../high/inner/c.ts'\n"],
    ['packages/audit/src/low/b.ts', "export type C = import('../high/inner/c.ts').C\n"],
    ['packages/audit/src/low/b.ts', "export const load = () => import('../high/d.ts')\n"],
    ['packages/audit/src/high/inner/c.ts', "export * from '../../index.ts'\n"],
  ])('must not import upward: %s, %j', (path, text) => {
    const faults = faultsWith({
      [path]: text,
      'packages/audit/src/low/a.ts': '',
      'packages/audit/src/high/d.ts': '',
      'packages/audit/src/index.ts': '',
    })
    expect(faults).toEqual([expect.stringMatching(`^${path}: must not import packages/audit/src/.*: its folder is higher$`)])
  })

  test.each(["import { a } from './a.ts'\n", "import type { A } from './a.ts'\n"])('must not hold a circle of files: %j', (text) => {
    expect(faultsWith({ 'packages/audit/src/low/b.ts': text })).toEqual([
      'packages/audit: a circle of imports: packages/audit/src/low/a.ts, packages/audit/src/low/b.ts',
    ])
  })

  test('hold at most 15 sources each, not counting tests', () => {
    const numbered = (ending: string, count: number): Record<string, string> =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`packages/audit/src/low/n${index}${ending}`, '']))
    expect(faultsWith({ ...numbered('.ts', 13), ...numbered('.test.ts', 9) })).toEqual([])
    expect(faultsWith(numbered('.ts', 14))).toEqual(['packages/audit/src/low: 16 sources, at most 15'])
  })

  test('are all listed, and all there', () => {
    expect(faultsWith({ 'packages/audit/src/new/e.ts': '' })).toEqual(['packages/audit/src/new: give it a place in `folders`'])
    const tooMany = { ...lists, 'packages/audit': ['low', 'gone', 'high/inner', 'high', '.'] }
    expect(faultsWith({}, tooMany)).toEqual([expect.stringContaining("lists 'gone'")])
    expect(faultsWith({}, { ...lists, 'packages/gone': [] })).toEqual([expect.stringContaining('names packages/gone')])
  })

  test('of test code are free', () => {
    const upward = "import { d } from '../high/d.ts'\n"
    expect(faultsWith({ 'packages/audit/src/low/a.test.ts': upward, 'packages/audit/src/testing/t.ts': upward })).toEqual([])
    const withTesting = { ...lists, 'packages/audit': [...(lists['packages/audit'] ?? []), 'testing'] }
    expect(faultsWith({ 'packages/audit/src/testing/t.ts': '' }, withTesting)).toEqual([])
  })

  test('are listed for every package', () => {
    const { 'packages/audit': _, ...others } = lists
    expect(faultsWith({}, others)).toEqual([expect.stringContaining('packages/audit: list its folders')])
  })
})

describe('documents', () => {
  test.each(['@finchat/secrets-vault', '@finchat/secrets-core/testing'])('must not name %s', (specifier) => {
    expect(structure.documentedPathsExist(repository({ 'README.md': `Use \`${specifier}\`.` }))).toEqual([
      `README.md: there is no '${specifier}'`,
    ])
  })

  test.each([
    '`gone.test.ts`',
    '`src/index.test.ts`',
    '[a file](packages/core/GONE.md)',
    '[a folder](packages/gone/#x)',
    '[own][x]\n\n[x]: https://github.com/finchat/secrets/blob/main/GONE.md',
  ])('must not name %s', (text) => {
    expect(structure.documentedPathsExist(repository({ 'README.md': text }))).toEqual([expect.stringContaining('README.md: there is no')])
  })

  test('may name tests and link to files and folders that exist', () => {
    const text =
      '`a.test.ts`, `core/src/a.test.ts`, [one](../README.md#x), [two](../packages/core), [three](https://a.example/b), [four](#x)'
    const files = repository({ 'docs/a.md': text, 'packages/core/src/a.test.ts': '' })
    expect(structure.documentedPathsExist(files)).toEqual([])
  })

  test('may name the JSON schema that a package publishes, and no other', () => {
    const files = repository({ 'docs/a.md': '"@finchat/secrets-core/src/a.schema.json"', 'packages/core/src/a.schema.json': '{}' })
    expect(structure.documentedPathsExist(files)).toEqual([])
    const gone = repository({ 'docs/a.md': '"@finchat/secrets-core/src/b.schema.json"', 'packages/core/src/a.schema.json': '{}' })
    expect(structure.documentedPathsExist(gone)).toEqual(["docs/a.md: there is no '@finchat/secrets-core/src/b'"])
  })

  test('may name the path of a program, and of no other file', () => {
    const program = packageFiles('cli', { bin: { cli: './dist/main.js' } })
    const faults = (path: string): string[] =>
      structure.documentedPathsExist(repository({ ...program, 'docs/a.md': `node node_modules/@finchat/secrets-cli/${path} check` }))
    expect(faults('dist/main.js')).toEqual([])
    expect(faults('dist/other.js')).toEqual(["docs/a.md: there is no '@finchat/secrets-cli/dist/other'"])
  })

  test('describe each folder of a package', () => {
    const text = '# Architecture\n\n### audit\n\n| `low` | a |\n| `.` | b |\n\n### core\n\n| `high` | c |\n'
    const lists = { 'packages/audit': ['low', 'high', '.', 'testing'] }
    const faults = structure.foldersAreDescribed(repository({ 'ARCHITECTURE.md': text }), lists)
    expect(faults).toEqual(["ARCHITECTURE.md: says nothing of 'high' of packages/audit"])
  })

  test('may speak of all packages', () => {
    expect(structure.documentedPathsExist(repository({ 'README.md': '@finchat/secrets-*, @finchat/secrets-provider-*' }))).toEqual([])
  })
})

test.each([['py', 'pi'].join(''), 'registry.example', 'npm.example'])("a file that names a registry's host is found: %s", (host) => {
  const text = `see https://${host}.org/x`
  expect(structure.noRegistryHost(repository({ '.npmrc': text }))).toEqual([expect.stringContaining('.npmrc')])
})
