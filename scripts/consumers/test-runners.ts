// Runs a reader's test by each test runner, with the settings that docs/testing-with-jest.md shows.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { faultsOf, inParallel, installProject, managerNamed, timed, type Check, type Versions } from './project.ts'

export const runners: Versions = {
  '@babel/core': '8.1.3',
  '@babel/preset-env': '8.0.7',
  '@babel/preset-typescript': '8.0.7',
  '@swc/core': '1.16.22',
  '@swc/jest': '0.2.39',
  '@types/jest': '30.0.0',
  'babel-jest': '30.5.2',
  jest: '30.5.2',
  mocha: '12.0.3',
  'ts-jest': '29.4.15',
  typescript: '6.0.3',
  vitest: '5.1.0',
}

interface Runner {
  readonly name: string
  readonly files: Readonly<Record<string, string>>
  /** What Node runs. */
  readonly command: readonly string[]
  /** The oldest Node that it promises to work with. */
  readonly node?: number
}

/** The code blocks of the page, in their order. */
export function settingsIn(page: string): Record<'jest' | 'tsJest' | 'tsconfig', string> {
  const blocks = [...page.matchAll(/^```(?:js|json)\n(.*?)^```$/gms)].map(([, code = '']) => code)
  const [jest, tsJest, tsconfig] = blocks
  if (jest === undefined || tsJest === undefined || tsconfig === undefined || blocks.length > 3)
    throw new TypeError('docs/testing-with-jest.md must show settings for jest, for ts-jest, and a tsconfig, and nothing else')
  return { jest, tsJest, tsconfig }
}

/** By default Jest would keep what it compiled in the shared temporary folder. */
const jest = ['../node_modules/jest/bin/jest.js', '--cacheDirectory=compiled']
const babelConfig = "module.exports = { presets: [['@babel/preset-env', { targets: { node: 'current' } }], '@babel/preset-typescript'] }"
const swcConfig = JSON.stringify({ jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'commonjs' } })
const tsconfig = JSON.stringify({ compilerOptions: { module: 'node16', target: 'es2022', strict: true, types: ['jest', 'node'] } })

function runnersOf({ page, entries }: Project): Runner[] {
  const shown = settingsIn(page)
  const withSwc = `${shown.jest}module.exports.transform = { '\\\\.[jt]sx?$': '@swc/jest' }\n`
  const first = { 'first.test.ts': importingTest('', entries) }
  const babel = { 'babel.config.cjs': babelConfig, ...first }
  const jestConfig = 'jest.config.cjs'
  return [
    { name: 'babel-jest', files: { ...babel, [jestConfig]: shown.jest }, command: jest },
    { name: 'babel-jest, no settings', files: babel, command: ['--experimental-vm-modules', ...jest], node: 24 },
    {
      name: '@swc/jest',
      files: { '.swcrc': swcConfig, [jestConfig]: withSwc, ...first },
      command: jest,
    },
    {
      name: 'ts-jest',
      files: { [jestConfig]: shown.tsJest, 'tsconfig.json': tsconfig, 'tsconfig.jest.json': shown.tsconfig, ...first },
      command: jest,
    },
    {
      name: 'vitest',
      files: { 'first.test.ts': importingTest("import { test } from 'vitest'", entries) },
      command: ['../node_modules/vitest/vitest.mjs', 'run'],
    },
    {
      name: 'node:test',
      files: {
        'first.test.mjs': importingTest("import { test } from 'node:test'", entries),
        'second.test.cjs': requiringTest("const { test } = require('node:test')", entries),
      },
      command: ['--test'],
    },
    {
      name: 'mocha',
      files: { 'first.test.mjs': importingTest('', entries), 'second.test.cjs': requiringTest('', entries) },
      command: ['../node_modules/mocha/bin/mocha.js', '--ui', 'qunit', '*.test.*'],
    },
  ]
}

