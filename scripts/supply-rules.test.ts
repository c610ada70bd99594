import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { makeScratch, root } from './files.ts'
import { ownEnvironment } from './npm-package.mjs'
import {
  actionsArePinned,
  noFixedTemporaryName,
  noInstallScripts,
  noUpdateNotices,
  overridesHaveReasons,
  publishingRunsNoDependency,
  turboIsSilent,
} from './supply-rules.ts'

const safe = 'packages: [.]\nignoreScripts: true\n'
const withCode = (code: string, path = 'tools/a/src/a.ts'): ReadonlyMap<string, string> =>
  new Map([
    ['pnpm-workspace.yaml', safe],
    [path, `// a file\n${code}\n`],
  ])

describe('a fixed name in the shared temporary folder is found', () => {
  test.each([
    "const cache = join(tmpdir(), 'compiled')",
    "spawnSync('pnpm', ['--version'], { cwd: tmpdir() })",
    "spawnSync('pnpm', ['--version'], { cwd: os.tmpdir() })",
    'const folder = tmpdir(); mkdtempSync(join(folder, name))',
    "mkdtempSync(join(tmpdir(), 'fixed', 'name-'))",
    "mkdtempSync(join(tmpdir(), 'fixed/name-'))",
    'mkdtempSync(join(tmpdir(), name))',
    "mkdtempSync(resolve(tmpdir(), 'name-'))",
    "import { tmpdir as folder } from 'node:os'",
    "writeFileSync('/tmp/out.txt', text)",
    "writeFileSync('/private/tmp/out.txt', text)",
    'writeFileSync(`/var/tmp/${name}`, text)',
    "const memory = existsSync('/dev/shm') ? '/dev/shm' : folder",
    "execFileSync('sh', ['-c', 'cat >/tmp/out'])",
    "const env = { NODE_COMPILE_CACHE: join(process.env.TMPDIR, 'compiled') }",
    "const env = { NODE_COMPILE_CACHE: join(process.env['TMPDIR'], 'compiled') }",
  ])('%s', (code) => {
    expect(noFixedTemporaryName(withCode(code))).toEqual([expect.stringContaining('tools/a/src/a.ts:2: a fixed name')])
  })

  test.each([
    ['.ci/run', 'log=/tmp/log'],
    ['a/b.sh', 'cp "$1" "$TMPDIR/copy"'],
    ['a/b.sh', 'log=$(mktemp -u)'],
    ['a/b.py', 'open("/tmp/state")'],
    ['a/b.py', 'open(tempfile.gettempdir() + "/state")'],
    ['README.md', 'cp .secrets.db /tmp/backup.db'],
  ])('%s: %s', (path, text) => {
    expect(noFixedTemporaryName(withCode(text, path))).toEqual([expect.stringContaining(`${path}:2:`)])
  })
})

describe('a name of its own is let pass', () => {
  test.each([
    "const folder = mkdtempSync(join(tmpdir(), 'name-'))",
    'const folder = await mkdtemp(join(os.tmpdir(), `${name}-`))',
    "mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'name-'))",
    "const folder = join(root, 'packages/tmp/x')",
    "const folder = join(root, '.cache/tmp')",
    'const { PATH, TMPDIR } = process.env',
  ])('%s', (code) => {
    expect(noFixedTemporaryName(withCode(code))).toEqual([])
  })

  test.each(['log=$(mktemp)', 'see packages/tmp/x', 'https://host.example/tmp/x'])('%s', (text) => {
    expect(noFixedTemporaryName(withCode(text, 'a/b.sh'))).toEqual([])
  })
})

describe('a way for an install script to run is found', () => {
  test.each([
    ['pnpm-workspace.yaml', 'packages: [.]\n'],
    ['pnpm-workspace.yaml', `${safe}allowBuilds:\n  dep: true\n`],
    ['pnpm-workspace.yaml', `${safe}onlyBuiltDependencies: [dep]\n`],
    ['pnpm-workspace.yaml', `${safe}dangerouslyAllowAllBuilds: true\n`],
    ['package.json', '{\n  "scripts": { "postinstall": "node x" }\n}'],
    ['packages/a/package.json', '{ "scripts": { "prepare": "node x" } }'],
    ['package.json', '{\n  "pnpm": {\n    "onlyBuiltDependencies": ["dep"]\n  }\n}'],
    ['.npmrc', 'ignore-scripts=false'],
    ['.pnpmfile.cjs', 'module.exports = {}'],
    ['scripts/a.ts', "run('pnpm', ['install', '--frozen-lockfile'])"],
    ['scripts/a.mjs', "run('npm', [...first, ...['ci', '--no-audit']])"],
    ['scripts/a.ts', "run('npm', ['exec', 'npx', 'left-pad'])"],
    ['scripts/a.ts', "run('python3', ['-m', 'pip', 'install', '--only-binary=:all:', 'moto'])"],
    ['scripts/a.ts', "run('python3', ['-m', 'pip', 'install', '--require-hashes', 'moto'])"],
  ])('in %s: %j', (path, text) => {
    const files = new Map([
      ['pnpm-workspace.yaml', safe],
      [path, text],
    ])
    expect(noInstallScripts(files)).toEqual([expect.stringContaining(`${path}: `)])
  })

  test.each([
    "run('pnpm', ['install', '--frozen-lockfile', '--ignore-scripts'])",
    "run('yarn', ['install', '--mode=skip-build'])",
    "run('python3', ['-m', 'pip', 'install', '--require-hashes', '--only-binary=:all:', '-r', file])",
    "const steps = ['install']",
  ])('and nothing else: %s', (code) => {
    expect(noInstallScripts(withCode(code))).toEqual([])
  })
})

