import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { root } from './files.ts'
import { fetchableSpecs } from './toolchain.mjs'

// A project of one demo on a machine whose npm and pnpm are shell scripts that the test writes.
let project = ''
const machine = (): string => join(project, 'machine-bin')

beforeEach(() => {
  project = realpathSync(mkdtempSync(join(tmpdir(), 'run-test-')))
  for (const script of ['run.mjs', 'toolchain.mjs', 'npm-package.mjs', 'pnpm-store.mjs'])
    write(`scripts/${script}`, '', () => copyFileSync(join(root, 'scripts', script), join(project, 'scripts', script)))
  write('examples/quick-start/src/main.ts', 'const ran: string = "the demo ran"; console.log(ran, ...process.argv.slice(2))')
  write('pnpm-lock.yaml', 'lock')
  write('scripts/pins.json', '{}')
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

function environment(env: Record<string, string>): NodeJS.ProcessEnv {
  const { npm_execpath: _, ...inherited } = process.env
  return { ...inherited, PATH: `${machine()}:/bin:/usr/bin`, ...env }
}

interface Ran {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

function demo(env: Record<string, string> = {}, argument = 'an argument'): Ran {
  return task('demo', env, argument)
}

function task(name: string, env: Record<string, string> = {}, ...args: readonly string[]): Ran {
  const options = { cwd: project, encoding: 'utf8', env: environment(env) } as const
  return spawnSync(process.execPath, ['scripts/run.mjs', name, ...args], options)
}

/** What npm will deliver as pnpm for any system, pinned by its own hash or by another. */
function deliver(script: string, hash?: string): void {
  write('delivered/package/pnpm', `#!/bin/sh\n${script}\n`)
  const tarball = join(machine(), 'delivered.tgz')
  spawnSync('tar', ['-czf', tarball, '-C', join(project, 'delivered'), 'package'])
  const own = `sha512-${createHash('sha512').update(readFileSync(tarball)).digest('base64')}`
  write('scripts/pins.json', JSON.stringify(Object.fromEntries(fetchableSpecs.map((spec) => [spec, hash ?? own]))))
}

const text = (path: string): string => readFileSync(join(project, path), 'utf8')
const store = (): string[] => readdirSync(join(project, '.toolchain'))

const pnpm =
  'case "$*" in --version) echo 12.4.2;; *) mkdir -p node_modules/.pnpm; cp pnpm-lock.yaml node_modules/.pnpm/lock.$$; mv -f node_modules/.pnpm/lock.$$ node_modules/.pnpm/lock.yaml;; esac'
/** Finds the folder where the tarball is wanted, whatever the platform's package is called. */
const npmThatDelivers = `
pwd >>"$(dirname "$0")/../npm-ran-in"
while [ "$1" != --pack-destination ]; do shift; done
cp "$(dirname "$0")/delivered.tgz" "$2"`
const npmThatDies = npmThatDelivers + '\nexit 1'

test('a machine that has everything downloads nothing and says nothing', () => {
  program('pnpm', pnpm)
  write('node_modules/.pnpm/lock.yaml', 'lock')
  expect(demo()).toMatchObject({ status: 0, stdout: 'the demo ran an argument\n', stderr: '' })
  expect(existsSync(join(project, '.toolchain'))).toBe(false)
})

test.each([
  ['test', ''],
  ['test:machine', 'machine'],
  ['test:consumers', 'consumers'],
])('npm run %s runs its checks, and ends as they do', (name, argument) => {
  program('pnpm', pnpm)
  write('node_modules/.pnpm/lock.yaml', 'lock')
  write('scripts/check.ts', 'console.log(`checked ${process.argv.slice(2)}`); process.exitCode = 5')
  expect(task(name)).toMatchObject({ status: 5, stdout: `checked ${argument}\n` })
})

test('--live has a second act follow the first, unless that fails', () => {
  program('pnpm', pnpm)
  write('node_modules/.pnpm/lock.yaml', 'lock')
  write('tests/examples/src/fallback-chain/main.ts', 'console.log("so did the second act"); process.exitCode = 3')
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
  deliver(pnpm)
  program('npm', npmThatDelivers)
  expect(demo()).toMatchObject({ status: 0, stdout: 'the demo ran an argument\n', stderr: expect.stringContaining('@pnpm/exe.') })
  program('npm', 'exit 1')
  expect(demo()).toMatchObject({ status: 0, stderr: '' })
})

test('a download that fails half-way says in one line what to install, and is not taken for a finished one', () => {
  program('pnpm', 'exit 1')
  deliver(pnpm)
  program('npm', npmThatDies)
  for (const _ of ['first', 'second']) {
    const { status, stdout, stderr } = demo()
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
    expect(stderr).toMatch(/^Setting up once.* could not be downloaded: status 1: install Node >= 22\.19 and pnpm 12\.4\.2 yourself.*\n$/)
  }
  expect(store()).toEqual([])
})

test.each([
  ['another', `sha512-${'A'.repeat(86)}==`, /is not what scripts\/pins\.json pins: its hash is sha512-.*It was not unpacked/],
  ['no', '', /has no hash in scripts\/pins\.json/],
])('a download that is pinned by %s hash is neither unpacked nor run', (_, hash, message) => {
  program('pnpm', 'exit 1')
  deliver('touch ran', hash)
  if (hash === '') write('scripts/pins.json', '{}')
  program('tar', 'touch "$(dirname "$0")/../unpacked"')
  program('npm', npmThatDelivers)
  expect(demo()).toMatchObject({ status: 1, stdout: '', stderr: expect.stringMatching(message) })
  expect([store(), existsSync(join(project, 'unpacked')), existsSync(join(project, 'ran'))]).toEqual([[], false, false])
})

test.each([
  ['npm', 'echo "npm error code ENOSPC" >&2; echo "npm error nospc No space left" >&2; exit 1', 'downloaded: nospc No space left'],
  ['tar', 'echo "tar: Wrote only 1" >&2; echo "tar: No space left on device" >&2; exit 2', 'unpacked: tar: No space left on device'],
])('a disk that fills up under %s is named, and nothing half is kept', (name, script, reason) => {
  program('pnpm', 'exit 1')
  deliver(pnpm)
  program('npm', npmThatDelivers)
  program(name, script)
  expect(demo()).toMatchObject({ status: 1, stderr: expect.stringContaining(reason) })
  expect(store()).toEqual([])
  rmSync(join(machine(), name))
  program('npm', npmThatDelivers)
  expect(demo()).toMatchObject({ status: 0, stdout: 'the demo ran an argument\n' })
})

test('a folder that cannot be written is named in one line', () => {
  program('pnpm', 'exit 1')
  deliver(pnpm)
  program('npm', npmThatDelivers)
  write('.toolchain', 'a file, in which no folder can be made')
  const { status, stderr } = demo()
  expect([status, stderr]).toEqual([1, expect.stringMatching(/^Setting up once.* could not be kept in .*\.toolchain \(ENOTDIR\): .*\n$/)])
})

test('what a killed run has left is not used, and goes when no run can be at it any more', () => {
  program('pnpm', 'exit 1')
  deliver(pnpm)
  program('npm', `${npmThatDelivers}; kill -9 $PPID`)
  demo()
  const [left = ''] = store()
  expect(left).toMatch(/^unfinished-/)
  program('npm', npmThatDelivers)
  expect(demo()).toMatchObject({ status: 0, stdout: 'the demo ran an argument\n' })
  expect(store()).toContain(left)
  rmSync(join(project, '.toolchain', store().find((name) => name.startsWith('pnpm-')) ?? ''), { recursive: true })
  utimesSync(join(project, '.toolchain', left), 0, 0)
  expect(demo()).toMatchObject({ status: 0 })
  expect(store()).toEqual([expect.stringMatching(/^pnpm-exe\./)])
})

test('two runs that download at once both get it', async () => {
  program('pnpm', 'exit 1')
  deliver(pnpm)
  program('npm', `touch "$0.$$"; while [ "$(ls "$0".* | wc -l)" -lt 2 ]; do sleep 0.01; done\n${npmThatDelivers}`)
  const runs = [1, 2].map(
    () =>
      new Promise((resolve) => {
        const child = spawn(process.execPath, ['scripts/run.mjs', 'demo'], { cwd: project, env: environment({}), stdio: 'ignore' })
        child.on('close', resolve)
      }),
  )
  expect(await Promise.all(runs)).toEqual([0, 0])
  expect(store()).toEqual([expect.stringMatching(/^pnpm-exe\./)])
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
  expect(text('seen').trim()).toBe('')
})

test('nothing that others may have put in the temporary folder, or above, is looked for', () => {
  write('shared/.pnpmfile.cjs', '')
  program('pnpm', `pwd >>"${project}/pnpm-ran-in"; case "$*" in --version) exit 1;; esac`)
  deliver(`pwd >>"${project}/pnpm-ran-in"; ${pnpm}`)
  program('npm', npmThatDelivers)
  expect(demo({ TMPDIR: join(project, 'shared') })).toMatchObject({ status: 0 })
  expect(text('pnpm-ran-in')).toBe(`${project}\n${project}\n`)
  expect(text('npm-ran-in')).toMatch(/^\S+\/\.toolchain\/unfinished-\w{6}\/download-\w{6}\n$/)
  expect(readdirSync(join(project, 'shared'))).toEqual(['.pnpmfile.cjs'])
})

test.each(['', '.', 'planted'])('a folder on the PATH that depends on where one stands is not searched: %j', (relative) => {
  program('pnpm', pnpm)
  for (const name of ['pnpm', 'npm', 'node']) write(`planted/${name}`, '#!/bin/sh\ntouch "$(dirname "$0")/ran"\n')
  for (const name of ['pnpm', 'npm', 'node']) chmodSync(join(project, 'planted', name), 0o755)
  if (relative !== 'planted') for (const name of ['pnpm', 'node']) copyFileSync(join(project, 'planted', name), join(project, name))
  expect(demo({ PATH: `${relative}:${machine()}:/bin:/usr/bin` })).toMatchObject({ status: 0, stdout: 'the demo ran an argument\n' })
  expect([existsSync(join(project, 'planted/ran')), existsSync(join(project, 'ran'))]).toEqual([false, false])
})

test('no program takes compiled code from the temporary folder', () => {
  write('ask.cjs', 'console.error(require("node:module").enableCompileCache().status)')
  program('pnpm', `"${process.execPath}" ask.cjs 2>>seen; ${pnpm}`)
  expect(demo()).toMatchObject({ status: 0 })
  expect(text('seen')).toBe('3\n3\n') // constants.compileCacheStatus.DISABLED
})