const tested = `
test('a secret is read, and an outage is an error of these packages', async () => {
  const memory = memoryProvider({ secrets: { a: 'one' } })
  const provider = faultyProvider(memory, ({ count }) => (count > 1 ? faults.reject('UNAVAILABLE') : undefined))
  const secrets = createSecretsManager({ providers: [provider, localProvider({ path: ':memory:', key: generateKey() })] })
  equal(await secrets.getSecret('a'), 'one')
  await rejects(secrets.getSecret('b'), SecretsError)
  await secrets.close()
})

test('a read is audited in a folder that a variable names', async () => {
  const folder = mkdtempSync('audit-')
  await initAuditFolder(folder)
  const secrets = secretsManagerFromEnv({}, { audit: auditFromEnv, env: { FINCHAT_AUDIT_FOLDER: folder, A: 'one' } })
  equal(await secrets.getSecret('A'), 'one')
  await secrets.close()
})

test('every entry of every package can be imported', () => {
  for (const [name, entry] of Object.entries(entries)) ok(Object.keys(entry).length > 0, name)
})
`
const names = {
  'node:assert/strict': ['equal', 'ok', 'rejects'],
  'node:fs': ['mkdtempSync'],
  '@finchat/secrets-audit': ['auditFromEnv', 'initAuditFolder'],
  '@finchat/secrets-core': ['createSecretsManager', 'SecretsError', 'secretsManagerFromEnv'],
  '@finchat/secrets-provider-local': ['generateKey', 'localProvider'],
  '@finchat/secrets-testkit': ['faults', 'faultyProvider', 'memoryProvider'],
}

function importingTest(test: string, entries: readonly string[]): string {
  const named = Object.entries(names).map(([from, imported]) => `import { ${imported.join(', ')} } from '${from}'`)
  const whole = entries.map((entry, index) => `import * as entry${index} from '${entry}'`)
  return [
    ...named,
    ...whole,
    test,
    `const entries = { ${entries.map((entry, index) => `'${entry}': entry${index}`).join(', ')} }`,
    tested,
  ].join('\n')
}

function requiringTest(test: string, entries: readonly string[]): string {
  const named = Object.entries(names).map(([from, imported]) => `const { ${imported.join(', ')} } = require('${from}')`)
  const whole = `const entries = { ${entries.map((entry) => `'${entry}': require('${entry}')`).join(', ')} }`
  return [...named, test, whole, tested].join('\n')
}

interface Project {
  readonly folder: string
  /** The text of docs/testing-with-jest.md. */
  readonly page: string
  /** What can be imported of the packages. */
  readonly entries: readonly string[]
  readonly typesOfNode: string
  readonly nodes: Readonly<Record<string, string>>
}

export async function testRunnerChecks(project: Project, tarballs: Versions): Promise<Check[]> {
  const checks: Check[] = []
  for (const name of ['npm', 'pnpm']) {
    const folder = join(project.folder, name)
    const installation = {
      manager: managerNamed(name),
      folder,
      dependencies: { ...tarballs, ...runners, '@types/node': project.typesOfNode },
      tarballs,
    }
    const installed = await timed('install', name, () => installProject(installation))
    checks.push(...(installed.faults.length > 0 ? [installed] : await inParallel(runsIn(project, folder, name))))
  }
  return checks
}

function runsIn(project: Project, folder: string, manager: string): (() => Promise<Check>)[] {
  return runnersOf(project).flatMap((runner) =>
    Object.entries(project.nodes)
      .filter(([version]) => Number.parseInt(version) >= (runner.node ?? 0))
      .map(
        ([version, node]) =>
          () =>
            timed(runner.name, `${manager}, ${version}`, () =>
              run(runner, join(folder, `${runner.name.replaceAll(/\W+/g, '-')}-${version}`), node),
            ),
      ),
  )
}

/** In a folder below the installed one. */
function run({ files, command }: Runner, folder: string, node: string): Promise<string[]> {
  mkdirSync(folder)
  for (const [path, content] of Object.entries(files)) writeFileSync(join(folder, path), content)
  writeFileSync(join(folder, 'package.json'), '{ "private": true }')
  return faultsOf([node, ...command], folder, process.env)
}