test("under this repository's settings a dependency's install script does not run, though the user's allow all of them", () => {
  const project = makeScratch('scripts-test-')
  onTestFinished(() => rmSync(project, { recursive: true }))
  const write = (path: string, content: unknown): void => {
    mkdirSync(join(project, path, '..'), { recursive: true })
    writeFileSync(join(project, path), JSON.stringify(content))
  }
  copyFileSync(join(root, 'pnpm-workspace.yaml'), join(project, 'pnpm-workspace.yaml'))
  write('package.json', { private: true, dependencies: { dep: 'file:./dep' } })
  write('dep/package.json', { name: 'dep', version: '1.0.0', scripts: { postinstall: `touch ${join(project, 'ran')}` } })
  const env = { ...process.env, pnpm_config_dangerously_allow_all_builds: 'true', npm_config_dangerously_allow_all_builds: 'true' }
  const { status, stdout } = spawnSync('pnpm', ['install', '--offline'], { cwd: project, env, encoding: 'utf8' })
  expect([status, stdout]).toEqual([0, expect.any(String)])
  expect(existsSync(join(project, 'node_modules/dep/package.json'))).toBe(true)
  expect(existsSync(join(project, 'ran'))).toBe(false)
})

test('turbo is started by scripts/build.mjs, and nothing else', () => {
  const started = (text: string, path = 'package.json'): string[] => turboIsSilent(new Map([[path, text]]))
  expect(started('{ "scripts": { "build": "node scripts/build.mjs" }, "devDependencies": { "turbo": "2.11.11" } }')).toEqual([])
  expect(started('{ "scripts": { "build": "turbo run build" } }')).toEqual([expect.stringContaining('sends telemetry')])
  expect(started('      - run: pnpm exec turbo run build', '.github/workflows/ci.yml')).toHaveLength(1)
})

test('pnpm looks for no newer version of itself', () => {
  const settings = (text: string): string[] => noUpdateNotices(new Map([['pnpm-workspace.yaml', text]]))
  expect(settings('packages: []\nupdateNotifier: false\n')).toEqual([])
  expect(settings('packages: []\n')).toEqual(['pnpm-workspace.yaml: lacks updateNotifier: false'])
})

test('npm, started by our scripts, looks for no newer version of itself', () => {
  expect(ownEnvironment()).toMatchObject({ npm_config_update_notifier: 'false' })
})

test('an override without a comment before it is named, and others are not', () => {
  const workspace = (block: string): string[] => overridesHaveReasons(new Map([['pnpm-workspace.yaml', `${block}ignoreScripts: true\n`]]))
  expect(workspace('packages:\n  - docs\n')).toEqual([])
  expect(workspace('overrides:\n  # a 1.0.0 quotes its input in errors\n  a: ^1.0.1\n')).toEqual([])
  expect(workspace('overrides:\n  # a reason\n  a: ^1.0.1\n  b: ^2.0.0\n')).toEqual([expect.stringContaining('b: ^2.0.0')])
})

test.each([
  ['actions/checkout@v6', 1],
  ['actions/checkout@main', 1],
  [`actions/checkout@${'a1'.repeat(20)}`, 0],
  ['./.github/actions/own', 0],
])('the action %s of a workflow has %i faults', (action, count) => {
  expect(actionsArePinned(new Map([['.github/workflows/ci.yml', `    steps:\n      - uses: ${action}\n`]]))).toHaveLength(count)
})

describe('a job that may publish', () => {
  const faults = (permissions: string, step: string, files: Readonly<Record<string, string>> = {}): string[] => {
    const job = `  other:\n    steps:\n      - run: .ci/run\n  publish:\n    permissions:\n      ${permissions}\n    steps:\n      - ${step}\n`
    return publishingRunsNoDependency(new Map([['.github/workflows/release.yml', `jobs:\n${job}`], ...Object.entries(files)]))
  }

  test.each([
    'run: .ci/run',
    'run: npm test',
    'run: npm run release:pack',
    'run: npm ci --ignore-scripts',
    'run: pnpm publish -r',
    'run: npx changeset tag',
    `uses: actions/setup-node@${'a1'.repeat(20)}`,
  ])('runs nothing that is installed: %s', (step) => {
    expect(faults('id-token: write', step)).toEqual([expect.stringContaining('the job publish may publish')])
    expect(faults('contents: read', step)).toEqual([])
  })

  test('may run a program, but none that imports a package, however far away', () => {
    const program = { 'scripts/a.ts': "import './b/c.ts'\nimport { join } from 'node:path'\n", 'scripts/b/c.ts': "import '../a.ts'\n" }
    const foreign = { ...program, 'scripts/b/c.ts': "const pack = await import('tar')\n" }
    const through = { '.ci/x': 'node scripts/a.ts' }
    for (const [step, more] of [
      ['run: node scripts/a.ts folder', {}],
      ['run: .ci/x', through],
    ] as const) {
      expect(faults('id-token: write', step, { ...program, ...more })).toEqual([])
      const named = expect.stringContaining('tar, imported by scripts/b/c.ts')
      expect(faults('id-token: write', step, { ...foreign, ...more })).toEqual([named])
    }
  })
})
