import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { root } from './files.ts'

// A project of one demo on a machine whose npm and pnpm are shell scripts that the test writes.
let project = ''
const machine = (): string => join(project, 'machine-bin')

beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), 'run-test-'))
  for (const script of ['run.mjs', 'toolchain.mjs'])
    write(`scripts/${script}`, '', () => copyFileSync(join(root, 'scripts', script), join(project, 'scripts', script)))
  write('examples/quick-start/src/main.ts', 'const ran: string = "the demo ran"; console.log(ran, ...process.argv.slice(2))')
  write('pnpm-lock.yaml', 'lock')
  mkdirSync(machine())
})
afterEach(() => rmSync(project, { recursive: true }))

function write(path: string, text: string, make: (path: string) => void = (absolute) => writeFileSync(absolute, text)): void {
  mkdirSync(dirname(join(project, path)), { recursive: true })
  make(join(project, path))
}

function program(name: string, script: string): void {
  write(`machine-bin/${name}`, `#!/bin/sh\n${script}\n`)
  chmodSync(join(machine(), name), 0o755)
}

function demo(env: Record<string, string> = {}, argument = 'an argument'): { status: number | null; stdout: string; stderr: string } {
  const PATH = `${machine()}:/bin:/usr/bin`
  const { npm_execpath: _, ...inherited } = process.env
  return spawnSync(process.execPath, ['scripts/run.mjs', 'demo', argument], {
    cwd: project,
    encoding: 'utf8',
    env: { ...inherited, PATH, ...env },
  })
}

const pnpm = 'case "$*" in --version) echo 12.4.2;; *) mkdir -p node_modules/.pnpm; cp pnpm-lock.yaml node_modules/.pnpm/lock.yaml;; esac'
/** Finds the folder behind --prefix and lays pnpm there, whatever the platform's package is called. */
const npmThatDelivers = `
while [ "$1" != --prefix ]; do shift; done
name=\${3%@*}
mkdir -p "$2/node_modules/$name"
cp "$(dirname "$0")/delivered" "$2/node_modules/$name/pnpm"`
const npmThatDies = npmThatDelivers + '\nexit 1'

test('a machine that has everything downloads nothing and says nothing', () => {
  program('pnpm', pnpm)
  write('node_modules/.pnpm/lock.yaml', 'lock')
  expect(demo()).toMatchObject({ status: 0, stdout: 'the demo ran an argument\n', stderr: '' })
  expect(existsSync(join(project, '.toolchain'))).toBe(false)
})

test('--live has a second act follow the first, unless that fails', () => {
  program('pnpm', pnpm)
  write('node_modules/.pnpm/lock.yaml', 'lock')
  write('examples/fallback-chain/src/main.ts', 'console.log("so did the second act"); process.exitCode = 3')
  expect(demo({}, '--live')).toMatchObject({ status: 3, stdout: 'the demo ran --live\nso did the second act\n', stderr: '' })
  write('examples/quick-start/src/main.ts', 'process.exitCode = 2')
  expect(demo({}, '--live')).toMatchObject({ status: 2, stdout: '' })
})

test('what is set up is said in one line', () => {
  program('pnpm', pnpm)
  expect(demo().stderr).toMatch(/^Setting up once, into this folder: the locked dependencies \.\.\. [\d.]+ s\n\n$/)
  expect(demo().stderr).toBe('')
})

test.each(['', 'echo 9.15.0'])('a pnpm that is missing or too old is fetched once (%j)', (old) => {
  program('pnpm', old || 'exit 1')
  program('delivered', pnpm)
  program('npm', npmThatDelivers)
  expect(demo()).toMatchObject({ status: 0, stdout: 'the demo ran an argument\n', stderr: expect.stringContaining('@pnpm/exe.') })
  program('npm', 'exit 1')
  expect(demo()).toMatchObject({ status: 0, stderr: '' })
})

test('a download that fails half-way says in one line what to install, and is not taken for a finished one', () => {
  program('pnpm', 'exit 1')
  program('delivered', pnpm)
  program('npm', npmThatDies)
  for (const _ of ['first', 'second']) {
    const { status, stdout, stderr } = demo()
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
    expect(stderr).toMatch(/^Setting up once.* could not be downloaded: install Node >= 22\.19 and pnpm 12\.4\.2 yourself.*\n$/)
  }
  expect(readdirSync(join(project, '.toolchain'))).toEqual([])
})

test('dependencies that cannot be installed are one line, with the reason', () => {
  program('pnpm', 'case "$*" in --version) echo 12.4.2;; *) echo "Error: ERR_PNPM_OUTDATED_LOCKFILE"; exit 1;; esac')
  expect(demo()).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/^Setting up once.*\(ERR_PNPM_OUTDATED_LOCKFILE\): run `pnpm install`.*\n$/),
  })
})

test("npm's own prefix is not handed on", () => {
  program('pnpm', `echo "$npm_config_prefix$npm_config_local_prefix" >>seen; ${pnpm}`)
  write('node_modules/.pnpm/lock.yaml', 'lock')
  expect(demo({ npm_config_prefix: 'a', npm_config_local_prefix: 'b' })).toMatchObject({ status: 0, stderr: '' })
  expect(spawnSync('cat', ['seen'], { cwd: project, encoding: 'utf8' }).stdout.trim()).toBe('')
})
